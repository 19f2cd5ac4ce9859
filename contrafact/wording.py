"""Words of a text, and how far two sequences of words are apart: what filters, controls and audits count by."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

__all__ = ["changed_spans", "distance", "token_places", "tokens"]

_TOKEN = re.compile(
    # Han, kana and kindred scripts write no blanks: each character counts. Elsewhere an apostrophe or hyphen inside a
    # word belongs to it, and every mark stands alone.
    "[぀-ヿ㐀-䶿一-鿿豈-﫿]"
    r"|[^\W_぀-ヿ㐀-䶿一-鿿豈-﫿]+(?:['’-][^\W_]+)*|[^\w\s]|_"  # noqa: RUF001  # the curly apostrophe is meant
)
_CAREFUL = 200


def tokens(text: str) -> list[str]:
    """Words and punctuation marks, as they are written. White space is none."""
    return _TOKEN.findall(text)


def token_places(text: str) -> list[tuple[int, int]]:
    """Start and stop of each of :func:`tokens`, in characters."""
    return [match.span() for match in _TOKEN.finditer(text)]


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Least number of words to insert, delete or replace to make one sequence the other (Levenshtein 1966).

    Bit-parallel, after Hyyrö (2003), "A bit-vector algorithm for computing Levenshtein and Damerau edit distances":
    one step of a few operations on integers as long as the first sequence, for each word of the second.
    """
    start, end = _shared_ends(one, other)
    one, other = one[start : len(one) - end], other[start : len(other) - end]
    if not one or not other:
        return len(one) + len(other)
    places: dict[str, int] = {}
    for place, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << place
    every, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    up, down, found = every, 0, len(one)
    for word in other:
        match = places.get(word, 0)
        diagonal = ((((match & up) + up) ^ up) | match | down) & every
        rise, fall = (down | ~(diagonal | up)) & every, up & diagonal
        found += bool(rise & last) - bool(fall & last)
        rise, fall = (rise << 1 | 1) & every, fall << 1 & every
        up, down = (fall | ~(diagonal | rise)) & every, rise & diagonal
    return found


def changed_spans(one: Sequence[str], other: Sequence[str]) -> int:
    """In how many places the sequences differ: runs of changed words between words that both share in order.

    The shared words are those of :class:`difflib.SequenceMatcher`; past 200 words very common ones do not anchor.
    """
    start, end = _shared_ends(one, other)
    one, other = one[start : len(one) - end], other[start : len(other) - end]
    if not one or not other:
        return int(bool(one or other))
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=max(len(one), len(other)) > _CAREFUL)
    return sum(tag != "equal" for tag, *_ in matcher.get_opcodes())


def _shared_ends(one: Sequence[str], other: Sequence[str]) -> tuple[int, int]:
    """How many words the sequences share at the start, and then at the end."""
    most = min(len(one), len(other))
    start = next((place for place in range(most) if one[place] != other[place]), most)
    end = next((place for place in range(most - start) if one[-1 - place] != other[-1 - place]), most - start)
    return start, end
