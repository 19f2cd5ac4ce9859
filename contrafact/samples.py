"""A few pairs to look at: from a finished run directory, or made on the spot without writing anything."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contrafact.candidates import make_candidates
from contrafact.judging import Funnel, apply_judgements, judge
from contrafact.plan import Plan
from contrafact.record import levels_of
from contrafact.store.layout import RunDirectory

__all__ = ["named", "preview_pairs", "sample_pairs"]


def preview_pairs(plan: Plan, count: int) -> list[dict[str, Any]]:
    """The first ``count`` pairs that the plan would propose, judged by its pair filters. Writes nothing."""
    pairs = make_candidates(plan, 0)
    pairs = apply_judgements(pairs, judge(pairs, plan.filters), Funnel())
    return named(pairs.slice(0, count))


def sample_pairs(directory: RunDirectory, count: int, part: str = "data") -> list[dict[str, Any]]:
    """The first ``count`` pairs on disk; no more is read than they need."""
    rows: list[dict[str, Any]] = []
    for path in sorted((directory.path / part).glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(batch_size=count - len(rows)):
            rows += named(pa.Table.from_batches([batch]))
            break
        if len(rows) >= count:
            break
    return rows[:count]


def named(pairs: pa.Table) -> list[dict[str, Any]]:
    """Pairs as dictionaries, class codes replaced by their names."""
    columns = [_named(pairs[column.name].combine_chunks(), column) for column in pairs.schema]
    rows: list[dict[str, Any]] = pa.table(columns, names=pairs.column_names).to_pylist()
    return rows


def _named(values: pa.Array, column: pa.Field) -> pa.Array:
    levels = levels_of(column)
    if levels is not None:
        return pa.array(levels, pa.string()).take(values)
    if pa.types.is_struct(column.type) and len(column.type):
        children = [_named(child, inner) for child, inner in zip(values.flatten(), column.type, strict=True)]
        names = [inner.name for inner in column.type]
        return pa.StructArray.from_arrays(children, names=names, mask=pc.is_null(values))
    return values
