"""The audit audited: how often it finds an effect where there is none, and where one was planted.

A/A: within each group target and control are exchanged by a fair coin, for all of its pairs together, and the tests
that were reported run again, of every family and measure on the same exchange. Then neither arm is special and every
rejection is a false positive; their share should be the nominal level, and may be lower for McNemar's test, whose p
values are discrete. Power: groups are drawn with replacement, arms exchanged, and an effect of a known size added to
what is now called the target.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.audit.correction import Correction, corrected
from contrafact.audit.effects import Family, families_of, firsts, measured, measures_of
from contrafact.audit.outcomes import Outcomes
from contrafact.audit.statistics import Grouped, binomial_interval, mcnemar_table, t_test
from contrafact.streams import Streams

__all__ = ["PLANTED", "aa_run", "power_run"]

PLANTED = (0.02, 0.05, 0.1, 0.2)
"""Effects that are planted: share of pairs that flip besides, and probability by which ``counter`` rises."""

_AT_ONCE = 2_000_000
_RESAMPLED = 1000  # bootstrap draws within one A/A run
_SHARED = 50  # A/A runs that share them
_LEVEL = 0.99  # of intervals of false positives: there is one a test, and each may alarm by chance


def aa_run(
    data: Outcomes, streams: Streams, alpha: float, correction: Correction, runs: int
) -> dict[str, Any]:  # fmt: skip
    """False positives over ``runs`` random exchanges of the arms.

    Returns
    -------
    dict
        ``runs``, ``alpha``, ``tests`` (for each family, measure and test ``rejected``, ``rate``, ``low``, ``high`` and
        ``verdict``: nominal, conservative or liberal) and ``any``, the same for at least one corrected p value.
    """
    groups = int(data.groups.max()) + 1
    signs = 2 * streams.generator("aa", data.model).integers(2, size=(runs, groups), dtype=np.int8) - 1
    found = [each for family in families_of(data) for each in _placebos(data, family, signs, 1 - alpha, streams)]
    # The tests that effects_of corrects together, and no other.
    together = np.column_stack([chances for _, _, chances, _ in found])
    told = []
    for family, measure, chances, outside in found:
        name = {"family": family, "measure": measure}
        told.append({**name, "test": "mcnemar" if measure == "flip" else "t", **_rate(chances <= alpha, alpha)})
        told.append({**name, "test": "bootstrap interval", **_rate(outside, alpha)})
    any_ = (corrected(together, correction) <= alpha).any(axis=1)
    return {"runs": runs, "alpha": alpha, "tests": told, "any": _rate(any_, alpha)}


def _placebos(
    data: Outcomes, family: Family, signs: NDArray[np.int8], level: float, streams: Streams
) -> Iterator[tuple[str, str, NDArray[np.float64], NDArray[np.bool_]]]:
    """Of each measure: family, measure, p value of each exchange, and whether 0 is outside its interval."""
    names = measures_of(data)
    numbers, groups = np.unique(data.groups[family.rows], return_inverse=True)
    arms = [[arm[family.rows] for arm in measured(data, name)] for name in names]
    values = [Grouped.of(target - control, groups) for target, control in arms]
    rng = streams.generator("aa bootstrap", data.model, family.name)
    outside = _outside(values, signs[:, numbers], level, rng)
    for name, (target, control), each, out in zip(names, arms, values, outside, strict=True):
        if name == "flip":
            first = firsts(groups)
            chances = _flip_chances(target[first] - control[first], signs[:, numbers])
        else:
            chances = np.concatenate([t_test(part * each.sums, each.counts)[1] for part in _parts(signs[:, numbers])])
        yield family.name, name, chances, out


def power_run(data: Outcomes, streams: Streams, alpha: float, runs: int) -> list[dict[str, Any]]:
    """Share of ``runs`` in which each effect of :data:`PLANTED` is found, uncorrected, with as many groups as here.

    Returns
    -------
    list of dict
        ``measure``, ``test``, ``effect``, ``power``, ``low``, ``high``.
    """
    told = []
    moved, drifted = measured(data, "counter")
    values = Grouped.of(moved - drifted, data.groups)
    target, control = (each[firsts(data.groups)] > 0 for each in measured(data, "flip"))
    for effect in PLANTED:
        rng = streams.generator("power", data.model, str(effect))
        found = _planted_moves(values, effect, runs, rng) <= alpha
        told.append({"measure": "counter", "test": "t", "effect": effect, **_power(found)})
        flips = _planted_flips(target, control, effect, runs, rng) <= alpha
        told.append({"measure": "flip", "test": "mcnemar", "effect": effect, **_power(flips)})
    return told


def _parts(signs: NDArray[np.int8]) -> Iterator[NDArray[np.int8]]:
    step = max(1, _AT_ONCE // max(signs.shape[1], 1))
    yield from (signs[start : start + step] for start in range(0, len(signs), step))


def _flip_chances(differences: NDArray[np.float64], signs: NDArray[np.int8]) -> NDArray[np.float64]:
    """Chances of McNemar's test of each exchange, from 1, 0 or -1 for each group's first pair. Shape (runs,)."""
    discordant = int(np.count_nonzero(differences))
    surplus = np.concatenate([part @ differences for part in _parts(signs)])  # only target less only control
    return mcnemar_table(discordant)[((surplus + discordant) / 2).round().astype(np.int64)]


def _outside(
    values: Sequence[Grouped], signs: NDArray[np.int8], level: float, rng: np.random.Generator
) -> list[NDArray[np.bool_]]:
    """Whether 0 is outside the bootstrap interval of each exchange, as :func:`bootstrap_means` draws it; by measure."""
    groups = signs.shape[1]
    found: list[list[NDArray[np.bool_]]] = [[] for _ in values]
    for start in range(0, len(signs), _SHARED):
        weights = rng.multinomial(groups, np.full(groups, 1 / groups), size=_RESAMPLED).astype(np.float64)
        for own, each in zip(found, values, strict=True):
            sums = weights @ (signs[start : start + _SHARED] * each.sums).T
            means = sums / (weights @ each.counts)[:, None]
            low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
            own.append((low > 0) | (high < 0))
    return [np.concatenate(own) for own in found]


def _planted_moves(values: Grouped, effect: float, runs: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Chances of t where ``effect`` is added to every pair's difference. Shape (runs,)."""
    groups = len(values.sums)
    step = max(1, _AT_ONCE // max(groups, 1))
    parts = []
    for start in range(0, runs, step):
        drawn = rng.integers(groups, size=(min(step, runs - start), groups))
        signs = 2.0 * rng.integers(2, size=drawn.shape) - 1.0
        counts = values.counts[drawn]
        parts.append(t_test(values.sums[drawn] * signs + effect * counts, counts)[1])
    return np.concatenate(parts)


def _planted_flips(
    target: NDArray[np.bool_], control: NDArray[np.bool_], effect: float, runs: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Chances of McNemar's test where ``effect`` of all pairs flip under the target besides, as far as they can."""
    chances = np.empty(runs)
    for run in range(runs):
        drawn = rng.integers(len(target), size=len(target))
        turned = rng.random(len(target)) < 0.5
        one = np.where(turned, control[drawn], target[drawn])
        other = np.where(turned, target[drawn], control[drawn])
        rest = max(1.0 - float(one.mean()), effect)
        one = one | (rng.random(len(one)) < effect / rest)
        only = int(np.count_nonzero(one & ~other))
        chances[run] = mcnemar_table(only + int(np.count_nonzero(other & ~one)))[only]
    return chances


def _rate(rejected: Any, alpha: float) -> dict[str, Any]:
    hits = int(np.count_nonzero(rejected))
    low, high = binomial_interval(hits, len(rejected), _LEVEL)
    verdict = "liberal" if low > alpha else "conservative" if high < alpha else "nominal"
    return {"rejected": hits, "rate": hits / len(rejected), "low": low, "high": high, "verdict": verdict}


def _power(found: Sequence[bool] | NDArray[np.bool_]) -> dict[str, float]:
    hits = int(np.count_nonzero(found))
    low, high = binomial_interval(hits, len(found))
    return {"power": hits / len(found), "low": low, "high": high}
