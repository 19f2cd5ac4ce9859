"""Programs one edit away: what a reader of a few examples could take for the target.

====== ==========================================================
count  one more or one less at either end, or an end given or taken
class  another set of characters that shares some with it
other  one literal character for its neighbour in the alphabet
option a part may be left out, or no longer may be
drop   a part or a branch is gone
swap   two parts that follow one another change places
====== ==========================================================
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from contrafact.errors import RowError
from generators.code.specification.automaton import PLACES
from generators.code.specification.reading import LONGEST, read_pattern
from generators.code.specification.tree import Alt, Cat, Chars, Empty, Group, Node, Repeat, chars, counted, text_of

__all__ = ["KINDS", "neighbours", "variants"]

KINDS = ("count", "class", "other", "option", "drop", "swap")

_CLASSES = tuple(
    read_pattern(text)
    for text in (
        "[0-9]", "[1-9]", "[0-4]", "[01]", "[0-7]", "[a-z]", "[A-Z]", "[a-zA-Z]", "[a-z0-9]", "[A-Z0-9]", "[a-zA-Z0-9]",
        "[a-f]", "[0-9a-f]", "[A-F]", "[a-c]", "[x-z]", "[aeiou]", "[a-m]", "[A-M]", "[0-9_]", "[a-z_]",
    )
)  # fmt: skip
_MOST_WIDER = 40  # characters that another set may have more or less than this one: beyond, nobody mistakes them


def variants(node: Node) -> Iterator[tuple[str, Node]]:
    """Every tree that is one edit away, with the edit's kind (:data:`KINDS`)."""
    match node:
        case Empty():
            return
        case Chars():
            yield from _letters(node)
        case Group():
            yield from ((kind, Group(each, node.opening)) for kind, each in variants(node.body))
        case Alt():
            yield from _branches(node)
        case Cat():
            yield from _parts(node)
        case Repeat():
            yield from _counts(node)
            yield from ((kind, Repeat(_bracketed(each), node.low, node.high, node.text)) for kind, each in _in(node))


def neighbours(node: Node, draw: np.random.Generator, most: int) -> list[tuple[str, str]]:
    """(kind, text) of up to ``most`` different programs one edit away, kinds in turns, in an order that is drawn."""
    waiting: dict[str, list[str]] = {kind: [] for kind in KINDS}
    given = text_of(node)
    for kind, each in variants(node):
        waiting[kind].append(text_of(each))
    turns = [[(kind, text) for text in _shuffled(sorted(set(texts)), draw)] for kind, texts in waiting.items()]
    order = draw.permutation(len(turns))
    found: dict[str, str] = {}
    for turn in range(max(map(len, turns), default=0)):
        for kind, text in (turns[place][turn] for place in order if turn < len(turns[place])):
            if len(found) >= most:
                return [(kind, text) for text, kind in found.items()]
            if text != given and text not in found and 0 < len(text) <= LONGEST and _readable(text):
                found[text] = kind
    return [(kind, text) for text, kind in found.items()]


def _shuffled(texts: list[str], draw: np.random.Generator) -> list[str]:
    return [texts[place] for place in draw.permutation(len(texts))]


def _readable(text: str) -> bool:
    """Whether an edit left something that is still a pattern: an anchor may have come to stand within."""
    try:
        read_pattern(text)
    except RowError:
        return False
    return True


def _letters(node: Chars) -> Iterator[tuple[str, Node]]:
    yield "option", counted(node, 0, 1)
    if len(node.members) > 1:
        for each in _CLASSES:
            if isinstance(each, Chars) and _near(each, node):
                yield "class", each
        return
    letter = min(node.members)
    for other in (chr(ord(letter) - 1), chr(ord(letter) + 1)):
        if letter.isalnum() and other.isalnum():
            yield "other", chars(other)
    if letter in "-_/.:":
        yield from (("other", chars(each)) for each in "-_/.:" if each != letter)


def _near(each: Chars, node: Chars) -> bool:
    different = len(each.members ^ node.members)
    return bool(each.members & node.members) and 0 < different <= _MOST_WIDER


def _counts(node: Repeat) -> Iterator[tuple[str, Node]]:
    low, high = node.low, node.high
    for one, other in ((low - 1, high), (low + 1, high), *_ends(low, high)):
        if 0 <= one <= PLACES and (other is None or one <= other <= PLACES) and other != 0 and (one, other) != (1, 1):
            kind = "option" if (one == 0) != (low == 0) else "count"
            yield kind, Repeat(node.body, one, other, text_of(counted(Chars(frozenset("a"), ""), one, other)))
    yield ("option" if low == 0 else "count"), node.body


def _ends(low: int, high: int | None) -> tuple[tuple[int, int | None], ...]:
    if high is None:
        return ((low, low + 1), (low, low + 2))
    if low == high:
        return ((low - 1, high - 1), (low + 1, high + 1), (low, high + 1), (low, None))
    return ((low, high - 1), (low, high + 1), (low, None), (high, high))


def _in(node: Repeat) -> Iterator[tuple[str, Node]]:
    """Edits within what is repeated; to make it optional is the count's affair."""
    return ((kind, each) for kind, each in variants(node.body) if not isinstance(each, Repeat))


def _bracketed(node: Node) -> Node:
    return node if isinstance(node, Chars | Group) else Group(node)


def _branches(node: Alt) -> Iterator[tuple[str, Node]]:
    for place, branch in enumerate(node.branches):
        rest = (*node.branches[:place], *node.branches[place + 1 :])
        yield "drop", rest[0] if len(rest) == 1 else Alt(rest)
        for kind, each in variants(branch):
            yield kind, Alt((*node.branches[:place], each, *node.branches[place + 1 :]))


def _parts(node: Cat) -> Iterator[tuple[str, Node]]:
    for place, part in enumerate(node.parts):
        before, after = node.parts[:place], node.parts[place + 1 :]
        if before or after:
            yield "drop", Cat((*before, *after))
        if isinstance(part, Group):
            yield "option", Cat((*before, counted(part, 0, 1), *after))
        if after and text_of(part) != text_of(after[0]):
            yield "swap", Cat((*before, after[0], part, *after[1:]))
        for kind, each in variants(part):
            yield kind, Cat((*before, each, *after))
