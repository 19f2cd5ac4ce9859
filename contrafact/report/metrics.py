"""Metrics side by side. They conflict, and no number here says how good a dataset is.

Rank correlations tell which scores say the same, disagreements which filters turn away different pairs, and the Pareto
set which pairs no other beats on every score that counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = [
    "Disagreement",
    "RankCorrelation",
    "directions",
    "disagreements",
    "pareto_set",
    "rank_correlations",
    "verdicts",
]

Scores = Mapping[str, NDArray[np.float64]]
Verdicts = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True)
class RankCorrelation:
    """How far two scores put pairs into the same order.

    Attributes
    ----------
    rho : float
        Spearman's, −1 to 1; NaN where fewer than three pairs have both, or one of them does not vary.
    pairs : int
        Pairs that have both.
    """

    one: str
    other: str
    rho: float
    pairs: int


@dataclass(frozen=True)
class Disagreement:
    """Two filters' verdicts on the same pairs.

    Attributes
    ----------
    both, only_one, only_other, neither : int
        Pairs that both turned away, only one did, only the other, none.
    kappa : float
        Cohen's (1960): agreement beyond chance; NaN where chance alone agrees always.
    """

    one: str
    other: str
    both: int
    only_one: int
    only_other: int
    neither: int

    @property
    def differ(self) -> float:
        """Share of pairs on which the two disagree."""
        whole = self.both + self.only_one + self.only_other + self.neither
        return (self.only_one + self.only_other) / whole if whole else float("nan")

    @property
    def kappa(self) -> float:
        whole = self.both + self.only_one + self.only_other + self.neither
        if not whole:
            return float("nan")
        one, other = (self.both + self.only_one) / whole, (self.both + self.only_other) / whole
        chance = one * other + (1 - one) * (1 - other)
        return (1 - self.differ - chance) / (1 - chance) if chance < 1 else float("nan")


def rank_correlations(scores: Scores) -> list[RankCorrelation]:
    """Spearman's rank correlation (1904) of every two scores, over the pairs that have both; ties share a mean rank.

    Parameters
    ----------
    scores : mapping of name to ndarray of float64, shape (n,)
        NaN where a pair has none.
    """
    names = list(scores)
    return [
        _correlation(one, other, scores[one], scores[other])
        for place, one in enumerate(names)
        for other in names[place + 1 :]
    ]


def _correlation(one: str, other: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> RankCorrelation:
    both = np.isfinite(x) & np.isfinite(y)
    count = int(np.count_nonzero(both))
    if count < 3:
        return RankCorrelation(one, other, float("nan"), count)
    ranks = [_ranks(values[both]) for values in (x, y)]
    left, right = (each - each.mean() for each in ranks)
    size = float(np.sqrt((left**2).sum() * (right**2).sum()))
    return RankCorrelation(one, other, float((left * right).sum() / size) if size > 0 else float("nan"), count)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1; equal values have the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[inverse], dtype=np.float64)


def verdicts(reasons: pa.Array, filters: Sequence[str]) -> dict[str, NDArray[np.bool_]]:
    """Which pairs each filter turned away: those that have a reason of its own, first or not. Arrays of shape (n,)."""
    flat, owner = reasons.flatten(), pc.list_parent_indices(reasons).to_numpy()
    found = {}
    for name in filters:
        turned = np.zeros(len(reasons), dtype=bool)
        turned[owner[pc.starts_with(flat, f"{name}: ").to_numpy(zero_copy_only=False)]] = True
        found[name] = turned
    return found


def disagreements(turned_away: Verdicts, judged: NDArray[np.bool_] | None = None) -> list[Disagreement]:
    """Every two filters that turned any pair away.

    Parameters
    ----------
    turned_away : mapping of name to ndarray of bool, shape (n,)
    judged : ndarray of bool, shape (n,), optional
        Pairs that filters saw: those that could be made. All by default.
    """
    seen = {name: turned if judged is None else turned[judged] for name, turned in turned_away.items()}
    names = [name for name, turned in seen.items() if turned.any()]
    return [
        Disagreement(
            one,
            other,
            int(np.count_nonzero(seen[one] & seen[other])),
            int(np.count_nonzero(seen[one] & ~seen[other])),
            int(np.count_nonzero(~seen[one] & seen[other])),
            int(np.count_nonzero(~seen[one] & ~seen[other])),
        )
        for place, one in enumerate(names)
        for other in names[place + 1 :]
    ]


def directions(scores: Scores, turned_away: Verdicts) -> dict[str, int]:
    """Whether more of a score is better (1) or worse (−1), learnt from what its own filter turned away.

    A score that no filter drew a line on, or whose line runs on both sides, has no direction: it is left out.
    """
    found: dict[str, int] = {}
    for name, values in scores.items():
        # Of the aliases ``like`` and ``like_2`` the longer one owns ``like_2_cosine``.
        owner = max((each for each in turned_away if name == each or name.startswith(f"{each}_")), key=len, default="")
        if not owner:
            continue
        known = np.isfinite(values)
        kept, lost = values[known & ~turned_away[owner]], values[known & turned_away[owner]]
        if len(kept) and len(lost):
            way = _side(kept, lost)
            if way:
                found[name] = way
    return found


def _side(kept: NDArray[np.float64], lost: NDArray[np.float64]) -> int:
    """1 where a pair that was kept nearly always scores higher than one that was lost, −1 for lower, else 0.

    The share of (kept, lost) with the higher one kept is the area under the ROC curve (Mann and Whitney 1947).
    """
    ranks = _ranks(np.concatenate([kept, lost]))
    above = float(ranks[: len(kept)].sum() - len(kept) * (len(kept) + 1) / 2) / (len(kept) * len(lost))
    return 1 if above >= 0.9 else -1 if above <= 0.1 else 0


def pareto_set(scores: Scores, better: Mapping[str, int]) -> NDArray[np.int64]:
    """Rows that no other row beats: none is at least as good on every score of ``better``, and better on one.

    Parameters
    ----------
    better : mapping of name to {1, -1}
        Scores that count, and whether more or less is better. Rows that lack one are left out.

    Returns
    -------
    ndarray of int64
        Rows in order; empty where no score counts. Of rows that are equal on all, every one is in.
    """
    if not better:
        return np.empty(0, dtype=np.int64)
    values = np.column_stack([scores[name] * way for name, way in better.items()])
    rows = np.flatnonzero(np.isfinite(values).all(axis=1))
    points, inverse = np.unique(values[rows], axis=0, return_inverse=True)
    kept = np.zeros(len(points), dtype=bool)
    front, found = np.empty((64, points.shape[1])), 0
    # From the best by the sum downwards: whoever beats a point has a greater sum and was looked at before it.
    for place in np.argsort(-_scaled(points).sum(axis=1), kind="stable"):
        point = points[place]
        if (front[:found] >= point).all(axis=1).any():
            continue
        if found == len(front):
            front = np.concatenate([front, np.empty_like(front)])
        front[found] = point
        found, kept[place] = found + 1, True
    return np.asarray(rows[kept[inverse.ravel()]], dtype=np.int64)


def _scaled(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each column as ranks, so that sums compare: strictly greater where a point beats another."""
    return np.column_stack([_ranks(column) for column in points.T]) if len(points) else points
