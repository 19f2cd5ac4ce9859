"""The provider's Batch API as a way to carry questions: cheaper, and within a day instead of a second.

::

    questions ─► those that are out already ─► their batch ─┐
            └─► the others ─► ledger ─► upload ─► create ───┴─► poll ─► replies ─► cache ─► struck out of the ledger

A question is known by its cache key, which is also its ``custom_id``. Kill the process anywhere: the same questions
find their batch again in the :class:`Ledger`, and none is sent twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock, Timeout

from contrafact.engines.llm.batchcalls import BatchCalls
from contrafact.engines.llm.cache import Row
from contrafact.engines.llm.exchange import Exchange, another_way, judge, row_of, together
from contrafact.engines.llm.failures import LostError, RefusedError, sort_status
from contrafact.engines.llm.ledger import Ledger, Standing
from contrafact.engines.llm.request import Request, Usage
from contrafact.engines.llm.wire import Answer, Quirks, body_of, path_of, read_answer
from contrafact.errors import EndpointError, TransientError

__all__ = ["Batches"]

Keep = Callable[[list[Row]], Awaitable[None]]
"""Stores replies, durably."""

_MOST_REQUESTS = 50_000
_MOST_BYTES = 100 * 2**20
_LONGEST_SECONDS = 26 * 3600.0
_LOCK_SECONDS = 0.1
_OVER = ("completed", "failed", "expired", "cancelled")


@dataclass
class _Job:
    """One question on its way."""

    request: Request
    standing: Standing
    quirks: Quirks
    aside: Usage | None = None


class Batches:
    """Carries questions to one endpoint in batches. Belongs to one event loop.

    Parameters
    ----------
    exchange : Exchange
        Connection, settings and budget.
    cache : Path
        The cache of replies; the ledger lies beside it.

    Attributes
    ----------
    first, longest : float
        Seconds between two looks at a batch, at the beginning (then half as much again each time) and at the most.
    """

    first: ClassVar[float] = 2.0
    longest: ClassVar[float] = 60.0

    def __init__(self, exchange: Exchange, cache: Path) -> None:
        self.exchange, self.settings = exchange, exchange.settings
        self.ledger = Ledger(cache.with_name(f"{cache.name}.batches"), exchange.connection.address)
        self.calls = BatchCalls(exchange.connection, self.settings.patience, exchange.backoff)

    async def answer(self, questions: Mapping[str, Request], keep: Keep) -> None:
        """Have every question answered and kept; those that come back unusable go out again, at most ``retries`` times.

        Raises
        ------
        BudgetError
            At a cap. Batches that are out are found again by the same command.
        EndpointError
            For a batch that was refused or cancelled, or an endpoint without a Batch API.
        TransientError
            Where the endpoint stayed away, or batches expired again and again.
        """
        jobs = {key: _Job(request, Standing(), self.exchange.quirks) for key, request in questions.items()}
        try:
            while jobs:
                out = await self._sent(jobs)
                tasks = [asyncio.create_task(self._collect(batch, jobs, keys, keep)) for batch, keys in out.items()]
                try:
                    await asyncio.gather(*tasks)
                finally:
                    for task in tasks:
                        task.cancel()
                    await asyncio.wait(tasks)
        finally:
            for job in jobs.values():
                self._settle(job)

    async def _sent(self, jobs: dict[str, _Job]) -> dict[str, list[str]]:
        """Keys by batch: those that are out already, and as many of the others as the budget takes."""
        out: dict[str, list[str]] = {}
        async with self._alone():
            free = await self._found(jobs, out)
            for group in self._groups({key: jobs[key] for key in await self._affordable(free, jobs, wait=not out)}):
                token = secrets.token_hex(16)
                await asyncio.to_thread(
                    self.ledger.write, {key: replace(job.standing, token=token) for key, job in group.items()}
                )
                lines = [self._line(key, job) for key, job in group.items()]
                batch = await self.calls.create(lines, path_of(next(iter(group.values())).request), token)
                await asyncio.to_thread(self.ledger.name, token, batch)
                out[batch] = list(group)
        return out

    async def _found(self, jobs: dict[str, _Job], out: dict[str, list[str]]) -> list[str]:
        """Put keys that are out already into ``out``; returns the others."""
        standing = await asyncio.to_thread(self.ledger.read, list(jobs))
        names: dict[str, str | None] = {}
        free = []
        for key, job in jobs.items():
            job.standing = standing.get(key, job.standing)
            token, batch = job.standing.token, job.standing.batch
            if batch is None and token is not None:
                # Stopped between writing this down and hearing what the batch is called.
                if token not in names:
                    names[token] = await self.calls.find(token)
                    if names[token] is not None:
                        await asyncio.to_thread(self.ledger.name, token, str(names[token]))
                batch = names[token]
            if batch is None:
                free.append(key)
            else:
                out.setdefault(batch, []).append(key)
        return free

    async def _affordable(self, keys: Sequence[str], jobs: Mapping[str, _Job], *, wait: bool) -> list[str]:
        """Keys whose worst case fits under the caps now. ``wait``: at least one, or ``BudgetError``."""
        budget = self.exchange.budget
        chosen: list[str] = []
        for key in keys:
            job = jobs[key]
            if budget.fits(job.request) or (wait and not chosen):
                job.aside = await budget.reserve(job.request)
                chosen.append(key)
        return chosen

    def _groups(self, jobs: Mapping[str, _Job]) -> Iterator[dict[str, _Job]]:
        """Jobs of one endpoint path each, in files of a size that providers take."""
        for path in sorted({path_of(job.request) for job in jobs.values()}):
            group: dict[str, _Job] = {}
            size = 0
            for key, job in jobs.items():
                if path_of(job.request) != path:
                    continue
                length = len(json.dumps(self._line(key, job)))
                if group and (len(group) == _MOST_REQUESTS or size + length > _MOST_BYTES):
                    yield group
                    group, size = {}, 0
                group[key] = job
                size += length
            yield group

    def _line(self, key: str, job: _Job) -> dict[str, Any]:
        model = self.exchange.connection.endpoint.model
        body = body_of(job.request, model, job.quirks, attempt=job.standing.attempt)
        return {"custom_id": key, "method": "POST", "url": f"/v1{path_of(job.request)}", "body": body}

    async def _collect(self, name: str, jobs: dict[str, _Job], keys: Sequence[str], keep: Keep) -> None:
        """Wait for a batch, keep its usable replies, and write down which questions must go out again."""
        batch = await self._over(name)
        if batch is None or batch["status"] == "failed":
            await asyncio.to_thread(self.ledger.write, {key: _free(jobs[key].standing) for key in keys})
            if batch is not None:
                raise self._failed(name, batch)
            return
        lines: dict[str, dict[str, Any]] = {}
        for file in (batch.get("error_file_id"), batch.get("output_file_id")):
            if file:
                lines.update((str(line.get("custom_id")), line) for line in await self.calls.lines(file))
        rows, again = [], {}
        for key in keys:
            job = jobs[key]
            row = await self._read(key, job, lines.get(key), batch["status"])
            self._settle(job)
            if row is None:
                again[key] = job.standing = _free(job.standing)
            else:
                rows.append(row)
        # Written down first: what is stored and not yet struck out is found in the cache and never looked for here.
        await asyncio.to_thread(self.ledger.write, again)
        await keep(rows)
        await asyncio.to_thread(self.ledger.strike, [row.key for row in rows])
        for row in rows:
            del jobs[row.key]
        self._check(name, batch["status"], again)

    async def _read(self, key: str, job: _Job, line: Mapping[str, Any] | None, status: str) -> Row | None:
        """The reply to store for one question; None where it must go out again, as its standing then says."""
        answer = _answered(line)
        if isinstance(answer, Answer):
            return self._judged(key, job, answer)
        if isinstance(answer, RefusedError):
            another = another_way(answer, job.request, job.quirks)
            if another is None:
                failure = await self.exchange.explain(answer, job.request)
                return Row.of(key, job.standing.paid, text=None, failure=failure, raw=answer.message)
            job.quirks = another
            return None
        job.standing = replace(job.standing, lost=job.standing.lost + 1)
        if job.standing.lost <= self.settings.retries or status != "completed":
            return None
        return Row.of(key, job.standing.paid, text=None, failure=f"failed again and again: {answer.why}")

    def _judged(self, key: str, job: _Job, answer: Answer) -> Row | None:
        usage = Usage() if answer.tokens is None else self.settings.usage(*answer.tokens)
        self.exchange.budget.spent.add(usage)
        paid = together(job.standing.paid, usage)
        verdict = judge(job.request, answer)
        attempt = job.standing.attempt
        if not verdict.again or attempt == self.settings.retries or _vain(job, attempt):
            return row_of(key, paid, answer, verdict)
        job.standing = replace(job.standing, attempt=attempt + 1, paid=paid)
        return None

    async def _over(self, name: str) -> Mapping[str, Any] | None:
        """The batch, once nothing more will come of it; None where the endpoint does not know it any more."""
        began, pause = time.monotonic(), self.first
        while True:
            batch = await self.calls.look(name)
            if batch is None or batch["status"] in _OVER:
                return batch
            if time.monotonic() - began > _LONGEST_SECONDS:
                raise TransientError(
                    f"the batch {name} is {batch['status']} after {_LONGEST_SECONDS / 3600:g} hours",
                    fix="run the same command again later: it finds the batch again",
                )
            await asyncio.sleep(pause)
            pause = min(self.longest, pause * 1.5)

    def _check(self, name: str, status: str, again: Mapping[str, Standing]) -> None:
        """Whether what did not come back may be sent again without asking the user."""
        if not again:
            return
        if status == "cancelled":
            raise EndpointError(
                f"the batch {name} was cancelled, and {len(again)} of its questions have no answer",
                fix="run the same command again: it sends these anew, and pays for no other",
            )
        if status == "expired" and any(each.lost > self.settings.retries for each in again.values()):
            raise TransientError(
                f"batches expired {self.settings.retries + 1} times before every question was answered",
                fix="run the same command again, or set engines.llm.batch: false",
            )

    def _failed(self, name: str, batch: Mapping[str, Any]) -> EndpointError:
        told = (batch.get("errors") or {}).get("data") or []
        shown = "; ".join(str(each.get("message") or each.get("code")) for each in told[:3]) or "it does not say why"
        return EndpointError(
            f"{self.exchange.connection.address} refused the batch {name}: {shown}",
            fix="mend what it names and run the same command again: nothing of this batch was paid for",
        )

    def _settle(self, job: _Job) -> None:
        """Give back what was set aside: what a reply cost is counted when it comes in, maybe in another process."""
        if job.aside is not None:
            self.exchange.budget.settle(job.aside)
            job.aside = None

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Nobody else, in any process, sends batches from this ledger meanwhile."""
        lock = FileLock(f"{self.ledger.path}.lock", thread_local=False)
        while True:
            with contextlib.suppress(Timeout):
                lock.acquire(blocking=False)
                break
            await asyncio.sleep(_LOCK_SECONDS)
        try:
            yield
        finally:
            lock.release()


def _free(standing: Standing) -> Standing:
    return replace(standing, token=None, batch=None)


def _answered(line: Mapping[str, Any] | None) -> Answer | LostError | RefusedError:
    """What one line of an output or error file says."""
    if line is None:
        return LostError("no answer in the batch")
    response, error = line.get("response"), line.get("error")
    if not isinstance(response, Mapping):
        return LostError(str((error or {}).get("code") or "no answer in the batch"))
    status, body = int(response.get("status_code") or 0), response.get("body")
    if status == 200:
        try:
            return read_answer(body)
        except (ValueError, TypeError, KeyError, AttributeError):
            return LostError("broken reply")
    told = body.get("error") if isinstance(body, Mapping) else None
    told = told if isinstance(told, Mapping) else {}
    code = " ".join(str(told[name]) for name in ("code", "type", "param") if told.get(name))
    problem = sort_status(status, {}, str(told.get("message") or ""), code)
    return problem if isinstance(problem, RefusedError) else LostError(f"HTTP {status}")


def _vain(job: _Job, attempt: int) -> bool:
    """Whether the next try would put the same question, greedily, and could only bring the same answer."""
    if job.request.sampling.temperature > 0:
        return False
    this, other = (body_of(job.request, "", job.quirks, attempt=each) for each in (attempt, attempt + 1))
    return {**this, "seed": None} == {**other, "seed": None}
