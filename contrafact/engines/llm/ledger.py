"""Questions that are out in a batch: where, since which try, and what was paid for them. Outlives the process.

One SQLite file beside the cache. A question is written down before its batch is made, and struck out after its reply is
stored, so that whoever asks it next, in whatever company, finds its batch again and pays for nothing twice.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contrafact.engines.llm.request import Usage
from contrafact.errors import StorageError

__all__ = ["Ledger", "Standing"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS standing (
    key TEXT PRIMARY KEY, address TEXT NOT NULL, token TEXT, batch TEXT, attempt INTEGER NOT NULL,
    lost INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, cost REAL
) WITHOUT ROWID
"""
_COLUMNS = "key, token, batch, attempt, lost, prompt_tokens, completion_tokens, cost"
_GROUP = 500
_BUSY_SECONDS = 60.0


@dataclass(frozen=True)
class Standing:
    """How one question stands.

    Attributes
    ----------
    attempt : int
        Unusable answers so far.
    lost : int
        How often it came back without an answer.
    paid : Usage
        For the unusable answers.
    token : str, optional
        What the batch that it was to go out in is marked with.
    batch : str, optional
        The endpoint's name of that batch, as soon as it is known.
    """

    attempt: int = 0
    lost: int = 0
    paid: Usage = field(default_factory=lambda: Usage(cost=0.0))
    token: str | None = None
    batch: str | None = None


class Ledger:
    """The standing questions of one endpoint.

    Parameters
    ----------
    path : Path
        Made where it is not there; its folder is there already.
    address : str
        The endpoint. Questions that are out at another one are none of ours.
    """

    def __init__(self, path: Path, address: str) -> None:
        self.path, self.address = path, address

    def read(self, keys: Sequence[str]) -> dict[str, Standing]:
        """How these questions stand; those that were never written down are left out."""
        found: dict[str, Standing] = {}
        with self._open() as file:
            for start in range(0, len(keys), _GROUP):
                group = keys[start : start + _GROUP]
                marks = ",".join("?" * len(group))
                query = f"SELECT {_COLUMNS} FROM standing WHERE address = ? AND key IN ({marks})"  # noqa: S608  # own names
                for key, token, batch, attempt, lost, prompt, completion, cost in file.execute(
                    query, [self.address, *group]
                ):
                    found[key] = Standing(attempt, lost, Usage(prompt, completion, cost), token, batch)
        return found

    def write(self, standing: Mapping[str, Standing]) -> None:
        """Write down how questions stand, all or none."""
        rows = [
            (key, self.address, each.token, each.batch, each.attempt, each.lost, *_numbers(each.paid))
            for key, each in standing.items()
        ]
        self._change("INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def name(self, token: str, batch: str) -> None:
        """Write down what the endpoint calls the batch that is marked with ``token``."""
        self._change("UPDATE standing SET batch = ? WHERE token = ?", [(batch, token)])

    def strike(self, keys: Iterable[str]) -> None:
        """Strike out questions whose replies are stored."""
        self._change("DELETE FROM standing WHERE key = ?", [(key,) for key in keys])

    def _change(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        with self._open() as file:
            file.execute("BEGIN IMMEDIATE")
            file.executemany(statement, rows)
            file.execute("COMMIT")

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None)) as file:
                file.execute("PRAGMA synchronous = FULL")
                file.execute(_SCHEMA)
                yield file
        except sqlite3.Error as error:
            raise StorageError(
                f"{self.path}, which says what is out in batches, cannot be used: {error}",
                fix="make room, or wait for the program that holds it; then run the same command",
            ) from None


def _numbers(paid: Usage) -> tuple[int, int, float | None]:
    return paid.prompt_tokens, paid.completion_tokens, paid.cost
