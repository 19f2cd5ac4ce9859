"""Small plug-ins that the core's tests build datasets with: they say what happens, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from contrafact.errors import RowError
from contrafact.record import PairShape, class_label
from contrafact.stages import Judgement, PairFilter, Recomputed, RowFilter, RowGenerator, SetFilter, Sketches, Source


class Numbers(Source):
    """Units 0, 1, 2, … as many as asked for."""

    def __init__(self, count: int | None) -> None:
        self.count = count

    def rows(self) -> int | None:
        return self.count

    def read(self, start: int, stop: int) -> pa.Table:
        return pa.table({"unit_id": [f"n{number}" for number in range(start, stop)], "number": range(start, stop)})


class Parity(RowGenerator):
    """Adds one to a number, which changes its parity."""

    name = "parity"
    label_source = "oracle"
    shard_rows = 10

    def __init__(self, fail_every: int = 0, raise_every: int = 0, count: int | None = None, pairs: int = 1) -> None:
        self.fail_every, self.raise_every, self.count, self.pairs = fail_every, raise_every, count, pairs

    def source(self, seed: int) -> Source:
        return Numbers(self.count)

    def shape(self) -> PairShape:
        return PairShape([pa.field("number", pa.int64())], class_label("parity", ["even", "odd"]))

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        number = unit["number"]
        if self.fail_every and number % self.fail_every == 0:
            raise RowError("does not like this number")
        if self.raise_every and number % self.raise_every == 0:
            raise ZeroDivisionError("division by zero")
        for step in range(1, self.pairs + 1):
            change = {"variable": "number", "operation": "shift", "before": str(number), "after": str(number + step)}
            yield {
                "factual": {"number": number},
                "counterfactual": {"number": number + step},
                "intervention": [change],
                "label": number % 2,
                "counterfactual_label": (number + step) % 2,
                "exact": True,
            }

    def recompute(self, pairs: pa.Table) -> Recomputed:
        fact = np.asarray(pairs["factual"].combine_chunks().field("number"))
        after = [changes[0]["after"] for changes in pairs["intervention"].to_pylist()]
        other = np.array(after, dtype=np.int64)
        drawn = np.array([int(unit.removeprefix("n")) for unit in pairs["unit_id"].to_pylist()], dtype=np.int64)
        return Recomputed(
            {"number": other},
            pa.array(fact % 2),
            pa.array(other % 2),
            factual={"number": drawn},
            exact=np.ones(len(fact), dtype=bool),
            held_fixed=pa.array([[]] * len(fact), pa.list_(pa.string())),
        )


class Paid(Parity):
    """Pairs that stand on a model's replies, or on none; the first numbers cannot be made."""

    name = "paid"

    def __init__(self, paid: bool = True) -> None:
        super().__init__()
        self.paid = paid

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        if unit["number"] < 18:
            raise RowError("too low")
        for pair in super().make(unit, rng):
            yield {**pair, "request_ids": [f"r{unit['number']}"] if self.paid else [], "cost": 0.0}


class Small(RowFilter):
    """Keeps numbers below a bound."""

    name = "small"

    def __init__(self, below: int) -> None:
        self.below = below

    def judge_row(self, pair: Mapping[str, Any]) -> tuple[bool, str, float]:
        number = pair["factual"]["number"] if pair["factual"] else -1
        return number < self.below, f"{self.alias}: too large", float(number)


class Breaks(PairFilter):
    """Raises on numbers that a divisor divides (on all, for 1)."""

    name = "breaks"

    def __init__(self, every: int = 1) -> None:
        self.every = every

    def judge(self, pairs: pa.Table) -> Judgement:
        numbers = np.asarray(pairs["factual"].combine_chunks().field("number"))
        if (numbers % self.every == 0).any():
            raise RuntimeError("this filter is broken")
        return Judgement(np.ones(len(numbers), dtype=bool))


class EveryOther(SetFilter):
    """Accepts every second pair of those still alive, counted over the whole set."""

    name = "every_other"

    def sketch(self, pairs: pa.Table) -> pa.Table:
        return pa.table({"number": pairs["factual"].combine_chunks().field("number")})

    def decide(self, sketches: Sketches) -> Iterator[Judgement]:
        seen = 0
        for sketch in sketches:
            alive = sketch["alive"].to_numpy()
            turn = seen + np.cumsum(alive)
            seen += int(alive.sum())
            yield Judgement(~alive | (turn % 2 == 1), f"{self.alias}: not its turn", {self.alias: turn.astype(float)})
