"""The same language in another spelling: the placebo beside a program that is an edit away.

========= ==========================================================================
count     ``?`` to ``{0,1}``, ``+`` to ``{1,}``, ``*`` to ``{0,}``; ``a{2}`` to ``aa``
class     ``[abc]`` to ``[cba]``, ``a`` to ``[a]``, ``[0-9]`` to ``[0-45-9]``
branches  two branches of a choice change places
========= ==========================================================================

That nothing changes is proven on the automata of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from contrafact.errors import RowError
from generators.code.specification.automaton import automaton_of, distinguishing
from generators.code.specification.reading import LONGEST, read_pattern
from generators.code.specification.records import edit_size
from generators.code.specification.tree import Alt, Cat, Chars, Empty, Group, Node, Repeat, text_of

__all__ = ["rewriting_of", "rewritings"]

_LONG = {"?": "{0,1}", "+": "{1,}", "*": "{0,}"}
_SPECIAL = frozenset("]\\^-[")
_FEW = 12


def rewritings(node: Node) -> Iterator[Node]:
    """Every tree that is spelled otherwise in one place and reads the same strings."""
    match node:
        case Empty():
            return
        case Chars():
            yield from _letters(node)
        case Group():
            yield from (replace(node, body=each) for each in rewritings(node.body))
        case Alt(branches=branches):
            yield from _branches(branches)
        case Cat(parts=parts):
            for place, part in enumerate(parts):
                yield from (Cat((*parts[:place], each, *parts[place + 1 :])) for each in rewritings(part))
        case Repeat():
            yield from _counts(node)
            inner = (each for each in rewritings(node.body) if isinstance(each, Chars | Group))
            yield from (replace(node, body=each) for each in inner)


def _branches(branches: tuple[Node, ...]) -> Iterator[Node]:
    for place in range(len(branches) - 1):
        one, other = branches[place : place + 2]
        yield Alt((*branches[:place], other, one, *branches[place + 2 :]))
    for place, branch in enumerate(branches):
        yield from (Alt((*branches[:place], each, *branches[place + 1 :])) for each in rewritings(branch))


def _counts(node: Repeat) -> Iterator[Node]:
    if node.text in _LONG:
        yield replace(node, text=_LONG[node.text])
    elif node.low == node.high and isinstance(node.body, Chars):
        yield Cat((node.body,) * node.low)


def _letters(node: Chars) -> Iterator[Node]:
    members = sorted(node.members)
    if len(members) == 1 and members[0] not in _SPECIAL:
        yield replace(node, text=f"[{members[0]}]")
    elif node.text.startswith("[") and not node.text.startswith("[^") and not _SPECIAL.intersection(members):
        if 1 < len(members) <= _FEW:
            yield replace(node, text=f"[{''.join(reversed(members))}]")
        if ord(members[-1]) - ord(members[0]) == len(members) - 1 and len(members) > 3:  # one range
            half = members[len(members) // 2]
            yield replace(node, text=f"[{members[0]}-{chr(ord(half) - 1)}{half}-{members[-1]}]")


def rewriting_of(pattern: str, size: int, taken: Sequence[str], draw: np.random.Generator) -> str | None:
    """A rewriting whose edit is about as long as ``size``, proven to be the same language; None where there is none.

    Parameters
    ----------
    taken : sequence of str
        Patterns that it must not be.
    """
    texts = sorted({text_of(each) for each in rewritings(read_pattern(pattern))} - {pattern, *taken})
    texts = [texts[place] for place in draw.permutation(len(texts)).tolist()]
    for text in sorted(texts, key=lambda each: abs(edit_size(pattern, each) - size)):
        if len(text) <= LONGEST and _same(pattern, text):
            return text
    return None


def _same(one: str, other: str) -> bool:
    try:
        return distinguishing(automaton_of(one), automaton_of(other)) is None
    except RowError:
        return False
