"""Hard caps: what a call may cost is set aside before it is sent, and settled when it is answered."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from contrafact.engines.llm.request import Request, Usage
from contrafact.engines.llm.settings import Caps, Settings
from contrafact.errors import BudgetError

__all__ = ["Budget", "Estimate", "Spent", "tokens_of", "worst_case"]

_CHARACTERS_A_TOKEN = 4
_TOKENS_A_MESSAGE = 4


@dataclass(frozen=True)
class Estimate:
    """What a list of questions would cost.

    Attributes
    ----------
    requests : int
        Different questions.
    cached : int
        Of these, how many are answered already. The other figures are of the rest.
    prompt_tokens, completion_tokens : int
        Estimated (four characters a token), and the most that may come.
    cost : float, optional
        At the most, without repeated tries; None where no prices were given.
    """

    requests: int
    cached: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None


@dataclass
class Spent:
    """What was paid since the engine was opened. ``lost`` counts calls that were sent and never answered."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    lost: int = 0

    def add(self, usage: Usage) -> None:
        """Count one call."""
        self.requests += 1
        self.prompt_tokens += usage.prompt_tokens
        self.completion_tokens += usage.completion_tokens
        if usage.cost is not None:
            self.cost = (self.cost or 0.0) + usage.cost


def tokens_of(request: Request) -> int:
    """Prompt tokens of a question, estimated from its length: nobody here has the model's tokenizer."""
    texts = [turn.content for turn in request.messages] or [request.prompt or "", request.suffix or ""]
    schema = json.dumps(request.schema) if request.schema is not None else ""
    characters = sum(map(len, texts)) + len(schema) + len(request.scored or "")
    return -(-characters // _CHARACTERS_A_TOKEN) + _TOKENS_A_MESSAGE * len(texts)


def worst_case(request: Request, settings: Settings) -> Usage:
    """The most that one call for this question should cost."""
    return settings.usage(tokens_of(request), request.sampling.max_tokens)


class Budget:
    """The caps of one engine, for as long as it is open. Belongs to one event loop.

    A call is sent only if its worst case fits under every cap together with all that are in flight. Where it would fit
    but for those, it waits for them to be settled: they seldom cost their worst.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.spent = Spent(cost=0.0 if settings.prices else None)
        self._aside: list[Usage] = []
        self._settled = asyncio.Event()

    async def reserve(self, request: Request) -> Usage:
        """Set the worst case of a call aside; give it to :meth:`settle` afterwards.

        Raises
        ------
        BudgetError
            Where it does not fit, with nothing in flight that could make room.
        """
        usage = worst_case(request, self.settings)
        while (cap := self._over(usage)) is not None:
            if not self._aside:
                raise BudgetError(
                    f"the budget of this run is used up: {cap}",
                    fix="run the same command again, which pays only for what is missing, or raise engines.llm.budget",
                )
            await self._settled.wait()
        self._aside.append(usage)
        return usage

    def fits(self, request: Request) -> bool:
        """Whether :meth:`reserve` would set the worst case of a call aside without waiting."""
        return self._over(worst_case(request, self.settings)) is None

    def settle(self, aside: Usage, usage: Usage | None = None, *, lost: bool = False) -> None:
        """Replace what was set aside by what it cost: None for nothing. A lost call counts as its estimated prompt."""
        self._aside.remove(aside)
        if lost:
            self.spent.lost += 1
            usage = self.settings.usage(aside.prompt_tokens, 0)
        if usage is not None:
            self.spent.add(usage)
        self._settled.set()
        self._settled = asyncio.Event()

    def _over(self, usage: Usage) -> str | None:
        caps, spent = self.settings.caps, self.spent
        if caps == Caps():
            return None
        waiting = [*self._aside, usage]
        checks = (
            ("requests", caps.requests, spent.requests, len(waiting)),
            ("prompt_tokens", caps.prompt_tokens, spent.prompt_tokens, sum(each.prompt_tokens for each in waiting)),
            (
                "completion_tokens",
                caps.completion_tokens,
                spent.completion_tokens,
                sum(each.completion_tokens for each in waiting),
            ),
            ("cost", caps.cost, spent.cost or 0.0, sum(each.cost or 0.0 for each in waiting)),
        )
        for name, cap, already, more in checks:
            if cap is not None and already + more > cap:
                return f"{already:g} of {cap:g} {name} spent, and the next question may take {more:g}"
        return None
