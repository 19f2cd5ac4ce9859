"""Reading a regular expression in Python's syntax into a tree, or saying which construct keeps it from being one.

Only what is regular in the strict sense is read: a full match then decides membership of a regular language, so that an
automaton can prove what it says. Laziness changes no full match and is read; look-around, references, flags and the
like are refused by name.
"""

from __future__ import annotations

import re
from functools import lru_cache

from contrafact.errors import RowError
from generators.code.specification.tree import ALPHABET, Alt, Cat, Chars, Empty, Group, Node, Repeat

__all__ = ["LONGEST", "read_pattern"]

LONGEST = 200
_DEEPEST = 30
_ALL = frozenset(ALPHABET)
_DIGITS = frozenset("0123456789")
_WORD = frozenset(each for each in ALPHABET if each.isalnum() or each == "_")
_SPACE = frozenset(" ")
_ESCAPED = {"d": _DIGITS, "w": _WORD, "s": _SPACE, "D": _ALL - _DIGITS, "W": _ALL - _WORD, "S": _ALL - _SPACE}
_COUNTS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_COUNT = re.compile(r"\{(\d*)(,?)(\d*)\}")
_BRACKETS = {
    "(?=": "a look-ahead",
    "(?!": "a look-ahead",
    "(?<=": "a look-behind",
    "(?<!": "a look-behind",
    "(?P=": "a back-reference",
    "(?(": "a conditional group",
    "(?>": "an atomic group",
    "(?#": "a comment",
}
_ESCAPES = {"b": "a word boundary", "B": "a word boundary"} | dict.fromkeys("123456789", "a back-reference")


@lru_cache(maxsize=4096)
def read_pattern(text: str) -> Node:
    """The tree of a pattern; ``text_of`` gives the same text again. Trees of the patterns asked for last are kept.

    Raises
    ------
    RowError
        Naming the construct that cannot be used, or what is wrong with the syntax.
    """
    if len(text) > LONGEST:
        raise RowError(f"the pattern is longer than {LONGEST} characters")
    if not all(each in _ALL for each in text):
        raise RowError("the pattern holds characters that are not printable ASCII")
    reader = _Reader(text)
    node = reader.branches(0)
    if reader.place < len(text):
        raise RowError("the pattern closes a bracket that is not open")
    return node


class _Reader:
    """Recursive descent; one method a level of precedence."""

    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0

    def branches(self, depth: int) -> Node:
        if depth > _DEEPEST:
            raise RowError(f"the pattern has more than {_DEEPEST} brackets within each other")
        found = [self._sequence(depth)]
        while self._eat("|"):
            found.append(self._sequence(depth))
        return found[0] if len(found) == 1 else Alt(tuple(found))

    def _sequence(self, depth: int) -> Node:
        parts: list[Node] = []
        while self.place < len(self.text) and self.text[self.place] not in "|)":
            anchor = self._anchor()
            if anchor is not None:
                self._check_anchor(anchor, depth, first=all(isinstance(each, Empty) for each in parts))
                parts.append(Empty(anchor))
                continue
            parts.append(self._repeated(self._atom(depth)))
        if not parts:
            return Empty()
        return parts[0] if len(parts) == 1 else Cat(tuple(parts))

    def _anchor(self) -> str | None:
        for anchor in ("^", "$", r"\A", r"\Z"):
            if self._eat(anchor):
                return anchor
        return None

    def _check_anchor(self, anchor: str, depth: int, *, first: bool) -> None:
        """Anchors at either end of a whole branch say what a full match says already; elsewhere they cut it short."""
        at_end = self.place == len(self.text) or self.text[self.place] == "|"
        if depth or not (first if anchor in ("^", r"\A") else at_end):
            raise RowError("the pattern has an anchor within it, which is not supported")

    def _atom(self, depth: int) -> Node:
        if self.text.startswith("(", self.place):
            return self._group(depth)
        if self.text.startswith("[", self.place):
            return self._set()
        start = self.place
        letter = self._next()
        if letter in "*+?":
            raise RowError("the pattern repeats nothing")
        if letter == ".":
            return Chars(_ALL, ".")
        members = self._escape() if letter == "\\" else frozenset(letter)
        return Chars(members, self.text[start : self.place])

    def _group(self, depth: int) -> Node:
        start = self.place
        self.place += 1
        if self._eat("?"):
            named = re.compile(r"P<[A-Za-z_]\w*>").match(self.text, self.place)
            if named is not None:
                self.place = named.end()
            elif not self._eat(":"):
                raise RowError(f"the pattern has {self._bracket(start)}, which is not supported")
        opening = self.text[start : self.place]
        body = self.branches(depth + 1)
        if not self._eat(")"):
            raise RowError("the pattern leaves a bracket open")
        return Group(body, opening)

    def _bracket(self, start: int) -> str:
        for opening, name in _BRACKETS.items():
            if self.text.startswith(opening, start):
                return name
        return "inline flags"

    def _repeated(self, body: Node) -> Node:
        start = self.place
        count = self._count()
        if count is None:
            return body
        if self._eat("+"):
            raise RowError("the pattern has a possessive count, which is not supported")
        self._eat("?")  # lazy: which match is tried first changes no full match
        node = Repeat(body, count[0], count[1], self.text[start : self.place])
        if self._count() is not None:
            raise RowError("the pattern repeats a count")
        return node

    def _count(self) -> tuple[int, int | None] | None:
        short = _COUNTS.get(self.text[self.place : self.place + 1])
        if short is not None:
            self.place += 1
            return short
        found = _COUNT.match(self.text, self.place)
        if found is None or not (found[1] or found[3]):
            return None  # such a brace stands for itself
        if max(len(found[1]), len(found[3])) > 4:
            raise RowError("the pattern has a count above 9999")
        self.place = found.end()
        low = int(found[1] or 0)
        high = (int(found[3]) if found[3] else None) if found[2] else low
        if high is not None and high < low:
            raise RowError("the pattern has a count whose end is below its start")
        return low, high

    def _set(self) -> Node:
        start = self.place
        self.place += 1
        negated = self._eat("^")
        members: set[str] = set()
        first = True
        while first or not self.text.startswith("]", self.place):
            first = False
            members |= self._range()
        self.place += 1
        kept = _ALL - members if negated else frozenset(members)
        if not kept:
            raise RowError("the pattern has a set without a printable character")
        return Chars(kept, self.text[start : self.place])

    def _range(self) -> frozenset[str]:
        low = self._member()
        if not self.text.startswith("-", self.place) or self.text.startswith("-]", self.place):
            return low
        self.place += 1
        high = self._member()
        if len(low) != 1 or len(high) != 1 or min(high) < min(low):
            raise RowError("the pattern has a range within a set that is none")
        return frozenset(map(chr, range(ord(min(low)), ord(min(high)) + 1)))

    def _member(self) -> frozenset[str]:
        if self.place >= len(self.text):
            raise RowError("the pattern leaves a set open")
        letter = self._next()
        return self._escape() if letter == "\\" else frozenset(letter)

    def _escape(self) -> frozenset[str]:
        if self.place >= len(self.text):
            raise RowError("the pattern ends with a backslash")
        letter = self._next()
        if letter in _ESCAPED:
            return _ESCAPED[letter]
        if letter.isalnum():
            what = _ESCAPES.get(letter, f"the escape \\{letter}")
            raise RowError(f"the pattern has {what}, which is not supported")
        return frozenset(letter)

    def _next(self) -> str:
        self.place += 1
        return self.text[self.place - 1]

    def _eat(self, text: str) -> bool:
        found = self.text.startswith(text, self.place)
        self.place += len(text) if found else 0
        return found
