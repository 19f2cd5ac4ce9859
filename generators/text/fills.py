"""From what a model said to words that fit a place: cut, stripped, in the place's case, or refused with a reason."""

from __future__ import annotations

import re
from collections.abc import Sequence

from contrafact.engines.llm import Reply
from contrafact.errors import RowError
from generators.text.prompts import Place
from generators.text.words import listed, within, words

__all__ = ["fill_of", "repeats"]

_SENTENCE_END = re.compile(r"(?<=[^\W\d_])[.!?]+(?=\s|$)")
_ENDS_SENTENCE = re.compile(r"(?:^|[.!?…][\"')\]”’]*)\s*$")  # noqa: RUF001  # curly quotes are meant
_ENDING = re.compile(r"['’](?:s|m|d|t|re|ve|ll)\b|n['’]t\b", re.IGNORECASE)  # noqa: RUF001
_EDGES = " \t.,;:!?…–—-"
_QUOTES = {'"': '"', "“": "”", "'": "'", "‘": "’"}  # noqa: RUF001
_SMALL = listed(
    "a an the this that these those some any no every all each many few is are was were be been being am has have had"
    " do does did not never will would can could should may might must in on at by for from of to with without about"
    " into over under after before during very so too really just quite my your his her its our their he she it we they"
    " you and or but because when while if as than"
)
_COPIED_WORDS = 4
_SIDE_WORDS = 3


def fill_of(reply: Reply, place: Place, stops: Sequence[str], ours: Sequence[str]) -> str:
    """The replacement that a reply stands for.

    What a model adds is taken off: lines after the first, sentences after the first, the words before the place said
    again, the words behind it, quotes, punctuation at both ends. The first letter takes the case that the place needs.
    What stands outside the place is never touched.

    Parameters
    ----------
    stops : sequence of str
        Cut there, whether or not the server did.
    ours : sequence of str
        Texts of the question that are not the unit's.

    Raises
    ------
    RowError
        Where there is no usable fill, with the reason.
    """
    if reply.failure is not None or reply.text is None:
        raise RowError(f"the model gave no answer: {reply.failure or 'empty'}")
    text = reply.text.strip()
    for stop in stops:
        text = text.split(stop, 1)[0]
    if reply.finish == "length" and text == reply.text.strip():
        raise RowError("the fill was cut off at max_tokens")
    fill = _cased(_trimmed(text, place), place)
    if not fill:
        raise RowError("the fill is empty")
    if _ENDING.match(fill) and not _ENDING.match(place.before):
        raise RowError("the fill is the end of a word")
    if any(fill.count(mark) != place.before.count(mark) for mark in "()[]{}") and not _balanced(fill):
        raise RowError("the fill breaks off in brackets")
    if len(words(fill)) > 2 * len(words(place.before)) + 6:
        raise RowError("the fill is too long for its place")
    if repeats(fill, ours):
        raise RowError("the fill repeats the prompt")
    return fill


def repeats(fill: str, ours: Sequence[str]) -> bool:
    """Whether a fill holds four words in a row of one of these texts, or one of them that ends in a colon."""
    said = words(fill)
    if any(text.endswith(":") and text.lower() in fill.lower() for text in ours):
        return True
    runs = [said[place : place + _COPIED_WORDS] for place in range(len(said) - _COPIED_WORDS + 1)]
    return any(within(run, words(text)) for text in ours for run in runs)


def _trimmed(text: str, place: Place) -> str:
    lines = text.strip().splitlines()
    fill = " ".join(lines[0].split()) if lines else ""
    fill = _without_rest(_unquoted(fill, place.before), place.suffix)
    if not _SENTENCE_END.search(place.before):
        fill = _SENTENCE_END.split(fill, maxsplit=1)[0]
    return _without_sides(_unquoted(fill.strip(_EDGES), place.before).strip(_EDGES), place).strip(_EDGES)


def _without_sides(fill: str, place: Place) -> str:
    """The fill without what it says again of the words on either side: ``a bad job`` in ``You do ____ job``.

    Where the phrase itself said so (``Thank you``, you too), it is left.
    """
    said, before = fill.split(), words(place.before)
    prefix, suffix = words(place.prefix), words(place.suffix)
    for size in range(min(_SIDE_WORDS, len(said) - 1), 0, -1):
        if words(" ".join(said[:size])) == prefix[-size:] != before[:size]:
            said = said[size:]
            break
    for size in range(min(_SIDE_WORDS, len(said) - 1), 0, -1):
        if words(" ".join(said[-size:])) == suffix[:size] != before[-size:]:
            said = said[:-size]
            break
    return " ".join(said)


def _without_rest(fill: str, suffix: str) -> str:
    """The fill up to where it goes on with what follows its place: its first three words, or both of two."""
    rest = [re.escape(each) for each in words(suffix)[:3]]
    if len(rest) < 2:
        return fill
    found = re.search(r"\b" + r"\W+".join(rest) + r"\b", fill, re.IGNORECASE)
    return fill[: found.start()] if found else fill


def _balanced(fill: str) -> bool:
    """Whether every bracket that is opened is closed, and none is closed that was not opened."""
    depth = 0
    for mark in fill:
        depth += (mark in "([{") - (mark in ")]}")
        if depth < 0:
            return False
    return depth == 0


def _unquoted(fill: str, before: str) -> str:
    """The fill without quotes around all of it, where none stood around the phrase."""
    quoted = len(fill) > 2 and _QUOTES.get(fill[0]) == fill[-1] and fill[1:-1].count(fill[0]) == 0
    return fill[1:-1].strip() if quoted and before[:1] not in _QUOTES else fill


def _cased(fill: str, place: Place) -> str:
    """The fill in the case of the place: capitals for capitals, a capital where a sentence begins with one."""
    before = place.before
    if before.isupper() and sum(each.isalpha() for each in before) > 3:
        return fill.upper()
    if _ENDS_SENTENCE.search(place.prefix):
        return fill[:1].upper() + fill[1:] if before[:1].isupper() else fill
    first = fill.split(" ", 1)[0]
    return fill[:1].lower() + fill[1:] if first.lower() in _SMALL and not before[:1].isupper() else fill
