"""The Batch API of one endpoint, call by call: upload, create, look, fetch; each tried again for a while."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from contrafact.engines.llm.connection import Connection
from contrafact.engines.llm.failures import Backoff, LostError, RefusedError
from contrafact.errors import ContrafactError, EndpointError, TransientError

__all__ = ["MARK", "BatchCalls"]

T = TypeVar("T")
MARK = "contrafact"
"""Key of a batch's metadata under which we find it again."""

_LISTED = 1000
_UNKNOWN = (404, 405)


class BatchCalls:
    """Calls to ``/files`` and ``/batches``. Belongs to one event loop.

    Parameters
    ----------
    patience : float
        Seconds without an answer after which a call gives up with ``TransientError``.
    """

    def __init__(self, connection: Connection, patience: float, backoff: Backoff) -> None:
        self.connection, self.patience, self.backoff = connection, patience, backoff

    async def create(self, lines: Iterable[Mapping[str, Any]], path: str, token: str) -> str:
        """Upload requests (one JSON line each) and make a batch of them, marked with ``token``; returns its id.

        Where the reply is lost the batch may have been made, and paid for, all the same: it is looked for before
        another is made.
        """
        content = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
        client = self.connection.client
        # The provider closes a file that it has taken in: another try uploads the bytes again.
        file = await self._tried(lambda: client.files.create(file=(f"{token}.jsonl", content), purpose="batch"))
        lost = False

        async def make() -> str:
            nonlocal lost
            found = await self._found(token) if lost else None
            if found is not None:
                return found
            lost = True
            body = {
                "input_file_id": file.id,
                "endpoint": f"/v1{path}",
                "completion_window": "24h",
                "metadata": {MARK: token},
            }
            made: Any = await client.post("/batches", cast_to=object, body=body)
            return str(made["id"])

        return await self._tried(make)

    async def find(self, token: str) -> str | None:
        """The id of the batch that is marked with ``token``; None where there is none among the latest thousand."""
        return await self._tried(lambda: self._found(token))

    async def look(self, batch: str) -> Mapping[str, Any] | None:
        """The batch as it stands, as plain data; None where the endpoint does not know it."""

        async def get() -> Mapping[str, Any] | None:
            found = await self.connection.client.batches.retrieve(batch)
            plain: Mapping[str, Any] = found.model_dump()
            return plain

        try:
            return await self._tried(get, missing=True)
        except RefusedError:
            return None

    async def lines(self, file: str) -> list[dict[str, Any]]:
        """The JSON lines of a file. A line that is none is left out: its question counts as lost."""

        async def get() -> bytes:
            return (await self.connection.client.files.content(file)).content

        return [line for line in map(_parsed, (await self._tried(get)).splitlines()) if line is not None]

    async def _found(self, token: str) -> str | None:
        seen = 0
        async for each in self.connection.client.batches.list(limit=100):
            seen += 1
            if (each.metadata or {}).get(MARK) == token:
                return each.id
            if seen == _LISTED:
                break
        return None

    async def _tried(self, call: Callable[[], Awaitable[T]], *, missing: bool = False) -> T:
        """The result of a call, tried again while it is lost for a passing reason.

        Raises
        ------
        RefusedError
            Where what was asked for is not there, and ``missing`` says that this is for the caller to see.
        EndpointError, TransientError
        """
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        began, tries = time.monotonic(), 0
        while True:
            try:
                return await call()
            except APITimeoutError:
                problem: Exception = LostError("time-out")
            except APIConnectionError:
                problem = LostError("connection lost")
            except APIStatusError as error:
                problem = self.connection.sorted_error(error)
            if isinstance(problem, RefusedError):
                if missing and problem.status in _UNKNOWN:
                    raise problem
                raise self._refused(problem) from None
            tries += 1
            if time.monotonic() - began > self.patience:
                raise TransientError(
                    f"the Batch API of {self.connection.address} did not answer for {self.patience:g} s ({problem})",
                    fix="run the same command again when it is back: it finds the batches that are out",
                ) from None
            await asyncio.sleep(self.backoff.delay(tries, getattr(problem, "wait", None)))

    def _refused(self, refused: RefusedError) -> ContrafactError:
        if refused.status in _UNKNOWN:
            return EndpointError(
                f"{self.connection.address} has no Batch API (HTTP {refused.status})",
                fix="set engines.llm.batch: false",
            )
        return self.connection.mistake(refused)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
