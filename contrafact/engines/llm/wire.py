"""A question as the OpenAI protocol writes it, and an answer as it comes back, from either endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contrafact.engines.llm.request import Request, TokenChance

__all__ = ["Answer", "Quirks", "body_of", "path_of", "read_answer"]

_SAMPLING = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_STRIDE = 1_000_003
"""How far apart the seeds of two tries of one question lie: a prime beyond any number of samples."""


@dataclass(frozen=True)
class Quirks:
    """What an endpoint takes; what it refuses is learnt once, then heeded.

    Attributes
    ----------
    schemas : bool
        Takes ``response_format`` with a JSON schema.
    completion_limit : bool
        Wants ``max_completion_tokens`` where others take ``max_tokens``.
    echoes : bool
        Scores a given text by an echo (:mod:`contrafact.engines.llm.scoring`).
    """

    schemas: bool = True
    completion_limit: bool = False
    echoes: bool = True


@dataclass(frozen=True)
class Answer:
    """What one answered call holds.

    Attributes
    ----------
    text : str
        Without lone surrogates, which no file could store.
    tokens : tuple of int, optional
        Prompt and completion tokens, where the server counted them.
    refusal : str, optional
        Why the model declined.
    """

    text: str
    finish: str
    chances: tuple[TokenChance, ...]
    tokens: tuple[int, int] | None
    refusal: str | None = None


def path_of(request: Request) -> str:
    """The endpoint that takes this question.

    Raises
    ------
    ValueError
        Unless exactly one of ``messages`` and ``prompt`` is given.
    """
    if bool(request.messages) == (request.prompt is not None):
        raise ValueError("a request has either messages or a prompt")
    return "/chat/completions" if request.messages else "/completions"


def body_of(request: Request, model: str, quirks: Quirks, *, attempt: int = 0) -> dict[str, Any]:
    """The JSON body of a question.

    Parameters
    ----------
    attempt : int
        Which try this is, from 0. Later ones move the seed; where a schema was asked for they also ask for it in words.
    """
    body: dict[str, Any] = {"model": model, **_question(request, in_words=attempt > 0 or not quirks.schemas)}
    sampling = request.sampling
    body.update({name: value for name in _SAMPLING if (value := getattr(sampling, name)) is not None})
    chat = "messages" in body
    body["max_completion_tokens" if chat and quirks.completion_limit else "max_tokens"] = sampling.max_tokens
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.seed is not None:
        body["seed"] = sampling.seed + request.sample + attempt * _STRIDE
    if sampling.logprobs is not None:
        body.update(_logprobs(sampling.logprobs, chat=chat))
    if chat and request.schema is not None and quirks.schemas:
        body["response_format"] = _response_format(request.schema)
    return body


def read_answer(payload: Any) -> Answer:
    """The answer in a server's reply.

    Raises
    ------
    ValueError
        For anything that is not a completion.
    """
    choices = payload.get("choices") if isinstance(payload, Mapping) else None
    if not choices or not isinstance(choices, Sequence) or not isinstance(choices[0], Mapping):
        raise ValueError("a reply without choices")
    choice = choices[0]
    message = choice.get("message")
    said = message if isinstance(message, Mapping) else {"content": choice.get("text")}
    return Answer(
        text=_clean(str(said.get("content") or "")),
        finish=str(choice.get("finish_reason") or "stop"),
        chances=tuple(_chances(choice.get("logprobs"))),
        tokens=_tokens(payload.get("usage")),
        refusal=said.get("refusal"),
    )


def _question(request: Request, *, in_words: bool) -> dict[str, Any]:
    if not request.messages:
        given = {"prompt": request.prompt, "suffix": request.suffix}
        return {name: text for name, text in given.items() if text is not None}
    messages = [{"role": turn.role, "content": turn.content} for turn in request.messages]
    if request.schema is not None and in_words:
        messages[-1]["content"] += (
            "\n\nAnswer with one JSON value and nothing else. It must satisfy this JSON schema:\n"
            + json.dumps(request.schema, sort_keys=True, ensure_ascii=False)
        )
    return {"messages": messages}


def _logprobs(alternatives: int, *, chat: bool) -> dict[str, Any]:
    if not chat:
        return {"logprobs": alternatives}
    return {"logprobs": True, **({"top_logprobs": alternatives} if alternatives else {})}


def _response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    strict = _closed(schema)
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema), "strict": strict}}


def _closed(schema: Any) -> bool:
    """Whether every object names all its properties as required and allows no others: what strict mode takes."""
    if isinstance(schema, Mapping):
        names = schema.get("properties")
        if isinstance(names, Mapping):
            required = set(schema.get("required") or ())
            if schema.get("additionalProperties") is not False or required != set(names):
                return False
        return all(_closed(part) for part in schema.values())
    return all(_closed(part) for part in schema) if isinstance(schema, list | tuple) else True


def _tokens(usage: Any) -> tuple[int, int] | None:
    if not isinstance(usage, Mapping) or usage.get("prompt_tokens") is None:
        return None
    return int(usage["prompt_tokens"]), int(usage.get("completion_tokens") or 0)


def _chances(logprobs: Any) -> Iterator[TokenChance]:
    """Either shape: a list of tokens under ``content`` (chat), or parallel lists (completions)."""
    if not isinstance(logprobs, Mapping):
        return
    if logprobs.get("content"):
        for each in logprobs["content"]:
            others = {_clean(other["token"]): float(other["logprob"]) for other in each.get("top_logprobs") or ()}
            yield TokenChance(_clean(each["token"]), float(each["logprob"]), others)
        return
    tokens, values = logprobs.get("tokens") or (), logprobs.get("token_logprobs") or ()
    tops = logprobs.get("top_logprobs") or [None] * len(tokens)
    for token, value, top in zip(tokens, values, tops, strict=False):
        if value is not None:
            others = {_clean(name): float(chance) for name, chance in (top or {}).items()}
            yield TokenChance(_clean(token), float(value), others)


def _clean(text: str) -> str:
    """Text whose lone surrogates (half an emoji, cut off by a limit) are replaced, since UTF-8 has no form for them."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
