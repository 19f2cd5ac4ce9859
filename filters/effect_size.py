"""Effect size: how far the intervention moved one variable."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import RecipeError
from contrafact.record import levels_of
from contrafact.stages import Generator, Judgement, PairFilter
from filters.columns import column, is_numeric, member, numbers
from filters.options import check_members, check_range
from filters.verdicts import Tally

__all__ = ["EffectSize"]


class EffectSize(PairFilter):
    """The intervention moved a variable neither too little nor too much.

    The score is ``|counterfactual - factual|`` divided by

    * the standard deviation of the variable (Cohen 1988, section 2.2, for one unit): ``std`` of
      ``generator.supports()`` or, without one, that of a uniform over its ``seen`` range, width / sqrt(12);
    * the factual value's own size, where ``relative`` is true;
    * nothing, where ``standardise`` is false or the generator knows neither: then in the variable's own units.

    A value missing on both sides has not moved; one missing on one side fails.

    Parameters
    ----------
    min, max : float, optional
        Smallest and largest score that passes, both included.
    variable : str, optional
        A numeric member. By default the label, which must then be numeric.
    standardise : bool
        Divide by the standard deviation.
    relative : bool
        Divide by ``|factual|`` instead; a move away from 0 is then infinite.

    Raises
    ------
    RecipeError
        Where no score can lie between ``min`` and ``max``, or ``variable`` is no numeric member.
    """

    name: ClassVar[str] = "effect_size"

    def __init__(
        self,
        *,
        min: float = 0.0,
        max: float | None = None,
        variable: str | None = None,
        standardise: bool = True,
        relative: bool = False,
    ) -> None:
        check_range(self.name, min, max)
        self.min, self.max = float(min), math.inf if max is None else float(max)
        self.variable, self.standardise, self.relative = variable, standardise, relative
        self._member: str | None = None
        self._label, self._scale = "", 1.0

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        fields = check_members(alias, "variable", [self.variable] if self.variable else [], generator)
        label = generator.shape().label
        self._label = self.variable or label.name
        self._member = self._label if self._label in fields else None
        field = fields.get(self._label, label)
        if levels_of(field) is not None or not is_numeric(field.type):
            numeric = [name for name, each in fields.items() if is_numeric(each.type) and levels_of(each) is None]
            raise RecipeError(
                f"filter {alias}: {self._label!r} is no number, so that its values have no distance",
                allowed=", ".join(numeric) or "none of these pairs' members",
                fix=f"variable: {numeric[0]}" if numeric else f"remove the filter {alias}, or use label_flip",
            )
        self._scale = _spread(generator.supports().get(self._label, {})) if self.standardise else 1.0

    def judge(self, pairs: pa.Table) -> Judgement:
        fact, other = self._sides(pairs)
        score = self._score(fact, other)
        tally = Tally(pairs.num_rows)
        tally.add(np.isnan(score), f"{self.alias}: {self._label} is missing on one side")
        tally.add(score < self.min, f"{self.alias}: {self._label} moved too little")
        tally.add(score > self.max, f"{self.alias}: {self._label} moved too much")
        return Judgement(tally.passed, tally.reasons, {self.alias: score})

    def _sides(self, pairs: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if self._member is None:
            return numbers(column(pairs, "label")), numbers(column(pairs, "counterfactual_label"))
        return numbers(member(pairs, "factual", self._member)), numbers(member(pairs, "counterfactual", self._member))

    def _score(self, fact: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
        still = (fact == other) | (np.isnan(fact) & np.isnan(other))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            gap = np.abs(other - fact) / (np.abs(fact) if self.relative else self._scale)
        return np.where(still, 0.0, gap)


def _spread(support: Mapping[str, Any]) -> float:
    std, seen = support.get("std"), support.get("seen")
    if std is None and seen is not None:
        std = (float(seen[1]) - float(seen[0])) / math.sqrt(12.0)
    return float(std) if std is not None and math.isfinite(std) and std > 0 else 1.0
