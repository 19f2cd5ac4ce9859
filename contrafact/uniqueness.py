"""Which of many names occur twice, and which in two parts of a dataset: by 64-bit hashes that wait on disk.

At 10^7 names a false alarm has a chance of three in a million; memory is that of the largest of the buckets.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.identity import hash_strings

__all__ = ["Names"]

_BUCKET_BITS = 4
_RECORD = np.dtype([("hash", np.uint64), ("part", np.uint16)])
Words = NDArray[np.uint64]
Codes = NDArray[np.uint16]


class Names:
    """Names by the part they are in. A context manager: its files are gone afterwards."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._files = [tempfile.TemporaryFile() for _ in range(1 << _BUCKET_BITS)]  # noqa: SIM115  # closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            file.close()

    def add(self, names: pa.Array | pa.ChunkedArray, part: str) -> None:
        """Take in the names of one part, as often as there are more of them."""
        if part not in self.parts:
            self.parts.append(part)
        hashes = hash_strings(names, "validate")
        buckets = hashes >> np.uint64(64 - _BUCKET_BITS)
        records = np.empty(len(hashes), dtype=_RECORD)
        records["hash"], records["part"] = hashes, self.parts.index(part)
        for bucket, file in enumerate(self._files):
            file.write(records[buckets == bucket].tobytes())

    def repeated(self) -> int:
        """How many names occur more than once."""
        return sum(int(np.count_nonzero(_runs(hashes) > 1)) for hashes, _ in self._sorted())

    def crossing(self) -> dict[tuple[str, str], int]:
        """How many names two parts share, for each two that share any."""
        shared: Counter[tuple[str, str]] = Counter()
        for every, part in self._sorted():
            again = (every[1:] == every[:-1]) & (part[1:] == part[:-1])
            once = np.concatenate([[True], ~again])[: len(every)]
            hashes, parts = every[once], part[once]
            for gap in range(1, len(self.parts)):
                near = np.flatnonzero(hashes[gap:] == hashes[:-gap])
                couples, counts = np.unique(np.stack([parts[near], parts[near + gap]]), axis=1, return_counts=True)
                for (one, other), count in zip(couples.T.tolist(), counts.tolist(), strict=True):
                    shared[self.parts[one], self.parts[other]] += count
        return dict(shared)

    def _sorted(self) -> Iterator[tuple[Words, Codes]]:
        """Hashes of each bucket with their parts, in the order of both."""
        for file in self._files:
            file.seek(0)
            records = np.frombuffer(file.read(), dtype=_RECORD)
            file.seek(0, 2)
            order = np.lexsort((records["part"], records["hash"]))
            yield records["hash"][order], records["part"][order]


def _runs(hashes: Words) -> NDArray[np.int64]:
    """Lengths of the runs of equal hashes."""
    if not len(hashes):
        return np.empty(0, dtype=np.int64)
    starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
    return np.diff(np.append(starts, len(hashes)))
