"""Minimality: how much of a text was changed, in how many places, and whether it kept its length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import RecipeError
from contrafact.stages import Generator, Judgement, PairFilter
from contrafact.wording import changed_spans, distance, tokens
from filters.options import check_number, check_range
from filters.text import edited_texts, stored_scores, text_members
from filters.verdicts import Tally

__all__ = ["Minimality"]


class Minimality(PairFilter):
    """The edit is small: a bounded share of the words, in few places, at about the same length.

    Words are runs of letters and digits, and single punctuation marks. Over the text fields that differ:

    * ``<alias>_share`` = words inserted, deleted or replaced (Levenshtein) / words of the factual. Above 1 where more
      was put in than there was; 0 where nothing differs.
    * ``<alias>_spans`` = places that differ: runs of changed words between words that both texts share.
    * ``<alias>_ratio`` = words of the counterfactual / words of the factual.

    Parameters
    ----------
    min, max : float
        Bounds of the share.
    max_spans : int, optional
        Most places.
    min_ratio, max_ratio : float
        Bounds of the ratio of lengths.
    fields : list of str, optional
        Text members to look at; all by default.

    Raises
    ------
    RecipeError
        Where no value can meet a bound, or ``fields`` names no text.
    """

    name: ClassVar[str] = "minimality"
    thresholds: ClassVar[frozenset[str]] = frozenset({"min", "max", "max_spans", "min_ratio", "max_ratio"})

    def __init__(
        self,
        *,
        min: float = 0.0,
        max: float = 0.5,
        max_spans: int | None = None,
        min_ratio: float = 0.5,
        max_ratio: float = 2.0,
        fields: list[str] | None = None,
    ) -> None:
        check_range(self.name, min, max)
        for option, value in (("min_ratio", min_ratio), ("max_ratio", max_ratio), ("max_spans", max_spans or 0)):
            check_number(self.name, option, value)
        if max_ratio < min_ratio:
            raise RecipeError(
                f"filter {self.name}: no ratio is at least {min_ratio} and at most {max_ratio}",
                allowed="min_ratio <= max_ratio",
                fix="exchange min_ratio and max_ratio, or leave one out",
            )
        self.min, self.max = min, max
        self.max_spans = math.inf if max_spans is None else max_spans
        self.min_ratio, self.max_ratio, self.given = min_ratio, max_ratio, fields
        self._fields: tuple[str, ...] = ()

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        self._fields = text_members(alias, self.given, generator)

    def score_fields(self) -> Sequence[pa.Field]:
        return [pa.field(name, pa.float64()) for name in self._names()]

    def judge(self, pairs: pa.Table) -> Judgement:
        changed, spans, before, after = np.zeros((4, pairs.num_rows))
        for edit in edited_texts(pairs, self._fields):
            old, new = tokens(edit.before), tokens(edit.after)
            changed[edit.row] += distance(old, new)
            spans[edit.row] += changed_spans(old, new)
            before[edit.row] += len(old)
            after[edit.row] += len(new)
        least = np.maximum(before, 1.0)  # an empty text counts as one word
        return self._verdicts(changed / least, spans, np.where(before + after == 0, 1.0, after / least))

    def redecide(self, pairs: pa.Table) -> Judgement | None:
        scores = stored_scores(pairs, self._names())
        return None if scores is None else self._verdicts(*scores)

    def _names(self) -> list[str]:
        return [f"{self.alias}_{name}" for name in ("share", "spans", "ratio")]

    def _verdicts(
        self, share: NDArray[np.float64], spans: NDArray[np.float64], ratio: NDArray[np.float64]
    ) -> Judgement:
        tally = Tally(len(share))
        tally.add(share < self.min, f"{self.alias}: too little was changed")
        tally.add(share > self.max, f"{self.alias}: too much was changed")
        tally.add(spans > self.max_spans, f"{self.alias}: too many places were changed")
        tally.add(ratio < self.min_ratio, f"{self.alias}: the text became too short")
        tally.add(ratio > self.max_ratio, f"{self.alias}: the text became too long")
        return Judgement(tally.passed, tally.reasons, dict(zip(self._names(), (share, spans, ratio), strict=True)))
