"""What a student got right on held-out pairs, tallied by group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.evaluation.bootstrap import Tally

__all__ = ["BETTER", "NAMES", "UNJUDGED", "HeldOut", "class_tallies", "number_tallies"]

BETTER = {"mae": -1, "effect error": -1, "worst-group mae": -1, "pairs reversed": -1}
"""Measures of which less is better; of all others more is."""

UNJUDGED = frozenset({"pair accuracy", "pairs reversed", "consistency", "effect error"})
"""Measures of which guessing is not worth the same to every student, so that a difference alone proves no gain.

A student that gives both members one answer gets no pair right, one that casts dice a quarter of them, and has learned
no more. Where the edit says nothing of the label, pairs are right as often as they are reversed: their difference is
judged in place of either.
"""

NAMES = {
    "accuracy": "facts that were told right",
    "counterfactual accuracy": "counterfactuals that were told right",
    "pair accuracy": "pairs of which both members were told right",
    "pairs reversed": "pairs of which each member was given the other's label",
    "net pair accuracy": "pair accuracy less pairs reversed: 0 for any way of guessing",
    "consistency": "counterfactuals told right, among pairs whose fact was",
    "sensitivity": "how far the probabilities move the way the labels do, where labels move",
    "invariance": "edits that move no label (and controls) under which the answer stayed",
    "worst-group accuracy": "members told right in the group where that is least",
    "r2": "share of the variance of facts' values that is told",
    "mae": "mean absolute error of facts' values",
    "effect error": "mean absolute error of the difference that the edit makes",
    "effect direction": "edits that move the value, of which the direction was told right",
    "worst-group mae": "mean absolute error of members in the group where that is greatest",
}
"""The measures, and what each is."""


@dataclass(frozen=True)
class HeldOut:
    """Held-out rows: n pairs and controls, of g groups.

    Attributes
    ----------
    groups : ndarray of int64, shape (n,)
        Numbers below ``size``.
    unit : ndarray of bool, shape (n,)
        The first row of each unit, whose factual counts.
    target : ndarray of bool, shape (n,)
        Pairs, no controls.
    labels : tuple of two ndarrays, shape (n,)
        Of the factual and the counterfactual: codes, or numbers.
    parts : tuple of two ndarrays of int64, shape (n,)
        Which group of the worst-group measure either member is in; -1 for one too small to count.
    """

    groups: NDArray[np.int64]
    size: int
    unit: NDArray[np.bool_]
    target: NDArray[np.bool_]
    labels: tuple[NDArray[Any], NDArray[Any]]
    parts: tuple[NDArray[np.int64], NDArray[np.int64]]

    def tally(self, values: NDArray[Any], rows: NDArray[np.bool_], weights: NDArray[Any] | None = None) -> Tally | None:
        """Tally values of some rows; None where there is no such row."""
        if not rows.any():
            return None
        heavy = None if weights is None else weights[rows].astype(np.float64)
        return Tally.of(values[rows].astype(np.float64), self.groups[rows], self.size, weights=heavy)

    def worst(self, values: tuple[NDArray[Any], NDArray[Any]], *, least: bool) -> Tally | None:
        """Tally both members of pairs by the named groups."""
        rows = self.target
        parts = np.concatenate([each[rows] for each in self.parts])
        if not (parts >= 0).any():
            return None
        both = np.concatenate([each[rows] for each in values]).astype(np.float64)
        return Tally.of(both, np.tile(self.groups[rows], 2), self.size, parts=parts, least=least)


def class_tallies(
    held: HeldOut, factual: NDArray[np.float64], counterfactual: NDArray[np.float64]
) -> dict[str, Tally | None]:
    """Measures of a classifier.

    ``pair accuracy`` is the share of pairs with both members right: pairwise contrast accuracy of VISION (2025) and
    PrimeVul, pairwise accuracy of DualityVidQA (arXiv 2512.24271). ``pairs reversed`` is PrimeVul's share of pairs with
    exchanged answers, and ``net pair accuracy`` the difference: see :data:`UNJUDGED`. ``consistency`` is the share of
    counterfactuals told right among pairs whose fact was: what a model that knows the fact makes of the edit.
    ``sensitivity`` is DISCO's (Chen et al. 2023, arXiv 2212.10534): the mean of ((p'[y'] - p[y']) + (p[y] - p'[y])) / 2
    for distributions p, p' and labels y, y' of fact and counterfactual. ``worst-group accuracy`` is the least over
    groups (Sagawa et al. 2020; VISION).

    Parameters
    ----------
    factual, counterfactual : ndarray of float64, shape (n, k)
        Probabilities.

    Returns
    -------
    dict
        None where there is no row that a measure is of.
    """
    rows = np.arange(len(factual))
    (fact, other), (one, another) = held.labels, (factual.argmax(axis=1), counterfactual.argmax(axis=1))
    right = one == fact, another == other
    both = right[0] & right[1]
    moved = fact != other
    exchanged = moved & (one == other) & (another == fact)
    toward = counterfactual[rows, other] - factual[rows, other]
    away = factual[rows, fact] - counterfactual[rows, fact]
    return {
        "accuracy": held.tally(right[0], held.unit),
        "counterfactual accuracy": held.tally(right[1], held.target),
        "pair accuracy": held.tally(both, held.target),
        "pairs reversed": held.tally(exchanged, held.target & moved),
        "net pair accuracy": held.tally(both.astype(float) - exchanged, held.target),
        "consistency": held.tally(both, held.target, weights=right[0]),
        "sensitivity": held.tally((toward + away) / 2, held.target & moved),
        "invariance": held.tally(one == another, ~moved),
        "worst-group accuracy": held.worst(right, least=True),
    }


def number_tallies(
    held: HeldOut, factual: NDArray[np.float64], counterfactual: NDArray[np.float64]
) -> dict[str, Tally | None]:
    """Measures of a regression.

    ``effect error`` compares the difference that the edit makes with the one that is predicted, the individual effect
    ICaCE of CEBaB (Abraham et al. 2022, arXiv 2205.14140) where the label is the outcome.

    Parameters
    ----------
    factual, counterfactual : ndarray of float64, shape (n,)
        Predicted values.
    """
    fact, other = held.labels
    errors = np.abs(factual - fact), np.abs(counterfactual - other)
    spread = (fact - fact[held.unit].mean()) ** 2
    effect, told = other - fact, counterfactual - factual
    return {
        # 1 - SSE / SST is a ratio of sums: (SST - SSE) / SST.
        "r2": held.tally(spread - errors[0] ** 2, held.unit, weights=spread),
        "mae": held.tally(errors[0], held.unit),
        "effect error": held.tally(np.abs(told - effect), held.target),
        # Half a point for no effect: saying nothing is worth what guessing is.
        "effect direction": held.tally((1 + np.sign(told) * np.sign(effect)) / 2, held.target & (effect != 0)),
        "worst-group mae": held.worst(errors, least=False),
    }
