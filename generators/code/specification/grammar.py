"""Programs of our own: formats such as codes, names and numbers have, of up to five components.

A component is a word, a mark, a counted class, a choice of words, or something of these that may be left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generators.code.specification.reading import read_pattern
from generators.code.specification.tree import Alt, Cat, Group, Node, Repeat, chars, counted, text_of

__all__ = ["COMPONENTS", "draw_program"]

COMPONENTS = 5
_LONGEST = 30
_WORDS = ("id", "no", "ref", "cat", "dog", "tmp", "log", "key", "usr", "v", "x", "ab", "abc", "px", "GB", "EU", "T")
_MARKS = ("-", "_", "/", ":", "#", ".", "=")
_CLASSES = tuple(
    read_pattern(text)
    for text in ("[0-9]", "[a-z]", "[A-Z]", "[a-f]", "[0-9a-f]", "[a-c]", "[01]", "[A-Z0-9]", "[aeiou]", "[a-z0-9]")
)
_COUNTS: tuple[tuple[int, int | None], ...] = (
    (1, None), (0, None), (2, 2), (3, 3), (4, 4), (1, 2), (1, 3), (2, 3), (2, 4), (2, None), (1, 1),
)  # fmt: skip


def draw_program(draw: np.random.Generator) -> Node:
    """A program of two to five components, of at most 30 characters, with at least one count or choice."""
    while True:
        wanted = int(draw.integers(2, COMPONENTS + 1))
        parts: list[Node] = []
        kinds: list[str] = []
        while len(kinds) < wanted:
            kind = _kind(kinds, wanted, draw)
            kinds.append(kind)
            parts += _component(kind, draw)
        node = Cat(tuple(parts))
        if len(text_of(node)) <= _LONGEST and any(isinstance(each, Repeat | Group) for each in parts):
            return node


def _kind(before: Sequence[str], wanted: int, draw: np.random.Generator) -> str:
    """What comes next: no two words, marks or classes side by side, for one would run into the other."""
    chances = {"class": 0.45, "word": 0.2, "mark": 0.15, "choice": 0.1, "option": 0.1}
    taken = {"choice": "word"}.get(before[-1], before[-1]) if before else "mark"
    left = {kind: chance for kind, chance in chances.items() if kind != taken}
    if len(before) == wanted - 1:
        left.pop("mark", None)
    shares = np.array(list(left.values()))
    return list(left)[int(np.searchsorted(np.cumsum(shares / shares.sum()), draw.random()))]


def _component(kind: str, draw: np.random.Generator) -> list[Node]:
    match kind:
        case "word":
            return _word(draw)
        case "mark":
            return [chars(_one(_MARKS, draw))]
        case "class":
            return [_class(draw)]
        case "choice":
            words = [_WORDS[place] for place in draw.permutation(len(_WORDS))[: int(draw.integers(2, 4))]]
            return [Group(Alt(tuple(Cat(tuple(map(chars, word))) for word in words)), "(")]
        case _:
            inside = [chars(_one(_MARKS, draw)), _class(draw)] if draw.random() < 0.6 else _word(draw)
            return [counted(Cat(tuple(inside)), 0, 1 if draw.random() < 0.7 else None)]


def _word(draw: np.random.Generator) -> list[Node]:
    return list(map(chars, _one(_WORDS, draw)))


def _class(draw: np.random.Generator) -> Node:
    members = _CLASSES[int(draw.integers(len(_CLASSES)))]
    low, high = _COUNTS[int(draw.integers(len(_COUNTS)))]
    return counted(members, low, high)


def _one(texts: Sequence[str], draw: np.random.Generator) -> str:
    return texts[int(draw.integers(len(texts)))]
