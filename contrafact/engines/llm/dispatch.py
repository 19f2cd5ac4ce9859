"""The way of a question: cache, budget, a place in flight, the endpoint, and the cache again.

Everything here runs in one event loop, so nothing needs a lock. A question that is under way is never asked twice,
whoever asks; a reply is handed out only once it is stored.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Iterable, Sequence

from contrafact.engines.llm.budget import Budget
from contrafact.engines.llm.cache import ReplyCache, Row
from contrafact.engines.llm.connection import Connection, Endpoint
from contrafact.engines.llm.exchange import Exchange, Ticket
from contrafact.engines.llm.request import Reply, Request
from contrafact.engines.llm.settings import Settings
from contrafact.errors import ContrafactError, TransientError

__all__ = ["Dispatcher", "Question"]

Question = tuple[str, Request]
"""A question with its key."""

_GROUP_SECONDS = 0.02
_GRACE_SECONDS = 5.0


class Dispatcher:
    """Answers questions for one engine.

    Parameters
    ----------
    find : callable
        Finds or starts the endpoint, when the first question must really be asked.
    """

    def __init__(self, find: Callable[[], Endpoint], settings: Settings, cache: ReplyCache) -> None:
        self._find, self.settings, self.cache = find, settings, cache
        self.budget = Budget(settings)
        self._exchange: Exchange | None = None
        self._opening = asyncio.Lock()
        self._under_way: dict[str, asyncio.Future[Reply]] = {}
        self._sent: set[asyncio.Task[None]] = set()
        self._answered: list[Row] = []
        self._storing: asyncio.Task[None] | None = None

    async def opened(self) -> Exchange:
        """The endpoint, found and checked once. Raises ``EndpointError`` where it cannot be used."""
        async with self._opening:
            if self._exchange is None:
                endpoint = await asyncio.to_thread(self._find)
                await asyncio.to_thread(importlib.import_module, "openai")
                connection = Connection(endpoint, self.settings)
                try:
                    await connection.check()
                except BaseException:
                    await connection.aclose()
                    raise
                self._exchange = Exchange(connection, self.settings, self.budget)
        return self._exchange

    async def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """Replies in the order of the questions, whose keys are all different."""
        loop = asyncio.get_running_loop()
        # Claimed before the cache is read: what somebody else is asking is either still under way or already stored.
        claimed = {key: request for key, request in questions if key not in self._under_way}
        self._under_way.update((key, loop.create_future()) for key in claimed)
        waiting = [self._under_way[key] for key, _ in questions]
        try:
            for key, reply in (await asyncio.to_thread(self.cache.get, list(claimed))).items():
                del claimed[key]
                self._resolve(key, reply)
            if claimed:
                await self._send_all(claimed)
        except BaseException as error:
            self._give_up(claimed, error)
            raise
        return [await reply for reply in waiting]

    async def close(self) -> None:
        """Let what was sent come in, for a while; then close the connection."""
        if self._sent:
            await asyncio.wait(self._sent, timeout=_GRACE_SECONDS)
        for task in self._sent:
            task.cancel()
        if self._sent:
            await asyncio.wait(self._sent)
        await self._stored()
        if self._exchange is not None:
            await self._exchange.connection.aclose()
            self._exchange = None

    async def _send_all(self, unsent: dict[str, Request]) -> None:
        """Send questions as places become free, taking each out of ``unsent``.

        At the first error no more are sent; those on the way come in and are stored before it is raised.
        """
        exchange = await self.opened()
        if self.settings.batch:
            await self._send_in_batches(exchange, unsent)
            return
        exchange.breaker.forgive()
        problems: list[BaseException] = []
        mine: set[asyncio.Task[None]] = set()
        try:
            for key, request in list(unsent.items()):
                ticket = await exchange.admit(request)
                if problems:
                    exchange.dismiss(ticket)
                    break
                del unsent[key]
                task = asyncio.create_task(self._carry(exchange, key, request, ticket, problems))
                for group in (mine, self._sent):
                    group.add(task)
                    task.add_done_callback(group.discard)
        except ContrafactError as error:
            problems.append(error)
        if mine:
            await asyncio.wait(mine)
        if problems:
            await self._stored()
            raise problems[0]

    async def _send_in_batches(self, exchange: Exchange, unsent: dict[str, Request]) -> None:
        from contrafact.engines.llm.batch import Batches

        async def keep(rows: list[Row]) -> None:
            for reply in await asyncio.to_thread(self.cache.put, rows):
                del unsent[reply.key]
                self._resolve(reply.key, reply)

        await Batches(exchange, self.cache.path).answer(dict(unsent), keep)

    async def _carry(
        self, exchange: Exchange, key: str, request: Request, ticket: Ticket, problems: list[BaseException]
    ) -> None:
        """Carry one question to its end. Whatever goes wrong is told to all who wait for it."""
        try:
            row = await exchange.answer(key, request, ticket)
        except BaseException as error:  # noqa: BLE001  # whoever waits would otherwise wait for ever
            problems.append(error)
            self._give_up([key], error)
            return
        self._answered.append(row)
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store())

    async def _store(self) -> None:
        """Store answers in groups: one commit for all that came while the last one was under way."""
        while self._answered:
            await asyncio.sleep(_GROUP_SECONDS)
            rows, self._answered = self._answered, []
            try:
                replies = await asyncio.to_thread(self.cache.put, rows)
            except BaseException as error:  # noqa: BLE001  # the same
                self._give_up([row.key for row in rows], error)
            else:
                for reply in replies:
                    self._resolve(reply.key, reply)

    async def _stored(self) -> None:
        if self._storing is not None:
            await self._storing

    def _resolve(self, key: str, reply: Reply) -> None:
        self._under_way.pop(key).set_result(reply)

    def _give_up(self, keys: Iterable[str], error: BaseException) -> None:
        if not isinstance(error, Exception):
            error = TransientError("the questions were interrupted before they were answered", fix="ask again")
        for key in keys:
            waiting = self._under_way.pop(key)
            waiting.set_exception(error)
            waiting.exception()  # seen: there may be nobody left who waits
