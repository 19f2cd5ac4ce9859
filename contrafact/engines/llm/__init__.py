"""Language models behind any OpenAI-compatible endpoint, with a cache, a budget and manners."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from contrafact.engines.llm.budget import Estimate
from contrafact.engines.llm.request import Message, Reply, Request, Sampling, TokenChance, Usage

__all__ = ["LLM", "Message", "Reply", "Request", "Sampling", "TokenChance", "Usage", "open_llm"]


class LLM(Protocol):
    """What stages see of a language model. Safe to call from several threads at once."""

    @property
    def model(self) -> str:
        """Identity of the model: part of cache keys and of provenance."""

    def check(self) -> None:
        """Make sure that it answers. Raises ``EndpointError``, with the command that mends it."""

    def ask(self, requests: Sequence[Request]) -> list[Reply]:
        """One reply a request, in order; a question that cannot be answered is a reply with a ``failure``.

        Raises
        ------
        BudgetError
            At a hard cap. Everything answered before is in the cache: the same command resumes.
        TransientError
            Where the endpoint stayed away longer than the circuit breaker waits.
        UserError
            For what no retry mends: a wrong key, an unknown model, a refused parameter.
        """

    def estimate(self, requests: Iterable[Request]) -> Estimate:
        """What these requests would cost, and how many are answered already. Sends nothing."""

    def close(self) -> None:
        """Stop servers and connections that were started."""


def open_llm(settings: Mapping[str, Any], *, replay: bool = False) -> LLM:
    """A model from a recipe's ``engines.llm``: ``backend`` is ``local`` (default) or ``openai``."""
    from contrafact.engines.llm.opening import open_backend

    return open_backend(settings, replay=replay)
