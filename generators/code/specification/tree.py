"""Regular expressions as trees that remember how they were spelt.

A tree's text is the concatenation of its parts' texts, so that an edit of one part leaves the bytes of all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["ALPHABET", "Alt", "Cat", "Chars", "Empty", "Group", "Node", "Repeat", "chars", "counted", "text_of", "walk"]

ALPHABET = tuple(map(chr, range(32, 127)))
"""Printable ASCII, in the order of code points: all strings of specifications are made of these characters."""

_SPECIAL = frozenset(r".^$*+?{}[]\|()")


@dataclass(frozen=True)
class Chars:
    """One character out of a set. ``text`` is its spelling: ``a``, ``[0-9]``, ``.``."""

    members: frozenset[str]
    text: str


@dataclass(frozen=True)
class Empty:
    """Nothing: an empty branch, or an anchor that a full match makes needless."""

    text: str = ""


@dataclass(frozen=True)
class Cat:
    """One part after another."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Alt:
    """One of two branches or more."""

    branches: tuple[Node, ...]


@dataclass(frozen=True)
class Group:
    """Brackets; ``opening`` is ``(``, ``(?:`` or ``(?P<name>``."""

    body: Node
    opening: str = "(?:"


@dataclass(frozen=True)
class Repeat:
    """``body`` from ``low`` to ``high`` times (None: without end); ``text`` is the spelling of the count."""

    body: Node
    low: int
    high: int | None
    text: str


Node = Chars | Empty | Cat | Alt | Group | Repeat


def chars(letter: str) -> Chars:
    """One literal character, escaped where Python's ``re`` wants it."""
    return Chars(frozenset(letter), f"\\{letter}" if letter in _SPECIAL else letter)


def counted(body: Node, low: int, high: int | None) -> Node:
    """``body`` with a count, in brackets where its text needs them; ``body`` itself for exactly once."""
    if (low, high) == (1, 1):
        return body
    if isinstance(body, Cat) and len(body.parts) == 1:
        return counted(body.parts[0], low, high)
    whole = body if isinstance(body, Chars | Group) else Group(body)
    return Repeat(whole, low, high, _count(low, high))


def text_of(node: Node) -> str:
    """The expression in Python's syntax."""
    match node:
        case Chars() | Empty():
            return node.text
        case Cat():
            return "".join(map(text_of, node.parts))
        case Alt():
            return "|".join(map(text_of, node.branches))
        case Group():
            return f"{node.opening}{text_of(node.body)})"
        case Repeat():
            return f"{text_of(node.body)}{node.text}"


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, each before its parts."""
    yield node
    match node:
        case Cat():
            below: tuple[Node, ...] = node.parts
        case Alt():
            below = node.branches
        case Group() | Repeat():
            below = (node.body,)
        case _:
            below = ()
    for each in below:
        yield from walk(each)


def _count(low: int, high: int | None) -> str:
    short = {(0, 1): "?", (0, None): "*", (1, None): "+"}
    if (low, high) in short:
        return short[low, high]
    if high is None:
        return f"{{{low},}}"
    return f"{{{low}}}" if low == high else f"{{{low},{high}}}"
