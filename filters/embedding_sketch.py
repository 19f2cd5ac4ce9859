"""Embeddings small enough for set filters: one byte a dimension, and cosines that are exact whatever the order.

A unit vector is scaled and rounded to integers in [-127, 127]. Products of two such vectors are integers below 2**24,
so that float32 arithmetic sums them without error: a cosine is the same on every machine, whatever the blocks in which
it is computed. For MiniLM it is within 0.002 of the cosine of the embeddings themselves.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from filters.columns import column
from filters.hashing import Words
from filters.partitions import alive, words_of

if TYPE_CHECKING:
    from contrafact.engines.embeddings import Embedder

__all__ = ["Items", "block_cosines", "items_of", "quantised", "rounded", "sketch_of", "spread_over"]

_LARGEST = 127
_LONGEST = 4000.0  # so that products stay below 2**24 in any number of dimensions
_TEXTS = 4096

Bytes = NDArray[np.int8]


@dataclass(frozen=True)
class Items:
    """Live rows of all sketches that have a vector, in the order of units; repeats within a unit are one item.

    Attributes
    ----------
    vectors : ndarray of int8, shape (m, d)
        In a temporary file.
    scales : ndarray of float32, shape (m,)
        One over each vector's length.
    keys : ndarray of uint64, shape (m,)
        What each item belongs to (the unit).
    rows : ndarray of int64, shape (n,)
        The item of each row of the whole set, -1 where it has none.
    """

    vectors: Bytes
    scales: NDArray[np.float32]
    keys: Words
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.keys)


def quantised(vectors: NDArray[np.float32]) -> Bytes:
    """Rows scaled and rounded to bytes, shape (n, d)."""
    largest = np.abs(vectors).max(axis=1, initial=1e-12, keepdims=True).astype(np.float64)
    scale = np.minimum(_LARGEST / largest, _LONGEST)
    small: Bytes = np.rint(vectors * scale).astype(np.int8)
    return small


def sketch_of(embedder: Embedder, texts: Sequence[str | None]) -> pa.Array:
    """The texts' vectors as bytes, null where there is no text."""
    there = [text for text in texts if text is not None]
    parts = [quantised(embedder.encode(there[start : start + _TEXTS])) for start in range(0, len(there), _TEXTS)]
    rows = iter([row.tobytes() for part in parts for row in part])
    return pa.array([None if text is None else next(rows) for text in texts], pa.binary())


def items_of(sketches: Iterable[pa.Table], pairs: int) -> Items:
    """Gather the items of so many pairs; sketches have ``vector`` (binary), ``unit`` (uint64) and ``alive``.

    Memory: 20 bytes a pair; the vectors are in a temporary file.
    """
    keys = [np.empty(0, dtype=np.uint64)]
    scales = [np.empty(0, dtype=np.float32)]
    places = np.full(pairs, -1, dtype=np.int64)
    start = held = width = 0
    with tempfile.TemporaryFile() as file:
        for sketch in sketches:
            vectors, rows = _vectors_in(pc.if_else(pa.array(alive(sketch)), column(sketch, "vector"), None))
            if rows.size:
                units = words_of(sketch, "unit")[rows]
                new = _first_of_its_kind(vectors, units)
                places[start + rows] = held + np.cumsum(new) - 1
                vectors, held, width = vectors[new], held + int(new.sum()), vectors.shape[1]
                file.write(vectors.tobytes())
                keys.append(units[new])
                lengths = np.sqrt(np.square(vectors, dtype=np.int64).sum(axis=1))
                scales.append((1 / lengths).astype(np.float32))
            start += sketch.num_rows
        file.flush()
        # The mapping holds the file, which has no name any more, until the last vector is let go.
        whole: Bytes = np.memmap(file, np.int8, "r", shape=(held, width)) if held else np.empty((0, 1), np.int8)
    return Items(whole, np.concatenate(scales), np.concatenate(keys), places)


def block_cosines(items: Items, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float32]:
    """Cosines of items, shape (len(one), len(other)); good to seven decimals, the same in any block."""
    left, right = (items.vectors[each].astype(np.float32) for each in (one, other))
    products: NDArray[np.float32] = left @ right.T
    products *= items.scales[one][:, None]
    products *= items.scales[other][None, :]
    return products


def rounded(cosines: NDArray[np.float32]) -> NDArray[np.float64]:
    """To six decimals, as scores are stored: what says less than that is noise."""
    return np.asarray(np.round(cosines.astype(np.float64), 6), dtype=np.float64)


def spread_over(sketches: Iterable[pa.Table], items: Items) -> Iterator[tuple[pa.Table, NDArray[np.int64]]]:
    """Each sketch with the item of each of its rows."""
    start = 0
    for sketch in sketches:
        yield sketch, items.rows[start : start + sketch.num_rows]
        start += sketch.num_rows


def _vectors_in(vectors: pa.Array) -> tuple[Bytes, NDArray[np.int64]]:
    """Vectors of one sketch that are there, shape (m, d), and their rows."""
    valid = vectors.is_valid()
    rows = np.flatnonzero(valid.to_numpy(zero_copy_only=False))
    content = b"".join(vectors.filter(valid).to_pylist())
    return np.frombuffer(content, dtype=np.int8).reshape(len(rows), -1 if rows.size else 0), rows


def _first_of_its_kind(vectors: Bytes, units: Words) -> NDArray[np.bool_]:
    """Marks rows that differ from the row before in unit or vector."""
    new = np.ones(len(units), dtype=bool)
    new[1:] = (units[1:] != units[:-1]) | (vectors[1:] != vectors[:-1]).any(axis=1)
    return new
