"""Pairs of texts, written out by hand, and filters on them as a build would call them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from contrafact.engines import Engines
from contrafact.judging import judge as apply
from contrafact.record import PairShape, class_label, pair_schema
from contrafact.stages import Context, Generator, Judgement, PairFilter, SetFilter

LABELS = ("negative", "positive")


class Texts(Generator):
    """Pairs of ``text``, or of the fields given; it makes none."""

    name = "texts"

    def __init__(self, *fields: str, members: Sequence[pa.Field] = (), label: pa.Field | None = None) -> None:
        self._members = [*(pa.field(name, pa.string()) for name in fields or ("text",)), *members]
        self._label = class_label("sentiment", LABELS) if label is None else label

    def shape(self) -> PairShape:
        return PairShape(self._members, self._label)

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        raise NotImplementedError


def edit(before: str | None, after: str | None, **columns: Any) -> dict[str, Any]:
    """A pair of single texts."""
    return {"factual": {"text": before}, "counterfactual": {"text": after}, **columns}


def table(rows: Sequence[Mapping[str, Any]], generator: Generator, scores: Sequence[pa.Field] = ()) -> pa.Table:
    """Rows in record form; the label moves from negative to positive unless a row says otherwise."""
    whole = [
        {
            "pair_id": f"p{place}",
            "unit_id": f"u{place}",
            "group_id": row.get("unit_id", f"u{place}"),
            "label": 0,
            "counterfactual_label": 1,
            "intervention": [],
            "accepted": row["counterfactual"] is not None,
            "reasons": [],
            **row,
        }
        for place, row in enumerate(rows)
    ]
    return pa.Table.from_pylist(whole, schema=pair_schema(generator.shape(), scores))


def bound(judge: Any, generator: Generator | None = None, engines: Engines | None = None) -> Any:
    """A filter under its own name, ready to judge."""
    judge.bind(judge.name, generator or Texts())
    judge.borrow(engines or Engines())
    return judge


def judged(
    judge: PairFilter,
    rows: Sequence[Mapping[str, Any]],
    generator: Generator | None = None,
    engines: Engines | None = None,
) -> Judgement:
    """A pair filter's judgement on rows, as the core asks for it."""
    generator = generator or Texts()
    bound(judge, generator, engines)
    return apply(table(rows, generator), [judge])[judge.alias]


def redecided(judge: PairFilter, rows: Sequence[Mapping[str, Any]], scores: Mapping[str, Sequence[float]]) -> Judgement:
    """What a filter says again from stored scores alone."""
    generator = Texts()
    bound(judge, generator)
    stored = [{**row, "scores": {k: v[place] for k, v in scores.items()}} for place, row in enumerate(rows)]
    answer = judge.redecide(table(stored, generator, judge.score_fields()))
    assert answer is not None
    return answer


def verdicts(judgement: Judgement) -> list[str]:
    """Reason of each pair without the filter's name, an empty text where it passed."""
    whole = np.broadcast_to(np.asarray(judgement.reason, dtype=object), judgement.passed.shape)
    return ["" if good else reason.partition(": ")[2] for good, reason in zip(judgement.passed, whole, strict=True)]


def decided(
    judge: SetFilter, rows: Sequence[Mapping[str, Any]], engines: Engines, shard: int = 3, generator: Any = None
) -> list[Judgement]:
    """A set filter's judgements on rows cut into shards."""
    from tests.filters.toys import sketched

    generator = generator or Texts()
    bound(judge, generator, engines)
    sketches = sketched(judge, table(rows, generator), shard=shard)
    answers = list(judge.decide(sketches))
    assert [len(each.passed) for each in answers] == [each.num_rows for each in sketches.tables]
    return answers


def passed(answers: Sequence[Judgement]) -> list[bool]:
    return [bool(each) for answer in answers for each in answer.passed]


def scores(answers: Sequence[Judgement], name: str) -> list[float]:
    return [float(each) for answer in answers for each in np.asarray(answer.scores[name])]
