"""Intervals over seeds and over groups of held-out pairs at once: both were drawn, and both could have been others.

The pigeonhole bootstrap (Owen 2007, Annals of Applied Statistics 1) draws rows and columns of the table seeds × groups
independently, with replacement, and takes their product as weights. For means it errs on the side of wide intervals.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Figure", "Tally", "Weights", "draw_weights", "figure_of", "measured"]


@dataclass(frozen=True)
class Tally:
    """A measure of one student: sums by group of held-out pairs, of which a mean is made.

    Attributes
    ----------
    sums, counts : ndarray of float64, shape (h, g)
        For each of h parts (one but for worst-group measures) and g groups.
    least : bool
        Which part stands for all: the least, or the greatest.
    """

    sums: NDArray[np.float64]
    counts: NDArray[np.float64]
    least: bool = True

    @classmethod
    def of(
        cls,
        values: NDArray[np.float64],
        groups: NDArray[np.int64],
        size: int,
        *,
        weights: NDArray[np.float64] | None = None,
        parts: NDArray[np.int64] | None = None,
        least: bool = True,
    ) -> Tally:
        """Tally values, shape (n,), by their groups (numbers below ``size``) and parts (-1 is in none)."""
        part = np.zeros(len(values), dtype=np.int64) if parts is None else parts
        kept = part >= 0
        width = int(part.max(initial=0)) + 1
        place = (part * size + groups)[kept]
        heavy = np.ones(len(values)) if weights is None else weights
        sums = np.bincount(place, weights=values[kept].astype(np.float64), minlength=width * size)
        counts = np.bincount(place, weights=heavy[kept].astype(np.float64), minlength=width * size)
        return cls(sums.reshape(width, size).astype(np.float64), counts.reshape(width, size).astype(np.float64), least)

    def at(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """The measure under weights of groups, shape (draws, g). Shape (draws,); NaN where nothing is left."""
        with np.errstate(divide="ignore", invalid="ignore"):
            means = (weights @ self.sums.T) / (weights @ self.counts.T)
        if means.shape[1] == 1:
            return np.asarray(means[:, 0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # all parts of a draw may be empty
            return np.asarray((np.nanmin if self.least else np.nanmax)(means, axis=1))


@dataclass(frozen=True)
class Weights:
    """Drawn weights.

    Attributes
    ----------
    groups : ndarray of float64, shape (draws, g)
    seeds : ndarray of float64, shape (draws, s)
        Rows sum to 1.
    """

    groups: NDArray[np.float64]
    seeds: NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A measure, and the interval that holds ``level`` of what was drawn."""

    value: float
    low: float
    high: float


def draw_weights(groups: int, seeds: int, draws: int, rng: np.random.Generator) -> Weights:
    """Weights of ``draws`` bootstrap samples."""
    of_groups = rng.multinomial(groups, np.full(groups, 1 / groups), size=draws).astype(np.float64)
    of_seeds = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws) / seeds
    return Weights(of_groups, of_seeds)


def measured(tallies: Sequence[Tally], weights: Weights) -> tuple[float, NDArray[np.float64]]:
    """The mean over seeds of a measure, and the same of each bootstrap sample, shape (draws,).

    Parameters
    ----------
    tallies : sequence of Tally
        One a seed, over the same groups.
    """
    whole = np.ones((1, weights.groups.shape[1]))
    value = float(np.mean([each.at(whole)[0] for each in tallies]))
    drawn = np.stack([each.at(weights.groups) for each in tallies], axis=1)
    return value, np.asarray((drawn * weights.seeds).sum(axis=1))


def figure_of(value: float, drawn: NDArray[np.float64], level: float) -> Figure:
    """Percentile interval around a value; draws that have none are left out."""
    known = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(known):
        return Figure(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Figure(value, float(low), float(high))
