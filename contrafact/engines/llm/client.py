"""The engine that stages ask: a blocking, thread-safe face of the dispatcher, with the books beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from contrafact.engines.llm.budget import Estimate, Spent, worst_case
from contrafact.engines.llm.cache import ReplyCache, Totals
from contrafact.engines.llm.connection import Endpoint
from contrafact.engines.llm.dispatch import Dispatcher
from contrafact.engines.llm.loop import run
from contrafact.engines.llm.request import Reply, Request
from contrafact.engines.llm.settings import Settings
from contrafact.engines.llm.structured import check_schema
from contrafact.engines.llm.wire import path_of
from contrafact.errors import CacheError, UserError

__all__ = ["Engine"]


class Engine:
    """A language model behind an OpenAI-compatible endpoint. Safe to call from several threads at once.

    Parameters
    ----------
    model : str
        Identity of the model: part of every cache key.
    settings : Settings
    find : callable
        Finds or starts the endpoint; called when the first question must really be asked, so that a build whose
        replies are all cached needs no server and no key.
    replay : bool
        Answer from the cache alone.
    """

    def __init__(self, model: str, settings: Settings, find: Callable[[], Endpoint], *, replay: bool = False) -> None:
        self.settings, self.replay = settings, replay
        self.cache = ReplyCache(settings.cache)
        self._model = model
        self._endpoint: Endpoint | None = None
        self._find = find
        self._dispatcher = Dispatcher(self._found, settings, self.cache)
        self._closed = False

    @property
    def model(self) -> str:
        """Identity of the model: part of cache keys and of provenance."""
        return self._model

    @property
    def spent(self) -> Spent:
        """What was paid since the engine was opened."""
        return replace(self._dispatcher.budget.spent)

    def check(self) -> None:
        """Make sure, before any work, that the endpoint answers, takes the key and has the model. Replay needs none.

        Raises
        ------
        EndpointError
            With the command that mends it.
        """
        if not self.replay:
            run(self._dispatcher.opened())

    def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """One reply a request, in order.

        A question that cannot be answered is a reply with a ``failure``; it is cached like any other, so that it is not
        paid for again. Equal requests are asked once.

        Raises
        ------
        BudgetError
            At a hard cap. Everything answered before is in the cache.
        TransientError
            Where the endpoint stayed away longer than ``patience``.
        EndpointError
            For what no retry mends.
        CacheError
            In a replay, for questions without a stored reply; or where the cache cannot be used.
        """
        if self._closed:
            raise UserError("the language model was closed before it was asked", fix="open it again")
        keys = [request.key(self._model) for request in requests]
        questions = dict(zip(keys, requests, strict=True))
        _check(questions.values())
        if self.replay:
            found = self._replayed(list(questions))
        else:
            replies = run(self._dispatcher.answer(list(questions.items())))
            found = dict(zip(questions, replies, strict=True))
        answers = []
        for key in keys:
            answers.append(found[key])
            # Nothing is paid for the second of two equal requests.
            found[key] = found[key] if found[key].cached else replace(found[key], cached=True)
        return answers

    def estimate(self, requests: Iterable[Request]) -> Estimate:
        """What these requests would cost, before anything is sent. Equal ones count once."""
        questions = {request.key(self._model): request for request in requests}
        stored = self.cache.contains(list(questions))
        costs = [worst_case(request, self.settings) for key, request in questions.items() if key not in stored]
        prompt, completion = sum(each.prompt_tokens for each in costs), sum(each.completion_tokens for each in costs)
        cost = self.settings.cost(prompt, completion) if costs else 0.0
        return Estimate(len(questions), len(stored), prompt, completion, cost)

    def usage_of(self, keys: Iterable[str]) -> Totals:
        """What the replies under these keys (``request_ids`` of pairs) cost when they were asked: same in a replay."""
        return self.cache.usage_of(keys)

    def close(self) -> None:
        """Stop servers and connections that were started. Replies are stored already."""
        if self._closed:
            return
        self._closed = True
        try:
            run(self._dispatcher.close())
        finally:
            self.cache.close()
            if self._endpoint is not None and self._endpoint.close is not None:
                self._endpoint.close()

    def _found(self) -> Endpoint:
        if self._endpoint is None:
            self._endpoint = self._find()
        return self._endpoint

    def _replayed(self, keys: Sequence[str]) -> dict[str, Reply]:
        found = self.cache.get(keys)
        missing = len(keys) - len(found)
        if missing:
            damaged = f" ({self.cache.dropped} were damaged)" if self.cache.dropped else ""
            raise CacheError(
                f"{missing} of {len(keys)} replies that the replay needs are not in {self.cache.path}{damaged}",
                fix="run the same command without --replay, or name the cache it was built with: engines.llm.cache",
            )
        return found


def _check(requests: Iterable[Request]) -> None:
    """Whatever is wrong with a question is said before any is sent."""
    seen: list[object] = []
    for request in requests:
        path_of(request)
        if request.schema is not None and not any(request.schema is each for each in seen):
            check_schema(request.schema)
            seen.append(request.schema)
