"""One question put to the endpoint until there is an answer to store: tries again, asks again, and keeps the books."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from contrafact.engines.llm.breaker import Breaker
from contrafact.engines.llm.budget import Budget
from contrafact.engines.llm.cache import Row
from contrafact.engines.llm.connection import Connection
from contrafact.engines.llm.failures import Backoff, LostError, RefusedError
from contrafact.engines.llm.limiter import Limiter
from contrafact.engines.llm.request import Message, Request, Sampling, Usage
from contrafact.engines.llm.scoring import MOST_TOKENS, scored_answer, scoring_body
from contrafact.engines.llm.settings import Settings
from contrafact.engines.llm.structured import complaint, parse_json
from contrafact.engines.llm.wire import Answer, Quirks, body_of, path_of, read_answer

__all__ = ["Exchange", "Ticket", "Verdict", "another_way", "judge", "row_of", "together"]

_OWN_FAILURES = 8
"""Failures of one question, while others are answered, after which the question itself is taken to be the cause."""
_TRIES_BEFORE_A_WORD = 2


@dataclass(frozen=True)
class Ticket:
    """Leave to send one call: what the budget set aside for it, and its place in flight."""

    aside: Usage
    epoch: int


@dataclass(frozen=True)
class Verdict:
    """Whether an answer can be used: its JSON value, or why not, and whether asking again may help."""

    value: Any = None
    failure: str | None = None
    again: bool = False


class _NotScoredError(Exception):
    """An answer that does not tell the probabilities that were asked for."""


class Exchange:
    """Carries questions to one endpoint. Belongs to one event loop."""

    def __init__(self, connection: Connection, settings: Settings, budget: Budget) -> None:
        self.connection, self.settings, self.budget = connection, settings, budget
        self.limiter = Limiter(settings.start, settings.most)
        self.breaker = Breaker(connection.address, settings.patience)
        self.backoff = Backoff()
        self.quirks = Quirks(echoes=connection.endpoint.echoes)
        self._schemas_taken = self._scores = False

    async def admit(self, request: Request, *, first: bool = False) -> Ticket:
        """Wait until the budget and the endpoint have room. Raises ``BudgetError`` at a cap."""
        aside = await self.budget.reserve(request)
        try:
            return Ticket(aside, await self.limiter.acquire(first=first))
        except BaseException:
            self.budget.settle(aside)
            raise

    def dismiss(self, ticket: Ticket) -> None:
        """Give back a ticket that was not used."""
        self.limiter.release()
        self.budget.settle(ticket.aside)

    async def answer(self, key: str, request: Request, ticket: Ticket) -> Row:
        """The reply to store: an answer, or a failure with what came.

        Raises
        ------
        EndpointError
            For what no retry mends.
        TransientError
            Where the endpoint stayed away too long.
        BudgetError
            Where another try does not fit under a cap.
        """
        paid = Usage(cost=0.0)
        asked: list[Mapping[str, Any]] = []
        for attempt in range(self.settings.retries + 1):
            try:
                answer = await self._call(request, attempt, ticket)
            except RefusedError as refused:
                return Row.of(key, paid, text=None, failure=await self.explain(refused, request), raw=refused.message)
            except LostError as lost:
                return Row.of(key, paid, text=None, failure=f"failed again and again: {lost.why}")
            paid = together(paid, self._usage(answer))
            verdict = judge(request, answer)
            asked.append(body_of(request, "", self.quirks, attempt=attempt))
            if not verdict.again or attempt == self.settings.retries or self._vain(request, attempt + 1, asked):
                break
            ticket = await self.admit(request, first=True)
        return row_of(key, paid, answer, verdict)

    async def _call(self, request: Request, attempt: int, ticket: Ticket) -> Answer:
        """One answered call, however many tries it takes. Raises ``LostError`` where only this question fails."""
        quirks = self.quirks
        tries = own = 0
        successes = self.breaker.successes
        while True:
            try:
                answer = await self._sent(request, quirks, attempt, ticket)
            except RefusedError as refused:
                settled = request.scored is not None and self._scores
                another = None if settled else another_way(refused, request, quirks)
                if another is None:
                    raise
                quirks = another
            except _NotScoredError:
                if not quirks.echoes:
                    raise self.connection.no_scores() from None
                quirks = replace(quirks, echoes=False)
            except LostError as lost:
                tries += 1
                if (lost.billed or not lost.busy) and await self._others_answered(request, successes, tries):
                    own, successes = own + 1, self.breaker.successes
                if own == _OWN_FAILURES:
                    raise
                await asyncio.sleep(self.backoff.delay(tries, lost.wait))
            else:
                self._learn(request, quirks)
                return answer
            ticket = await self.admit(request, first=True)

    async def _others_answered(self, request: Request, successes: int, tries: int) -> bool:
        """Whether the endpoint answers other questions, so that this one is to blame; in the end a question of a word.

        Without that a question that breaks the server would end every run that has nothing else left to ask.
        """
        if self.breaker.successes > successes:
            return True
        if tries <= _TRIES_BEFORE_A_WORD or self.breaker.open:
            return False
        word = Request((Message("user", "Hi"),)) if request.messages else Request(prompt="Hi")
        word = replace(word, sampling=Sampling(max_tokens=1))
        body = body_of(word, self._model, self.quirks)
        try:
            await self._send(word, body, await self.admit(word, first=True))
        except (LostError, RefusedError):
            return False
        return True

    async def _sent(self, request: Request, quirks: Quirks, attempt: int, ticket: Ticket) -> Answer:
        """One call. Raises ``_NotScoredError`` where a text was not scored, and nobody knows yet whether it can be."""
        if request.scored is None:
            return await self._send(request, body_of(request, self._model, quirks, attempt=attempt), ticket)
        try:
            tokens = None if quirks.echoes else await self.connection.tokens(request.scored)
        except BaseException:
            self.dismiss(ticket)
            raise
        if tokens is not None and not 0 < len(tokens.ids) <= MOST_TOKENS:
            self.dismiss(ticket)
            return Answer("", "stop", (), None)
        answer = await self._send(request, scoring_body(request, self._model, tokens), ticket)
        found = scored_answer(request, answer, tokens)
        if found is None and not self._scores:
            raise _NotScoredError
        return replace(answer, chances=()) if found is None else found

    async def _send(self, request: Request, body: Mapping[str, Any], ticket: Ticket) -> Answer:
        """Send one call, once, and tell limiter, breaker and budget how it went."""
        try:
            await self.breaker.passage()
        except BaseException:
            self.dismiss(ticket)
            raise
        began = time.monotonic()
        try:
            answer = _read(await self.connection.post(path_of(request), body))
        except LostError as lost:
            self.breaker.failed(lost.why, lost.wait)
            self.budget.settle(ticket.aside, lost=lost.billed)
            if lost.busy:
                self.limiter.overloaded(ticket.epoch)
            else:
                self.limiter.release()
            raise
        except RefusedError:
            self.breaker.worked()
            self.dismiss(ticket)
            raise
        except BaseException:
            self.breaker.abandoned()
            self.dismiss(ticket)
            raise
        self.breaker.worked()
        # Calls that may run to a like length are compared with one another.
        self.limiter.worked(ticket.epoch, time.monotonic() - began, request.sampling.max_tokens.bit_length())
        self.budget.settle(ticket.aside, self._counted(answer, ticket.aside))
        return answer

    @property
    def _model(self) -> str:
        return self.connection.endpoint.model

    async def explain(self, refused: RefusedError, request: Request) -> str:
        """Why this one question was refused; raises ``EndpointError`` where it is not about this question alone."""
        scored = request.scored is not None and refused.status not in (401, 403)
        if refused.about_the_text or (scored and self._scores):
            return "the endpoint refused the text"
        if scored:
            raise self.connection.no_scores()
        if refused.status == 404:
            raise await self.connection.not_found(path_of(request))
        raise self.connection.mistake(refused)

    def _learn(self, request: Request, quirks: Quirks) -> None:
        """Keep to what worked, unless the endpoint takes schemas and only this one was refused."""
        if request.scored is not None:
            self._scores, self.quirks = True, replace(self.quirks, echoes=quirks.echoes)
            return
        if request.schema is not None and request.messages and quirks.schemas:
            self._schemas_taken = True
        schemas = self.quirks.schemas and (quirks.schemas or self._schemas_taken)
        limit = self.quirks.completion_limit or quirks.completion_limit
        self.quirks = replace(self.quirks, schemas=schemas, completion_limit=limit)

    def _vain(self, request: Request, attempt: int, asked: list[Mapping[str, Any]]) -> bool:
        """Whether another try would put the same question, greedily, and could only bring the same answer."""
        if request.sampling.temperature > 0:
            return False
        body = body_of(request, "", self.quirks, attempt=attempt)
        return any(_unseeded(body) == _unseeded(each) for each in asked)

    def _usage(self, answer: Answer) -> Usage:
        return Usage() if answer.tokens is None else self.settings.usage(*answer.tokens)

    def _counted(self, answer: Answer, aside: Usage) -> Usage:
        """What the budget counts: where a server does not count tokens, the estimate."""
        tokens = answer.tokens or (aside.prompt_tokens, -(-len(answer.text) // 4))
        return self.settings.usage(*tokens)


def judge(request: Request, answer: Answer) -> Verdict:
    """Whether an answer is what was asked for."""
    if answer.refusal:
        return Verdict(failure="the model declined")
    if answer.finish == "content_filter":
        return Verdict(failure="content filter")
    if request.scored is not None:
        return Verdict(failure=None if answer.chances else "the text was not scored")
    if not answer.text.strip():
        return Verdict(failure="empty answer", again=True)
    if request.sampling.logprobs is not None and not answer.chances:
        return Verdict(failure="no logprobs")
    if request.schema is None:
        return Verdict()
    if answer.finish == "length":
        return Verdict(failure="cut off", again=True)
    try:
        value = parse_json(answer.text)
    except ValueError:
        return Verdict(failure="no JSON", again=True)
    wrong = complaint(value, request.schema)
    return Verdict(value) if wrong is None else Verdict(failure=f"not by the schema: {wrong}", again=True)


def row_of(key: str, paid: Usage, answer: Answer, verdict: Verdict) -> Row:
    """The reply to store for a judged answer; ``paid`` is for it and the unusable ones before it."""
    usable = verdict.failure is None
    return Row.of(
        key,
        paid,
        text=answer.text if usable else None,
        value=verdict.value,
        finish=answer.finish,
        chances=answer.chances,
        failure=verdict.failure,
        raw=None if usable else answer.text,
    )


def _read(payload: Any) -> Answer:
    try:
        return read_answer(payload)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise LostError("broken reply", billed=True) from None


def another_way(refused: RefusedError, request: Request, quirks: Quirks) -> Quirks | None:
    """How to put the question so that the endpoint may take it; None where it was put in every way."""
    if request.scored is not None:
        known = refused.about_the_text or refused.status in (401, 403) or not quirks.echoes
        return None if known else replace(quirks, echoes=False)
    if refused.status not in (400, 422) or refused.about_the_text or not request.messages:
        return None
    if "max_completion_tokens" in refused.message and not quirks.completion_limit:
        return replace(quirks, completion_limit=True)
    return replace(quirks, schemas=False) if request.schema is not None and quirks.schemas else None


def _unseeded(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "seed"}


def together(one: Usage, other: Usage) -> Usage:
    """Two usages as one; unknown money stays unknown."""
    cost = None if one.cost is None or other.cost is None else one.cost + other.cost
    return Usage(one.prompt_tokens + other.prompt_tokens, one.completion_tokens + other.completion_tokens, cost)
