"""The audit audited: how often it finds an effect where there is none, and where one was planted.

A/A: within each group target and control are exchanged by a fair coin, for all of its pairs together, and the tests run
again. Then neither arm is special and every rejection is a false positive; their share should be the nominal level, and
may be lower for McNemar's test, whose p values are discrete. Power: groups are drawn with replacement, arms exchanged,
and an effect of a known size added to what is now called the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.audit.correction import Correction, corrected
from contrafact.audit.effects import firsts, measured, measures_of
from contrafact.audit.outcomes import Outcomes
from contrafact.audit.statistics import Grouped, binomial_interval, mcnemar_table
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
        ``runs``, ``alpha``, ``tests`` (for each measure and test ``rejected``, ``rate``, ``low``, ``high`` and
        ``verdict``: nominal, conservative or liberal) and ``any``, the same for at least one corrected p value.
    """
    chances = []
    told: list[dict[str, Any]] = []
    for measure in measures_of(data):
        rng = streams.generator("aa", data.model, measure)
        means, discordant = _paired(data, measure)
        p = _flip_chances(discordant, runs, rng) if measure == "flip" else _t_chances(means, runs, rng)
        chances.append(p)
        told.append({"measure": measure, "test": "mcnemar" if measure == "flip" else "t", **_rate(p <= alpha, alpha)})
        outside = _outside(means, runs, 1 - alpha, rng)
        told.append({"measure": measure, "test": "bootstrap interval", **_rate(outside, alpha)})
    any_ = (corrected(np.column_stack(chances), correction) <= alpha).any(axis=1)
    return {"runs": runs, "alpha": alpha, "tests": told, "any": _rate(any_, alpha)}


def power_run(data: Outcomes, streams: Streams, alpha: float, runs: int) -> list[dict[str, Any]]:
    """Share of ``runs`` in which each effect of :data:`PLANTED` is found, uncorrected, with as many groups as here.

    Returns
    -------
    list of dict
        ``measure``, ``test``, ``effect``, ``power``, ``low``, ``high``.
    """
    told = []
    means, _ = _paired(data, "counter")
    target, control = (each[firsts(data.groups)] > 0 for each in measured(data, "flip"))
    for effect in PLANTED:
        rng = streams.generator("power", data.model, str(effect))
        found = _t_chances(means, runs, rng, effect, resampled=True) <= alpha
        told.append({"measure": "counter", "test": "t", "effect": effect, **_power(found)})
        flips = _planted_flips(target, control, effect, runs, rng) <= alpha
        told.append({"measure": "flip", "test": "mcnemar", "effect": effect, **_power(flips)})
    return told


def _paired(data: Outcomes, measure: str) -> tuple[NDArray[np.float64], int]:
    """Mean difference of each group, and in how many first pairs of a group only one of two flips."""
    target, control = measured(data, measure)
    first = firsts(data.groups)
    return Grouped.of(target - control, data.groups).means, int(np.count_nonzero(target[first] != control[first]))


def _flip_chances(discordant: int, runs: int, rng: np.random.Generator) -> NDArray[np.float64]:
    return mcnemar_table(discordant)[rng.binomial(discordant, 0.5, size=runs)]


def _t_chances(
    means: NDArray[np.float64], runs: int, rng: np.random.Generator, shift: float = 0.0, *, resampled: bool = False
) -> NDArray[np.float64]:
    """Chances of t with each group's difference turned round by a coin, shape (runs,)."""
    from scipy import stats

    size = len(means)
    parts = []
    for drawn in _turned(means, runs, rng, resampled=resampled):
        values = drawn + shift
        mean, spread = values.mean(axis=1), values.std(axis=1, ddof=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = mean / (spread / np.sqrt(size))
        parts.append(np.where(spread == 0, np.where(mean == 0, 1.0, 0.0), 2 * stats.t.sf(abs(statistic), size - 1)))
    return np.concatenate(parts)


def _turned(means: NDArray[np.float64], runs: int, rng: np.random.Generator, *, resampled: bool) -> Any:
    """Blocks of rows of differences, each turned round by a coin; with ``resampled`` groups are drawn anew too."""
    step = max(1, _AT_ONCE // max(len(means), 1))
    for start in range(0, runs, step):
        shape = (min(step, runs - start), len(means))
        drawn = means[rng.integers(len(means), size=shape)] if resampled else means
        yield drawn * (2.0 * rng.integers(2, size=shape) - 1.0)


def _outside(means: NDArray[np.float64], runs: int, level: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Whether 0 is outside the bootstrap interval of each of ``runs`` exchanges."""
    groups = len(means)
    found = []
    for start in range(0, runs, _SHARED):
        signs = 2.0 * rng.integers(2, size=(groups, min(_SHARED, runs - start))) - 1.0
        weights = rng.multinomial(groups, np.full(groups, 1 / groups), size=_RESAMPLED) / groups
        low, high = np.quantile(weights @ (means[:, None] * signs), [(1 - level) / 2, (1 + level) / 2], axis=0)
        found.append((low > 0) | (high < 0))
    return np.concatenate(found)


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
