"""Decisions over more hashes than memory should hold: one part of the hash space at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.stages import Sketches
from filters.columns import column
from filters.hashing import Words

__all__ = ["Batch", "Bits", "Firsts", "alive", "batches", "parts_of", "words_of"]


@dataclass(frozen=True)
class Batch:
    """Rows of one part of the hash space, in the order of units.

    Attributes
    ----------
    keys, values : ndarray of uint64, shape (m,)
    positions : ndarray of int64, shape (m,)
        Where each row stands in the whole set.
    """

    keys: Words
    values: Words
    positions: NDArray[np.int64]


class Bits:
    """One bit a row, in memory: 1.25 MB for 10^7 rows."""

    def __init__(self, rows: int) -> None:
        self._bytes = np.zeros((rows + 7) // 8, dtype=np.uint8)

    def set(self, positions: NDArray[np.int64]) -> None:
        """Set the bits of these rows."""
        np.bitwise_or.at(self._bytes, positions >> 3, np.uint8(1) << (positions & 7).astype(np.uint8))

    def get(self, start: int, stop: int) -> NDArray[np.bool_]:
        """Bits of rows ``start`` to ``stop``, shape (stop - start,)."""
        around = np.unpackbits(self._bytes[start // 8 : (stop + 7) // 8], bitorder="little")
        return around[start % 8 : start % 8 + stop - start].astype(bool)


class Firsts:
    """The value that first came with each key."""

    def __init__(self) -> None:
        self._keys = np.empty(0, dtype=np.uint64)
        self._values = np.empty(0, dtype=np.uint64)

    def take(self, keys: Words, values: Words) -> Words:
        """Take in more rows, in order, and give back the first value of each row's key. Shape (m,)."""
        known = len(self._keys)
        all_keys, all_values = np.concatenate([self._keys, keys]), np.concatenate([self._values, values])
        order = np.argsort(all_keys, kind="stable")
        all_keys = all_keys[order]
        starts = _first_of_runs(all_keys)
        self._keys, self._values = all_keys[starts], all_values[order[starts]]
        all_values[order] = self._values[np.cumsum(starts) - 1]
        return all_values[known:]


def _first_of_runs(values: Words) -> NDArray[np.bool_]:
    """Marks the first of each run of equal values. Shape (n,)."""
    starts = np.ones(len(values), dtype=bool)
    starts[1:] = values[1:] != values[:-1]
    return starts


def parts_of(rows: int, at_once: int) -> int:
    """Into how many parts the hash space is cut so that one holds about ``at_once`` of ``rows`` hashes."""
    return max(1, -(-rows // at_once))


def alive(sketch: pa.Table) -> NDArray[np.bool_]:
    """Rows that no filter has rejected yet. Shape (n,), a copy."""
    return np.array(column(sketch, "alive").to_numpy(zero_copy_only=False), dtype=bool)


def words_of(sketch: pa.Table, name: str) -> Words:
    """A sketch's column of hashes; 0 at nulls."""
    hashes = column(sketch, name)
    return np.asarray((hashes.fill_null(0) if hashes.null_count else hashes).to_numpy(), dtype=np.uint64)


def batches(sketches: Sketches, columns: tuple[str, str], part: int, parts: int, at_once: int) -> Iterator[Batch]:
    """Live rows whose key lies in one part of the hash space, about ``at_once`` at a time; nulls are left out.

    ``columns`` names the sketches' column of keys and that of values.
    """
    kept: list[Batch] = []
    start = held = 0
    for sketch in sketches:
        found = _in_part(sketch, columns, (part, parts), start)
        start += sketch.num_rows
        held += len(found.keys)
        kept.append(found)
        if held >= at_once:
            yield _joined(kept)
            kept, held = [], 0
    if held:
        yield _joined(kept)


def _in_part(sketch: pa.Table, columns: tuple[str, str], which: tuple[int, int], start: int) -> Batch:
    (key, value), (part, parts) = columns, which
    keys = words_of(sketch, key)
    chosen = alive(sketch)
    for name in columns:
        if column(sketch, name).null_count:
            chosen &= column(sketch, name).is_valid().to_numpy(zero_copy_only=False)
    if parts > 1:
        chosen &= (keys >> np.uint64(32)) * np.uint64(parts) >> np.uint64(32) == part
    rows = np.flatnonzero(chosen)
    return Batch(keys[rows], words_of(sketch, value)[rows], rows + start)


def _joined(kept: list[Batch]) -> Batch:
    return Batch(
        np.concatenate([each.keys for each in kept]),
        np.concatenate([each.values for each in kept]),
        np.concatenate([each.positions for each in kept]),
    )
