"""What tests of ``phrasal`` share: models that answer by a function of the question, and an embedder of letters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.engines.llm import Reply, Request, Usage
from contrafact.stages import Context
from contrafact.streams import Streams
from generators.text.phrasal import PhrasalGenerator

SENTIMENT: dict[str, Any] = {"kind": "classification", "labels": ["negative", "neutral", "positive"]}
NLI: dict[str, Any] = {"kind": "nli"}

Answer = Callable[[Request], str | Reply]


class Model:
    """Answers by a function, and remembers what it was asked. It is no language model: it speaks the contract."""

    model = "function"

    def __init__(self, answer: Answer) -> None:
        self.answer, self.asked = answer, list[Request]()

    def ask(self, requests: Sequence[Request]) -> list[Reply]:
        self.asked += requests
        return [self._reply(request) for request in requests]

    def close(self) -> None:
        """Nothing was started."""

    def _reply(self, request: Request) -> Reply:
        said = self.answer(request)
        return said if isinstance(said, Reply) else Reply(request.key(self.model), said, usage=Usage(10, 2, 0.25))


class Letters:
    """Embeds a text as the counts of its letters and of everything else, at unit length."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        letters = [[text.lower().count(chr(97 + letter)) for letter in range(26)] for text in texts]
        counts = np.array([[*each, len(text) - sum(each)] for text, each in zip(texts, letters, strict=True)], float)
        whole: NDArray[np.float32] = (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)
        return whole

    def close(self) -> None:
        """Nothing was started."""


def context_with(model: Any, seed: int = 5, start: int = 0) -> Context:
    engines = Engines({"llm": {"backend": "openai", "model": "function"}})
    vars(engines).update(llm=model, embedder=Letters())
    return Context(Streams(seed, "tests"), "recipe", seed, start, engines)


def table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{"unit_id": f"u{number}", **row} for number, row in enumerate(rows)])


def made(answer: Answer, rows: Sequence[Mapping[str, Any]], **options: Any) -> list[dict[str, Any]]:
    """Pairs that ``phrasal`` makes of rows with this model."""
    generator = PhrasalGenerator(**{"task": SENTIMENT, **options})
    pairs: list[dict[str, Any]] = generator.generate(table(rows), context_with(Model(answer))).to_pylist()
    return pairs


def text_of(request: Request) -> str:
    """All that a question says."""
    return "\n".join([request.prompt or "", request.suffix or "", *(turn.content for turn in request.messages)])
