"""How probable a model finds a text that is there already: asked of endpoints that were made to write.

======= ===========================================================================================================
echo    the text as a prompt that is repeated with its log-probabilities (vLLM, older models of OpenAI)
grammar a grammar that allows the text's own tokens and nothing else; what llama.cpp, whose server has no echo,
        reports are the probabilities before the grammar is heeded
======= ===========================================================================================================

With a grammar, characters of which the model has only pieces (many emoji) are left out: llama.cpp cannot follow them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contrafact.engines.llm.request import Reply, Request, Sampling, TokenChance
from contrafact.engines.llm.wire import Answer

__all__ = ["MOST_TOKENS", "Tokens", "perplexity", "read_tokens", "scored_answer", "scoring_body", "scoring_request"]

MOST_TOKENS = 1000
"""Longest text that is scored by a grammar, token by token: some 20 s on two cores."""

_BEFORE = "\n"  # the first token of a text needs one before it


@dataclass(frozen=True)
class Tokens:
    """A text as the model cuts it.

    Attributes
    ----------
    ids : tuple of int
    text : str
        What they say together: the text without what could not be kept.
    """

    ids: tuple[int, ...]
    text: str


def scoring_request(text: str) -> Request:
    """The question how probable a text is, by itself."""
    size = len(text.encode("utf-8", "replace"))
    return Request(prompt=_BEFORE, scored=text, sampling=Sampling(max_tokens=size + 1))


def perplexity(reply: Reply) -> float:
    """Exponential of the mean negative log-probability of a text's tokens; NaN where there is no answer.

    As Jelinek, Mercer, Bahl and Baker (1977) define it, a token.
    """
    if reply.failure is not None or not reply.chances:
        return math.nan
    return math.exp(-math.fsum(each.logprob for each in reply.chances) / len(reply.chances))


def scoring_body(request: Request, model: str, tokens: Tokens | None) -> dict[str, Any]:
    """The JSON body of a question with a text to be scored: by a grammar of its tokens, or where None by an echo."""
    body: dict[str, Any] = {"model": model, "temperature": 0.0, "logprobs": 1}
    if tokens is None:
        # One token more than none: not every server takes 0.
        return {**body, "prompt": (request.prompt or "") + (request.scored or ""), "echo": True, "max_tokens": 1}
    only = " ".join(f"<[{token}]>" for token in tokens.ids)
    return {**body, "prompt": request.prompt, "grammar": f"root ::= {only}", "max_tokens": len(tokens.ids) + 1}


def read_tokens(payload: Any) -> Tokens:
    """Tokens in the reply of llama.cpp's ``/tokenize`` with pieces; those that are half a character are left out.

    Raises
    ------
    ValueError
        For anything else.
    """
    found = payload.get("tokens") if isinstance(payload, Mapping) else None
    if not isinstance(found, Sequence) or not all(isinstance(each, Mapping) and "id" in each for each in found):
        raise ValueError("a reply without tokens")
    kept = [each for each in found if isinstance(each.get("piece"), str) and "\0" not in each["piece"]]
    return Tokens(tuple(int(each["id"]) for each in kept), "".join(each["piece"] for each in kept))


def scored_answer(request: Request, answer: Answer, tokens: Tokens | None) -> Answer | None:
    """The answer with the scored text's own tokens alone; None where it is not about that text."""
    if tokens is not None:
        whole = answer.text == tokens.text and len(answer.chances) >= len(tokens.ids)
        return replace(answer, chances=answer.chances[: len(tokens.ids)]) if whole else None
    text, before = request.scored or "", request.prompt or ""
    if not answer.text.startswith(before + text):
        return None
    count = len(answer.chances) if answer.tokens is None else answer.tokens[0]
    chances = tuple(_within(answer.chances[:count], len(before), len(before) + len(text)))
    return replace(answer, text=text, chances=chances)


def _within(chances: Sequence[TokenChance], start: int, stop: int) -> Iterator[TokenChance]:
    """Tokens of an echo that end between two places."""
    place = 0
    for each in chances:
        if place >= stop:
            return
        place += len(each.token)
        if place > start:
            yield each
