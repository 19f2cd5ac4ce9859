"""The K real texts nearest to each unit that have another value of one concept, and the same values of others.

Every unit is compared with every text that may be its match, exactly. Cosines are computed in float64 and rounded to
six decimals; of equal ones the earlier text of the pool comes first. What is held in memory at a time is the vectors of
the pool and one block of cosines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Match", "Side", "Wanted", "nearest_matches"]

_UNITS, _CANDIDATES = 512, 8192
_APART = 4.0  # more than any difference of two cosines, so that fewer broken confounders always come first

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Side:
    """Units, or the pool.

    Attributes
    ----------
    vectors : ndarray of float32, shape (n, d)
        Unit vectors.
    codes : ndarray of int64, shape (n, concepts)
    nodes, groups : ndarray of int64, shape (n,)
        Which text a row is, and which group it belongs to (-1 for none): no row is matched with its own.
    """

    vectors: NDArray[np.float32]
    codes: Codes
    nodes: Codes
    groups: Codes

    def take(self, rows: Codes) -> Side:
        """Some of the rows."""
        return Side(self.vectors[rows], self.codes[rows], self.nodes[rows], self.groups[rows])


@dataclass(frozen=True)
class Wanted:
    """What a match must be.

    Attributes
    ----------
    concept : int
        Place of the concept that changes.
    held : tuple of int
        Places of those that are to be equal.
    strict : bool
        Whether a text in which one of them differs is no match at all.
    k : int
    least, most : float
        Cosines between which a match lies: below it says something else, above it says the same.
    """

    concept: int
    held: tuple[int, ...]
    strict: bool
    k: int
    least: float = -1.0
    most: float = 1.0


@dataclass(frozen=True, slots=True)
class Match:
    """A text of the pool: its row there, the cosine to the unit, and places of the held concepts that differ."""

    row: int
    cosine: float
    broken: tuple[int, ...]


def nearest_matches(units: Side, targets: Codes, pool: Side, wanted: Wanted) -> list[list[Match]]:
    """At most ``k`` matches of each unit, best first: fewest broken confounders, then nearest.

    Parameters
    ----------
    targets : ndarray of int64, shape (n,)
        The value that each unit's match must have of the concept.
    """
    found: list[list[Match]] = [[] for _ in targets]
    for rows, candidates in _cells(units.codes, targets, pool.codes, wanted):
        for start in range(0, len(rows), _UNITS):
            block = rows[start : start + _UNITS]
            for row, matches in zip(block, _of_block(units.take(block), pool, candidates, wanted), strict=True):
                found[int(row)] = matches
    return found


def _cells(units: Codes, targets: Codes, pool: Codes, wanted: Wanted) -> Iterator[tuple[Codes, Codes]]:
    """Rows of units that have the same candidates, with these: equal target, and where strict equal confounders."""
    equal = list(wanted.held) if wanted.strict else []
    asked = np.column_stack([targets, units[:, equal]])
    there = np.column_stack([pool[:, wanted.concept], pool[:, equal]])
    kinds, members = np.unique(asked, axis=0, return_inverse=True)
    for kind, values in enumerate(kinds):
        yield np.flatnonzero(members.ravel() == kind), np.flatnonzero((there == values).all(axis=1))


def _of_block(units: Side, pool: Side, candidates: Codes, wanted: Wanted) -> list[list[Match]]:
    best: list[list[tuple[float, int, float]]] = [[] for _ in units.nodes]
    vectors = units.vectors.astype(np.float64)
    held = list(wanted.held)
    for start in range(0, len(candidates), _CANDIDATES):
        rows = candidates[start : start + _CANDIDATES]
        there = pool.take(rows)
        cosines = np.round(vectors @ there.vectors.astype(np.float64).T, 6)
        order = cosines.copy()
        for place in held if not wanted.strict else ():
            order -= _APART * (units.codes[:, place, None] != there.codes[None, :, place])
        own = units.nodes[:, None] == there.nodes[None, :]
        own |= (units.groups[:, None] == there.groups[None, :]) & (units.groups[:, None] >= 0)
        order[own | (cosines < wanted.least) | (cosines > wanted.most)] = -np.inf
        for unit, top in enumerate(_top(order, wanted.k)):
            best[unit] += [(-order[unit, each], int(rows[each]), float(cosines[unit, each])) for each in top]
    chosen = [sorted(each)[: wanted.k] for each in best]
    return [
        [
            Match(row, cosine, tuple(place for place in held if units.codes[unit, place] != pool.codes[row, place]))
            for _, row, cosine in each
        ]
        for unit, each in enumerate(chosen)
    ]


def _top(order: NDArray[np.float64], k: int) -> Iterator[Sequence[int]]:
    """Places of the ``k`` largest of each row that are not -inf, ties in the order of places."""
    width = order.shape[1]
    edges = np.partition(order, width - k, axis=1)[:, width - k] if width > k else np.full(len(order), -np.inf)
    for row, edge in zip(order, edges, strict=True):
        places = np.flatnonzero((row >= edge) & np.isfinite(row))
        yield places[np.argsort(-row[places], kind="stable")][:k].tolist()
