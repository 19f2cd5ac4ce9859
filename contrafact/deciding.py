"""Where set filters decide: one place that sees every shard's sketch, in the order of units, one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.controls import following, kept_with_pairs
from contrafact.errors import ContrafactError, PluginError, StageError
from contrafact.judging import named
from contrafact.plan import Plan
from contrafact.stages import Judgement, SetFilter, Sketches
from contrafact.store.parquet import read_arrow, write_arrow

__all__ = ["decide", "sketched", "write_sketch"]

_PLACE = "beside"  # column of a sketch, where there are controls


@dataclass(frozen=True)
class _OnDisk(Sketches):
    plan: Plan
    alias: str
    earlier: Sequence[str]
    shards: Sequence[int]
    total: int

    def __len__(self) -> int:
        return len(self.shards)

    @property
    def rows(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[pa.Table]:
        for shard in self.shards:
            sketch, alive, place = self.state(shard)
            if place is not None:  # a control is none of theirs, whether its pair is in this shard or lost
                sketch, alive = sketch.drop_columns([_PLACE]), alive & (place == -1)
            yield sketch.set_column(sketch.schema.get_field_index("alive"), "alive", pa.array(alive))

    def state(self, shard: int) -> tuple[pa.Table, NDArray[np.bool_], NDArray[np.int64] | None]:
        """A shard's sketch, what is alive of it, and which pair each control stands beside."""
        sketch = read_arrow(self.plan.directory.sketch(self.alias, shard))
        alive = sketch["alive"].to_numpy()
        if self.earlier:
            # A pair that an earlier set filter rejected is dead to this one.
            passed = read_arrow(self.plan.directory.verdicts(shard))
            for alias in self.earlier:
                alive = alive & passed[f"{alias}:passed"].to_numpy()
        return sketch, alive, sketch[_PLACE].to_numpy() if _PLACE in sketch.column_names else None


def decide(plan: Plan, reports: Sequence[dict[str, Any]], quota: int | None = None) -> list[int]:
    """Let every set filter judge the shards of ``reports`` (in order) and write the verdicts.

    Parameters
    ----------
    quota : int, optional
        How many accepted pairs are wanted of these shards. Where more would pass, a filter that keeps a proportion is
        told, so that what it lets pass is as many; unless those that judge after it then reject too many.

    Returns
    -------
    list of int
        Pairs of each shard that are still accepted afterwards.
    """
    alive = _decided(plan, reports)
    last = next((each for each in reversed(plan.set_filters) if not each.regroups()), None)
    if quota is None or sum(alive) <= quota or last is None or type(last).quota is SetFilter.quota:
        return alive
    last.quota(quota)
    try:
        told = _decided(plan, reports)
    finally:
        last.quota(None)
    return told if sum(told) >= quota else _decided(plan, reports)


def _decided(plan: Plan, reports: Sequence[dict[str, Any]]) -> list[int]:
    shards = [report["shard"] for report in reports]
    if not plan.set_filters:
        return [report["alive"] for report in reports]
    total = sum(report["proposed"] for report in reports)
    for position, each in enumerate(plan.set_filters):
        earlier = [other.alias for other in plan.set_filters[:position]]
        sketches = _OnDisk(plan, each.alias, earlier, shards, total)
        with _stopping(each):
            judgements = iter(each.decide(sketches))
        for shard, report in zip(shards, reports, strict=True):
            with _stopping(each):
                judgement = next(judgements, None)
            if judgement is None or len(judgement.passed) != report["proposed"]:
                raise PluginError(
                    f"filter {each.alias!r} did not judge every pair of shard {shard}",
                    allowed="one judgement a shard, one verdict a pair",
                )
            if report.get("controls"):
                place = read_arrow(plan.directory.sketch(each.alias, shard))[_PLACE].to_numpy()
                judgement = following(judgement, place)
            _record(plan, each, shard, judgement, first=position == 0)
    return [_alive(plan, shard) for shard in shards]


def sketched(each: SetFilter, pairs: pa.Table) -> pa.Table:
    """One shard's sketch. A set filter sees the whole, so that one that fails cannot cost single rows: it stops all."""
    with _stopping(each):
        sketch = each.sketch(pairs)
    if sketch.num_rows != pairs.num_rows:
        raise PluginError(
            f"the sketch of filter {each.alias!r} has {sketch.num_rows} rows for {pairs.num_rows} pairs",
            allowed="one row a pair, also for pairs that are rejected already",
        )
    return sketch


def write_sketch(path: Path, sketch: pa.Table, pairs: pa.Table, place: NDArray[np.int64] | None) -> None:
    """Write a shard's sketch with what of it is alive, and which pair each control stands beside."""
    whole = sketch.append_column("alive", pairs["accepted"].combine_chunks())
    write_arrow(whole if place is None else whole.append_column(_PLACE, pa.array(place)), path)


@contextmanager
def _stopping(each: SetFilter) -> Iterator[None]:
    try:
        yield
    except (ContrafactError, MemoryError, OSError):
        raise
    except Exception as error:
        raise StageError(
            f"filter {each.alias!r} failed: {type(error).__name__}: {error}",
            fix=f"mend filter {each.alias!r}, then run the same command: what was finished is kept",
        ) from error


def _record(plan: Plan, each: SetFilter, shard: int, judgement: Judgement, *, first: bool) -> None:
    rows = len(judgement.passed)
    columns: dict[str, Any] = {} if first else dict(_columns(read_arrow(plan.directory.verdicts(shard))))
    columns[f"{each.alias}:passed"] = pa.array(judgement.passed)
    reason = named(each.alias, judgement.reason)
    text = np.full(rows, reason, dtype=object) if isinstance(reason, str) else reason
    columns[f"{each.alias}:reason"] = pa.array(text, pa.string())
    for column in each.score_fields():
        given = judgement.scores.get(column.name)
        columns[f"{each.alias}:score:{column.name}"] = (
            pa.nulls(rows, column.type) if given is None else _array(given, column.type)
        )
    if judgement.groups is not None:
        columns[f"{each.alias}:groups"] = judgement.groups
    write_arrow(pa.table(columns), plan.directory.verdicts(shard))


def _array(values: NDArray[Any] | pa.Array, kind: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, kind, from_pandas=True)


def _columns(table: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    return zip(table.column_names, table.columns, strict=True)


def _alive(plan: Plan, shard: int) -> int:
    last = plan.set_filters[-1].alias
    sketches = _OnDisk(plan, last, [each.alias for each in plan.set_filters], [shard], 0)
    _, alive, place = sketches.state(shard)
    return int(np.count_nonzero(kept_with_pairs(alive, place)))
