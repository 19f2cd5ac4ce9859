"""Files of an export: one a split, written row group by row group, whole or not at all."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from contrafact.record import levels_of, with_features
from contrafact.store.atomic import atomic_path, digest
from contrafact.store.parquet import StoredFile

__all__ = ["FORMATS", "Format", "write_rows"]

Format = Literal["parquet", "jsonl"]
FORMATS: tuple[Format, ...] = ("parquet", "jsonl")
_GROUP_ROWS = 64 * 1024
_GROUP_BYTES = 64 << 20


def write_rows(tables: Iterable[pa.Table], path: Path, kind: Format, folder: Path) -> StoredFile | None:
    """Write one file and say what was written; None, and no file, where there is no row.

    Parameters
    ----------
    folder : Path
        What the file's path is told from.
    """
    groups = _grouped(tables)
    first = next(groups, None)
    if first is None:
        return None
    with atomic_path(path) as temporary:
        write = _parquet if kind == "parquet" else _json_lines
        rows = write(first, groups, temporary)
        size, sha256 = temporary.stat().st_size, digest(temporary)
    return StoredFile(path.relative_to(folder).as_posix(), rows, size, sha256)


def _grouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows in tables of a size that does not follow from how they came, but for very wide ones."""
    waiting: list[pa.Table] = []
    for table in tables:
        if table.num_rows:
            waiting.append(table)
        if (
            sum(each.num_rows for each in waiting) >= _GROUP_ROWS
            or sum(each.nbytes for each in waiting) >= _GROUP_BYTES
        ):
            yield pa.concat_tables(waiting).combine_chunks()
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()


def _parquet(first: pa.Table, rest: Iterable[pa.Table], path: Path) -> int:
    schema = with_features(first.schema)
    rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=1, store_schema=True) as writer:
        for table in _chained(first, rest):
            writer.write_table(table.cast(schema), row_group_size=max(1, table.num_rows))
            rows += table.num_rows
    return rows


def _json_lines(first: pa.Table, rest: Iterable[pa.Table], path: Path) -> int:
    rows = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for table in _chained(first, rest):
            for row in table.to_pylist():
                told = {each.name: _plain(row[each.name], each) for each in table.schema}
                file.write(json.dumps(told, ensure_ascii=False) + "\n")
            rows += table.num_rows
    return rows


def _chained(first: pa.Table, rest: Iterable[pa.Table]) -> Iterator[pa.Table]:
    yield first
    yield from rest


def _plain(value: Any, field: pa.Field) -> Any:
    """What JSON can hold: classes by name, no number that is none, bytes in base 64."""
    levels = levels_of(field)
    if value is None or levels is not None:
        return None if value is None else (levels or ())[value]
    if pa.types.is_struct(field.type):
        return {inner.name: _plain(value[inner.name], inner) for inner in field.type}
    if isinstance(value, list):
        return [_plain(each, field.type.value_field) for each in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return None if isinstance(value, float) and not math.isfinite(value) else value
