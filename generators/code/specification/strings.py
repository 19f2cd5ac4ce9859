"""Strings to choose examples from, and strings on which a pattern that backtracks without end shows it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, product

import numpy as np

from generators.code.specification.tree import Alt, Cat, Chars, Empty, Group, Node, Repeat

__all__ = ["changed", "member", "stressing"]

_PUMPED = 40
_BREAKS = "\x00"  # in no set of printable characters: whatever came before it is tried in every other way
_LOOPS = 4
_WAYS = 4


def member(node: Node, draw: np.random.Generator, more: int = 3) -> str:
    """A string of the language. A count without end, or a wide one, is taken up to ``more`` above its least."""
    match node:
        case Empty():
            return ""
        case Chars():
            plain = sorted(each for each in node.members if each.isalnum()) or sorted(node.members)
            return plain[int(draw.integers(len(plain)))]
        case Group():
            return member(node.body, draw, more)
        case Alt():
            return member(node.branches[int(draw.integers(len(node.branches)))], draw, more)
        case Cat():
            return "".join(member(each, draw, more) for each in node.parts)
        case Repeat():
            high = node.low + more if node.high is None else min(node.high, node.low + more)
            return "".join(member(node.body, draw, more) for _ in range(int(draw.integers(node.low, high + 1))))


def changed(text: str, letters: Sequence[str], draw: np.random.Generator) -> str:
    """A string with one character dropped, doubled, replaced, inserted or exchanged with its neighbour."""
    place, way = int(draw.integers(len(text) + 1)), int(draw.integers(5))
    letter = letters[int(draw.integers(len(letters)))]
    head, rest = text[:place], text[place:]
    if way == 0 or not rest:
        return head + letter + rest
    return (head + rest[1:], head + rest[0] + rest, head + letter + rest[1:], head + rest[:2][::-1] + rest[2:])[way - 1]


def stressing(node: Node) -> list[str]:
    """Strings that go round each of the first loops forty times and then fail.

    A pattern with two ways round a loop tries all 2⁴⁰ ways through such a string.
    """
    found: list[str] = []
    for before, loop in islice(_loops(node, ""), _LOOPS):
        found += [before + round_ * _PUMPED + _BREAKS for round_ in islice(_some(loop), _WAYS)]
    return list(dict.fromkeys(found))


def _loops(node: Node, before: str) -> list[tuple[str, Node]]:
    """Loops, each with a string that leads to it."""
    match node:
        case Group():
            return _loops(node.body, before)
        case Alt():
            return [each for branch in node.branches for each in _loops(branch, before)]
        case Cat():
            found: list[tuple[str, Node]] = []
            for part in node.parts:
                found += _loops(part, before)
                before += next(iter(_some(part)))
            return found
        case Repeat():
            here = [(before, node.body)] if node.high is None or node.high > _LOOPS else []
            return here + _loops(node.body, before)
        case _:
            return []


def _some(node: Node) -> list[str]:
    """A few strings of a language, by different branches; one for each of the ways that matter to a loop."""
    match node:
        case Empty():
            return [""]
        case Chars():
            return [min((each for each in node.members if each.isalnum()), default=min(node.members))]
        case Group():
            return _some(node.body)
        case Alt():
            return [each for branch in node.branches for each in _some(branch)][:_WAYS]
        case Cat():
            return ["".join(parts) for parts in islice(product(*map(_some, node.parts)), _WAYS)]
        case Repeat():
            return [each * max(node.low, 1) for each in _some(node.body)]
