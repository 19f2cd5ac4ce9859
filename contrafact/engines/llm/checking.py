"""Whether a model can do what stages need of it: asked in a question of a word or two, before any work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from contrafact.engines.llm import LLM
from contrafact.engines.llm.request import Message, Request, Sampling
from contrafact.engines.llm.scoring import perplexity, scoring_request
from contrafact.errors import EndpointError, RecipeError

__all__ = ["check_abilities"]

_WORD = "The day was fine."


def check_abilities(llm: LLM, needs: Mapping[str, str]) -> None:
    """Make sure of log-probabilities where something needs them: of what the model writes, or of what it is given.

    Parameters
    ----------
    needs : mapping
        ``logprobs`` and ``scores``, each with who needs it.

    Raises
    ------
    RecipeError
        Where the model has none.
    EndpointError
        Where the endpoint cannot be used.
    """
    if "logprobs" in needs and not _gives_logprobs(llm):
        raise RecipeError(
            f"{llm.model} gives no log-probabilities, and {needs['logprobs']} reads them",
            allowed="an endpoint with log-probabilities; the local backend has them",
            fix=f"set engines.llm.backend: local, or change {needs['logprobs']}",
        )
    if "scores" in needs and not perplexity(llm.ask([scoring_request(_WORD)])[0]) > 0:
        raise RecipeError(
            f"{llm.model} does not say how probable a given text is, and {needs['scores']} asks for it",
            allowed="a server with completions that echo log-probabilities, or llama.cpp's; the local backend",
            fix=f"set engines.llm.backend: local, or change {needs['scores']}",
        )


def _gives_logprobs(llm: LLM) -> bool:
    """Whether a one-word answer comes with its chances, in a chat or where there is none in a completion."""
    sampling = Sampling(max_tokens=1, logprobs=1)
    try:
        return _answered(llm, Request((Message("user", _WORD),), sampling=sampling))
    except EndpointError:
        return _answered(llm, Request(prompt=_WORD, sampling=sampling))


def _answered(llm: LLM, request: Request) -> bool:
    reply = llm.ask([request])[0]
    while reply.cached and not reply.chances:  # another server may stand there by now, under the same name
        request = replace(request, sample=request.sample + 1)
        reply = llm.ask([request])[0]
    return bool(reply.chances)
