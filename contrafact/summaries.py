"""What the scores of a dataset's accepted pairs come to, for its card."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

__all__ = ["Summary", "summaries"]


@dataclass
class Summary:
    """One score over the pairs that have it. The mean is a sum in the order of the files: the same bytes every time."""

    name: str
    pairs: int = 0
    total: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf

    @property
    def mean(self) -> float:
        return self.total / self.pairs

    def add(self, values: pa.ChunkedArray) -> None:
        """Take the values of one file; null, nan and infinite ones say nothing."""
        values = values.cast(pa.float64())
        values = values.filter(pc.fill_null(pc.is_finite(values), False))
        if not len(values):
            return
        self.pairs += len(values)
        self.total += pc.sum(values).as_py()
        span = pc.min_max(values).as_py()
        self.least, self.greatest = min(self.least, span["min"]), max(self.greatest, span["max"])


def summaries(schema: pa.Schema, files: Iterable[Path]) -> Sequence[Summary]:
    """Mean and range of every score that is a number, over these Parquet files; only their scores are read."""
    kind = schema.field("scores").type
    numbers = [each.name for each in kind if pa.types.is_floating(each.type) or pa.types.is_integer(each.type)]
    found = {name: Summary(name) for name in numbers}
    for path in files if numbers else ():
        table = pq.ParquetFile(path).read(columns=[f"scores.{name}" for name in numbers])
        for name in numbers:
            found[name].add(pc.struct_field(table["scores"], name))
    return [summary for summary in found.values() if summary.pairs]
