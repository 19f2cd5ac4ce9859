"""Abduction by enumeration: which hidden values fit the fact, and what each gives for the other input."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from generators.code.executable.drawing import Range
from generators.code.executable.evaluating import EndlessError

__all__ = ["LARGEST", "Worlds", "combinations", "labelled", "objection", "tabulate", "text_of", "worlds_of"]

LARGEST = 1_000_000
"""Results are no larger: beyond, an item is about long multiplication."""


@dataclass(frozen=True)
class Worlds:
    """What the fact leaves possible.

    Attributes
    ----------
    output : str
        What was returned for the fact.
    consistent : list of int
        Places in the domain of the hidden values that return it.
    answers : list of str
        What those return for the other input, each once: numbers by size, texts by letter.
    unaided : int
        How many different answers the whole domain gives.
    """

    output: str
    consistent: list[int]
    answers: list[str]
    unaided: int


def text_of(value: Any) -> str:
    """A value as JSON: ``12``, ``[3, 1]`` or ``"apple"``."""
    return str(value) if type(value) is int else json.dumps(value)


def labelled(answers: Sequence[str]) -> str:
    """A label: the answer, or the list of all that are possible."""
    return answers[0] if len(answers) == 1 else f"[{', '.join(answers)}]"


def combinations(domain: Mapping[str, Range]) -> list[tuple[int, ...]]:
    """Every assignment of the hidden inputs, the last one moving fastest. Shared by all who ask: not to be changed."""
    return _combinations(tuple(domain.values()))


@lru_cache(maxsize=64)  # a recipe has few domains, and thousands of items that hold one
def _combinations(spans: tuple[Range, ...]) -> list[tuple[int, ...]]:
    return list(itertools.product(*(range(low, high + 1) for low, high in spans)))


def tabulate(call: Callable[..., Any], given: Any, hidden: Sequence[tuple[int, ...]]) -> list[Any] | str:
    """What the program returns for an input and each of the hidden values; a reason where it fails for any."""
    try:
        values = [call(given, *each) for each in hidden]
    except EndlessError:
        return "a loop takes too many turns for some hidden value"
    except (ZeroDivisionError, IndexError) as error:
        return f"{type(error).__name__} for some hidden value"
    if any(isinstance(value, int) and abs(value) > LARGEST for value in values):
        return "a result is too large"
    return "a result is an empty text" if "" in values else values


def worlds_of(before: Sequence[Any], after: Sequence[Any], place: int) -> Worlds:
    """What follows from the returned values.

    Parameters
    ----------
    before, after : sequence
        For the fact and for the other input, one a hidden value.
    place : int
        Where the true hidden value is.
    """
    output = before[place]
    consistent = [at for at, value in enumerate(before) if value == output]
    answers = sorted({after[at] for at in consistent})
    return Worlds(text_of(output), consistent, [text_of(each) for each in answers], len(set(after)))


def objection(worlds: Worlds, most: int) -> str | None:
    """Why an item is not worth asking; None where it is."""
    if worlds.unaided == 1:
        return "vacuous: the answer is the same for every hidden value"
    if len(worlds.answers) == worlds.unaided:
        return "vacuous: the fact rules out no answer"
    if worlds.answers == [worlds.output]:
        return "vacuous: the other input gives what the fact gave"
    return "too many answers are possible" if len(worlds.answers) > most else None
