"""Pair filters' judgements on pairs that were judged before: kept, decided from their scores, or made again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contrafact.judging import judge
from contrafact.plan import Plan
from contrafact.stages import Judgement, PairFilter
from contrafact.stored import marked

__all__ = ["judge_again"]


def judge_again(
    plan: Plan, pairs: pa.Table, unchanged: Callable[[str], bool], keeps_scores: Callable[[str], bool]
) -> dict[str, Judgement]:
    """Every pair filter's judgement on stored pairs, by alias.

    Parameters
    ----------
    unchanged, keeps_scores : callable of alias
        Whether the filter's verdicts stand, and whether its scores do.
    """
    if not pc.any(pc.is_valid(pairs["counterfactual"])).as_py():
        return {}
    return {
        each.alias: _kept(pairs, each)
        if unchanged(each.alias)
        else judge(pairs, [_Again(each, keeps_scores(each.alias))], plan.proof)[each.alias]
        for each in plan.filters
    }


def _kept(pairs: pa.Table, each: PairFilter) -> Judgement:
    """What an unchanged filter said, read from scores and reasons."""
    failed, reasons = marked(pairs["reasons"].combine_chunks(), f"{each.alias}: ")
    stored = pairs["scores"].combine_chunks()
    scores = {column.name: stored.field(column.name) for column in each.score_fields()}
    return Judgement(~failed, reasons, scores, label_source=each.witness)


class _Again(PairFilter):
    """A filter that decides from stored scores where it can, and judges again where not."""

    name = "again"

    def __init__(self, inner: PairFilter, scored: bool) -> None:
        self.inner, self.scored, self.alias = inner, scored, inner.alias

    def judge(self, pairs: pa.Table) -> Judgement:
        answer = self.inner.redecide(pairs) if self.scored else None
        return self.inner.judge(pairs) if answer is None else self._still_failed(pairs, answer)

    def _still_failed(self, pairs: pa.Table, answer: Judgement) -> Judgement:
        """Pairs on which the filter broke have no scores to decide from."""
        broke, texts = marked(pairs["reasons"].combine_chunks(), f"{self.alias}: failed: ")
        if not broke.any():
            return answer
        reasons = np.where(broke, texts, np.broadcast_to(np.asarray(answer.reason, dtype=object), broke.shape))
        return replace(answer, passed=answer.passed & ~broke, reason=reasons)
