"""Plug-ins that do what plug-ins should not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from contrafact.errors import DataError, TransientError
from contrafact.stages import Context, Judgement, PairFilter, RowFilter, SetFilter, Sketches
from tests.core.toys import EveryOther, Parity


class Silent(Parity):
    """Says nothing about some units, and leaves the counterfactual out for others."""

    name = "silent"

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        for pair in super().make(unit, rng):
            if unit["number"] % 5 == 2:
                yield {**pair, "counterfactual": None, "counterfactual_label": None}
            elif unit["number"] % 5 != 1:
                yield pair


class Columnar(Parity):
    """Gives what ``change`` makes of a good table."""

    name = "columnar"

    def __init__(self, change: str = "") -> None:
        super().__init__()
        self.change = change

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        table = super().generate(units, context)
        if self.change == "drop a column":
            return table.drop_columns(["label"])
        if self.change == "drop rows":
            return table.filter(pa.array([number % 3 > 0 for number in units["number"].to_pylist()]))
        if self.change == "reverse":
            return table.take(pa.array(range(table.num_rows - 1, -1, -1)))
        if self.change == "strangers":
            return table.set_column(0, "unit_id", pa.array([f"x{row}" for row in range(table.num_rows)]))
        if self.change == "another type":
            return table.set_column(table.schema.get_field_index("label"), "label", pa.array(["odd"] * table.num_rows))
        return table


class Numeric(PairFilter):
    """Gives its verdicts as the numbers 0 and 1."""

    name = "numeric"

    def judge(self, pairs: pa.Table) -> Judgement:
        numbers = np.asarray(pairs["factual"].combine_chunks().field("number"))
        return Judgement(numbers % 2, f"{self.alias}: even", {self.alias: numbers.astype(float)})


class Short(PairFilter):
    """Gives one verdict too few."""

    name = "short"

    def judge(self, pairs: pa.Table) -> Judgement:
        return Judgement(np.ones(pairs.num_rows - 1, dtype=bool))


class BadSet(EveryOther):
    """A set filter that fails as told."""

    name = "bad_set"

    def __init__(self, how: str) -> None:
        self.how = how

    def sketch(self, pairs: pa.Table) -> pa.Table:
        if self.how == "sketch raises":
            raise RuntimeError("no sketch today")
        sketch = super().sketch(pairs)
        return sketch.slice(1) if self.how == "sketch is short" else sketch

    def decide(self, sketches: Sketches) -> Iterator[Judgement]:
        if self.how == "decide raises":
            raise RuntimeError("no decision today")
        for number, judgement in enumerate(super().decide(sketches)):
            if self.how == "stops early" and number == 1:
                return
            if self.how == "verdicts are short":
                yield Judgement(judgement.passed[1:])
            else:
                yield judgement


class Grouped(SetFilter):
    """Puts every ten numbers into one group."""

    name = "grouped"

    def regroups(self) -> bool:
        return True

    def score_fields(self) -> list[pa.Field]:
        return []

    def sketch(self, pairs: pa.Table) -> pa.Table:
        return pa.table({"number": pairs["unit_id"]})

    def decide(self, sketches: Sketches) -> Iterator[Judgement]:
        for sketch in sketches:
            groups = [f"g{int(unit[1:]) // 10}" for unit in sketch["number"].to_pylist()]
            yield Judgement(np.ones(sketch.num_rows, dtype=bool), groups=pa.array(groups))


class OnceEach(Parity):
    """Remembers the units it was asked for; some raise, and some give what no field can hold."""

    name = "once_each"
    asked: ClassVar[list[int]] = []

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        number = unit["number"]
        self.asked.append(number)
        if number % 10 == 3:
            raise ZeroDivisionError("division by zero")
        for pair in super().make(unit, rng):
            yield {**pair, "label": "odd"} if number % 10 == 5 else pair


class JudgedOnce(RowFilter):
    """Remembers the pairs it was shown, and fails on some of them."""

    name = "judged_once"
    asked: ClassVar[list[int]] = []

    def judge_row(self, pair: Mapping[str, Any]) -> bool:
        number = pair["factual"]["number"]
        self.asked.append(number)
        return bool(1 / (number % 10 - 7))


class Stops(Parity):
    """Takes its time, and ends the build at one number."""

    name = "stops"

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        time.sleep(0.02)
        if unit["number"] == 25:
            raise DataError("that will never do", fix="another number")
        return super().make(unit, rng)


class Busy(Parity):
    """A server that is busy the first few times it is asked for a shard, or for one of them only."""

    name = "busy"
    asked: ClassVar[dict[int, int]] = {}

    def __init__(self, times: int = 1, terminal: bool = False, only: int | None = None) -> None:
        super().__init__()
        self.times, self.terminal, self.only = times, terminal, only

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        self.asked[context.start] = self.asked.get(context.start, 0) + 1
        concerned = self.only is None or self.only == context.start
        if concerned and self.asked[context.start] <= self.times:
            raise DataError("that will never do") if self.terminal else TransientError("the server is busy")
        return super().generate(units, context)
