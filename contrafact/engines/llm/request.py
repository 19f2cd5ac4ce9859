"""What is asked of a language model, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from contrafact.identity import identity_of

__all__ = ["REQUEST_VERSION", "Message", "Reply", "Request", "Sampling", "TokenChance", "Usage"]

REQUEST_VERSION = 1
"""Part of every cache key; raised when the meaning of a request changes."""


@dataclass(frozen=True)
class Message:
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn; None leaves a setting to the server. All of it is part of the cache key."""

    temperature: float = 0.0
    top_p: float | None = None
    max_tokens: int = 64
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logprobs: int | None = None


@dataclass(frozen=True)
class Request:
    """One question. Exactly one of ``messages`` (chat) and ``prompt`` (completion; insertion with ``suffix``) is given.

    Attributes
    ----------
    schema : mapping, optional
        JSON schema that the answer must satisfy.
    sample : int
        Which of several draws of the same question this is; part of the cache key, and added to ``sampling.seed``.
    scored : str, optional
        A text of which only the tokens' probabilities after ``prompt`` are asked; nothing new is written
        (:mod:`contrafact.engines.llm.scoring`).
    """

    messages: tuple[Message, ...] = ()
    prompt: str | None = None
    suffix: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    schema: Mapping[str, Any] | None = None
    sample: int = 0
    scored: str | None = None

    def key(self, model: str) -> str:
        """Identity of the question put to one model: the cache key and the ``request_id`` in a pair's provenance."""
        asked = asdict(self)
        if self.scored is None:
            del asked["scored"]  # a question that came later leaves the keys of the others as they were
        return identity_of([REQUEST_VERSION, model, asked], length=32)


@dataclass(frozen=True)
class Usage:
    """Tokens of one reply, and their price where prices were given (None where not: unknown stays unknown)."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None


@dataclass(frozen=True)
class TokenChance:
    """One generated token, its natural-log probability, and those of the alternatives that were asked for."""

    token: str
    logprob: float
    alternatives: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """An answer, or why there is none.

    Attributes
    ----------
    text : str, optional
        None where the model gave no usable answer; ``failure`` then says why, in a few words that can be counted, and
        ``raw`` keeps what came.
    value : any
        The parsed JSON, where a schema was asked for.
    finish : str
        ``stop``, ``length``, ...
    cached : bool
        Whether nothing was paid for it now.
    """

    key: str
    text: str | None
    value: Any = None
    finish: str = "stop"
    chances: tuple[TokenChance, ...] = ()
    usage: Usage = field(default_factory=Usage)
    cached: bool = False
    failure: str | None = None
    raw: str | None = None
