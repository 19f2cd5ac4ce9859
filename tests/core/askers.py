"""Toy generators that ask a language model: one request a unit, and one that all units share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from contrafact.engines.llm.request import Request, Sampling
from contrafact.record import PairShape
from contrafact.stages import Context, Generator, RowFilter, Source
from tests.core.toys import Numbers

__all__ = ["Asker", "Odd", "Silent"]

_CHANGE = [{"variable": "text", "operation": "infill", "before": "", "after": "", "where": ""}]


class Asker(Generator):
    """The counterfactual is what the model says; every third unit cannot be made."""

    name = "asker"
    shard_rows = 4

    def __init__(self, tokens: int = 8) -> None:
        self.tokens = tokens

    def source(self, seed: int) -> Source:
        return Numbers(None)

    def shape(self) -> PairShape:
        return PairShape([pa.field("text", pa.string())], pa.field("label", pa.float64()))

    def questions(self, units: pa.Table, context: Context) -> Sequence[Request] | None:
        sampling = Sampling(max_tokens=self.tokens)
        own = [Request(prompt=f"unit {number} says", sampling=sampling) for number in units["number"].to_pylist()]
        return [Request(prompt="what all share", sampling=sampling), *own]

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        shared, *own = context.engines.llm.ask(list(self.questions(units, context) or ()))
        rows = []
        for unit, number, reply in zip(units["unit_id"].to_pylist(), units["number"].to_pylist(), own, strict=True):
            made = number % 3 != 0
            rows.append(
                {
                    "unit_id": unit,
                    "factual": {"text": f"unit {number}"},
                    "counterfactual": {"text": reply.text} if made else None,
                    "intervention": _CHANGE,
                    "label": 0.0,
                    "counterfactual_label": 1.0,
                    "request_ids": [shared.key, reply.key],
                    "reasons": [] if made else ["asker: a third of all"],
                }
            )
        text = pa.struct([("text", pa.string())])
        schema = pa.schema(
            [
                ("unit_id", pa.string()),
                ("factual", text),
                ("counterfactual", text),
                ("intervention", pa.list_(pa.struct([(name, pa.string()) for name in _CHANGE[0]]))),
                ("label", pa.float64()),
                ("counterfactual_label", pa.float64()),
                ("request_ids", pa.list_(pa.string())),
                ("reasons", pa.list_(pa.string())),
            ]
        )
        return pa.Table.from_pylist(rows, schema=schema)


class Silent(Asker):
    """Does not say what it would ask."""

    name = "silent"

    def questions(self, units: pa.Table, context: Context) -> None:
        return None


class Odd(RowFilter):
    """Keeps odd numbers."""

    name = "odd"

    def judge_row(self, pair: Mapping[str, Any]) -> tuple[bool, str]:
        return int(pair["unit_id"].removeprefix("n")) % 2 == 1, f"{self.alias}: even"
