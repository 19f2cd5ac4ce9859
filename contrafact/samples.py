"""A few pairs to look at: from a finished run directory, or made on the spot without writing anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contrafact.record import levels_of
from contrafact.store.layout import RunDirectory

if TYPE_CHECKING:
    from contrafact.plan import Plan

__all__ = ["Preview", "named", "preview_pairs", "sample_pairs"]


@dataclass(frozen=True)
class Preview:
    """Some of the first pairs that a plan would propose.

    Attributes
    ----------
    pairs : list of dict
        In the order of units, class codes replaced by their names.
    looked_at, accepted : int
        Pairs judged on the way, and those of them that were accepted.
    units : int
        Units that they are of.
    """

    pairs: list[dict[str, Any]]
    looked_at: int
    accepted: int
    units: int


def preview_pairs(
    plan: Plan, count: int, *, accepted: bool = False, told: Callable[[int, int], None] = lambda units, found: None
) -> Preview:
    """The first ``count`` pairs that the plan would propose, judged by its pair filters. Writes nothing.

    Parameters
    ----------
    accepted : bool
        The first accepted ones instead: shard after shard until they are found or the plan's units end.
    told : callable
        Is told after each shard how many units were looked at, and how many pairs are found: this may take long.
    """
    from contrafact.candidates import make_candidates
    from contrafact.judging import Funnel, apply_judgements, judge

    found: list[dict[str, Any]] = []
    looked_at = passed = 0
    for shard in range(plan.shards if accepted else 1):
        pairs = make_candidates(plan, shard)
        pairs = apply_judgements(pairs, judge(pairs, plan.filters), Funnel())
        if not accepted:
            pairs = pairs.slice(0, count)
            found = named(pairs)
        else:
            pairs = _until(pairs, count - len(found))
            found += named(pairs.filter(pairs["accepted"]))
        looked_at += pairs.num_rows
        passed += pc.sum(pairs["accepted"]).as_py() or 0
        last = shard
        told(plan.span(shard)[1], len(found))
        if len(found) >= count:
            break
    inside = pc.count_distinct(pairs["unit_id"]).as_py()
    return Preview(found, looked_at, passed, plan.span(last)[0] + inside)


def _until(pairs: pa.Table, count: int) -> pa.Table:
    """The pairs up to the one that is the ``count``-th accepted; all of them where there are fewer."""
    places = np.flatnonzero(pairs["accepted"].to_numpy())
    return pairs.slice(0, int(places[count - 1]) + 1) if len(places) >= count else pairs


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
