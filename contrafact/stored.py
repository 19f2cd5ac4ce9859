"""Reading a finished dataset back: whole shards in the order of units, and pairs as the candidates that they were."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.candidates import constant, struct
from contrafact.controls import STEP
from contrafact.errors import RunDirectoryError, UserError
from contrafact.identity import identity_of
from contrafact.plan import Plan, source_of
from contrafact.recipe import Recipe
from contrafact.record import HIDDEN
from contrafact.stages import Source
from contrafact.store.layout import REJECTED, RunDirectory
from contrafact.store.media import with_media
from contrafact.store.parquet import read_parquet

__all__ = ["Stored", "marked"]


@dataclass
class Stored:
    """The pairs of a finished run directory.

    Parameters
    ----------
    directory : RunDirectory
    manifest : mapping
    recipe : Recipe
        The recipe that the dataset was made with.
    plan : Plan
        The plan that decides again.
    """

    directory: RunDirectory
    manifest: Mapping[str, Any]
    recipe: Recipe
    plan: Plan
    _source: Source | None = field(default=None, init=False)
    _lock: Any = field(default_factory=threading.Lock, init=False)

    def read(self, shard: int) -> pa.Table:
        """Every pair of one shard, with its hidden truth, in the order in which a build makes them."""
        listed = {file["path"] for file in self.manifest["files"]}
        parts = [self.directory.pairs(part, shard) for part in (*self.recipe.splits, REJECTED)]
        there = [path for path in parts if path.relative_to(self.directory.path).as_posix() in listed]
        tables = [with_media(self._with_hidden(path), self.directory.path) for path in there]
        whole = pa.concat_tables(tables).combine_chunks()
        place = self._positions(whole, shard, [table.num_rows for table in tables])
        number = pc.list_element(pc.split_pattern(whole["pair_id"], "/", max_splits=1, reverse=True), 1)
        order = np.lexsort((number.cast(pa.int64()).to_numpy(), place))
        return whole.take(pa.array(order)).combine_chunks()

    def candidates(self, pairs: pa.Table) -> pa.Table:
        """Stored pairs as the generator gave them: without what filters said, and under the new plan's recipe."""
        plan, rows = self.plan, pairs.num_rows
        reasons = self._own_reasons(pairs["reasons"].combine_chunks())
        columns: dict[str, Any] = {
            "label_source": pairs["provenance"].combine_chunks().field("first_source"),
            "scores": _children(pairs["scores"].combine_chunks(), plan.schema.field("scores").type, self._own_scores),
            "accepted": pc.equal(pc.list_value_length(reasons), 0),
            "reasons": reasons,
            "provenance": _replaced(pairs["provenance"].combine_chunks(), "recipe", plan.identity, rows),
        }
        schema = plan.working_schema
        whole = [columns[name] if name in columns else pairs[name] for name in schema.names]
        return pa.table(
            [column.cast(each.type) for column, each in zip(whole, schema, strict=True)], schema=schema
        ).combine_chunks()

    @property
    def _own_scores(self) -> set[str]:
        return {column.name for column in self.plan.generator.shape().scores}

    def _with_hidden(self, path: Path) -> pa.Table:
        pairs = read_parquet(path)
        if self.plan.hidden_schema is None:
            return pairs
        hidden = read_parquet(self.directory.path / "hidden" / path.name)
        names = hidden.column_names[1:]
        fields = [hidden.schema.field(name) for name in names]
        truth = pa.StructArray.from_arrays([hidden[name].combine_chunks() for name in names], fields=fields)
        return pairs.append_column(HIDDEN, truth)

    def _positions(self, pairs: pa.Table, shard: int, sizes: Sequence[int]) -> NDArray[np.int64]:
        """Position of each pair's unit in the source."""
        ids = pairs["unit_id"].combine_chunks()
        span = self.plan.span(shard)
        numbers = _numbered(ids, span, sizes)
        if numbers is not None:
            return numbers
        known = self._units().read(*span)["unit_id"].combine_chunks()
        return np.asarray(pc.index_in(ids, known).cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)

    def _units(self) -> Source:
        """The source itself, asked only where ids do not tell the order of units."""
        with self._lock:
            if self._source is None:
                try:
                    source = source_of(self.recipe, self.plan.generator, self.plan.folder)
                except UserError as error:
                    raise _unordered(self.directory, error.what) from None
                if identity_of(source.identity()) != self.manifest["identity_parts"]["source"]:
                    raise _unordered(self.directory, "the source is another than it was")
                self._source = source
            return self._source

    def _own_reasons(self, reasons: pa.Array) -> pa.Array:
        """The reasons that neither a filter nor the core gave: those of the generator."""
        flat = reasons.flatten()
        kept = np.ones(len(flat), dtype=bool)
        for alias in (*self.recipe.filters, STEP, "quota"):
            kept &= ~_starts(flat, f"{alias}: ")
        owner = pc.list_parent_indices(reasons).to_numpy()[kept]
        offsets = np.zeros(len(reasons) + 1, dtype=np.int32)
        np.cumsum(np.bincount(owner, minlength=len(reasons)), out=offsets[1:])
        return pa.ListArray.from_arrays(pa.array(offsets), flat.filter(pa.array(kept)))


def marked(reasons: pa.Array, prefix: str) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Which pairs have a reason that begins so, and the first such reason of each (empty where there is none)."""
    flat = reasons.flatten()
    ours = np.flatnonzero(_starts(flat, prefix))
    owner = pc.list_parent_indices(reasons).to_numpy()[ours]
    texts = np.full(len(reasons), "", dtype=object)
    texts[owner[::-1]] = flat.take(pa.array(ours[::-1])).to_numpy(zero_copy_only=False)
    found = np.zeros(len(reasons), dtype=bool)
    found[owner] = True
    return found, texts


def _starts(texts: pa.Array, prefix: str) -> NDArray[np.bool_]:
    return np.asarray(pc.starts_with(texts, prefix).fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)


def _numbered(ids: pa.Array, span: tuple[int, int], sizes: Sequence[int]) -> NDArray[np.int64] | None:
    """Numbers at the end of ids that are the units' positions; None where they are not.

    They are, where all have one stem, every number of the shard is there and no other, and each stored file counts up,
    as files in the order of units do.
    """
    parts = pc.extract_regex(ids, r"^(?P<stem>.*?)(?P<number>[0-9]{1,18})$")
    if parts.null_count or pc.count_distinct(pc.struct_field(parts, "stem")).as_py() != 1:
        return None
    numbers = pc.struct_field(parts, "number").cast(pa.int64()).to_numpy()
    if not np.array_equal(np.unique(numbers), np.arange(*span)):
        return None
    ends = np.cumsum(sizes)
    rising = np.diff(numbers) >= 0
    rising[ends[:-1] - 1] = True  # from the last row of a file to the first of the next
    return np.asarray(numbers, dtype=np.int64) if rising.all() else None


def _unordered(directory: RunDirectory, why: str) -> RunDirectoryError:
    return RunDirectoryError(
        f"the ids of {directory.path} do not tell the order of units, and the source cannot be asked: {why}",
        fix="--folder says where the source of the recipe is",
    )


def _children(stored: pa.StructArray, wanted: pa.StructType, kept: set[str]) -> pa.Array:
    """A struct of the wanted fields: those kept as they are stored, the others null."""
    children = [
        stored.field(column.name).cast(column.type) if column.name in kept else pa.nulls(len(stored), column.type)
        for column in wanted
    ]
    return struct(children, list(wanted), len(stored))


def _replaced(stored: pa.StructArray, name: str, value: Any, rows: int) -> pa.Array:
    children = [
        constant(value, rows, column.type) if column.name == name else stored.field(column.name)
        for column in stored.type
    ]
    return struct(children, list(stored.type), rows)
