"""Execution: both members are run again on what is stored with them, and must do what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.errors import RecipeError
from contrafact.stages import Generator, Judgement, PairFilter
from filters.columns import column, same
from filters.verdicts import Tally

__all__ = ["Execution"]


class Execution(PairFilter):
    """Run both members again, from the stored pair alone, and demand what is stored: the ends, the values, the labels.

    How a pair is run is the generator's to say (:meth:`~contrafact.stages.Generator.recompute`); it happens in the
    sandbox of ``engines.sandbox``. The score is the number of members and labels that came out otherwise.

    Raises
    ------
    RecipeError
        Where the generator's pairs are nothing that can be run.
    """

    name: ClassVar[str] = "execution"

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        if type(generator).recompute is Generator.recompute:
            raise RecipeError(
                f"filter {alias}: the generator {generator.name} makes nothing that can be run again",
                allowed="generators with an oracle, such as mutation",
                fix=f"remove the filter {alias} from the recipe",
            )

    def borrow(self, engines: Engines) -> None:
        super().borrow(engines)
        if self.generator is not None:
            self.generator.borrow(engines)

    def judge(self, pairs: pa.Table) -> Judgement:
        tally = Tally(pairs.num_rows)
        again = self.generator.recompute(pairs) if self.generator is not None and pairs.num_rows else None
        if again is not None:
            for side, values in (("factual", again.factual or {}), ("counterfactual", again.counterfactual)):
                tally.add(_differ(pairs, side, values), f"{self.alias}: the {side} does otherwise than is stored")
            for name in ("label", "counterfactual_label"):
                said, found = column(pairs, name), getattr(again, name)
                tally.add(~same(said, found.cast(said.type)), f"{self.alias}: the {name} is not what running gives")
        return Judgement(tally.passed, tally.reasons, {self.alias: tally.count.astype(np.float64)})


def _differ(pairs: pa.Table, side: str, values: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Rows in which some member of one side is not what was computed again."""
    members, wrong = column(pairs, side), np.zeros(pairs.num_rows, dtype=bool)
    for name, found in values.items():
        stored = members.field(name)
        wrong |= ~same(stored, pa.array(found, from_pandas=True).cast(stored.type))
    return wrong
