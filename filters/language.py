"""Language: the counterfactual is written in the script, and where asked in the language, of its factual."""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.errors import MissingDependencyError, RecipeError
from contrafact.stages import Generator, Judgement, PairFilter
from filters.options import check_number
from filters.scripts import foreign_share
from filters.text import edited_texts, stored_scores, text_members
from filters.verdicts import Tally

__all__ = ["Language"]

_CODE = re.compile(r"[a-z]{2,3}")
_asking = Lock()


class Language(PairFilter):
    """The counterfactual keeps the script of its factual, and its language where ``identify`` is set.

    ``<alias>_foreign`` is the share of the counterfactual's letters in scripts that the factual does not use (a Latin
    text with one Cyrillic letter among forty: 0.025), the highest over the fields that differ.

    ``<alias>_other``, with ``identify``, is the probability of the likeliest *other* language than the factual's
    likeliest (or than ``expected``), by py3langid: its model is a file in the package, and no network is asked. Short
    texts spread over many languages, so that none of these is likely and the pair passes.

    Parameters
    ----------
    max_foreign : float
        Most letters in new scripts, as a share.
    identify : bool
        Ask a language identifier as well.
    max_other : float
        Most that another language's probability may be.
    expected : str, optional
        The ISO 639 code that counterfactuals are to be in; the factual's language by default. Implies ``identify``.
    fields : list of str, optional
        Text members to look at; all by default.

    Raises
    ------
    RecipeError
        Where a bound can never be meant, ``expected`` is no language that the identifier knows, or ``fields`` names no
        text.
    MissingDependencyError
        Where a language is asked for and py3langid is not installed.
    """

    name: ClassVar[str] = "language"
    thresholds: ClassVar[frozenset[str]] = frozenset({"max_foreign", "max_other"})

    def __init__(
        self,
        *,
        max_foreign: float = 0.0,
        identify: bool = False,
        max_other: float = 0.5,
        expected: str | None = None,
        fields: list[str] | None = None,
    ) -> None:
        check_number(self.name, "max_foreign", max_foreign)
        check_number(self.name, "max_other", max_other)
        self.max_foreign, self.max_other, self.expected = max_foreign, max_other, expected
        self.identify, self.given = identify or expected is not None, fields
        self._fields: tuple[str, ...] = ()

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        self._fields = text_members(alias, self.given, generator)

    def borrow(self, engines: Engines) -> None:
        super().borrow(engines)
        if self.identify and importlib.util.find_spec("py3langid") is None:
            raise MissingDependencyError(
                f"filter {self.alias}: telling languages needs py3langid, which is not installed",
                allowed="the check of scripts alone, which needs nothing",
                fix="pip install py3langid",
            )
        if self.expected is not None and not (_CODE.fullmatch(self.expected) and self.expected in _chances("")):
            raise RecipeError(
                f"filter {self.alias}: expected = {self.expected!r} is no language that py3langid knows",
                allowed=", ".join(sorted(_chances(""))),
                fix="expected: en",
            )

    def score_fields(self) -> Sequence[pa.Field]:
        return [pa.field(name, pa.float64()) for name in self._names()]

    def judge(self, pairs: pa.Table) -> Judgement:
        foreign, other = np.zeros(pairs.num_rows), np.zeros(pairs.num_rows)
        for edit in edited_texts(pairs, self._fields):
            foreign[edit.row] = max(foreign[edit.row], foreign_share(edit.before, edit.after))
            if self.identify:
                other[edit.row] = max(other[edit.row], self._other(edit.before, edit.after))
        return self._verdicts(foreign, other)

    def redecide(self, pairs: pa.Table) -> Judgement | None:
        scores = stored_scores(pairs, self._names())
        return None if scores is None else self._verdicts(scores[0], scores[-1] if self.identify else 0 * scores[0])

    def _names(self) -> list[str]:
        return [f"{self.alias}_{name}" for name in (("foreign", "other") if self.identify else ("foreign",))]

    def _verdicts(self, foreign: NDArray[np.float64], other: NDArray[np.float64]) -> Judgement:
        tally = Tally(len(foreign))
        tally.add(foreign > self.max_foreign, f"{self.alias}: letters of another script came in")
        if self.identify:
            tally.add(other > self.max_other, f"{self.alias}: it is in another language")
        return Judgement(tally.passed, tally.reasons, dict(zip(self._names(), (foreign, other), strict=False)))

    def _other(self, before: str, after: str) -> float:
        home = self.expected
        if home is None:
            chances = _chances(before)
            home = max(chances, key=lambda code: chances[code])
        return round(max(chance for code, chance in _chances(after).items() if code != home), 6)


def _chances(text: str) -> dict[str, float]:
    """Probability of each language that the identifier knows."""
    with _asking:  # it keeps a counter of its own while it reads
        return {code: float(chance) for code, chance in _identifier().rank(text)}


@lru_cache(maxsize=1)
def _identifier() -> Any:
    library = importlib.import_module("py3langid.langid")
    return library.LanguageIdentifier.from_model_file(library.MODEL_FILE, norm_probs=True)
