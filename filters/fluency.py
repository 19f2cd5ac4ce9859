"""Fluency: the edit left no fault of form behind, and does not go round in circles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pyarrow as pa

from contrafact.errors import RecipeError, did_you_mean
from contrafact.stages import Generator, Judgement, PairFilter
from filters.formats import FAULTS, introduced, repetition
from filters.options import check_number
from filters.text import edited_texts, text_members
from filters.verdicts import Tally

__all__ = ["Fluency"]


class Fluency(PairFilter):
    """No fault of form that the factual did not have: a gate that asks no model.

    Faults are open quotes and brackets, doubled words and punctuation, stray white space, a small letter at the start,
    blanks and special tokens left over, and words of an instruction ("replaced by", "fill in the", "Premise:"), which
    models like to give back and teachers like to believe. A fault counts only as far as the counterfactual has it more
    often than the factual: a text that was never tidy need not become so.

    ``<alias>_faults`` is their number, ``<alias>_repetition`` the share of three-word runs of the counterfactual that
    stood in it before, the highest over the fields that differ. How probable a model finds the text is not judged: the
    language models that recipes borrow tell the probability of what they write, not of what they read.

    Parameters
    ----------
    max_faults : int
        Faults that are let pass.
    max_repetition : float
        A pair fails where its repetition is above this and above the factual's.
    ignore : list of str, optional
        Faults that do not count, by the words of their reason.
    fields : list of str, optional
        Text members to look at; all by default.

    Raises
    ------
    RecipeError
        Where a bound can never be meant, ``ignore`` names no fault, or ``fields`` names no text.
    """

    name: ClassVar[str] = "fluency"

    def __init__(
        self,
        *,
        max_faults: int = 0,
        max_repetition: float = 0.2,
        ignore: list[str] | None = None,
        fields: list[str] | None = None,
    ) -> None:
        check_number(self.name, "max_faults", max_faults)
        check_number(self.name, "max_repetition", max_repetition)
        for each in ignore or ():
            if each not in FAULTS:
                raise RecipeError(
                    f"filter {self.name}: ignore names {each!r}, which is no fault{did_you_mean(each, FAULTS)}",
                    allowed="; ".join(FAULTS),
                    fix=f"correct or remove {each!r} in ignore",
                )
        self.max_faults, self.max_repetition = max_faults, max_repetition
        self.ignore, self.given = frozenset(ignore or ()), fields
        self._fields: tuple[str, ...] = ()

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        self._fields = text_members(alias, self.given, generator)

    def score_fields(self) -> Sequence[pa.Field]:
        return [pa.field(f"{self.alias}_{name}", pa.float64()) for name in ("faults", "repetition")]

    def judge(self, pairs: pa.Table) -> Judgement:
        counts = {name: np.zeros(pairs.num_rows) for name in FAULTS if name not in self.ignore}
        again, circles = np.zeros(pairs.num_rows), np.zeros(pairs.num_rows, dtype=bool)
        for edit in edited_texts(pairs, self._fields):
            for name, surplus in introduced(edit.before, edit.after).items():
                if name in counts:
                    counts[name][edit.row] += surplus
            share = repetition(edit.after)
            again[edit.row] = max(again[edit.row], share)
            circles[edit.row] |= share > self.max_repetition and share > repetition(edit.before)
        faults = np.sum(list(counts.values()), axis=0) if counts else np.zeros(pairs.num_rows)
        tally = Tally(pairs.num_rows)
        for name, count in counts.items():
            tally.add((faults > self.max_faults) & (count > 0), f"{self.alias}: {name}")
        tally.add(circles, f"{self.alias}: the text repeats itself")
        scores = {f"{self.alias}_faults": faults, f"{self.alias}_repetition": again}
        return Judgement(tally.passed, tally.reasons, scores)
