"""Support: no counterfactual holds an impossible value, or one outside what the model was fitted to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import RecipeError
from contrafact.stages import Generator, Judgement, PairFilter
from filters.columns import is_numeric, member, numbers
from filters.options import check_members, check_number
from filters.verdicts import Tally

__all__ = ["Support"]

Interval = tuple[float, float]
_EVERYWHERE: Interval = (-math.inf, math.inf)


class Support(PairFilter):
    """No impossible value, and none outside the training support unless allowed.

    Every numeric member of the counterfactual must be finite (a missing value is not), inside the ``lower`` and
    ``upper`` bounds of ``generator.supports()``, and inside ``seen`` widened by ``margin`` times its width. Texts are
    not judged. The score is the largest excess of any member as a share of its range: 0 inside, infinite for a value
    that is not finite. It does not depend on ``margin``, so that a margin can be chosen from stored scores.

    Parameters
    ----------
    margin : float
        How far outside ``seen`` a value may lie, as a share of the width of ``seen``.
    seen : bool
        False to judge by the bounds alone.
    allow : list of str
        Members that may leave ``seen`` (not their bounds).

    Raises
    ------
    RecipeError
        Where ``margin`` is negative or NaN, ``allow`` names no member, or the generator knows no supports.
    """

    name: ClassVar[str] = "support"

    def __init__(self, *, margin: float = 0.0, seen: bool = True, allow: list[str] | None = None) -> None:
        self.margin = check_number(self.name, "margin", margin)
        self.seen, self.allow = seen, tuple(allow or ())
        self._supports: dict[str, Mapping[str, Any]] = {}

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        fields = check_members(alias, "allow", self.allow, generator)
        supports = generator.supports()
        if not supports:
            raise RecipeError(
                f"filter {alias}: {generator.name} does not say which values its members may take",
                allowed="generators with supports(), such as scm",
                fix=f"remove the filter {alias} from the recipe",
            )
        self._supports = {name: supports.get(name, {}) for name, field in fields.items() if is_numeric(field.type)}

    def judge(self, pairs: pa.Table) -> Judgement:
        tally = Tally(pairs.num_rows)
        score = np.zeros(pairs.num_rows)
        for name, support in self._supports.items():
            values = numbers(member(pairs, "counterfactual", name))
            np.maximum(score, self._excess(name, support, values, tally), out=score)
        return Judgement(tally.passed, tally.reasons, {self.alias: score})

    def _excess(
        self, name: str, support: Mapping[str, Any], values: NDArray[np.float64], tally: Tally
    ) -> NDArray[np.float64]:
        bounds, seen = _bounds(support), _seen(support)
        infinite = ~np.isfinite(values)
        tally.add(infinite, f"{self.alias}: {name} is not a finite number")
        out = _beyond(values, bounds, bounds if math.isfinite(bounds[1] - bounds[0]) else seen)
        tally.add(out > 0, f"{self.alias}: {name} is outside its bounds")
        if self.seen and name not in self.allow:
            far = _beyond(values, seen, seen)
            tally.add(far > self.margin, f"{self.alias}: {name} is outside what the model was fitted to")
            np.maximum(out, far, out=out)
        out[infinite] = np.inf
        return out


def _bounds(support: Mapping[str, Any]) -> Interval:
    low, high = support.get("lower"), support.get("upper")
    return (-math.inf if low is None else float(low), math.inf if high is None else float(high))


def _seen(support: Mapping[str, Any]) -> Interval:
    seen = support.get("seen")
    return _EVERYWHERE if seen is None else (float(seen[0]), float(seen[1]))


def _beyond(values: NDArray[np.float64], interval: Interval, scale: Interval) -> NDArray[np.float64]:
    """Distance to ``interval`` in widths of ``scale`` (in plain units where that has no finite width). 0 for NaN."""
    low, high = interval
    width = scale[1] - scale[0]
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.fmax(np.fmax(low - values, values - high), 0.0)
        return np.asarray(gap / (width if math.isfinite(width) and width > 0 else 1.0))
