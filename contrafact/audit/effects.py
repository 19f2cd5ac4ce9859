"""Target effect against control effect: whether a model reacts to what was changed, or to there being a change.

After "Compared to What?" (arXiv 2605.01048), with p, p' and p° a model's probabilities of the factual, under the target
edit and under the control, y the label that the pair has and y' the one that it claims:

======== ===================================== ===================================================== =================
measure  of one edit                           tested                                                unit
======== ===================================== ===================================================== =================
flip     argmax p' is not argmax p             McNemar's exact test, one pair a group                share
jsd      Jensen-Shannon divergence of p and p' t of the mean difference, its error by groups         bits
counter  p'[y'] − p[y']                        the same                                              probability
natural  p[y] − p'[y]                          the same                                              probability
======== ===================================== ===================================================== =================

Every difference (target − control) has a percentile interval from a bootstrap over groups: pairs of one unit are not
independent. t tests that difference, in which each pair weighs the same. McNemar's test takes the first pair of each
group, since pairs of one unit are not independent for it either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.audit.correction import Correction, corrected
from contrafact.audit.outcomes import Outcomes
from contrafact.audit.statistics import Grouped, bootstrap_interval, bootstrap_means, mcnemar, t_test
from contrafact.streams import Streams

__all__ = ["MEASURES", "Family", "effects_of", "families_of", "firsts", "jensen_shannon", "measured", "measures_of"]

_LEAST = 20
_TINY = 1e-300

Pairwise = Callable[[Outcomes, NDArray[np.float64]], NDArray[np.float64]]


def jensen_shannon(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Jensen-Shannon divergence of rows, in bits, from 0 to 1 (Lin 1991, eq. 4.1). Shape (n,)."""
    middle = (one + other) / 2
    parts = [each * (np.log2(np.maximum(each, _TINY)) - np.log2(np.maximum(middle, _TINY))) for each in (one, other)]
    return np.asarray(np.clip(sum(part.sum(axis=1) for part in parts) / 2, 0.0, 1.0), dtype=np.float64)


def _flip(data: Outcomes, after: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(after.argmax(axis=1) != data.fact.argmax(axis=1), dtype=np.float64)


def _counter(data: Outcomes, after: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = np.arange(len(data))
    return np.asarray(after[rows, data.claimed] - data.fact[rows, data.claimed])


def _natural(data: Outcomes, after: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = np.arange(len(data))
    return np.asarray(data.fact[rows, data.label] - after[rows, data.label])


MEASURES: Mapping[str, Pairwise] = {
    "flip": _flip,
    "jsd": lambda data, after: jensen_shannon(data.fact, after),
    "counter": _counter,
    "natural": _natural,
}
"""What is measured of an edit, by name: ``measure(outcomes, probabilities after it)``, shape (n,)."""


def measures_of(data: Outcomes) -> list[str]:
    """Measures that tell something of these outcomes: of two labels one rises as the other falls."""
    once = data.fact.shape[1] == 2 and bool((data.label != data.claimed).all())
    return [name for name in MEASURES if not (once and name == "natural")]


@dataclass(frozen=True)
class Family:
    """Pairs that are tested together: all, or those of one operation.

    Attributes
    ----------
    rows : ndarray of int64, shape (m,)
        Of the outcomes.
    """

    name: str
    rows: NDArray[np.int64]


def measured(data: Outcomes, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A measure of the target edits and of the controls, each of shape (n,)."""
    return MEASURES[name](data, data.target), MEASURES[name](data, data.control)


def effects_of(
    data: Outcomes, streams: Streams, alpha: float, correction: Correction, draws: int
) -> list[dict[str, Any]]:
    """Every test of one model: all pairs, and each operation that has pairs of 20 groups or more.

    Parameters
    ----------
    draws : int
        Of each bootstrap.

    Returns
    -------
    list of dict
        ``family``, ``measure``, ``test``, ``pairs``, ``groups``, ``tested``, ``target``, ``control``, ``difference``,
        ``low``, ``high``, ``statistic``, ``p``, ``p_corrected``, ``significant``.
    """
    found = [_tested(data, family, measure, streams, 1 - alpha, draws)
             for family in families_of(data) for measure in measures_of(data)]  # fmt: skip
    values = corrected(np.array([each["p"] for each in found], dtype=np.float64), correction)
    return [{**each, "p_corrected": float(value), "significant": bool(value <= alpha)}
            for each, value in zip(found, values, strict=True)]  # fmt: skip


def families_of(data: Outcomes) -> Iterator[Family]:
    """All pairs, then each operation with pairs of 20 groups or more where there are several."""
    yield Family("all", np.arange(len(data)))
    names = sorted(set(data.family.tolist()))
    for name in names if len(names) > 1 else ():
        rows = np.flatnonzero(data.family == name)
        if len(np.unique(data.groups[rows])) >= _LEAST:
            yield Family(str(name), rows)


def _tested(data: Outcomes, family: Family, measure: str, streams: Streams, level: float, draws: int) -> dict[str, Any]:
    target, control = (each[family.rows] for each in measured(data, measure))
    _, groups = np.unique(data.groups[family.rows], return_inverse=True)
    values = Grouped.of(target - control, groups)
    rng = streams.generator("bootstrap", data.model, family.name, measure)
    low, high = bootstrap_interval(bootstrap_means(values, draws, rng), level)
    told: dict[str, Any] = {
        "family": family.name,
        "measure": measure,
        "pairs": len(target),
        "groups": len(values.sums),
        "target": float(target.mean()),
        "control": float(control.mean()),
        "difference": values.mean,
        "low": low,
        "high": high,
    }
    if measure != "flip":
        statistic, chance = (float(each) for each in t_test(values.sums, values.counts))
        return {**told, "test": "t", "tested": len(values.sums), "statistic": statistic, "p": chance}
    first = firsts(groups)
    only, other, chance = mcnemar(target[first] > 0, control[first] > 0)
    return {**told, "test": "mcnemar", "tested": len(first), "statistic": only - other, "p": chance,
            "only_target": only, "only_control": other}  # fmt: skip


def firsts(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first row of each group."""
    return np.asarray(np.unique(groups, return_index=True)[1], dtype=np.int64)
