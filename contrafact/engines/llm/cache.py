"""The cache of replies: one SQLite file for all runs and processes, in which a damaged row is asked for again."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contrafact.engines.llm.request import Reply, TokenChance, Usage
from contrafact.errors import CacheError, StorageError

__all__ = ["ReplyCache", "Row", "Totals"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY, reply TEXT NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
    cost REAL, created REAL NOT NULL, checksum BLOB NOT NULL
) WITHOUT ROWID
"""
_COLUMNS = "key, reply, prompt_tokens, completion_tokens, cost, checksum"
_GROUP = 500
_BUSY_SECONDS = 20.0


@dataclass(frozen=True)
class Totals:
    """What several replies cost together. ``cost`` is None where the price of any of them is unknown."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = 0.0


@dataclass(frozen=True)
class Row:
    """A reply as it is stored: its JSON, and what was paid for it when it was asked."""

    key: str
    reply: str
    usage: Usage

    @classmethod
    def of(
        cls,
        key: str,
        usage: Usage,
        *,
        text: str | None,
        value: Any = None,
        finish: str = "stop",
        chances: Sequence[TokenChance] = (),
        failure: str | None = None,
        raw: str | None = None,
    ) -> Row:
        """A row from the parts of a reply."""
        plain = {
            "text": text,
            "value": value,
            "finish": finish,
            "chances": [[each.token, each.logprob, dict(each.alternatives)] for each in chances],
            "failure": failure,
            "raw": raw,
        }
        return cls(key, json.dumps(plain, ensure_ascii=False, separators=(",", ":")), usage)

    def checksum(self) -> bytes:
        """Digest of everything that the row says."""
        content = json.dumps([self.key, self.reply, *_numbers(self.usage)]).encode()
        return hashlib.blake2b(content, digest_size=16).digest()

    def open(self, *, cached: bool) -> Reply:
        """The reply. Raises ``ValueError``, ``KeyError`` or ``TypeError`` where the JSON is not one."""
        plain = json.loads(self.reply)
        chances = tuple(TokenChance(token, chance, others) for token, chance, others in plain.pop("chances"))
        return Reply(self.key, **plain, chances=chances, usage=self.usage, cached=cached)


class ReplyCache:
    """Replies by key, in one SQLite file in WAL mode. Safe for several threads and processes at once.

    Parameters
    ----------
    path : Path
        Made with its folder where it is not there.
    busy : float
        Seconds to wait for another program that holds the file.

    Raises
    ------
    CacheError
        For a file that is locked or no cache.
    StorageError
        Where it cannot be written.
    """

    def __init__(self, path: Path, *, busy: float = _BUSY_SECONDS) -> None:
        self.path, self.busy = path, busy
        self.dropped = 0
        self._guard = threading.Lock()
        with self._complaints():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(path, timeout=busy, isolation_level=None, check_same_thread=False)
            try:
                self._file.execute("PRAGMA journal_mode = WAL")
                # A reply that was paid for must outlive a power cut, and commits are few: replies come in groups.
                self._file.execute("PRAGMA synchronous = FULL")
                self._file.execute(_SCHEMA)
            except BaseException:
                self._file.close()
                raise

    def get(self, keys: Sequence[str]) -> dict[str, Reply]:
        """Replies that are there and whole, by key. A damaged row is dropped and counted in ``dropped``."""
        found: dict[str, Reply] = {}
        damaged: list[str] = []
        for fields in self._select(_COLUMNS, keys):
            reply = _whole(fields)
            if reply is None:
                damaged.append(fields[0])
            else:
                found[reply.key] = reply
        self._drop(damaged)
        return found

    def put(self, rows: Sequence[Row]) -> list[Reply]:
        """Store rows, durably; returns the reply that the cache now holds for each.

        Another process may have stored an answer to the same question first. That one then counts for all, so that a
        replay finds what every dataset was made from.
        """
        now = time.time()
        values = [(row.key, row.reply, *_numbers(row.usage), now, row.checksum()) for row in rows]
        with self._guard, self._complaints():
            self._file.execute("BEGIN IMMEDIATE")
            try:
                before = self._file.total_changes
                self._file.executemany("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?, ?, ?)", values)
                stored = self._file.total_changes - before
                self._file.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._file.execute("ROLLBACK")
                raise
        others = {} if stored == len(rows) else self.get([row.key for row in rows])
        return [replace(others[row.key], cached=False) if row.key in others else row.open(cached=False) for row in rows]

    def contains(self, keys: Sequence[str]) -> set[str]:
        """Keys for which there is a row."""
        return {key for (key,) in self._select("key", keys)}

    def usage_of(self, keys: Iterable[str]) -> Totals:
        """What the replies under these keys cost when asked; equal keys count once, absent ones not at all."""
        requests = prompt = completion = 0
        costs: list[float | None] = []
        wanted = sorted(set(keys))
        for prompt_tokens, completion_tokens, cost in self._select("prompt_tokens, completion_tokens, cost", wanted):
            requests, prompt, completion = requests + 1, prompt + prompt_tokens, completion + completion_tokens
            costs.append(cost)
        return Totals(requests, prompt, completion, _sum(costs))

    def close(self) -> None:
        """Close the file. Rows that were put are stored already."""
        with self._guard:
            self._file.close()

    def _select(self, columns: str, keys: Sequence[str]) -> Iterator[Any]:
        """Rows of these keys in the order of keys, so that sums do not depend on when they were stored."""
        for start in range(0, len(keys), _GROUP):
            group = keys[start : start + _GROUP]
            marks = ",".join("?" * len(group))
            query = f"SELECT {columns} FROM replies WHERE key IN ({marks}) ORDER BY key"  # noqa: S608  # own column names
            with self._guard, self._complaints():
                rows = self._file.execute(query, list(group)).fetchall()
            yield from rows

    def _drop(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        self.dropped += len(keys)
        with self._guard, self._complaints():
            self._file.executemany("DELETE FROM replies WHERE key = ?", [(key,) for key in keys])

    @contextlib.contextmanager
    def _complaints(self) -> Iterator[None]:
        """SQLite's errors in the words of the user."""
        elsewhere = "name another file with engines.llm.cache"
        try:
            yield
        except OSError as error:
            raise StorageError(f"the cache {self.path} cannot be made: {error.strerror}", fix=elsewhere) from None
        except sqlite3.OperationalError as error:
            text = str(error)
            if "locked" in text or "busy" in text:
                raise CacheError(
                    f"the cache {self.path} was locked by another program for {self.busy:g} s",
                    fix=f"wait until that program is done and run the same command, or {elsewhere}",
                ) from None
            raise StorageError(f"the cache {self.path} cannot be used: {text}", fix=elsewhere) from None
        except sqlite3.DatabaseError as error:
            raise CacheError(
                f"{self.path} is no cache of replies, or is damaged: {error}", fix=f"move it away, or {elsewhere}"
            ) from None


def _numbers(usage: Usage) -> tuple[int, int, float | None]:
    return usage.prompt_tokens, usage.completion_tokens, usage.cost


def _whole(fields: Sequence[Any]) -> Reply | None:
    """The reply in a row, unless something in it is not as it was written."""
    key, reply, prompt_tokens, completion_tokens, cost, checksum = fields
    row = Row(key, reply, Usage(prompt_tokens, completion_tokens, cost))
    try:
        return row.open(cached=True) if row.checksum() == checksum else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _sum(costs: Sequence[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return math.fsum(known) if len(known) == len(costs) else None
