"""All matches of a source at once: what every shard then reads, and which texts must stay in one split.

Two pairs that share a text, on whichever side, belong to one group, and so to one split: a text that is one unit's
match is a unit itself, and may be the match of others. Groups are therefore the connected components of the graph
whose nodes are texts and whose edges are matches, over the whole source, whatever part of it is then built.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.errors import RecipeError
from contrafact.sources import open_source
from contrafact.stages import Source
from generators.text.concept.concepts import Concept, Texts
from generators.text.concept.nearest import Match, Side, Wanted, nearest_matches
from generators.text.concept.placebos import placebo_matches
from generators.text.corpora import CORPORA, SentenceCorpus, open_corpus
from generators.text.tasks import TextTask
from generators.text.words import words

__all__ = ["Matched", "matched", "open_pool", "open_texts", "whole_of"]

_GRADES = ("negative", "neutral", "positive")
_READ = 8192
_EMBEDDED = 4096


@dataclass(frozen=True)
class Matched:
    """A source and a pool, with the matches between them.

    Attributes
    ----------
    units, pool : Texts
    targets : list of tuple of int
        Codes of the values that each unit is to get; empty where there is none.
    found : list of list of list of Match
        By unit and target.
    groups : list of str
        Group of each unit.
    placebos : list of list of list of Match or None
        One for each match, where they were asked for.
    """

    units: Texts
    pool: Texts
    targets: Sequence[tuple[int, ...]]
    found: Sequence[Sequence[Sequence[Match]]]
    groups: Sequence[str]
    placebos: Sequence[Sequence[Sequence[Match | None]]] = ()


def open_texts(name: str, concepts: Sequence[Concept], field: str) -> SentenceCorpus:
    """A corpus that a package carries. Its labels are in the column of the first concept that has one.

    Raises
    ------
    RecipeError, MissingDependencyError
        As :func:`generators.text.corpora.open_corpus`.
    """
    labelled = next((each for each in concepts if each.column is not None), None)
    label, values = ("label", _GRADES) if labelled is None else (str(labelled.column), labelled.values)
    return open_corpus(name, TextTask("classification", (field,), field, label, values))


def open_pool(name: str, concepts: Sequence[Concept], field: str, folder: Path) -> Source:
    """A corpus by name, or a table by its path. Raises ``DataError`` for a file that cannot be read."""
    if name.partition(":")[0] in CORPORA:
        return open_texts(name, concepts, field)
    return open_source(name, folder)


def whole_of(source: Source, read: Callable[[pa.Table, Engines], Texts], limit: int, engines: Engines) -> Texts:
    """All texts of a source, a stretch at a time.

    Raises
    ------
    RecipeError
        For a source without an end, or with more than ``limit`` texts.
    """
    rows = source.rows()
    if not rows or rows > limit:
        raise RecipeError(
            f"matching compares all texts with each other, and there are {'endlessly many' if rows is None else rows}",
            allowed=f"1 to {limit:,} (generator.pool_rows)",
            fix="give a smaller source or pool, or set generator.pool_rows: its memory and time are yours",
        )
    parts = [read(source.read(start, min(start + _READ, rows)), engines) for start in range(0, rows, _READ)]
    return Texts(
        [each for part in parts for each in part.ids],
        [each for part in parts for each in part.texts],
        np.concatenate([part.codes for part in parts]),
        [each for part in parts for each in part.groups],
        [each for part in parts for each in part.errors],
        parts[0].annotated,
    )


def matched(
    units: Texts,
    pool: Texts,
    targets: Sequence[tuple[int, ...]],
    wanted: Wanted,
    name: str,
    engines: Engines,
    fixed: Sequence[int] | None = None,
) -> Matched:
    """Every match of every unit and target, and the groups that follow from them.

    Parameters
    ----------
    fixed : sequence of int, optional
        Places of the concepts that a placebo beside each match shares with the unit; no placebos unless given.
    """
    nodes = _Nodes()
    left = nodes.side(units, engines)
    right = left if pool is units else nodes.side(pool, engines)
    asked = [(row, target) for row, each in enumerate(targets) for target in each if units.errors[row] is None]
    rows, codes = np.array(asked, dtype=np.int64).reshape(-1, 2).T
    candidates = _distinct(right, wanted.concept)
    mine, theirs = left.take(rows), right.take(candidates)
    matches = nearest_matches(mine, codes, theirs, wanted)
    found: list[list[list[Match]]] = [[[] for _ in each] for each in targets]
    placebos: list[list[list[Match | None]]] = [[[] for _ in each] for each in targets]
    none: list[list[Match | None]] = [[] for _ in asked]
    beside = none if fixed is None else placebo_matches(mine, matches, theirs, wanted, fixed)
    for (row, target), each, others in zip(asked, matches, beside, strict=True):
        place = targets[row].index(target)
        found[row][place] = [replace(match, row=int(candidates[match.row])) for match in each]
        placebos[row][place] = [m and replace(m, row=int(candidates[m.row])) for m in others]
    used = [[*chain(*of_unit), *filter(None, chain(*others))] for of_unit, others in zip(found, placebos, strict=True)]
    edges = [(left.nodes[row], right.nodes[match.row]) for row, each in enumerate(used) for match in each]
    groups = nodes.components([*edges, *_joined(left), *_joined(right)], name)
    of_units = [groups[node] if node >= 0 else unit for node, unit in zip(left.nodes, units.ids, strict=True)]
    return Matched(units, pool, targets, found, of_units, placebos)


def _distinct(side: Side, concept: int) -> NDArray[np.int64]:
    """Rows that can be used, the first of each text and value; shape (m,)."""
    rows = np.flatnonzero(side.nodes >= 0)
    _, first = np.unique(np.column_stack([side.nodes, side.codes[:, concept]])[rows], axis=0, return_index=True)
    return rows[np.sort(first)]


def _joined(side: Side) -> Iterator[tuple[int, int]]:
    """Edges between texts that the source groups."""
    first: dict[int, int] = {}
    for group, node in zip(side.groups.tolist(), side.nodes.tolist(), strict=True):
        if group >= 0 and node >= 0:
            yield first.setdefault(group, node), node


class _Nodes:
    """Distinct texts by number, in the order in which they were first seen; those of the same words are one."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._groups: dict[str, int] = {}

    def side(self, texts: Texts, engines: Engines) -> Side:
        """Units, or a pool, with their vectors; rows that cannot be used have node -1 and a vector of zeros."""
        good = [row for row, error in enumerate(texts.errors) if error is None]
        said = [str(texts.texts[row]) for row in good]
        nodes = np.full(len(texts), -1, dtype=np.int64)
        nodes[good] = [self._numbers.setdefault(_words_of(text), len(self._numbers)) for text in said]
        vectors = np.zeros((len(texts), engines.embedder.encode(said[:1]).shape[1] if said else 1), dtype=np.float32)
        for start in range(0, len(said), _EMBEDDED):
            vectors[good[start : start + _EMBEDDED]] = engines.embedder.encode(said[start : start + _EMBEDDED])
        groups = [-1 if each is None else self._groups.setdefault(each, len(self._groups)) for each in texts.groups]
        return Side(vectors, texts.codes, nodes, np.array(groups, dtype=np.int64))

    def components(self, edges: Sequence[tuple[int, int]], name: str) -> list[str]:
        """Name of each text's component: the least hash in it."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        hashes = [hashlib.blake2b(text.encode(), digest_size=8).hexdigest() for text in self._numbers]
        ends = np.array(edges, dtype=np.int64).reshape(-1, 2)
        graph = coo_array((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(len(hashes),) * 2)
        labels = connected_components(graph, directed=False)[1] if hashes else []
        least: dict[int, str] = {}
        for label, digest in zip(labels, hashes, strict=True):
            least[int(label)] = min(digest, least.get(int(label), digest))
        return [f"{name}:{least[int(label)]}" for label in labels]


def _words_of(text: str) -> str:
    return " ".join(words(text)) or text
