"""What an export reads of a finished dataset: its accepted pairs, a stretch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contrafact.controls import beside
from contrafact.errors import RecipeError, RunDirectoryError, did_you_mean
from contrafact.exports.views import Dataset
from contrafact.store.layout import RunDirectory, read_manifest
from contrafact.store.parquet import StoredFile

__all__ = ["open_dataset", "stretches"]

_ROWS = 8_192


def open_dataset(path: str | Path, splits: Sequence[str] = ()) -> Dataset:
    """A finished run directory whose files of accepted pairs are those of its manifest.

    Parameters
    ----------
    splits : sequence of str
        Only these; all that have pairs by default.

    Raises
    ------
    RunDirectoryError
        Where there is no finished dataset, a file was changed, or nothing was accepted.
    RecipeError
        For a split that the dataset does not have.
    """
    directory = RunDirectory(Path(path))
    manifest = read_manifest(directory)
    known = [split for split, count in manifest["splits"].items() if count]
    for split in splits:
        if split not in known:
            raise RecipeError(f"there is no split {split!r}{did_you_mean(split, known)}", allowed=", ".join(known))
    if not known:
        raise RunDirectoryError(
            f"{directory.path} has no accepted pair", fix="loosen its filters: contrafact refilter, and export again"
        )
    files: dict[str, list[StoredFile]] = {split: [] for split in known if not splits or split in splits}
    for spec in manifest["files"]:
        stored = StoredFile(**spec)
        split = Path(stored.path).stem.rpartition("-")[0]
        if not stored.path.startswith("data/") or split not in files:
            continue
        if not stored.intact(directory.path, deep=True):
            raise RunDirectoryError(
                f"{stored.path} in {directory.path} is missing or was changed",
                fix=f"contrafact validate {directory.path} lists the damage",
            )
        files[split].append(stored)
    first = next(stored for each in files.values() for stored in each)
    schema = pq.read_schema(directory.path / first.path)
    return Dataset(directory.path, manifest, schema, files)


def stretches(dataset: Dataset, split: str) -> Iterator[pa.Table]:
    """The split's pairs in order, some thousand rows at a time, every control together with its pair.

    A file is one shard's, and holds all of a unit: memory is that of one shard.
    """
    for stored in dataset.files[split]:
        whole = pq.read_table(dataset.path / stored.path, partitioning=None).combine_chunks()
        place = beside(whole)
        if place is None:
            yield from (whole.slice(start, _ROWS).combine_chunks() for start in range(0, whole.num_rows, _ROWS))
            continue
        for start, stop in _cuts(place):
            yield whole.slice(start, stop - start).combine_chunks()


def _cuts(place: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Iterator[tuple[int, int]]:
    """Stretches of at least so many rows, cut where no control reaches back over the cut."""
    # Row i may open a stretch where no later row stands beside an earlier one than i.
    owners = np.where(place >= 0, place, np.arange(len(place)))
    reach = np.minimum.accumulate(owners[::-1])[::-1]
    clean = np.flatnonzero(reach >= np.arange(len(place)))
    start = 0
    while start < len(place):
        later = clean[clean >= start + _ROWS]
        stop = int(later[0]) if len(later) else len(place)
        yield start, stop
        start = stop
