"""What the generator needs of a programming language: its edits, how functions are tried, how a call is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from contrafact.engines.sandbox import Sandbox
from contrafact.engines.syntax import Language
from generators.code.edits import Edit
from generators.code.mutation.functions import Function
from generators.code.mutation.inputs import Input
from generators.code.mutation.methods import edits_within, method_of
from generators.code.mutation.observing import Observation, Runnable, observe_many
from generators.code.mutation.operators import OPERATIONS, edits
from generators.code.mutation.profiling import Profile, profiles
from generators.code.mutation.trials import Mutant, Verdict, tried

__all__ = ["PYTHON", "Tongue", "tongue_of"]

Draws = Sequence[np.random.Generator]


@dataclass(frozen=True)
class Tongue:
    """One language.

    Attributes
    ----------
    language : str
    operations : tuple of str
        Kinds of edits.
    edits : callable
        All edits of a function's text.
    profiles : callable
        Functions with inputs that they take (:func:`generators.code.mutation.profiling.profiles`).
    tried : callable
        A verdict on each mutant (:func:`generators.code.mutation.trials.tried`).
    written : callable
        (name, prelude, code, input) as a person would write the call.
    observe : callable
        What functions do with inputs, each function with its harness where it has one.
    harness : callable
        (name, prelude, code) to what must be appended for the function to be run; None where nothing is stored.
    """

    language: Language
    operations: tuple[str, ...]
    edits: Callable[[Runnable], list[Edit]]
    profiles: Callable[[Sequence[Function], Sequence[Sequence[str]], Draws, Sandbox, int], list[Profile]]
    tried: Callable[[Sequence[Mutant], Sandbox], list[Verdict]]
    written: Callable[[Runnable, Input], str]
    observe: Callable[[Sandbox, Sequence[tuple[Runnable, Sequence[Input]]]], list[list[Observation]]]
    harness: Callable[[Runnable], str | None]


def _written(function: Runnable, given: Input) -> str:
    arguments, keywords = given.values
    method = method_of(function.code, function.name)
    words = [*map(repr, arguments), *(f"{key}={value!r}" for key, value in keywords.items())]
    if method is None or not method.bound:
        return f"{function.name}({', '.join(words)})"
    count = len(method.maker)
    return f"{method.owner}({', '.join(words[:count])}).{method.node.name}({', '.join(words[count:])})"


def _edits(function: Runnable) -> list[Edit]:
    code = function.code.encode()
    method = method_of(function.code, function.name)
    return edits(code) if method is None else edits_within(edits(code[method.start : method.stop]), method)


PYTHON = Tongue("python", OPERATIONS, _edits, profiles, tried, _written, observe_many, lambda _: None)


def tongue_of(language: Language) -> Tongue:
    """The language of this name."""
    if language == "python":
        return PYTHON
    from generators.code.mutation.c.tongue import C

    return C
