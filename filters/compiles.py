"""Compiles: both members are programs."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa

from contrafact.engines.syntax import Language, trouble
from contrafact.stages import Generator, Judgement, PairFilter
from filters.columns import Side, member
from filters.languages import Spoken
from filters.text import text_members
from filters.verdicts import Tally

__all__ = ["Compiles"]


class Compiles(PairFilter):
    """Both members parse: Python by the interpreter's own parser and scopes, C by its grammar, headers unseen.

    The score is the number of members that do not.

    Parameters
    ----------
    field : str
        The member that holds the program.
    language : {'python', 'c'}, optional
        Told by the member ``language`` where that is a class label, else Python.

    Raises
    ------
    RecipeError
        For an unknown language, or a field that is no text of these pairs.
    MissingDependencyError
        Where tree-sitter is not installed, for C.
    """

    name: ClassVar[str] = "compiles"

    def __init__(self, *, field: str = "code", language: Language | None = None) -> None:
        self.field, self.spoken = field, Spoken(self.name, language)

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        text_members(alias, [self.field], generator)
        self.spoken.bind(generator)
        for each in self.spoken.possible:
            trouble(b"", each)  # the grammar is there, or it is said now

    def judge(self, pairs: pa.Table) -> Judgement:
        tally = Tally(pairs.num_rows)
        sides: tuple[Side, Side] = ("factual", "counterfactual")
        for side in sides:
            texts = member(pairs, side, self.field).to_pylist()
            wrong = [
                text is None or trouble(text.encode(), language) is not None
                for text, language in zip(texts, self.spoken.of(pairs, side), strict=True)
            ]
            tally.add(np.array(wrong, dtype=bool), f"{self.alias}: the {side} does not parse")
        return Judgement(tally.passed, tally.reasons, {self.alias: tally.count.astype(np.float64)})
