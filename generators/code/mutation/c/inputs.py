"""Inputs of a C function, drawn by slot, with the function's own numbers and characters among them.

An input is a list of plain values, one a slot: a number; a text, ``[text, room]`` where the function may write to it; a
list of numbers; None for room that is to be filled; a list of values for a structure.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from contrafact.engines.sandbox.inside.values import encode
from generators.code.mutation.c.slots import Cells, Hole, Nothing, Scalar, Size, Slot, Structure, Text
from generators.code.mutation.c.types import Int, Real
from generators.code.mutation.inputs import Input

__all__ = ["Maker", "Own", "call_of", "nulls_in", "own_values", "words_of"]

_NUMBER = re.compile(r"(?<![\w.'])(0[xX][0-9a-fA-F]+|\d+)[uUlL]*(?![\w.'])")
_CHAR = re.compile(r"'(\\?[^'\n])'")
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_WORDS = (
    "", "a", "b", "ab", "abc", "x1", "foo", "hello world", "10", "007", "-3", "+12", "3.5e2", "0x1F", "A-b_c", " pad ",
    "a,b;c", "key=value", "/usr/lib/x", "..", "a/../b", "file.tar.gz", "aab", "aaaa", "Zz", "\t\n", "\xc3\xa9",
    "\xff\xfe",
)  # fmt: skip
_TESTED = re.compile(
    r"!\s*(\w+)\s*(?:\)|\|\||&&)|\b(\w+)\s*[!=]=\s*NULL\b|\bNULL\s*[!=]=\s*(\w+)|[(&|]\s*(\w+)\s*(?:\)|&&|\|\|)"
)
_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\0": "", "\\\\": "\\", "\\'": "'", "\\v": "\v", "\\f": "\f"}
_ROOMS = (1, 1, 1, 2, 5, 16, 64)
_NULLS = 10
_EDGES = (7, 8, 15, 16, 31, 32, 63)


@dataclass(frozen=True)
class Own:
    """Numbers and characters that stand in a function, and what they begin with."""

    numbers: tuple[int, ...]
    letters: tuple[str, ...]
    words: tuple[str, ...]


def nulls_in(code: str) -> frozenset[str]:
    """Names that a function compares with nothing."""
    return frozenset(name for found in _TESTED.findall(code) for name in found if name)


def own_values(*texts: str) -> Own:
    """What is written out in some C texts; each number with its neighbours."""
    numbers: set[int] = set()
    letters: set[str] = set()
    words: set[str] = set()
    for text in texts:
        for each in _NUMBER.findall(text):
            value = int(each, 16 if each[:2] in ("0x", "0X") else 10)
            if value < 1 << 33:
                numbers.update((value - 1, value, value + 1))
        letters.update(filter(None, (_ESCAPES.get(each, each[-1:]) for each in _CHAR.findall(text))))
        words.update(
            each for each in _STRING.findall(text) if 0 < len(each) <= 20 and "\\" not in each and "%" not in each
        )
    by_size = sorted(numbers, key=lambda each: (abs(each), each))
    return Own(tuple(by_size), tuple(sorted(letters)), tuple(sorted(words)))


class Maker:
    """Draws inputs for one function.

    Parameters
    ----------
    slots : sequence of Slot
    own : Own
    draw : numpy.random.Generator
    tested : frozenset of str
        Pointers that the function compares with nothing, and that may be null therefore.
    """

    def __init__(
        self, slots: Sequence[Slot], own: Own, draw: np.random.Generator, tested: frozenset[str] = frozenset()
    ) -> None:
        self.slots, self.own, self.draw, self.tested = slots, own, draw, tested

    def some(self, count: int) -> list[Input]:
        """So many different inputs, or fewer where there are no more."""
        return self._distinct(count, lambda: self._values(self.slots))

    def near(self, inputs: Sequence[Input], count: int) -> list[Input]:
        """Inputs that differ from one of these in one slot, or by one in it."""
        if not inputs or not self.slots:
            return []
        given = [each.values[0] for each in inputs]
        return self._distinct(count, lambda: self._moved(given[self._below(len(given))]))

    def _distinct(self, count: int, one: Callable[[], list[Any]]) -> list[Input]:
        found: dict[str, Input] = {}
        for _ in range(3 * count):
            if len(found) == count:
                break
            made = Input(encode([one(), {}]))
            found.setdefault(made.text, made)
        return list(found.values())

    def _values(self, slots: Sequence[Slot]) -> list[Any]:
        sized = {name: each.name for each in slots if isinstance(each, Size) for name in each.of}
        counts = {name: self._count() for name in sorted(set(sized.values()))}
        return [
            counts[each.name] if isinstance(each, Size) else self._value(each, counts.get(sized.get(each.name, "")))
            for each in slots
        ]

    def _value(self, slot: Slot, count: int | None = None) -> Any:
        if slot.name in self.tested and isinstance(slot, Text | Cells | Structure) and self._below(_NULLS) == 0:
            return None
        match slot:
            case Scalar(kind=kind):
                return self._number(kind)
            case Text(const=const):
                text = self._text()
                return text if const else [text, len(text.encode("latin-1")) + _ROOMS[self._below(len(_ROOMS))]]
            case Cells(kind=kind, count=fixed, ends=ends):
                many = fixed if fixed is not None else count if count is not None else self._below(9)
                cells = self._cells(kind, many)
                return [*(each or 1 for each in cells), 0] if ends else cells
            case Structure(slots=slots):
                return self._values(slots)
        return None

    def _moved(self, values: list[Any]) -> list[Any]:
        """The same input but for one slot; counts follow their cells."""
        place = self._below(len(self.slots))
        slot, after = self.slots[place], list(values)
        if isinstance(slot, Scalar) and isinstance(slot.kind, Int) and self._below(2):
            after[place] = _within(slot.kind, values[place] + (1 if self._below(2) else -1))
        elif isinstance(slot, Size):
            after[place] = count = max(0, values[place] + (1 if self._below(2) else -1))
            for number, each in enumerate(self.slots):
                if isinstance(each, Cells) and each.name in slot.of and values[number] is not None:
                    after[number] = [*values[number], *self._cells(each.kind, 1)][:count]
        elif isinstance(slot, Cells) and slot.size and values[place] is not None:
            after[place] = self._changed(slot, values[place])
        elif not (isinstance(slot, Cells) and slot.size):
            after[place] = self._value(slot)
        return after

    def _changed(self, slot: Cells, cells: list[Any]) -> list[Any]:
        """As many cells, one of them another, or two exchanged."""
        if not cells:
            return cells
        at, other = self._below(len(cells)), self._below(len(cells))
        if self._below(2):
            return [*cells[:at], *self._cells(slot.kind, 1), *cells[at + 1 :]]
        exchanged = list(cells)
        exchanged[at], exchanged[other] = cells[other], cells[at]
        return exchanged

    def _below(self, stop: int) -> int:
        return int(self.draw.integers(stop))

    def _count(self) -> int:
        return self._below(9) if self._below(5) else self._below(33)

    def _number(self, kind: Int | Real) -> int | float:
        if isinstance(kind, Real):
            return (self._below(17) - 8) / 2 if self._below(3) else round(float(self.draw.normal()) * 100, 3)
        if kind.truth:
            return self._below(2)
        if kind.choices:
            return self._below(len(kind.choices))
        way = self._below(10)
        if way < 3 and self.own.numbers:
            return _within(kind, self.own.numbers[self._below(len(self.own.numbers))])
        if way < 6:
            return _within(kind, self._below(14) - 2)
        if way == 6 and self.own.letters:
            return ord(self.own.letters[self._below(len(self.own.letters))])
        if way == 7:
            return _within(kind, ord(string.printable[self._below(95)]))
        if way == 8:
            edge = 1 << _EDGES[self._below(len(_EDGES))]
            return _within(kind, edge + self._below(3) - 1)
        return _within(kind, self._below(5000) - 500)

    def _cells(self, kind: Int | Real, count: int) -> list[int | float]:
        """Cells of one sort: letters, small numbers or any, now and then in order."""
        if isinstance(kind, Int) and kind.bits == 8 and not kind.truth and self._below(4):
            text = (self._text() * 8).ljust(count)[:count]
            return [_within(kind, ord(each)) for each in text]
        if isinstance(kind, Int) and self._below(2):
            cells: list[int | float] = [_within(kind, self._below(10)) for _ in range(count)]
        else:
            cells = [self._number(kind) for _ in range(count)]
        return sorted(cells) if self._below(3) == 0 else cells

    def _text(self) -> str:
        way = self._below(7)
        if way == 0 and self.own.words:
            return self.own.words[self._below(len(self.own.words))]
        if way < 4 and self.own.letters:
            signs = [*self.own.letters * 3, *"ab1 "]
            return "".join(signs[self._below(len(signs))] for _ in range(self._below(9)))
        if way == 4:
            signs = list(string.ascii_letters + string.digits * 2 + " .-")
            return "".join(signs[self._below(len(signs))] for _ in range(self._below(12)))
        if way == 5:
            return _WORDS[self._below(len(_WORDS))] + _WORDS[self._below(len(_WORDS))]
        return _WORDS[self._below(len(_WORDS))]


def _within(kind: Int, value: int) -> int:
    """The value as a variable of this type would hold it."""
    value &= (1 << kind.bits) - 1
    return value - (1 << kind.bits) if kind.signed and value >> (kind.bits - 1) else value


def words_of(slots: Sequence[Slot], values: Sequence[Any]) -> Iterator[str]:
    """An input as the harness reads it."""
    for slot, value in zip(slots, values, strict=True):
        match slot:
            case Scalar() | Size():
                yield repr(value)
            case Text() | Cells(inside=False) if value is None:
                yield "-1"
            case Text(const=const):
                text, room = (value, len(value) + 1) if const else value
                yield f"{room}:{text.encode('latin-1').hex()}"
            case Cells(inside=inside):
                yield from [] if inside else [str(len(value))]
                yield from map(repr, value)
            case Structure(slots=inner):
                yield "0" if value is None else "1"
                yield from () if value is None else words_of(inner, value)


def call_of(name: str, slots: Sequence[Slot], values: Sequence[Any]) -> str:
    """A call as a person would write it."""
    return f"{name}({', '.join(_literal(slot, value) for slot, value in zip(slots, values, strict=True))})"


def _literal(slot: Slot, value: Any) -> str:
    match slot:
        case Text() | Cells() | Structure() if value is None:
            return "NULL"
        case Text(const=True):
            return _quoted(value)
        case Text():
            return f"(char[{value[1]}]) {{{_quoted(value[0])}}}"
        case Cells(inside=True):
            return f"{{{', '.join(map(repr, value))}}}"
        case Cells(kind=Int(bits=8, truth=False)) if any(value):
            return _quoted("".join(chr(each & 255) for each in value))
        case Cells(kind=kind):
            return f"({_spelt(kind)}[{len(value)}]) {{{', '.join(map(repr, value))}}}"
        case Hole(name=name):
            return f"&{name}"
        case Structure(spelling=spelling, slots=slots, pointer=pointer):
            inner = ", ".join(
                f".{each.name} = {_literal(each, part)}" for each, part in zip(slots, value, strict=True)
            )  # fmt: skip
            return f"{'&' if pointer else ''}({spelling}) {{{inner}}}"
        case Nothing():
            return "NULL"
    return repr(value)


def _spelt(kind: Int | Real) -> str:
    if isinstance(kind, Real):
        return "float" if kind.bits == 32 else "double"
    width = {8: "char", 16: "short", 32: "int", 64: "long"}[kind.bits]
    return width if kind.signed else f"unsigned {width}"


def _quoted(text: str) -> str:
    inside = "".join(
        f"\\{each}" if each in '"\\' else each if 32 <= ord(each) < 127 else f"\\{ord(each):03o}" for each in text
    )
    return f'"{inside}"'
