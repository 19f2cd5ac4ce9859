"""Rewriting many texts: which examples are shown, what is asked, and what came of each question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from contrafact.engines.llm import Reply, Request, Sampling
from contrafact.errors import RecipeError, RowError, did_you_mean
from contrafact.stages import Context
from generators.text.base import Unit
from generators.text.concept.concepts import Concept
from generators.text.concept.examples import NEGATION
from generators.text.concept.rewrites import Question, request_for, rewrite_of
from generators.text.demonstrations import Demonstration, Demonstrations, open_demonstrations
from generators.text.tasks import TextTask

__all__ = ["Asked", "Asking", "Rewriter", "Rewritten", "examples_of", "read_sampling"]

_SAMPLING: Mapping[str, float] = {
    "temperature": 0.2, "top_p": 1.0, "max_tokens": 96, "frequency_penalty": 0.0, "presence_penalty": 0.0
}  # fmt: skip
_RANGES = {
    "temperature": (0, 2), "top_p": (0, 1), "max_tokens": (1, 4096), "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One text that is to be rewritten, as often as asked.

    Attributes
    ----------
    value, target : str
        Values of the concept that changes.
    held : sequence of (name, value)
    """

    unit_id: str
    text: str
    value: str
    target: str
    held: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Rewritten:
    """An answer: a text, or why there is none; and the reply that was paid for."""

    text: str | None
    reason: str
    request_ids: tuple[str, ...]
    cost: float


@dataclass(frozen=True)
class Asking:
    """How questions are put.

    Attributes
    ----------
    shots : int
        Examples in a prompt.
    max_share : float
        Most words of an answer that may differ, as a share of the text's.
    structured : bool
        Whether JSON is asked for.
    """

    mode: Literal["completion", "chat"]
    shots: int
    sampling: Sampling
    max_share: float
    structured: bool

    def __post_init__(self) -> None:
        least = 0 if self.mode == "chat" else 1
        if self.shots < least:
            raise RecipeError(f"generator.shots is {self.shots}", allowed=f"{least} or more in mode {self.mode}")
        if not self.max_share > 0:
            raise RecipeError(f"generator.max_share is {self.max_share}", allowed="above 0")
        if self.structured and self.mode != "chat":
            raise RecipeError("generator.structured asks for JSON, which a completion does not give", fix="mode: chat")


@dataclass(frozen=True)
class Rewriter:
    """Who is shown which examples, and asked what.

    Attributes
    ----------
    concept : Concept
        The one that changes.
    field : str
        What the text is called in the examples.
    """

    concept: Concept
    field: str
    examples: Demonstrations
    asking: Asking

    def requests(self, asked: Sequence[Asked], samples: int, context: Context) -> list[list[tuple[Question, Request]]]:
        """Every question, by text. All that is drawn is drawn by unit and target."""
        shown = self._nearest(asked, context)
        return [self._of(each, its, samples, context) for each, its in zip(asked, shown, strict=True)]

    def answered(self, question: Question, reply: Reply) -> Rewritten:
        """What came of a question."""
        ids, cost = (reply.key,), reply.usage.cost or 0.0
        try:
            return Rewritten(rewrite_of(reply, question, self.asking.max_share), "", ids, cost)
        except RowError as error:
            return Rewritten(None, str(error), ids, cost)

    def _of(self, asked: Asked, shown: Sequence[Any], samples: int, context: Context) -> list[tuple[Question, Request]]:
        how = self.asking
        question = Question(asked.text, self.concept.name, asked.value, asked.target, asked.held, shown)
        draw = context.streams.generator("rewrite", asked.unit_id, asked.target)
        sampling = replace(how.sampling, seed=int(draw.integers(2**31)))
        return [
            (question, request_for(how.mode, question, sampling, sample, structured=how.structured))
            for sample in range(samples)
        ]

    def _nearest(self, asked: Sequence[Asked], context: Context) -> list[Any]:
        """The examples nearest to each text, the nearest last."""
        if not self.asking.shots or not asked:
            return [()] * len(asked)
        units = [Unit(each.unit_id, 0, {self.field: each.text}, each.value, each.target) for each in asked]
        return self.examples.nearest(units, (self.field,), self.asking.shots, context)


def examples_of(
    concept: Concept, directions: Sequence[tuple[str, str]], field: str, path: Path | None, shots: int
) -> Demonstrations:
    """Examples from a file, or our own where the concept is called ``sentiment`` or ``negation``.

    Parameters
    ----------
    directions : sequence of (value, target)
        All that may be asked for; each needs an example where any are shown.

    Raises
    ------
    RecipeError
        For a direction that no example shows.
    DataError
        For a file of examples that cannot be used.
    """
    task = TextTask("classification", (field,), field, "label", concept.values)
    if path is None and concept.name == "negation":
        known = Demonstrations([_example(each, ("absent", "present")) for each in NEGATION])
    elif path is None and concept.name != "sentiment":
        known = Demonstrations([])
    else:
        known = open_demonstrations(task, path)
    if shots > 0:
        known.need(directions, field)
    return known


def _example(written: str, values: tuple[str, str]) -> Demonstration:
    """An example from a text that holds ``{before|after}``."""
    prefix, _, rest = written.partition("{")
    (before, _, after), suffix = rest.partition("}")[0].partition("|"), rest.partition("}")[2]
    return Demonstration((prefix + before + suffix,), 0, len(prefix), before, after, *values)


def read_sampling(given: Mapping[str, float]) -> Sampling:
    """Sampling with what a recipe says. Raises ``RecipeError`` for an unknown parameter or a number out of range."""
    for name, value in given.items():
        if name not in _RANGES:
            known = ", ".join(_RANGES)
            raise RecipeError(f"generator.sampling has no {name!r}{did_you_mean(name, _RANGES)}", allowed=known)
        low, high = _RANGES[name]
        if not low <= value <= high:
            raise RecipeError(f"generator.sampling.{name} is {value}", allowed=f"{low} to {high}")
    chosen: dict[str, Any] = {**_SAMPLING, **given}
    return Sampling(**{**chosen, "max_tokens": int(chosen["max_tokens"]), "stop": ("\n",)})
