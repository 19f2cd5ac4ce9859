"""Hidden dependence: the outcome of a simulated scene depends on the property that was changed."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from contrafact.errors import RecipeError
from contrafact.stages import Generator, Judgement, PairFilter
from filters.columns import numbers
from filters.verdicts import Tally

__all__ = ["HiddenDependence"]

_SCORE = "dependence"


class HiddenDependence(PairFilter):
    """Keep a pair only if the outcome depends on the hidden property that it varies (CoPhy, arXiv:1909.12000, sec. 3).

    The generator has run the scene under several settings of that property; its score ``dependence`` is the share of
    them with another outcome than the factual one. This filter adds no score of its own.

    Parameters
    ----------
    least : float
        Smallest share that passes. Any share above zero unless given.
    others : str
        ``keep`` or ``drop`` pairs whose changed factor is no hidden one (a viewpoint, a colour).

    Raises
    ------
    RecipeError
        For a generator that gives no such score.
    """

    name: ClassVar[str] = "hidden_dependence"
    thresholds: ClassVar[frozenset[str]] = frozenset({"least", "others"})

    def __init__(self, least: float = 1e-9, others: Literal["keep", "drop"] = "keep") -> None:
        if not 0 <= least <= 1:
            raise RecipeError(
                f"filters.{self.name}.least: {least} was given", allowed="a share from 0 to 1", fix="write least: 0.25"
            )
        self.least, self.others = least, others

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        if _SCORE not in {each.name for each in generator.shape().scores}:
            raise RecipeError(
                f"filter {alias}: the generator {generator.name!r} does not run scenes under several settings",
                allowed="generators with a score 'dependence', such as physics",
                fix=f"remove {alias} from filters",
            )

    def score_fields(self) -> list[pa.Field]:
        return []

    def judge(self, pairs: pa.Table) -> Judgement:
        share = numbers(pa.chunked_array([pairs["scores"].combine_chunks().field(_SCORE)]))
        tally = Tally(pairs.num_rows)
        if self.others == "drop":
            tally.add(np.isnan(share), f"{self.alias}: no hidden property was changed")
        tally.add(share < self.least, f"{self.alias}: the outcome does not depend on the property")
        return Judgement(tally.passed, tally.reasons, {})

    def redecide(self, pairs: pa.Table) -> Judgement:
        return self.judge(pairs)
