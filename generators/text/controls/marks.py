"""Marks and figures: quotes, apostrophes, the last full stop, and small numbers in words or digits.

A mark alone is a weak placebo: it is taken only where no word can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.text.controls.change import Rewrite
from generators.text.inflection import cased

if TYPE_CHECKING:
    from spacy.tokens import Doc

__all__ = ["apostrophe", "numeral", "quotes", "stop"]

_STRAIGHT = re.compile(r'"([^"“”]{2,})"')
_CURLY = re.compile(r"“([^\"“”]{2,})”")
_INSIDE = re.compile(r"(?<=[^\W\d_])['’](?=[^\W\d_])")  # noqa: RUF001  # the curly apostrophe is meant
_WORDS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_MARK = 9.0
_SWAPPED = {"'": "’", "’": "'"}  # noqa: RUF001


def quotes(doc: Doc) -> Iterator[Rewrite]:
    """Straight quotes for curly ones, or curly for straight."""
    text = doc.text
    for pattern, marks in ((_STRAIGHT, "“”"), (_CURLY, '""')):
        if text.count('"') % 2 == 0:
            for found in pattern.finditer(text):
                yield Rewrite(found.start(), found.end(), f"{marks[0]}{found[1]}{marks[1]}", "quotes", True, _MARK)


def apostrophe(doc: Doc) -> Iterator[Rewrite]:
    """The apostrophe inside a word straight for curly, or curly for straight."""
    for found in _INSIDE.finditer(doc.text):
        start, stop = found.span()
        while start and doc.text[start - 1].isalnum():
            start -= 1
        while stop < len(doc.text) and doc.text[stop].isalnum():
            stop += 1
        word = doc.text[start:stop]
        if len(_INSIDE.findall(word)) == 1:
            yield Rewrite(start, stop, _INSIDE.sub(_SWAPPED[found[0]], word), "apostrophe", certain=True, odd=_MARK)


def stop(doc: Doc) -> Iterator[Rewrite]:
    """The last full stop left out, or one put in where the text ends without any."""
    text = doc.text.rstrip()
    if text.endswith(".") and not text.endswith("..") and len(text) > 1 and text[-2].islower():
        yield Rewrite(len(text) - 1, len(text), "", "full stop", certain=True, odd=_MARK - 0.5)
    elif text and text[-1].islower() and not text.endswith("…"):
        yield Rewrite(len(text), len(text), ".", "full stop", certain=True, odd=_MARK - 1)


def numeral(doc: Doc) -> Iterator[Rewrite]:
    """``two dogs`` becomes ``2 dogs``, and the other way round: counts from two to twelve."""
    for token in doc:
        if token.tag_ != "CD" or token.dep_ != "nummod" or token.head.tag_ != "NNS" or token.whitespace_ != " ":
            continue
        if token.ent_type_ in ("MONEY", "PERCENT", "TIME") or (token.i and not token.nbor(-1).whitespace_):
            continue
        if token.i and token.nbor(-1).lower_ in ("top", "no.", "number", "chapter", "or", "to"):
            continue
        if token.lower_ in _WORDS and token.i > token.sent.start:
            figure = str(_WORDS.index(token.lower_) + 2)
            yield Rewrite(token.idx, token.idx + len(token), figure, "numeral", certain=True, odd=0.3)
        elif token.text in map(str, range(2, 13)):
            word = _WORDS[int(token.text) - 2]
            word = cased(word, "X") if token.i == token.sent.start else word
            yield Rewrite(token.idx, token.idx + len(token), word, "numeral", certain=True, odd=0.3)
