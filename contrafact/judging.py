"""Applying filters: scores, verdicts and reasons are added to the pairs, and nothing is taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.candidates import struct
from contrafact.errors import PluginError
from contrafact.isolation import attempts
from contrafact.record import LABEL_SOURCES
from contrafact.stages import Judgement, PairFilter

__all__ = ["Funnel", "apply_judgements", "judge", "named", "with_reasons"]


@dataclass
class Funnel:
    """How many pairs each step saw and turned away, and why.

    Attributes
    ----------
    steps : dict of str to [int, int]
        Pairs still accepted when the step judged, and those it was the first to reject.
    reasons : dict of str to int
        Rejected pairs by their first reason, which is that of the step that rejected them: they add up to the steps'.
    also : dict of str to int
        How often each reason was given to a pair that an earlier one had rejected already.
    """

    steps: dict[str, list[int]] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    also: dict[str, int] = field(default_factory=dict)

    def count(self, step: str, seen: int, rejected: int) -> None:
        """Add to a step: pairs still accepted when it judged, and those it was the first to reject."""
        row = self.steps.setdefault(step, [0, 0])
        row[0] += seen
        row[1] += rejected

    def explain(self, reasons: pa.Array) -> None:
        """Add the reasons of pairs that every step has judged: a list each, in the order of the steps."""
        parents = pc.list_parent_indices(reasons).to_numpy()
        first = np.ones(len(parents), dtype=bool)
        first[1:] = parents[1:] != parents[:-1]
        texts = reasons.flatten()
        for given, mask in ((self.reasons, first), (self.also, ~first)):
            _add(given, _tally(texts.filter(pa.array(mask))))

    def add(self, spec: Mapping[str, Any]) -> None:
        """Add another funnel's ``spec``."""
        for step, (seen, rejected) in spec["steps"].items():
            self.count(step, seen, rejected)
        _add(self.reasons, spec["reasons"])
        _add(self.also, spec["also"])

    def spec(self) -> dict[str, Any]:
        return {"steps": self.steps, "reasons": self.reasons, "also": self.also}


def _add(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for reason, times in more.items():
        counts[reason] = counts.get(reason, 0) + times


def _tally(texts: pa.Array) -> dict[str, int]:
    return {entry["values"].as_py(): entry["counts"].as_py() for entry in pc.value_counts(texts)}


def judge(pairs: pa.Table, filters: Sequence[PairFilter], proof: int = 1) -> dict[str, Judgement]:
    """Every filter's judgement, by alias. A pair on which a filter fails is rejected with that as its reason.

    Filters see only pairs that could be made; the others are rejected already, and pass here with empty scores.

    Parameters
    ----------
    proof : int
        Pairs from which on a filter that fails on all of them stops the build (:func:`contrafact.isolation.attempts`).
    """
    made = pc.is_valid(pairs["counterfactual"]).to_numpy()
    if made.all():
        return {each.alias: _judged(pairs, each, proof) for each in filters} if pairs.num_rows else {}
    if not made.any():
        return {}
    whole = pairs.filter(pa.array(made)).combine_chunks()
    return {each.alias: _spread(_judged(whole, each, proof), made) for each in filters}


def apply_judgements(pairs: pa.Table, judgements: Mapping[str, Judgement], funnel: Funnel) -> pa.Table:
    """The pairs with scores, reasons, ``accepted`` and changed groups filled in."""
    rows = pairs.num_rows
    if rows == 0:
        return pairs
    alive = pairs["accepted"].to_numpy()
    given: list[tuple[NDArray[np.bool_], str | NDArray[Any]]] = []
    scores: dict[str, Any] = {}
    for alias, judgement in judgements.items():
        failed = ~judgement.passed
        funnel.count(alias, int(alive.sum()), int((alive & failed).sum()))
        alive = alive & judgement.passed
        given.append((failed, judgement.reason))
        scores |= judgement.scores
        if judgement.groups is not None:
            pairs = _replaced(pairs, "group_id", judgement.groups)
        if judgement.label_source is not None:
            pairs = _witnessed(pairs, judgement.passed, judgement.label_source)
    pairs = with_reasons(pairs, given)
    pairs = _replaced(pairs, "scores", _filled(pairs["scores"].combine_chunks(), scores, rows))
    return _replaced(pairs, "accepted", pa.array(alive))


def with_reasons(pairs: pa.Table, given: Sequence[tuple[NDArray[np.bool_], str | NDArray[Any]]]) -> pa.Table:
    """The pairs with more reasons: each entry is a mask and the text (or a text each) of the rows it marks."""
    rows, owners, texts = pairs.num_rows, [], []
    for failed, reason in given:
        marked = np.flatnonzero(failed)
        if len(marked):
            owners.append(marked)
            texts.append(np.full(len(marked), reason, dtype=object) if isinstance(reason, str) else reason[marked])
    if not owners:
        return pairs
    column = pairs["reasons"].combine_chunks()
    before = pc.list_parent_indices(column).to_numpy()
    owner = np.concatenate([before, *owners])
    text = pa.concat_arrays([column.flatten(), *(pa.array(each, pa.string()) for each in texts)])
    order = np.argsort(owner, kind="stable")
    offsets = np.zeros(rows + 1, dtype=np.int32)
    np.cumsum(np.bincount(owner, minlength=rows), out=offsets[1:])
    return _replaced(pairs, "reasons", pa.ListArray.from_arrays(pa.array(offsets), text.take(pa.array(order))))


def named(alias: str, reason: str | NDArray[Any]) -> str | NDArray[Any]:
    """A reason, or each of several, beginning with its filter's alias: what one filter said is told by that."""
    if isinstance(reason, str):
        return reason if reason.startswith(f"{alias}: ") else f"{alias}: {reason or 'failed'}"
    strange = {text for text in set(reason.tolist()) if not str(text).startswith(f"{alias}: ")}
    if not strange:
        return reason
    given = {text: named(alias, "" if text is None else str(text)) for text in strange}
    return np.array([given.get(text, text) for text in reason.tolist()], dtype=object)


def _witnessed(pairs: pa.Table, passed: NDArray[np.bool_], source: str) -> pa.Table:
    """The label source of pairs that passed, where ``source`` is a stronger witness than they had."""
    weaker = pa.array(LABEL_SOURCES[LABEL_SOURCES.index(source) + 1 :], pa.string())
    column = pairs["label_source"].combine_chunks()
    made = pc.is_valid(pairs["counterfactual"].combine_chunks())
    raised = pc.and_(pc.and_(pa.array(passed), made), pc.is_in(column, weaker))
    return _replaced(pairs, "label_source", pc.if_else(raised, pa.scalar(source), column))


def _judged(pairs: pa.Table, each: PairFilter, proof: int) -> Judgement:
    def checked(rows: pa.Table, start: int) -> Judgement:
        answer = each.judge(rows)
        if len(answer.passed) != rows.num_rows:
            raise PluginError(f"filter {each.alias!r} gave {len(answer.passed)} verdicts on {rows.num_rows} pairs")
        # Verdicts given as the numbers 0 and 1 would turn into something else under ~.
        return replace(answer, passed=np.asarray(answer.passed, dtype=bool), reason=named(each.alias, answer.reason))

    parts = attempts(f"filter {each.alias!r}", checked, pairs, proof)
    if len(parts) == 1 and parts[0].result is not None:
        return parts[0].result
    answers = [part.result or _broken(each.alias, part.reason) for part in parts]
    passed = np.concatenate([answer.passed for answer in answers])
    reasons = np.concatenate([np.broadcast_to(np.asarray(a.reason, dtype=object), a.passed.shape) for a in answers])
    names = {name for answer in answers for name in answer.scores}
    scores = {name: np.concatenate([_column(answer, name) for answer in answers]) for name in names}
    source = next((answer.label_source for answer in answers if answer.label_source is not None), None)
    return Judgement(passed, reasons, scores, label_source=source)


def _spread(answer: Judgement, made: NDArray[np.bool_]) -> Judgement:
    """A judgement on the pairs that could be made, as one on all of them."""
    place = np.full(len(made), -1, dtype=np.int64)
    place[made] = np.arange(int(made.sum()))
    take = pa.array(place, mask=~made)
    passed = np.ones(len(made), dtype=bool)
    passed[made] = answer.passed
    reason = answer.reason
    if not isinstance(reason, str):
        reason = pa.array(reason, pa.string()).take(take).to_numpy(zero_copy_only=False)
    scores = {
        name: (values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)).take(take)
        for name, values in answer.scores.items()
    }
    return Judgement(passed, reason, scores, label_source=answer.label_source)


def _broken(alias: str, reason: str) -> Judgement:
    return Judgement(np.zeros(1, dtype=bool), f"{alias}: failed: {reason}")


def _column(answer: Judgement, name: str) -> NDArray[Any]:
    values = answer.scores.get(name)
    return np.full(len(answer.passed), np.nan) if values is None else np.asarray(values)


def _filled(scores: pa.StructArray, values: Mapping[str, Any], rows: int) -> pa.Array:
    children = []
    for position, column in enumerate(scores.type):
        given = values.get(column.name)
        if given is None:
            children.append(scores.field(position))
        else:
            values_of = given if isinstance(given, pa.Array) else pa.array(given, column.type, from_pandas=True)
            children.append(values_of.cast(column.type))
    return struct(children, list(scores.type), rows)


def _replaced(pairs: pa.Table, name: str, column: pa.Array) -> pa.Table:
    position = pairs.schema.get_field_index(name)
    return pairs.set_column(position, pairs.schema.field(name), column.cast(pairs.schema.field(name).type))
