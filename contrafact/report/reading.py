"""Which pairs a report holds: all of them, or a sample where there are too many to open in a second."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contrafact.errors import RunDirectoryError
from contrafact.identity import hash_strings
from contrafact.record import levels_of
from contrafact.store.layout import REJECTED, RunDirectory

__all__ = ["MOST", "Shown", "chosen_files", "read_named", "read_shown", "read_some"]

MOST = 100_000
"""Pairs that a page holds: as many open in about a second."""

_MOST_BYTES = 160_000_000
"""Uncompressed bytes of them, at about the same time and some 30 MB of page."""

_LEAST_REJECTED = 0.2
"""Share of a sample that rejected pairs have where there are so many: why they were turned away is to be seen."""

_AT_A_TIME = 8192

_File = tuple[Path, str, int]  # path, split, rows

_MOST_FILES = 6
"""Files of accepted and of rejected pairs that are looked into at the end of a build."""


@dataclass(frozen=True)
class Shown:
    """The pairs of a page.

    Attributes
    ----------
    pairs : pyarrow.Table
        In the order of shards, accepted before rejected ones, with the column ``split`` (``rejected`` for these).
    whole : int
        Pairs of the dataset.
    how : str
        How they were chosen, in words; empty where they are all.
    """

    pairs: pa.Table
    whole: int
    how: str

    @property
    def rows(self) -> int:
        return int(self.pairs.num_rows)

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """Whether each pair was accepted. Shape (n,)."""
        return np.asarray(pc.not_equal(self.pairs["split"], REJECTED).to_numpy(zero_copy_only=False), dtype=bool)

    @property
    def levels(self) -> tuple[str, ...] | None:
        """Names of the class labels; None for another kind of label."""
        return levels_of(self.pairs.schema.field("label"))

    def column(self, name: str) -> pa.Array:
        """One column as a single chunk."""
        return self.pairs[name].combine_chunks()

    def score_names(self) -> list[str]:
        """Scores that are numbers."""
        kind = self.pairs.schema.field("scores").type
        return [each.name for each in kind if pa.types.is_floating(each.type) or pa.types.is_integer(each.type)]

    def score(self, name: str) -> NDArray[np.float64]:
        """One score; NaN where a pair has none. Shape (n,)."""
        values = pc.struct_field(self.column("scores"), name).cast(pa.float64())
        return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def read_shown(directory: RunDirectory, manifest: Mapping[str, Any], most: int = MOST) -> Shown:
    """Every pair, or ``most`` drawn by a hash of their ids: the same ones every time, whatever order they stand in.

    Raises
    ------
    RunDirectoryError
        Where a file that the manifest names is missing or cannot be read.
    """
    files = _there(directory, _files(directory, manifest))
    whole = sum(rows for _, _, rows in files)
    room = _room(directory, files, most)
    if whole <= room:
        return Shown(_joined(_read(path, part) for path, part, _ in files), whole, "")
    rejected = sum(rows for _, part, rows in files if part == REJECTED)
    turned = min(rejected, max(round(room * rejected / whole), round(room * _LEAST_REJECTED)))
    # A hash keeps about as many as it should; three standard deviations fewer are never more than there is room for.
    room_of = {True: turned, False: room - turned}
    of = {True: rejected, False: whole - rejected}
    shares = {side: min(1.0, max(0.0, room_of[side] - 3 * room_of[side] ** 0.5) / max(of[side], 1)) for side in of}
    tables = [_drawn(path, part, shares[part == REJECTED]) for path, part, _ in files]
    return Shown(_joined(tables), whole, "drawn at random by a hash of their ids")


def read_some(directory: RunDirectory, manifest: Mapping[str, Any], most: int) -> Shown:
    """The same in a moment, for the end of a build: the first pairs of every file, or of some files.

    Only those rows are decoded, so that the time does not grow with the dataset.
    """
    files = _files(directory, manifest)
    whole = sum(rows for _, _, rows in files)
    if whole <= most:
        return read_shown(directory, manifest, most)
    chosen = _there(directory, _chosen(files))
    each = max(1, most // len(chosen))
    told = f"the first {each:,} of {'every file' if len(chosen) == len(files) else f'{len(chosen)} files'}"
    return Shown(_joined(_read(path, part, each) for path, part, _ in chosen), whole, told)


def chosen_files(directory: RunDirectory, manifest: Mapping[str, Any], most: int) -> list[Path]:
    """The files that :func:`read_some` reads, by what the manifest says of them."""
    files = _files(directory, manifest)
    every = sum(rows for _, _, rows in files) <= most
    return [path for path, _, _ in (files if every else _chosen(files))]


def _chosen(files: Sequence[_File]) -> list[_File]:
    chosen = [each for kind in (False, True) for each in _spread([file for file in files if _rejects(file) == kind])]
    return sorted(chosen, key=files.index)


def _rejects(file: _File) -> bool:
    return file[1] == REJECTED


def _spread(files: Sequence[_File]) -> list[_File]:
    """A few files at even distances: each costs as much to open as it has columns."""
    places = np.unique(np.linspace(0, len(files) - 1, _MOST_FILES).round().astype(int)) if files else ()
    return [files[place] for place in places]


def read_named(directory: RunDirectory, manifest: Mapping[str, Any], ids: Iterable[str]) -> Shown:
    """The pairs of these ids, as far as they are there; files are read a batch at a time."""
    files = _there(directory, _files(directory, manifest))
    wanted = pa.array(sorted(set(ids)), pa.string())
    tables = [_filtered(path, part, lambda names: pc.is_in(names, wanted)) for path, part, _ in files]
    return Shown(_joined(tables), sum(rows for _, _, rows in files), "named")


def _files(directory: RunDirectory, manifest: Mapping[str, Any]) -> list[_File]:
    """Files of pairs: path, split, rows; by shard, rejected ones last."""
    found = []
    for spec in manifest["files"]:
        folder, name = spec["path"].split("/", 1)
        if folder in ("data", REJECTED):
            part, _, number = name.removesuffix(".parquet").rpartition("-")
            found.append(((int(number), part == REJECTED), directory.path / spec["path"], part, int(spec["rows"])))
    found.sort(key=lambda each: each[0])
    return [(path, part, rows) for _, path, part, rows in found]


def _there(directory: RunDirectory, files: list[_File]) -> list[_File]:
    """The files, where none of them is missing."""
    missing = [path for path, _, _ in files if not path.is_file()]
    if missing:
        raise _damaged(directory.path, missing[0])
    return files


def _room(directory: RunDirectory, files: Sequence[_File], most: int) -> int:
    """Pairs that fit, at the size that they have in the files before compression."""
    size = rows = 0
    for path, _, _ in files:
        try:
            told = pq.read_metadata(path)
        except (OSError, pa.ArrowException):
            raise _damaged(directory.path, path) from None
        size += sum(told.row_group(group).total_byte_size for group in range(told.num_row_groups))
        rows += told.num_rows
    return max(1, min(most, int(_MOST_BYTES * rows / size))) if size else most


def _read(path: Path, part: str, most: int | None = None) -> pa.Table:
    try:
        if most is None:
            table = pq.read_table(path, partitioning=None)
        else:
            batches = pq.ParquetFile(path).iter_batches(batch_size=most)
            table = pa.Table.from_batches([next(batches)])
    except (OSError, pa.ArrowException):
        raise _damaged(path.parent.parent, path) from None
    return _with_split(table, part)


def _drawn(path: Path, part: str, share: float) -> pa.Table:
    """Rows of one file whose hash is below the share."""

    def chosen(names: pa.Array) -> pa.Array:
        points = (hash_strings(names, "report") >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return pa.array(points < share)

    return _filtered(path, part, chosen)


def _filtered(path: Path, part: str, chosen: Callable[[pa.Array], pa.Array]) -> pa.Table:
    """Rows of one file by their ids, a batch at a time."""
    try:
        file = pq.ParquetFile(path)
        kept = [pa.Table.from_batches([batch.filter(chosen(batch.column("pair_id")))])
                for batch in file.iter_batches(batch_size=_AT_A_TIME)]  # fmt: skip
    except (OSError, pa.ArrowException):
        raise _damaged(path.parent.parent, path) from None
    return _with_split(pa.concat_tables(kept) if kept else file.schema_arrow.empty_table(), part)


def _with_split(table: pa.Table, part: str) -> pa.Table:
    codes = pa.DictionaryArray.from_arrays(pa.array(np.zeros(table.num_rows, dtype=np.int32)), pa.array([part]))
    return table.append_column("split", codes.cast(pa.string()))


def _joined(tables: Iterable[pa.Table]) -> pa.Table:
    found = list(tables)
    return pa.concat_tables(found, promote_options="permissive").combine_chunks()


def _damaged(folder: Path, path: Path) -> RunDirectoryError:
    return RunDirectoryError(
        f"{path.name} in {folder} is missing or was changed", fix=f"contrafact validate {folder} lists the damage"
    )
