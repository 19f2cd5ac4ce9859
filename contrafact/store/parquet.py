"""Parquet as this project writes it: the same table always gives the same bytes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contrafact.record import with_features
from contrafact.store.atomic import atomic_path, digest
from contrafact.store.mirrors import fetched, mirror_of

__all__ = ["StoredFile", "read_arrow", "read_parquet", "write_arrow", "write_parquet"]

_UNIQUE = ("pair_id", "unit_id", "group_id", "control_of", "before", "after", "where")


@dataclass(frozen=True)
class StoredFile:
    """One file of the dataset, as the manifest lists it."""

    path: str
    rows: int
    bytes: int
    sha256: str

    def spec(self) -> dict[str, Any]:
        return asdict(self)

    def intact(self, folder: Path, *, deep: bool) -> bool:
        """Whether the file is there with its size and, if ``deep``, its digest."""
        path = folder / self.path
        stored = mirror_of(path)
        if stored is not None and not path.is_file():
            # A store keeps what it took as it took it. To be read again, the whole object would have to come here.
            return stored[0].size(stored[1]) == self.bytes
        if not path.is_file() or path.stat().st_size != self.bytes:
            return False
        return not deep or digest(path) == self.sha256


def write_parquet(table: pa.Table, path: Path, folder: Path) -> StoredFile:
    """Write one file, whole or not at all, and say what was written. ``folder`` is the run directory."""
    table = table.cast(with_features(table.schema))
    with atomic_path(path) as temporary:
        pq.write_table(
            table,
            temporary,
            compression="zstd",
            compression_level=1,
            use_dictionary=_repetitive(table.schema),
            row_group_size=128 * 1024,
            store_schema=True,
        )
        size, sha256 = temporary.stat().st_size, digest(temporary)
    return StoredFile(path.relative_to(folder).as_posix(), table.num_rows, size, sha256)


def read_parquet(path: Path) -> pa.Table:
    """A whole file as one table of single chunks."""
    fetched(path)
    return pq.read_table(path, partitioning=None).combine_chunks()


def write_arrow(table: pa.Table, path: Path) -> None:
    """Write a table that waits for a later stage: fast to write and to map, and gone after completion."""
    with (
        atomic_path(path) as temporary,
        pa.ipc.new_file(temporary, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer,
    ):
        writer.write_table(table)


def read_arrow(path: Path) -> pa.Table:
    """What :func:`write_arrow` wrote, as one table of single chunks."""
    fetched(path)
    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all().combine_chunks()


def _repetitive(schema: pa.Schema) -> list[str]:
    """Leaf columns worth a dictionary: texts and codes that repeat. Floats and identifiers only waste time in one."""
    return [path for column in schema for path in _leaves(column, column.name)]


def _leaves(column: pa.Field, path: str) -> list[str]:
    kind = column.type
    if pa.types.is_struct(kind):
        return [leaf for inner in kind for leaf in _leaves(inner, f"{path}.{inner.name}")]
    if pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        return _leaves(kind.value_field, f"{path}.list.element")
    if (
        pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_binary(kind)
        or path.rpartition(".")[2] in _UNIQUE
    ):
        return []
    return [path]
