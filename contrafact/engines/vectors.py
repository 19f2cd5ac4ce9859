"""Vectors by key: the recent ones in memory, all of them on disk, so that memory stays flat and none is made twice."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import CacheError

__all__ = ["Vectors"]

_AT_ONCE = 500
_LOCKED_SECONDS = 60.0
_UNIT = 1e-3


class Vectors:
    """Unit vectors of one length, by 16-byte keys. For one thread at a time.

    Parameters
    ----------
    path : Path, optional
        An SQLite file that outlives the process and may be shared by several; without one the vectors go to a private
        temporary file that ends with the process.
    held : int
        Vectors kept in memory besides; the least recently used leave first.

    Raises
    ------
    CacheError
        Where the file cannot be opened, is no SQLite file, or stays locked by another process.
    """

    def __init__(self, path: Path | None = None, held: int = 65_536) -> None:
        self._path, self._held = path, held
        self._recent: OrderedDict[bytes, NDArray[np.float32]] = OrderedDict()
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path or "", timeout=_LOCKED_SECONDS, check_same_thread=False)
            if path is not None:
                self._base.execute("PRAGMA journal_mode=WAL")
                self._base.execute("PRAGMA synchronous=NORMAL")
            self._base.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)")
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from None

    def get(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """The vectors of those keys that are there; one that is damaged counts as absent."""
        found = {key: self._recent[key] for key in keys if key in self._recent}
        for key in found:
            self._recent.move_to_end(key)
        stored = dict(self._stored([key for key in keys if key not in found]))
        self._remember(stored)
        return found | stored

    def put(self, keys: Sequence[bytes], vectors: NDArray[np.float32]) -> None:
        """Keep vectors, shape (len(keys), d)."""
        rows = [(key, row.tobytes()) for key, row in zip(keys, vectors, strict=True)]
        try:
            with self._base:
                self._base.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        # Copies: a row's view would keep the whole batch in memory for as long as one of its rows is.
        self._remember({key: row.copy() for key, row in zip(keys, vectors, strict=True)})

    def close(self) -> None:
        """Close the file; a temporary one is gone with it."""
        self._recent.clear()
        self._base.close()

    def _stored(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, NDArray[np.float32]]]:
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(part))
            try:
                rows = self._base.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", part).fetchall()  # noqa: S608  # question marks alone
            except sqlite3.Error as error:
                raise self._unusable(error) from None
            for key, blob in rows:
                vector = np.frombuffer(blob, dtype=np.float32) if len(blob) % 4 == 0 else np.zeros(1, np.float32)
                if abs(float(np.linalg.norm(vector)) - 1) < _UNIT:
                    yield key, vector

    def _remember(self, vectors: dict[bytes, NDArray[np.float32]]) -> None:
        self._recent |= vectors
        while len(self._recent) > self._held:
            self._recent.popitem(last=False)

    def _unusable(self, error: Exception) -> CacheError:
        return CacheError(
            f"the cache of embeddings {self._path or 'in the temporary folder'} cannot be used: {error}",
            allowed="an SQLite file that this program made, on a disk with room",
            fix="remove the file, or name another with engines.embeddings.cache",
        )
