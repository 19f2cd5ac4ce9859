"""Compiles: both members are programs."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa

from contrafact.engines.syntax import LANGUAGES, Language, trouble
from contrafact.stages import Generator, Judgement, PairFilter
from filters.columns import Side, member
from filters.options import check_choice
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
    language : {'python', 'c'}

    Raises
    ------
    RecipeError
        For an unknown language, or a field that is no text of these pairs.
    MissingDependencyError
        Where tree-sitter is not installed, for C.
    """

    name: ClassVar[str] = "compiles"

    def __init__(self, *, field: str = "code", language: Language = "python") -> None:
        check_choice(self.name, "language", language, LANGUAGES)
        self.field, self.language = field, language

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        text_members(alias, [self.field], generator)
        trouble(b"", self.language)  # the grammar is there, or it is said now

    def judge(self, pairs: pa.Table) -> Judgement:
        tally = Tally(pairs.num_rows)
        sides: tuple[Side, Side] = ("factual", "counterfactual")
        for side in sides:
            texts = member(pairs, side, self.field).to_pylist()
            wrong = [text is None or trouble(text.encode(), self.language) is not None for text in texts]
            tally.add(np.array(wrong, dtype=bool), f"{self.alias}: the {side} does not parse")
        return Judgement(tally.passed, tally.reasons, {self.alias: tally.count.astype(np.float64)})
