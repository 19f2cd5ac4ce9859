"""A text beside what became of it, aligned word by word: what stayed, what was taken out and what was put in.

The terminal (``contrafact preview``) and the report show the same alignment; ``report/assets/words.js`` says it again
for the browser, and a test compares the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

__all__ = ["Piece", "pieces"]

_PIECE = re.compile(r"\s+|\w+(?:['’]\w+)*|[^\w\s]")  # noqa: RUF001  # the curly apostrophe is meant


@dataclass(frozen=True)
class Piece:
    """A stretch of text that stayed (``same``), was taken out (``removed``) or was put in (``added``)."""

    kind: str
    text: str


def pieces(before: str, after: str) -> list[Piece]:
    """The two texts aligned word by word. What is removed stands before what is added in its place.

    What both begin and end with stays; between, the longest common run is kept, and so on at either side of it
    (Ratcliff and Metzener 1988). Changes that only white space parts are one: a phrase is read as a whole.
    """
    left, right = _PIECE.findall(before), _PIECE.findall(after)
    found: list[Piece] = []
    for same, old, new in _stretches(left, right):
        if same:
            found.append(Piece("same", old))
        else:
            found += [Piece(kind, text) for kind, text in (("removed", old), ("added", new)) if text]
    return found


def _stretches(left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[bool, str, str]]:
    """Whether a stretch is the same on both sides, and what it says on each."""
    old = new = blank = ""
    for same, removed, added in _runs(left, right):
        if not same:
            old, new, blank = old + blank + removed, new + blank + added, ""
        elif removed.isspace() and (old or new):
            blank = removed
        else:
            if old or new:
                yield False, old, new
            old = new = ""
            yield True, removed, added
    if old or new:
        yield False, old, new
    if blank:
        yield True, blank, blank


def _runs(left: Sequence[str], right: Sequence[str]) -> Iterator[tuple[bool, str, str]]:
    """Runs of pieces, joined; no two that are the same on both sides follow one another."""
    head = _shared(left, right)
    rest = min(len(left), len(right)) - head
    tail = min(rest, _shared(left[::-1], right[::-1]))
    first, last = left[head : len(left) - tail], right[head : len(right) - tail]
    steps = [(True, left[:head], right[:head])]
    steps += [
        (kind == "equal", first[start:stop], last[begin:end])
        for kind, start, stop, begin, end in SequenceMatcher(None, first, last, autojunk=False).get_opcodes()
    ]
    steps.append((True, left[len(left) - tail :], right[len(right) - tail :]))
    waiting = ""
    for same, old, new in steps:
        if same:
            waiting += "".join(old)
            continue
        if waiting:
            yield True, waiting, waiting
        waiting = ""
        yield False, "".join(old), "".join(new)
    if waiting:
        yield True, waiting, waiting


def _shared(left: Sequence[str], right: Sequence[str]) -> int:
    """How many pieces both begin with."""
    for place, (one, other) in enumerate(zip(left, right, strict=False)):
        if one != other:
            return place
    return min(len(left), len(right))
