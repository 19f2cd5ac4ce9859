"""Paired statistics on groups of pairs: a group (the pairs of one unit, say) is what was drawn independently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Grouped",
    "binomial_interval",
    "bootstrap_interval",
    "bootstrap_means",
    "mcnemar",
    "mcnemar_table",
    "t_test",
]

_AT_ONCE = 4_000_000  # weights held in memory
_ROUNDING = 1e-24  # of squares, against those of the values


@dataclass(frozen=True)
class Grouped:
    """Values summed by group.

    Attributes
    ----------
    sums : ndarray of float64, shape (g,)
    counts : ndarray of int64, shape (g,)
    """

    sums: NDArray[np.float64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, values: NDArray[np.float64], groups: NDArray[np.int64]) -> Grouped:
        """``groups`` are numbers from 0 without a gap, one a value."""
        size = int(groups.max()) + 1 if len(groups) else 0
        counts = np.bincount(groups, minlength=size)
        return cls(np.asarray(np.bincount(groups, weights=values, minlength=size), dtype=np.float64), counts)

    @property
    def mean(self) -> float:
        """Mean of all values."""
        return float(self.sums.sum() / self.counts.sum()) if len(self.sums) else float("nan")


def bootstrap_means(values: Grouped, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Means over groups drawn with replacement (Efron 1979; whole groups, after Davison and Hinkley 1997, section 3.8).

    Returns
    -------
    ndarray of float64, shape (draws,)
    """
    groups = len(values.sums)
    step = max(1, _AT_ONCE // max(groups, 1))
    parts = []
    for start in range(0, draws, step):
        weights = rng.multinomial(groups, np.full(groups, 1 / groups), size=min(step, draws - start))
        parts.append((weights @ values.sums) / (weights @ values.counts))
    return np.concatenate(parts)


def bootstrap_interval(means: NDArray[np.float64], level: float) -> tuple[float, float]:
    """Percentile interval that holds ``level`` of the drawn means."""
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def t_test(sums: NDArray[np.float64], counts: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Student's t of the mean of all values, which groups are drawn for, against 0; along the last axis.

    The mean is a ratio, sum of sums by sum of counts, and its error that of its linearisation (Cochran 1977, section
    6.4). Where all groups are of one size that is the common t of their means.

    Parameters
    ----------
    sums, counts : ndarray, shape (..., g)
        Of each group.

    Returns
    -------
    statistic, chance : ndarray of float64, shape (...)
        The p value has two sides. Groups that all agree have none: (0, 1) where they agree on 0, else an infinite
        statistic; NaN for fewer than two groups.
    """
    from scipy import stats

    size = sums.shape[-1]
    if size < 2:
        none = np.full(sums.shape[:-1], np.nan)
        return none, none
    total = counts.sum(axis=-1)
    mean = sums.sum(axis=-1) / total
    squares = ((sums - mean[..., None] * counts) ** 2).sum(axis=-1)
    # Groups that agree leave what rounding does.
    squares = np.where(squares <= _ROUNDING * (sums**2).sum(axis=-1), 0.0, squares)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = mean / (np.sqrt(squares * size / (size - 1)) / total)
    statistic = np.where(squares > 0, statistic, np.where(mean == 0, 0.0, np.copysign(np.inf, mean)))
    return statistic, np.asarray(2 * stats.t.sf(np.abs(statistic), size - 1))


def mcnemar(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> tuple[int, int, float]:
    """McNemar's exact test: how often only ``one`` is true, only ``other`` is, and the two-sided binomial p value."""
    first, second = int(np.count_nonzero(one & ~other)), int(np.count_nonzero(other & ~one))
    return first, second, float(mcnemar_table(first + second)[first])


def mcnemar_table(discordant: int) -> NDArray[np.float64]:
    """The p value of each number, 0 to ``discordant``, of pairs that differ one way. Shape (discordant + 1,)."""
    from scipy import stats

    ways = np.arange(discordant + 1)
    tail = stats.binom.cdf(np.minimum(ways, discordant - ways), discordant, 0.5)
    return np.asarray(np.minimum(1.0, 2 * tail), dtype=np.float64)


def binomial_interval(hits: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a share (Clopper and Pearson 1934)."""
    from scipy import stats

    found = stats.binomtest(hits, trials).proportion_ci(level, method="exact")
    return float(found.low), float(found.high)
