"""Fluency: the edit left no fault of form behind, and does not go round in circles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.errors import RecipeError, did_you_mean
from contrafact.stages import Generator, Judgement, PairFilter
from filters.formats import FAULTS, introduced, repetition
from filters.options import check_number
from filters.probability import rises_and_breaks
from filters.text import edited_texts, stored_scores, text_members
from filters.verdicts import Tally

__all__ = ["Fluency"]

_SCORED = ("rise", "break")


class Fluency(PairFilter):
    """No fault of form that the factual did not have, and where asked no text that a language model finds odd.

    Faults are open quotes and brackets, doubled words and punctuation, stray white space, a small letter at the start,
    blanks and special tokens left over, and words of an instruction ("replaced by", "fill in the", "Premise:"), which
    models like to give back and teachers like to believe. A fault counts only as far as the counterfactual has it more
    often than the factual: a text that was never tidy need not become so.

    ``<alias>_faults`` is their number, ``<alias>_repetition`` the share of three-word runs of the counterfactual that
    stood in it before, the highest over the fields that differ.

    With ``max_rise`` or ``max_break`` the recipe's language model is asked how probable it finds both texts; one that
    cannot tell is refused before any work. ``<alias>_rise`` is the ratio of the counterfactual's perplexity to the
    factual's, 1 where nothing differs. ``<alias>_break`` is how much less probable, in nats, the first three tokens
    after the edit became, 0 where nothing follows: a long and smooth phrase that does not fit its place lowers the
    perplexity of the whole, and breaks what comes after it. Of both the highest over the fields that differ.

    Parameters
    ----------
    max_rise : float, optional
        Most times that the perplexity may rise.
    max_break : float, optional
        Most nats that what follows the edit may lose. With SmolLM2 of 135 million parameters, edits that left broken
        sentences had 2 or more in most cases, and edits that read well mostly less than 1.
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
    thresholds: ClassVar[frozenset[str]] = frozenset({"max_rise", "max_break"})

    def __init__(
        self,
        *,
        max_faults: int = 0,
        max_repetition: float = 0.2,
        max_rise: float | None = None,
        max_break: float | None = None,
        ignore: list[str] | None = None,
        fields: list[str] | None = None,
    ) -> None:
        check_number(self.name, "max_faults", max_faults)
        check_number(self.name, "max_repetition", max_repetition)
        for option, bound in (("max_rise", max_rise), ("max_break", max_break)):
            if bound is not None:
                check_number(self.name, option, bound)
        for each in ignore or ():
            if each not in FAULTS:
                raise RecipeError(
                    f"filter {self.name}: ignore names {each!r}, which is no fault{did_you_mean(each, FAULTS)}",
                    allowed="; ".join(FAULTS),
                    fix=f"correct or remove {each!r} in ignore",
                )
        self.max_faults, self.max_repetition = max_faults, max_repetition
        self.max_rise, self.max_break = max_rise, max_break
        self.ignore, self.given = frozenset(ignore or ()), fields
        self._fields: tuple[str, ...] = ()

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        self._fields = text_members(alias, self.given, generator)

    def borrow(self, engines: Engines) -> None:
        super().borrow(engines)
        if self.asks:
            engines.need("scores", f"the filter {self.alias} (max_rise, max_break)")

    def identity(self) -> Any:
        return self.engines.llm_name() if self.asks else None

    def score_fields(self) -> Sequence[pa.Field]:
        names = ("faults", "repetition", *(_SCORED if self.asks else ()))
        return [pa.field(f"{self.alias}_{name}", pa.float64()) for name in names]

    def judge(self, pairs: pa.Table) -> Judgement:
        if not self.asks:
            return self._verdicts(pairs, None)
        edits = list(edited_texts(pairs, self._fields))
        return self._verdicts(pairs, rises_and_breaks(self.engines.llm, edits, pairs.num_rows))

    def redecide(self, pairs: pa.Table) -> Judgement | None:
        if not self.asks:
            return self._verdicts(pairs, None)
        scores = stored_scores(pairs, [f"{self.alias}_{name}" for name in _SCORED])
        return None if scores is None else self._verdicts(pairs, (scores[0], scores[1]))

    @property
    def asks(self) -> bool:
        """Whether the language model is asked."""
        return self.max_rise is not None or self.max_break is not None

    def _verdicts(self, pairs: pa.Table, scored: tuple[NDArray[np.float64], NDArray[np.float64]] | None) -> Judgement:
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
        if scored is not None:
            rises, breaks = scored
            tally.add(np.isnan(rises), f"{self.alias}: the model could not score the text")
            if self.max_rise is not None:
                tally.add(rises > self.max_rise, f"{self.alias}: the text became too improbable")
            if self.max_break is not None:
                tally.add(breaks > self.max_break, f"{self.alias}: the text does not go on from the edit")
            scores |= {f"{self.alias}_rise": rises, f"{self.alias}_break": breaks}
        return Judgement(tally.passed, tally.reasons, scores)
