"""Values that go into and come out of the sandbox, as text: strict, and the same after a round trip.

JSON has no tuple, set, bytes, infinity or key that is no text, so each of these is an object with one key that names
the type: ``(1, b"x")`` is ``{"tuple":[1,{"bytes":"78"}]}``. Never pickle: to read it is to run it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from typing import Any

__all__ = ["Shown", "Unstorable", "decode", "encode"]

_DEPTH = 64
_LARGE = 1 << 4096
_WRITTEN = 10_000

_quote: Callable[[str], str] = encode_basestring_ascii


class Unstorable(ValueError):  # noqa: N818  # it is a finding about a value, not a failure of ours
    """A value that has no text: a function, an open file, a structure within itself."""


@dataclass(frozen=True)
class Shown:
    """A value of another type, as its ``repr``: ``Shown("fractions.Fraction", "Fraction(1, 2)")``."""

    type: str
    text: str


def encode(value: Any, depth: int = _DEPTH) -> str:
    """The value's text; equal texts mean equal types and equal values (sets are sorted, dictionaries keep their order).

    Plain types are written whole, exactly those and no subclass. Any other value is :class:`Shown` by its ``repr``.

    Raises
    ------
    Unstorable
        For a value nested over 64 deep (or within itself), or whose ``repr`` tells an address or is over 10,000 long.
    """
    kind = type(value)
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return repr(value) if -_LARGE < value < _LARGE else '{"int":"' + hex(value) + '"}'
    if kind is float:
        text = repr(value)
        return '{"float":"' + text + '"}' if text in ("inf", "-inf", "nan") else text
    if kind is str:
        return _quote(value)
    if kind is bytes:
        return f'{{"bytes":"{value.hex()}"}}'
    if depth == 0:
        raise Unstorable("nested too deep")
    return _nested(value, kind, depth - 1)


def _nested(value: Any, kind: type, depth: int) -> str:
    if kind is list:
        return "[" + ",".join([encode(each, depth) for each in value]) + "]"
    if kind is tuple:
        return '{"tuple":[' + ",".join([encode(each, depth) for each in value]) + "]}"
    if kind is dict:
        pairs = ["[" + encode(key, depth) + "," + encode(held, depth) + "]" for key, held in value.items()]
        return '{"dict":[' + ",".join(pairs) + "]}"
    if kind is set or kind is frozenset:
        name = "set" if kind is set else "frozenset"
        return '{"' + name + '":[' + ",".join(sorted([encode(each, depth) for each in value])) + "]}"
    if kind is bytearray:
        return f'{{"bytearray":"{value.hex()}"}}'
    if kind is complex:
        return '{"complex":[' + encode(value.real) + "," + encode(value.imag) + "]}"
    return _shown(value, kind)


def _shown(value: Any, kind: type) -> str:
    if kind is Shown:
        name, text = value.type, value.text
    else:
        name, text = _name(kind), repr(value)
    if " at 0x" in text or len(text) > _WRITTEN:
        raise Unstorable(name)
    return '{"shown":[' + _quote(name) + "," + _quote(text) + "]}"


def _name(kind: type) -> str:
    module = kind.__module__
    return kind.__qualname__ if module in ("builtins", "program") else f"{module}.{kind.__qualname__}"


def decode(text: str) -> Any:
    """The value that a text stands for.

    Raises
    ------
    ValueError
        For a text that :func:`encode` does not write.
    """
    try:
        return _value(json.loads(text, parse_constant=_refused))
    except (TypeError, RecursionError, OverflowError, IndexError) as error:
        raise ValueError(f"no value of ours: {error}") from None


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is written as an object")


def _value(given: Any) -> Any:
    if given is None or isinstance(given, bool | int | float | str):
        return given
    if isinstance(given, list):
        return [_value(each) for each in given]
    if len(given) != 1:
        raise ValueError("an object has one key, the type")
    ((kind, content),) = given.items()
    reader = _READERS.get(kind)
    if reader is None:
        raise ValueError(f"no type {kind!r}")
    return reader(content)


def _special(text: str) -> float:
    if text not in ("inf", "-inf", "nan"):
        raise ValueError(f"{text!r} is written as a number")
    return float(text)


_READERS: dict[str, Any] = {
    "int": lambda content: int(content, 16),
    "float": _special,
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "complex": lambda content: complex(*_value(content)),
    "tuple": lambda content: tuple(_value(content)),
    "set": lambda content: set(_value(content)),
    "frozenset": lambda content: frozenset(_value(content)),
    "dict": lambda content: {_value(key): _value(held) for key, held in content},
    "shown": lambda content: Shown(*content),
}
