"""Tables read by position: what lies between a file's format and a source of units."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa

from contrafact.errors import DataError, TransientError, did_you_mean

__all__ = [
    "InMemory",
    "ParquetFiles",
    "Rows",
    "check_ids",
    "check_names",
    "is_saved_dataset",
    "map_arrow",
    "numbered",
    "open_dataset",
    "read_json_lines",
    "read_separated",
]

_SCAN = 1 << 18  # rows a step where a whole column is looked through


class Rows(ABC):
    """A table that can be read by position.

    Attributes
    ----------
    schema : pyarrow.Schema
    count : int
        Number of rows.
    """

    schema: pa.Schema
    count: int

    @abstractmethod
    def read(self, start: int, stop: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Rows ``start`` to ``stop``, which lie within the table; all columns unless some are named."""


class InMemory(Rows):
    """A table that is in memory, or mapped into it."""

    def __init__(self, table: pa.Table) -> None:
        self.table, self.schema, self.count = table, table.schema, table.num_rows

    def read(self, start: int, stop: int, columns: Sequence[str] | None = None) -> pa.Table:
        """A view: nothing is copied."""
        table = self.table if columns is None else self.table.select(columns)
        return table.slice(start, stop - start)


class ParquetFiles(Rows):
    """Parquet files one after another, of which one row group at a time is in memory.

    Raises
    ------
    DataError
        For a file that is not Parquet, or whose columns are not those of the first.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self._groups: list[tuple[Path, int]] = []
        sizes: list[int] = []
        for path in files:
            metadata, schema = _parquet_footer(path)
            if not hasattr(self, "schema"):
                self.schema = schema
            elif not schema.equals(self.schema):
                raise DataError(
                    f"{path.name} has other columns than {files[0].name}: {_difference(self.schema, schema)}",
                    fix="give files of one schema",
                )
            for group in range(metadata.num_row_groups):
                self._groups.append((path, group))
                sizes.append(metadata.row_group(group).num_rows)
        self._ends = list(accumulate(sizes))
        self.count = self._ends[-1] if self._ends else 0
        self._lock = threading.Lock()
        self._held: tuple[int, pa.Table] | None = None

    def read(self, start: int, stop: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Only the row groups that hold these rows are decoded; the last one is kept for the next call."""
        parts = [self._empty(columns)]
        position = start
        while position < stop:
            group = bisect_right(self._ends, position)
            first = self._ends[group - 1] if group else 0
            end = min(stop, self._ends[group])
            parts.append(self._group(group, columns).slice(position - first, end - position))
            position = end
        return pa.concat_tables(parts)

    def _group(self, group: int, columns: Sequence[str] | None) -> pa.Table:
        if columns is not None:
            return self._decoded(group, columns)
        with self._lock:
            if self._held is None or self._held[0] != group:
                self._held = None  # let go of the old group before the new one is decoded
                self._held = (group, self._decoded(group, None))
            return self._held[1]

    def _decoded(self, group: int, columns: Sequence[str] | None) -> pa.Table:
        import pyarrow.parquet as pq

        path, number = self._groups[group]
        with pq.ParquetFile(path) as file:
            table = file.read_row_group(number, columns=None if columns is None else list(columns))
        return table.select(columns if columns is not None else self.schema.names)

    def _empty(self, columns: Sequence[str] | None) -> pa.Table:
        schema = self.schema if columns is None else pa.schema([self.schema.field(name) for name in columns])
        return schema.empty_table()


class _Dataset(Rows):
    """A ``datasets.Dataset``; its own index (after a shuffle or filter) is honoured."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset.with_format("arrow")
        self.schema = dataset.features.arrow_schema
        self.count = dataset.num_rows

    def read(self, start: int, stop: int, columns: Sequence[str] | None = None) -> pa.Table:
        table: pa.Table = self._dataset[start:stop] if stop > start else self.schema.empty_table()
        table = table.replace_schema_metadata(None)
        return table if columns is None else table.select(columns)


def read_separated(path: Path, delimiter: str) -> pa.Table:
    """A CSV or TSV file with a header line, whole; types are inferred over the whole file (RFC 4180 quoting)."""
    from pyarrow import csv

    try:
        return csv.read_csv(str(path), parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True))
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
        raise _unreadable(path, "delimited text with a header line", error) from None


def read_json_lines(path: Path) -> pa.Table:
    """A file with one JSON object a line, whole; types are inferred over the whole file."""
    from pyarrow import json

    try:
        return json.read_json(str(path))
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(path, "one JSON object a line, each key of one type throughout", error) from None


def map_arrow(path: Path) -> pa.Table:
    """An Arrow IPC file or stream, memory-mapped."""
    mapped = pa.memory_map(str(path))
    try:
        return pa.ipc.open_file(mapped).read_all()
    except pa.ArrowInvalid:
        mapped.seek(0)
    try:
        return pa.ipc.open_stream(mapped).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(path, "an Arrow IPC file or stream", error) from None


def is_saved_dataset(path: Path) -> bool:
    """Whether a folder was written by ``datasets``' ``save_to_disk``."""
    return (path / "state.json").is_file() or (path / "dataset_dict.json").is_file()


def open_dataset(name: str, config: str | None, split: str | None, revision: str | None) -> tuple[Rows, str]:
    """A Hugging Face dataset by hub id or local folder, with the stem of its units' ids.

    Raises
    ------
    DataError
        For a dataset or split that is not there, or a machine that is offline.
    TransientError
        Where the hub did not answer.
    """
    import datasets
    from datasets.exceptions import DatasetNotFoundError

    folder = Path(name).expanduser()
    try:
        if folder.is_dir() and is_saved_dataset(folder):
            found = datasets.load_from_disk(str(folder))
        else:
            found = datasets.load_dataset(name, config, revision=revision)
    except DatasetNotFoundError as error:
        raise _no_dataset(name, error) from None
    except ConnectionError as error:
        if datasets.config.HF_HUB_OFFLINE:
            raise _no_dataset(name, error) from None
        raise TransientError(f"the hub did not answer for dataset {name!r}: {error}") from error
    except (ValueError, OSError, datasets.exceptions.DatasetsError) as error:
        raise DataError(f"{name!r} cannot be opened as a dataset: {error}", fix="check the id and config") from None
    chosen, stem = _one_split(found, name, split)
    return _Dataset(chosen), stem


def _one_split(found: Any, name: str, split: str | None) -> tuple[Any, str]:
    stem = Path(name).name
    if not isinstance(found, dict):
        return found, stem
    chosen = split or ("train" if "train" in found else next(iter(found)) if len(found) == 1 else None)
    if chosen not in found:
        raise DataError(
            f"{name!r} has no split {chosen!r}{did_you_mean(str(chosen), found)}" if chosen else f"{name!r} has splits",
            allowed=", ".join(found),
            fix=f"split: {next(iter(found), 'train')}",
        )
    return found[chosen], f"{stem}-{chosen}"


def check_names(names: Sequence[str], table: str) -> None:
    """Raise ``DataError`` where two columns have one name."""
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise DataError(f"{table} has two columns named {', '.join(twice)}", fix="rename one of them")


def check_ids(rows: Rows, column: str, table: str) -> None:
    """Raise ``DataError`` unless the column is there, is text or whole numbers, and names every unit once."""
    if column not in rows.schema.names:
        raise DataError(
            f"{table} has no column {column!r} to take ids from{did_you_mean(column, rows.schema.names)}",
            allowed=", ".join(rows.schema.names),
        )
    kind = rows.schema.field(column).type
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_integer(plain) or pa.types.is_string(plain) or pa.types.is_large_string(plain)):
        raise DataError(f"id column {column!r} of {table} has type {kind}", allowed="text or whole numbers")
    seen: set[str | None] = set()
    for ids in _scan(rows, column):
        values = ids.cast(pa.string()).to_pylist()
        if None in values:
            raise DataError(f"id column {column!r} of {table} has missing cells", fix="give every row an id")
        before = len(seen)
        seen.update(values)
        if len(seen) - before < len(values):
            raise DataError(
                f"id column {column!r} of {table} names more than one row {_repeated(values, rows, column)!r}",
                fix="choose a column without repeats, or leave id_column out to number the rows",
            )


def numbered(stem: str, start: int, stop: int) -> pa.Array:
    """Ids ``<stem>-<row>`` with the row zero-padded to nine digits."""
    return pa.array([f"{stem}-{row:09d}" for row in range(start, stop)], pa.string())


def _scan(rows: Rows, column: str) -> Iterator[pa.ChunkedArray]:
    for start in range(0, rows.count, _SCAN):
        yield rows.read(start, min(start + _SCAN, rows.count), [column])[column]


def _repeated(values: list[str | None], rows: Rows, column: str) -> str | None:
    # Only on the way to an error: name one id that comes back.
    seen: set[str | None] = set()
    for ids in _scan(rows, column):
        texts: list[str | None] = ids.cast(pa.string()).to_pylist()
        for each in texts:
            if each in seen:
                return each
            seen.add(each)
    return values[0]


def _parquet_footer(path: Path) -> tuple[Any, pa.Schema]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return file.metadata, file.schema_arrow.remove_metadata()
    except (pa.ArrowInvalid, OSError) as error:
        raise _unreadable(path, "a whole Parquet file", error) from None


def _difference(one: pa.Schema, other: pa.Schema) -> str:
    mine, theirs = {field.name: field.type for field in one}, {field.name: field.type for field in other}
    for name in [*mine, *theirs]:
        if mine.get(name) != theirs.get(name):
            return f"{name} is {theirs.get(name, 'not there')} rather than {mine.get(name, 'not there')}"
    return "they come in another order"


def _unreadable(path: Path, wanted: str, error: Exception) -> DataError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(f"{path.name} cannot be read: {reason}", allowed=wanted, fix="mend the file, or set format:")


def _no_dataset(name: str, error: Exception) -> DataError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DataError(
        f"there is no dataset {name!r} to be had: {reason}",
        allowed="the id of a dataset on the hub, or a folder that holds one",
        fix="check the id; for a private one log in first; with HF_HUB_OFFLINE=1 only cached datasets open",
    )
