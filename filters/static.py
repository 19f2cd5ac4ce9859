"""Static: what static analysers find in one member of a pair of programs and not in the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import RecipeError, did_you_mean
from contrafact.record import levels_of
from contrafact.stages import Generator, Judgement, PairFilter
from filters.options import check_members
from filters.text import stored_scores
from filters.verdicts import Tally

if TYPE_CHECKING:
    from contrafact.engines.analysers import Analyser

__all__ = ["Static"]

_NAMES = ("factual", "counterfactual", "delta")


class Static(PairFilter):
    """Analysers find more in the member with the higher label (``vulnerable`` is above ``safe``) than in the other.

    Scores: findings in either member, and ``<alias>_delta``, those of the higher label less those of the lower one. A
    pair whose labels are equal has the counterfactual's less the factual's.

    Parameters
    ----------
    analysers : list of str
        Which (:mod:`contrafact.engines.analysers`); each judges the code of its own language.
    min : float
        Least delta.
    related : bool
        Count findings of the pair's own weakness and its near kin only, where the pairs have a member ``cwe``.
    field : str
        The member that is code.
    language : str, optional
        What it is written in; told by the member ``language`` where that is a class label.
    executables : dict of str to str, optional
        Where an analyser is, by its name, if it is not on the ``PATH``.

    Raises
    ------
    RecipeError
        For an unknown analyser, or members that are not there.
    MissingDependencyError
        For an analyser that is not installed, with the package.
    """

    name: ClassVar[str] = "static"
    thresholds: ClassVar[frozenset[str]] = frozenset({"min"})

    def __init__(
        self,
        *,
        analysers: list[str],
        min: float = 1.0,
        related: bool = True,
        field: str = "code",
        language: str | None = None,
        executables: dict[str, str] | None = None,
    ) -> None:
        from contrafact.engines.analysers import open_analyser

        if not analysers:
            raise RecipeError("filter static: no analyser is named", fix="analysers: [bandit]")
        named = executables or {}
        for each in named:
            if each not in analysers:
                near = did_you_mean(each, analysers)
                raise RecipeError(f"filter static: executables has {each!r}{near}", allowed=", ".join(analysers))
        self.analysers: list[Analyser] = [open_analyser(each, named.get(each)) for each in analysers]
        self.min, self.related, self.field, self.language = min, related, field, language
        self._levels: tuple[str, ...] = ()

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        needed = [self.field, *(["language"] if self.language is None else [])]
        fields = check_members(alias, "field", needed, generator)
        if self.language is None:
            self._levels = levels_of(fields["language"]) or ()
        self.related = self.related and any(each.name == "cwe" for each in generator.shape().members)

    def identity(self) -> Any:
        return [each.version() for each in self.analysers]

    def score_fields(self) -> Sequence[pa.Field]:
        return [pa.field(name, pa.float64()) for name in self._names()]

    def judge(self, pairs: pa.Table) -> Judgement:
        # Both sides in one run: an analyser takes longer to start than to read.
        members = pa.concat_arrays([pairs[side].combine_chunks() for side in _NAMES[:2]])
        before, after = np.split(self._found(members), 2)
        return self._verdicts(before, after, _signs(pairs) * (after - before))

    def redecide(self, pairs: pa.Table) -> Judgement | None:
        scores = stored_scores(pairs, self._names())
        return None if scores is None else self._verdicts(*scores)

    def _names(self) -> list[str]:
        return [f"{self.alias}_{name}" for name in _NAMES]

    def _found(self, members: pa.StructArray) -> NDArray[np.float64]:
        """Findings in each member, of every analyser that reads its language. Shape (n,)."""
        from contrafact.engines.analysers import same_weakness

        texts = members.field(self.field).to_pylist()
        spoken = self._spoken(members)
        weaknesses = members.field("cwe").to_pylist() if self.related else []
        total = np.zeros(len(texts))
        for analyser in self.analysers:
            for language in analyser.languages:
                rows = [row for row in range(len(texts)) if spoken[row] == language and texts[row] is not None]
                found = analyser.findings([texts[row] for row in rows], language)
                for row, findings in zip(rows, found, strict=True):
                    total[row] += sum(not self.related or same_weakness(e.cwe, weaknesses[row]) for e in findings)
        return total

    def _spoken(self, members: pa.StructArray) -> list[str | None]:
        if self.language is not None:
            return [self.language] * len(members)
        codes = members.field("language").to_pylist()
        return [None if code is None else self._levels[code] if self._levels else str(code) for code in codes]

    def _verdicts(
        self, factual: NDArray[np.float64], counterfactual: NDArray[np.float64], delta: NDArray[np.float64]
    ) -> Judgement:
        tally = Tally(len(delta))
        tally.add(delta < self.min, f"{self.alias}: the analysers do not find more in one member")
        scores = dict(zip(self._names(), (factual, counterfactual, delta), strict=True))
        return Judgement(tally.passed, tally.reasons, scores)


def _signs(pairs: pa.Table) -> NDArray[np.float64]:
    """-1 where the factual has the higher label, else 1."""
    labels = [pairs[name].combine_chunks().to_pylist() for name in ("label", "counterfactual_label")]
    return np.array([
        -1.0 if one is not None and other is not None and one > other else 1.0
        for one, other in zip(*labels, strict=True)
    ])  # fmt: skip
