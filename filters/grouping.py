"""Group ids for units with equal content, merged with the groups they already belong to.

Two pairs must share a split where their content is equal or their ``group_id`` is. What follows from both is a
connected component. Where a group holds one content (the usual case: a group is a unit) the content itself names the
component, and nothing has to be remembered; only groups of several contents make links that are kept in memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contrafact.stages import Sketches
from filters.columns import column
from filters.hashing import Words, mix
from filters.partitions import Firsts, batches, parts_of, words_of

__all__ = ["Components", "group_names"]


class Components:
    """Components of live pairs under equal ``content`` or equal ``group``.

    Parameters
    ----------
    sketches : Sketches
        With columns ``content``, ``group`` (uint64) and ``alive``.
    at_once : int
        Rows held in memory at a time.
    """

    def __init__(self, sketches: Sketches, at_once: int) -> None:
        links = [np.empty((0, 2), dtype=np.uint64), *_links(sketches, at_once)]
        self._contents, places = np.unique(np.concatenate(links), return_inverse=True)
        self._names = self._contents
        if len(self._contents):
            self._names = _least_of_component(self._contents, places.reshape(-1, 2))

    def of(self, sketch: pa.Table) -> Words:
        """The component of each pair, named by the least content hash in it; shape (n,)."""
        contents = words_of(sketch, "content")
        if len(self._contents):
            places = np.searchsorted(self._contents, contents).clip(max=len(self._contents) - 1)
            contents = np.where(self._contents[places] == contents, self._names[places], contents)
        absent = column(sketch, "content").is_null().to_numpy(zero_copy_only=False)
        return np.where(absent, mix(words_of(sketch, "group")), contents)


def group_names(prefix: str, components: Words) -> pa.Array:
    """``prefix:`` and sixteen hexadecimal digits for each component."""
    digits = components.astype(">u8").tobytes().hex().encode()
    offsets = np.arange(0, 16 * len(components) + 1, 16, dtype=np.int32)
    names = pa.StringArray.from_buffers(len(components), pa.py_buffer(offsets), pa.py_buffer(digits))
    return pc.binary_join_element_wise(f"{prefix}:", names, "")


def _links(sketches: Sketches, at_once: int) -> Iterator[Words]:
    """Pairs of contents that one group holds; each group's first content is linked to its others."""
    parts = parts_of(sketches.rows, at_once)
    for part in range(parts):
        firsts = Firsts()
        for batch in batches(sketches, ("group", "content"), part, parts, at_once):
            first = firsts.take(batch.keys, batch.values)
            other = first != batch.values
            if other.any():
                yield _distinct(first[other], batch.values[other])


def _distinct(left: Words, right: Words) -> Words:
    """Each pair once, shape (k, 2): sorting two columns is several times faster than sorting rows."""
    order = np.lexsort((right, left))
    pairs = np.column_stack([left[order], right[order]])
    new = np.ones(len(pairs), dtype=bool)
    new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    return pairs[new]


def _least_of_component(contents: Words, ends: np.ndarray) -> Words:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(len(contents),) * 2)
    _, labels = connected_components(links, directed=False)
    # Contents are sorted, so that the first of each component is its least.
    _, first = np.unique(labels, return_index=True)
    return np.asarray(contents[first][labels], dtype=np.uint64)
