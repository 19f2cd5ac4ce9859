"""Categorical variables by the Gumbel-max trick, with posterior Gumbels for counterfactuals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from generators.scm.functions import FunctionLike, settled_parents
from generators.scm.mechanisms.additive import unless_all
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.mechanisms.probability import ConditionalTable, level_functions, one_form
from generators.scm.support import Support

__all__ = ["Categorical"]

_OUTSIDE = -1
_MARGIN = 4  # units in the last place: more than the two roundings between a noise and its score can undo


class Categorical(Mechanism):
    """``value = argmax over levels of logit(level | parents) + Gumbel noise``, one Gumbel a level.

    Counterfactuals are then stable: an outcome changes only towards levels that became relatively more likely
    (Oberst & Sontag 2019, "Counterfactual off-policy evaluation with Gumbel-max structural causal models", sec. 3).
    Abduction draws the Gumbels from their posterior, top-down with truncation (Maddison & Tarlow 2017), so it is not
    exact; under the drawn noise, prediction gives back the observed level always.

    A level of probability 0 (a logit of -inf) is never chosen. A row whose logits are nan or +inf, or whose parents
    are outside the table, gets the code -1, which no support contains.

    Parameters
    ----------
    levels : sequence of str
        K names, in the order of their codes. With a single level there is no noise.
    table : array_like, shape (levels of each parent ..., K), optional
        Probabilities, each row summing to 1.
    logits : mapping of level to str, float or callable, optional
        Log-probabilities up to a constant; used instead of a table.
    parents : sequence of str
        Names of the table's axes; with logits, only where there are more than they read.

    Raises
    ------
    ModelError
        For a table that is not one, a level left out, or a level that is not there.
    """

    kind = "categorical"
    noise_kind = "gumbel"

    def __init__(
        self,
        levels: Sequence[str],
        table: ArrayLike | None = None,
        *,
        logits: Mapping[str, FunctionLike] | None = None,
        parents: Sequence[str] = (),
    ) -> None:
        one_form(table, logits, "logits", parents)
        self.levels = tuple(str(level) for level in levels)
        self.support = Support("categorical", self.levels)
        self.lanes = self.auxiliary = len(self.levels) if len(self.levels) > 1 else 0
        self.table = None if table is None else ConditionalTable(table, parents, self.levels)
        self.logits = () if logits is None else level_functions(logits, self.levels, "logits")
        self.parents = tuple(parents) if self.table else settled_parents(parents or None, *self.logits)
        if self.table:
            with np.errstate(divide="ignore"):
                self._log_table = np.log(self.table.probabilities)

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return _gumbel(uniforms)

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        logits, inside = self._logits(parents)
        rows = len(noise)
        codes = np.zeros(rows, dtype=np.int64)
        if not self.lanes:
            return np.where(inside & np.isfinite(logits[0]), codes, _OUTSIDE)
        best = logits[0] + noise[:, 0]
        with np.errstate(invalid="ignore"):
            for code, logit in enumerate(logits[1:], start=1):
                score = logit + noise[:, code]
                codes[score > best] = code
                best = np.maximum(best, score)  # carries a nan on, which makes the row invalid
        return np.where(inside & np.isfinite(best), codes, _OUTSIDE)

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        logits, inside = self._logits(parents)
        rows, count = len(values), len(self.levels)
        known = inside & (values >= 0) & (values < count)
        observed = np.where(known, values, 0)
        chosen = _picked(logits, observed)
        with np.errstate(all="ignore"):
            whole = _log_sum_exp(logits)
            possible = known & np.isfinite(chosen) & np.isfinite(whole)
            if not self.lanes:
                return Abduction(np.empty((rows, 0)), exact=True, possible=unless_all(possible))
            prior = _gumbel(uniforms)
            own = whole + np.take_along_axis(prior, observed[:, None], axis=1)[:, 0] - chosen
            noise = self._posterior(logits, chosen + own, uniforms)
        np.put_along_axis(noise, observed[:, None], own[:, None], axis=1)
        noise = np.where(possible[:, None], noise, prior)
        return Abduction(noise, exact=False, possible=unless_all(possible))

    def spec(self) -> dict[str, Any]:
        spec = {"mechanism": self.kind, "levels": list(self.levels), "parents": list(self.parents)}
        if self.table:
            return {**spec, "table": self.table.given.tolist()}
        return {**spec, "logits": {level: each.spec() for level, each in zip(self.levels, self.logits, strict=True)}}

    def _logits(self, parents: Columns) -> tuple[list[NDArray[Any]], NDArray[np.bool_] | bool]:
        if self.table is None:
            return [np.asarray(function(parents), dtype=np.float64) for function in self.logits], True
        places, inside = self.table.places(parents)
        return [level[places] for level in self._log_table], inside

    def _posterior(self, logits: Sequence[NDArray[Any]], top: Floats, uniforms: Floats) -> Floats:
        # A Gumbel at location `logit`, truncated at the score `top` of the observed level, less its location.
        noise = np.empty_like(uniforms)
        for code, logit in enumerate(logits):
            drawn = -np.log(np.exp(logit - top) - np.log(uniforms[:, code]))
            largest = np.maximum(np.abs(top), np.where(np.isfinite(logit), np.abs(logit), 1.0))
            below = top - _MARGIN * np.spacing(np.maximum(largest, 1.0))
            # Rounding may lift a score to the top itself: hold it a few units in the last place under.
            noise[:, code] = np.minimum(drawn, below - logit)
        return noise


def _gumbel(uniforms: Floats) -> Floats:
    return -np.log(-np.log(uniforms))


def _log_sum_exp(logits: Sequence[NDArray[Any]]) -> Floats:
    # Level after level, so that a row's sum is always taken in one order.
    peak = logits[0]
    for logit in logits[1:]:
        peak = np.maximum(peak, logit)
    total: Any = 0.0
    for logit in logits:
        total = total + np.exp(logit - peak)
    whole: Floats = peak + np.log(total)
    return whole


def _picked(logits: Sequence[NDArray[Any]], codes: NDArray[np.int64]) -> Floats:
    return np.array([np.broadcast_to(each, codes.shape) for each in logits])[codes, np.arange(len(codes))]
