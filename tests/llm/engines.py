"""Engines on loopback servers, each with a cache of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contrafact.engines.llm.client import Engine
from contrafact.engines.llm.opening import open_backend
from contrafact.engines.llm.request import Message, Request, Sampling
from tests.llm.server import LoopbackServer

__all__ = ["engine_on", "question", "questions"]


@contextlib.contextmanager
def engine_on(server: LoopbackServer, folder: Path, *, replay: bool = False, **settings: Any) -> Iterator[Engine]:
    given = {
        "backend": "openai",
        "model": "loopback",
        "base_url": server.base_url,
        "cache": str(folder / "replies.sqlite"),
        "timeout": 5,
        **settings,
    }
    engine = open_backend(given, replay=replay)
    try:
        yield engine
    finally:
        engine.close()


def question(text: str, *, schema: dict[str, Any] | None = None, **sampling: Any) -> Request:
    return Request((Message("user", text),), sampling=Sampling(**sampling), schema=schema)


def questions(count: int) -> list[Request]:
    return [question(f"question {number}") for number in range(count)]
