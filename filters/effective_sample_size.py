"""Effective sample size: abduction by weighted samples rested on enough of them."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contrafact.errors import RecipeError
from contrafact.stages import Generator, Judgement, PairFilter
from filters.columns import column
from filters.options import check_number

__all__ = ["EffectiveSampleSize"]

_FIELD = "ess"


class EffectiveSampleSize(PairFilter):
    """Abduction by weighted samples rested on enough of them.

    Reads the generator's own score ``ess``, the effective sample size ``(sum w)^2 / sum w^2`` of the weights (Kong
    1992). The score repeats it; null means that abduction was exact, and passes.

    Parameters
    ----------
    min : float
        Smallest effective sample size that passes.

    Raises
    ------
    RecipeError
        Where ``min`` is negative or NaN, or the generator gives no ``ess``.
    """

    name: ClassVar[str] = "effective_sample_size"

    def __init__(self, *, min: float) -> None:
        self.min = check_number(self.name, "min", min)

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        scores = [score.name for score in generator.shape().scores]
        if _FIELD not in scores:
            raise RecipeError(
                f"filter {alias}: {generator.name} gives no score {_FIELD!r} here: nothing is abducted by sampling",
                allowed=f"generators that sample the noise's posterior and score it as {_FIELD!r}",
                fix=f"remove the filter {alias} from the recipe",
            )
        if alias == _FIELD:
            raise RecipeError(
                f"filter {alias}: {_FIELD!r} is already the name of the generator's own score",
                allowed=f"any name but {', '.join(scores)}",
                fix=f"call the filter {self.name}",
            )

    def judge(self, pairs: pa.Table) -> Judgement:
        size = pc.struct_field(column(pairs, "scores"), _FIELD).cast(pa.float64())
        enough = pc.fill_null(pc.greater_equal(size, self.min), fill_value=True)
        passed = np.asarray(enough.to_numpy(zero_copy_only=False), dtype=bool)
        return Judgement(passed, f"{self.alias}: too few effective samples", {self.alias: size})
