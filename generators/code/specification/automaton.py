"""What two expressions differ in, proven: a walk over both automata at once, strings in the order of their length.

The automaton of an expression is Glushkov's (1961): a state is a set of places in the expression, here the bits of one
integer, and no state reads nothing. Determinised as it is walked. Hopcroft & Karp (1971) compare two in the same way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, reduce
from operator import or_

from contrafact.errors import RowError
from generators.code.specification.reading import read_pattern
from generators.code.specification.tree import ALPHABET, Alt, Cat, Chars, Empty, Group, Node, Repeat

__all__ = ["PLACES", "STATES", "Automaton", "automaton_of", "common", "distinguishing"]

PLACES = 300
"""Places of characters in an expression, its counts written out."""

STATES = 5_000
"""Pairs of states walked before a comparison is given up."""

_START = 1


class Automaton:
    """The language of an expression over printable ASCII.

    Raises
    ------
    RowError
        For an expression of more than ``PLACES`` places.
    """

    def __init__(self, node: Node) -> None:
        self._sets: list[frozenset[str]] = [frozenset()]
        self._follow = [0]
        first, last, empty = self._built(node)
        self._follow[0] = first
        self._final = last | (_START if empty else 0)
        self._masks = self._reading()
        self._reached: dict[int, int] = {0: 0}

    def accepts(self, text: str) -> bool:
        """Whether a string of printable ASCII belongs to the language."""
        states = _START
        for letter in text:
            states = self.step(states, letter)
        return self.final(states)

    def step(self, states: int, letter: str) -> int:
        """The states after one more character."""
        reached = self._reached.get(states)
        if reached is None:
            reached = self._reached[states] = self._reachable(states)
        return reached & self._masks[letter]

    def final(self, states: int) -> bool:
        """Whether a string that ends here belongs to the language."""
        return bool(states & self._final)

    def mask(self, letter: str) -> int:
        """Places that read a character: two characters of one mask are one to this automaton."""
        return self._masks[letter]

    def _reading(self) -> dict[str, int]:
        """For each character the places that read it."""
        places: dict[frozenset[str], int] = {}
        for place, members in enumerate(self._sets):
            places[members] = places.get(members, 0) | 1 << place
        masks = dict.fromkeys(ALPHABET, 0)
        for members, bits in places.items():
            for letter in members:
                masks[letter] |= bits
        return masks

    def _reachable(self, states: int) -> int:
        found, rest = 0, states
        while rest:
            lowest = rest & -rest
            found |= self._follow[lowest.bit_length() - 1]
            rest ^= lowest
        return found

    def _built(self, node: Node) -> tuple[int, int, bool]:
        """(places that may come first, places that may come last, whether nothing will do)."""
        match node:
            case Empty():
                return 0, 0, True
            case Chars():
                return self._placed(node)
            case Group():
                return self._built(node.body)
            case Alt():
                found = [self._built(each) for each in node.branches]
                firsts, lasts = (_union(each[side] for each in found) for side in (0, 1))
                return firsts, lasts, any(each[2] for each in found)
            case Cat():
                whole = (0, 0, True)
                for part in node.parts:
                    whole = self._chained(whole, self._built(part))
                return whole
            case Repeat():
                return self._repeated(node)

    def _placed(self, node: Chars) -> tuple[int, int, bool]:
        if len(self._sets) > PLACES:
            raise RowError(f"the pattern has more than {PLACES} characters with its counts written out")
        self._sets.append(node.members)
        self._follow.append(0)
        bit = 1 << (len(self._sets) - 1)
        return bit, bit, False

    def _repeated(self, node: Repeat) -> tuple[int, int, bool]:
        whole = (0, 0, True)
        copies = max(node.low, 1) if node.high is None else node.high
        if copies > PLACES:
            raise RowError(f"the pattern has more than {PLACES} characters with its counts written out")
        for number in range(copies):
            part = self._built(node.body)
            if node.high is None and number == copies - 1:
                self._link(part[1], part[0])
            whole = self._chained(whole, (part[0], part[1], part[2] or number >= node.low))
        return whole

    def _chained(self, one: tuple[int, int, bool], other: tuple[int, int, bool]) -> tuple[int, int, bool]:
        self._link(one[1], other[0])
        first = one[0] | (other[0] if one[2] else 0)
        last = other[1] | (one[1] if other[2] else 0)
        return first, last, one[2] and other[2]

    def _link(self, lasts: int, firsts: int) -> None:
        for place in range(len(self._follow)):
            if lasts >> place & 1:
                self._follow[place] |= firsts


@lru_cache(maxsize=1024)
def automaton_of(text: str) -> Automaton:
    """The automaton of a pattern; those asked for last are kept. Raises ``RowError`` for one that cannot be had."""
    return Automaton(read_pattern(text))


def distinguishing(one: Automaton, other: Automaton, most: int = STATES, without: Sequence[str] = ()) -> str | None:
    """The shortest string in one language and not in the other; None where the two are equal, which is then proven.

    Strings in ``without`` are passed over; the answer is then one of the shortest others, and None proves nothing.

    Of several as short, the first in the order of code points: pairs of states are met by growing strings, each first
    by the least string that leads there, and characters that neither tells apart are stood for by their least.

    Raises
    ------
    RowError
        Where more than ``most`` pairs of states would have to be walked.
    """
    return _walked(one, other, lambda here, there: one.final(here) != other.final(there), most, without)


def common(one: Automaton, other: Automaton, most: int = STATES) -> str | None:
    """The shortest string in both languages, the first of these by code points; None where there is none.

    Raises
    ------
    RowError
        As :func:`distinguishing`.
    """
    return _walked(one, other, lambda here, there: one.final(here) and other.final(there), most)


def _walked(
    one: Automaton, other: Automaton, wanted: Callable[[int, int], bool], most: int, without: Sequence[str] = ()
) -> str | None:
    letters = sorted({(one.mask(each), other.mask(each)): each for each in reversed(ALPHABET)}.values())
    start = (_START, _START)
    seen, waiting = {start, (0, 0)}, deque([(start, "")])
    while waiting:
        (here, there), text = waiting.popleft()
        if text not in without and wanted(here, there):
            return text
        for letter in letters:
            after = (one.step(here, letter), other.step(there, letter))
            if after not in seen:
                if len(seen) >= most:
                    raise RowError(f"comparing two programs takes more than {most} states")
                seen.add(after)
                waiting.append((after, text + letter))
    return None


def _union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)
