"""Inputs of a function whose types nobody wrote down: drawn by kind, with the function's own constants among them.

Two rounds, as a person would do it: first all kinds that a parameter may want, then more of those that the function
took. What is drawn belongs to the unit.
"""

from __future__ import annotations

import ast
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contrafact.engines.sandbox.inside.values import decode, encode
from generators.code.mutation.hints import KINDS, Parameter, Signature

__all__ = ["Constants", "Input", "Maker", "constants_of"]

_WORDS = ("a", "b", "ab", "abc", "x", "foo", "bar", "hello", "Hello World", "one two  three", "A-b_c", "", " pad ",
          "1", "12", "-3", "3.5", "tEst", "a,b;c", "line\nnext", "\ttab", "a.b.c", "key=value", "é", "Zz",
          "  two\n    four\n  two", "The quick brown fox jumps over the lazy dog and runs on to the old mill.",
)  # fmt: skip
_HINTED = 0.8
_OMITTED = 0.4
_LARGEST = 10_000


@dataclass(frozen=True)
class Constants:
    """What is written out in a function: numbers and strings, the small ones first."""

    ints: tuple[int, ...]
    strs: tuple[str, ...]
    floats: tuple[float, ...]


@dataclass(frozen=True)
class Input:
    """One call: ``text`` is arguments and keywords as the sandbox writes values, ``kinds`` how they were drawn."""

    text: str
    kinds: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[list[Any], dict[str, Any]]:
        """Arguments and keywords."""
        given, named = decode(self.text)
        return given, named


def constants_of(*sources: str) -> Constants:
    """Numbers and strings of some programs without their docstrings, and the signs beside a number that is a code."""
    numbers: set[int] = set()
    reals: set[float] = set()
    texts: set[str] = set()
    for tree in map(ast.parse, sources):
        said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or id(node) in said:
                continue
            if type(node.value) is int and abs(node.value) <= _LARGEST:
                numbers.update((node.value - 1, node.value, node.value + 1))
                texts.update(chr(each) for each in (node.value - 1, node.value + 1) if 32 < each < 127)
            elif type(node.value) is float:
                reals.add(node.value)
            elif type(node.value) is str and 0 < len(node.value) <= 40 and node.value.isprintable():
                texts.add(node.value)
    return Constants(
        tuple(sorted(numbers, key=lambda each: (abs(each), each))),
        tuple(sorted(texts, key=lambda each: (len(each), each))),
        tuple(sorted(reals, key=lambda each: (abs(each), each))),
    )


class Maker:
    """Draws inputs for one function.

    Parameters
    ----------
    signature : Signature
    constants : Constants
    draw : numpy.random.Generator
    """

    def __init__(self, signature: Signature, constants: Constants, draw: np.random.Generator) -> None:
        self.signature, self.constants, self.draw = signature, constants, draw
        self._of_kind: dict[str, Callable[[], Any]] = {
            "int": self._int, "float": self._float, "str": self._str, "bool": lambda: bool(self._below(2)),
            "none": lambda: None, "bytes": lambda: self._str().encode("utf-8", "replace"),
            "ints": lambda: self._many(self._int), "strs": lambda: self._many(self._str),
            "floats": lambda: self._many(self._float),
            "pairs": lambda: self._many(lambda: (self._str() if self._below(2) else self._int(), self._int())),
            "tuple": lambda: tuple(self._many(self._int)),
            "dict": lambda: dict(self._many(lambda: (self._str(), self._int() if self._below(2) else self._str()))),
            "set": lambda: set(self._many(self._int)),
        }  # fmt: skip

    def first(self, count: int) -> list[Input]:
        """Inputs of all kinds that seem possible."""
        return self._distinct(count, lambda: [self._kind(each) for each in self.signature.parameters])

    def more(self, count: int, kinds: Sequence[tuple[str, ...]]) -> list[Input]:
        """Inputs of combinations of kinds that the function took."""
        if not kinds:
            return []
        return self._distinct(count, lambda: list(kinds[self._below(len(kinds))]))

    def _distinct(self, count: int, choose: Callable[[], list[str]]) -> list[Input]:
        found: dict[str, Input] = {}
        for _ in range(3 * count):
            if len(found) == count:
                break
            made = self._input(choose())
            found.setdefault(made.text, made)
        return list(found.values())

    def _kind(self, parameter: Parameter) -> str:
        if parameter.optional and self.draw.random() < _OMITTED:
            return "omitted"
        if parameter.kinds and self.draw.random() < _HINTED:
            # The likelier kinds come first: half of what is drawn is of the first.
            place = 0 if self._below(2) else self._below(len(parameter.kinds))
            return parameter.kinds[place]
        return KINDS[self._below(len(KINDS))]

    def _input(self, kinds: Sequence[str]) -> Input:
        given: list[Any] = []
        named: dict[str, Any] = {}
        left_out = False
        for parameter, kind in zip(self.signature.parameters, kinds, strict=True):
            if kind == "omitted":
                left_out = True
            elif parameter.keyword or left_out:
                named[parameter.name] = self._of_kind[kind]()
            else:
                given.append(self._of_kind[kind]())
        if self.signature.starred and not named:
            given += self._many(self._of_kind["strs" if self._below(2) else "ints"])[:1]
        return Input(encode([given, named]), tuple(kinds))

    def _below(self, stop: int) -> int:
        return int(self.draw.integers(stop))

    def _int(self) -> int:
        if self.constants.ints and self._below(3) == 0:
            return self.constants.ints[self._below(len(self.constants.ints))]
        return self._below(12) - 2 if self._below(4) else self._below(2000) - 100

    def _float(self) -> float:
        if self.constants.floats and self._below(4) == 0:
            return self.constants.floats[self._below(len(self.constants.floats))]
        return (self._below(9) - 2) / 2 if self._below(2) else round(float(self.draw.random()) * 4 - 1, 2)

    def _str(self) -> str:
        own = self.constants.strs
        way = self._below(6)
        if own and way < 2:
            return own[self._below(len(own))]
        if own and way == 2:  # something with one of the function's own strings within it
            return _WORDS[self._below(10)] + own[self._below(len(own))] + _WORDS[self._below(10)]
        if way == 3:
            signs = string.ascii_letters + string.digits + " " * 6 + "".join(each for each in own if len(each) < 3)
            return "".join(signs[self._below(len(signs))] for _ in range(self._below(9)))
        return _WORDS[self._below(len(_WORDS))]

    def _many(self, one: Callable[[], Any]) -> list[Any]:
        return [one() for _ in range(self._below(6))]
