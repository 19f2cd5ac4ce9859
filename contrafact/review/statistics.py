"""What marks say: precision with an interval, agreement of two reviewers, and where a threshold could be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, nan, sqrt

import numpy as np
from numpy.typing import NDArray

__all__ = ["Kappa", "Share", "Threshold", "bins", "cohen_kappa", "suggest_threshold", "wilson"]

_FEW_BINS = 5


@dataclass(frozen=True)
class Share:
    """A share of marked pairs that are right.

    Attributes
    ----------
    low, high : float
        Wilson's interval; 0 and 1 where nothing was marked.
    """

    right: int
    wrong: int
    unclear: int
    low: float
    high: float

    @classmethod
    def of(cls, marks: Mapping[str, int] | Sequence[str], level: float = 0.95) -> Share:
        """From marks, or from their counts."""
        counts = marks if isinstance(marks, Mapping) else {each: list(marks).count(each) for each in set(marks)}
        right, wrong = counts.get("right", 0), counts.get("wrong", 0)
        return cls(right, wrong, counts.get("unclear", 0), *wilson(right, right + wrong, level))

    @property
    def precision(self) -> float:
        """Right among right and wrong; NaN where there is neither. What was unclear says nothing."""
        judged = self.right + self.wrong
        return self.right / judged if judged else nan


@dataclass(frozen=True)
class Kappa:
    """Agreement of two reviewers on the pairs that both marked.

    Attributes
    ----------
    kappa : float
        Cohen's: agreement beyond chance; NaN where chance alone agrees always.
    low, high : float
        Of its interval.
    agreed : float
        Share of the pairs with the same mark.
    """

    one: str
    other: str
    pairs: int
    agreed: float
    kappa: float
    low: float
    high: float


@dataclass(frozen=True)
class Threshold:
    """A line on a score beyond which reviewed pairs are right often enough.

    Attributes
    ----------
    way : str
        ``>=`` or ``<=``: which side is kept.
    share : Share
        Of the marked pairs that are kept.
    kept : float
        Share of the marked pairs that are kept.
    """

    score: str
    way: str
    value: float
    share: Share
    kept: float


def wilson(hits: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share that holds for few trials and shares near 0 and 1 (Wilson 1927; Brown et al. 2001)."""
    if not trials:
        return 0.0, 1.0
    from scipy import stats

    found = stats.binomtest(hits, trials).proportion_ci(level, method="wilson")
    return float(found.low), float(found.high)


def cohen_kappa(one: Sequence[str], other: Sequence[str], names: tuple[str, str], level: float = 0.95) -> Kappa:
    """Cohen's kappa (1960) with the interval of its large-sample error (Fleiss, Cohen and Everitt 1969, equation 13).

    Parameters
    ----------
    one, other : sequence of str
        Marks of the two reviewers on the same pairs, in the same order.
    """
    from scipy import stats

    size = len(one)
    if not size:
        return Kappa(*names, 0, nan, nan, nan, nan)
    kinds = sorted({*one, *other})
    table = np.zeros((len(kinds), len(kinds)))
    for left, right in zip(one, other, strict=True):
        table[kinds.index(left), kinds.index(right)] += 1 / size
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    agreed, chance = float(np.trace(table)), float(rows @ columns)
    if chance >= 1 - 1e-12:
        return Kappa(*names, size, agreed, nan, nan, nan)
    kappa = (agreed - chance) / (1 - chance)
    error = _kappa_error(table, rows, columns, agreed, chance) / sqrt(size)
    reach = float(stats.norm.ppf((1 + level) / 2)) * error
    return Kappa(*names, size, agreed, kappa, max(-1.0, kappa - reach), min(1.0, kappa + reach))


def _kappa_error(
    table: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64], agreed: float, chance: float
) -> float:
    """Standard error of kappa for one pair."""
    diagonal = np.diag(table)
    first = float((diagonal * ((1 - chance) - (rows + columns) * (1 - agreed)) ** 2).sum())
    beside = columns[:, None] + rows[None, :]
    second = (1 - agreed) ** 2 * float((table * beside**2).sum() - (diagonal * np.diag(beside) ** 2).sum())
    third = (agreed * chance - 2 * chance + agreed) ** 2
    return sqrt(max(0.0, first + second - third)) / (1 - chance) ** 2


def bins(values: NDArray[np.float64], most: int = _FEW_BINS) -> list[tuple[float, float]]:
    """Ranges with about as many values each, both ends inside; one range a value where there are few different ones."""
    known = np.unique(values[np.isfinite(values)])
    if len(known) <= most:
        return [(float(each), float(each)) for each in known]
    edges = np.quantile(values[np.isfinite(values)], np.linspace(0, 1, most + 1))
    found: list[tuple[float, float]] = []
    for low, high in pairwise(edges):
        inside = known[(known > found[-1][1]) & (known <= high)] if found else known[(known >= low) & (known <= high)]
        if len(inside):
            found.append((float(inside[0]), float(inside[-1])))
    return found


def suggest_threshold(
    score: str, values: NDArray[np.float64], right: NDArray[np.bool_], wanted: float, level: float = 0.95
) -> Threshold | None:
    """The line that keeps most marked pairs while the lower end of their Wilson interval reaches what is wanted.

    The line is chosen by the marks that then praise it, and is too hopeful for that: mark some pairs beyond it afresh
    before leaning on it.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        The score of each marked pair; those without one are left out.
    right : ndarray of bool, shape (n,)
        Which of them are right; unclear ones are not among them.

    Returns
    -------
    Threshold or None
        None where no line does.
    """
    known = np.isfinite(values)
    values, right = values[known], right[known]
    best: Threshold | None = None
    for way, sign in ((">=", -1.0), ("<=", 1.0)):
        order = np.argsort(sign * values, kind="stable")
        hits = np.cumsum(right[order])
        sorted_values = values[order]
        for place in np.flatnonzero(np.append(sorted_values[1:] != sorted_values[:-1], True))[::-1]:
            size = int(place) + 1
            low, high = wilson(int(hits[place]), size, level)
            if low < wanted:
                continue
            share = Share(int(hits[place]), size - int(hits[place]), 0, low, high)
            if best is None or size / len(values) > best.kept:
                best = Threshold(score, way, float(sorted_values[place]), share, size / len(values))
            break
    return best if best is None or isfinite(best.value) else None
