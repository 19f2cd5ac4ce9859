"""Turns of phrase of which usage has two: ``all the`` and ``all of the``, ``&`` and ``and``, ``hrs`` and ``hours``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.text.controls.change import Rewrite
from generators.text.inflection import cased

if TYPE_CHECKING:
    from spacy.tokens import Doc

__all__ = ["hyphen", "purpose", "relative", "shortened", "turn"]

_SHORT = {
    "hrs": "hours", "hr": "hour", "mins": "minutes", "yrs": "years", "wks": "weeks", "thx": "thanks", "ppl": "people",
    "pls": "please", "plz": "please", "tmrw": "tomorrow", "govt": "government", "msg": "message", "acct": "account",
    "dept": "department", "appt": "appointment", "info": "information", "pic": "picture", "pics": "pictures",
    "gonna": "going to", "wanna": "want to", "fav": "favorite", "convo": "conversation", "bday": "birthday",
    "u": "you", "b4": "before", "asap": "as soon as possible", "cuz": "because", "kinda": "kind of",
    "gov": "government", "tix": "tickets", "tho": "though", "thru": "through", "bc": "because", "abt": "about",
    "til": "until", "vs": "versus", "mths": "months", "mgr": "manager",
}  # fmt: skip

# Pattern, replacement, whether form alone guarantees the meaning, and how odd it is.
_TURNS = (
    (re.compile(r"\ball of (?=(?:the|my|your|his|her|our|their|these|those)\b)", re.IGNORECASE), "all ", True, 0.3),
    (re.compile(r"\ball (?=(?:the|my|your|his|our|their|these|those) \w+s\b)", re.IGNORECASE), "all of ", True, 0.3),
    (re.compile(r"\beach other\b"), "one another", True, 0.4),
    (re.compile(r"\bone another\b"), "each other", True, 0.4),
    (re.compile(r"\babout(?= (?:\d+|two|three|four|five|six|ten|twenty) [a-z]+s\b)"), "around", True, 0.4),
    (re.compile(r"\baround(?= (?:\d+|two|three|four|five|six|ten|twenty) [a-z]+s\b)"), "about", True, 0.4),
    (re.compile(r"\bevery time\b"), "each time", True, 0.4),
    (re.compile(r"\beach time\b"), "every time", True, 0.4),
    (re.compile(r"\b(?:the )?rest of the\b"), "the remainder of the", False, 1.2),
    (re.compile(r"\ba lot of\b"), "lots of", True, 0.3),
    (re.compile(r"\blots of\b"), "a lot of", True, 0.3),
    (re.compile(r"\bno one\b"), "nobody", True, 0.4),
    (re.compile(r"\btry and(?= [a-z]+)"), "try to", True, 0.4),
    (re.compile(r"\boff of\b"), "off", True, 0.3),
    (re.compile(r"\boutside of\b"), "outside", True, 0.3),
    (re.compile(r"\bin order to\b"), "to", True, 0.4),
    (re.compile(r"\b(?:due to|owing to)\b"), "because of", False, 0.6),
    (re.compile(r"\bbecause of\b"), "due to", False, 0.6),
    (re.compile(r"\bin spite of\b"), "despite", True, 0.4),
    (re.compile(r"\bdespite\b"), "in spite of", True, 0.5),
    (re.compile(r"\ba couple of\b"), "a couple", True, 0.7),
    (re.compile(r"\bright now\b"), "at the moment", False, 0.8),
    (re.compile(r"\bat the moment\b"), "right now", False, 0.8),
    (re.compile(r"\b(?:need to)(?= [a-z]+)"), "have to", False, 0.5),
    (re.compile(r"\b(?:needs to)(?= [a-z]+)"), "has to", False, 0.5),
    (re.compile(r"\b(?:needed to)(?= [a-z]+)"), "had to", False, 0.5),
    (re.compile(r"\bself-driving(?= (?:car|vehicle|taxi|truck)s?\b)"), "driverless", False, 0.5),
    (re.compile(r"\b(?:once again)\b"), "once more", True, 0.4),
    (re.compile(r"(?<=[a-z] )again(?=[.!?,])"), "once more", True, 0.6),
    (re.compile(r"\bthank you\b(?! for)", re.IGNORECASE), "thanks", True, 0.5),
    (re.compile(r"\bthanks\b(?= for)", re.IGNORECASE), "thank you", True, 0.5),
    (re.compile(r"(?<=\d)%"), " percent", True, 0.4),
    (re.compile(r"(?<=\d) percent\b"), "%", True, 0.4),
    (re.compile(r"(?<=\d)(?=(?:am|pm)\b)"), " ", True, 0.5),
    (re.compile(r"(?<=[a-z] )&(?= [a-z])"), "and", True, 0.3),
    (re.compile(r"(?<=[a-z] )and(?= [a-z])"), "&", True, 2.2),
    (re.compile(r"(?<=\w)\.\.\.(?![.?!])"), "…", True, 0.8),
    (re.compile(r"(?<=\w)…"), "...", True, 0.8),
    (re.compile(r"(?<=\w )-(?= \w)"), "–", True, 1.6),
    (re.compile(r"(?<=\w )[–—](?= \w)"), "-", True, 1.6),
    (re.compile(r"!!(?!!)"), "!", False, 1.8),
    (re.compile(r"\?\?(?!\?)"), "?", False, 1.8),
)  # fmt: skip
_MARK = 7.0  # a mark alone is a weak placebo, as in marks.py
_NEGATED_NEED = re.compile(r"(?:not|n't|n’t|never)\s*$", re.IGNORECASE)  # noqa: RUF001
_SUBJECTS = ("nsubj", "nsubjpass")
_OWNERS = {"my", "your", "his", "her", "our", "their", "the"}
_PRONOUNS = {"i", "you", "he", "she", "it", "we", "they"}


def turn(doc: Doc) -> Iterator[Rewrite]:
    """A fixed expression for another that is used in its place."""
    text = doc.text
    for pattern, after, certain, odd in _TURNS:
        for found in pattern.finditer(text):
            before = text[: found.start()]
            if after in ("have to", "has to", "had to") and _NEGATED_NEED.search(before):
                continue  # who need not may all the same
            if after == "a couple" and not text[found.end() :].startswith(" of"):
                continue
            mark = not any(each.isalnum() or each in "&%" for each in found[0] + after) and bool(found[0])
            how = ("mark", odd + _MARK) if mark else ("usage", odd)
            yield Rewrite(found.start(), found.end(), cased(after, found[0] or "x"), how[0], certain, how[1])


def shortened(doc: Doc) -> Iterator[Rewrite]:
    """An everyday abbreviation written out."""
    for token in doc:
        whole = _SHORT.get(token.lower_)
        if whole is not None and (token.whitespace_ or token.i + 1 == len(doc) or token.nbor().is_punct):
            apart = not token.i or bool(token.nbor(-1).whitespace_)
            if apart and not token.is_upper:
                yield Rewrite(token.idx, token.idx + len(token), cased(whole, token.text), "written out", True, 0.3)


def relative(doc: Doc) -> Iterator[Rewrite]:
    """``the flight I took`` becomes ``the flight that I took``; ``people who`` ``people that``; and back."""
    for verb in doc:
        if verb.dep_ != "relcl" or verb.tag_ not in ("VBD", "VBP", "VBZ", "VB", "VBN", "VBG"):
            continue
        noun, first = verb.head, verb.left_edge
        if first.i != noun.i + 1 or noun.whitespace_ != " " or noun.tag_ not in ("NN", "NNS") or first.i == verb.i:
            continue
        own = next((child for child in verb.lefts if child.dep_ in _SUBJECTS), None)
        start = first.idx
        whose = own is not None and own.left_edge == first and first.lower_ in _OWNERS
        if whose or (own == first and first.text in ("I", *_PRONOUNS)):
            yield Rewrite(start, start, "that ", "that", certain=True, odd=0.3)
        elif first.lower_ in ("that", "which") and first.dep_ == "dobj" and own is not None and own.i == first.i + 1:
            if own.lower_ in _PRONOUNS and first.is_lower:
                yield Rewrite(start, start + len(first) + 1, "", "that", certain=True, odd=0.3)
        elif own == first and first.text in ("who", "which") and first.whitespace_ == " ":
            yield Rewrite(start, start + len(first), "that", "relative", certain=True, odd=0.5)
        elif own == first and first.text == "that" and noun.lower_ in ("people", "person", "guy", "man", "woman"):
            yield Rewrite(start, start + len(first), "who", "relative", certain=True, odd=0.4)


def purpose(doc: Doc) -> Iterator[Rewrite]:
    """``called to ask`` becomes ``called in order to ask``."""
    for token in doc:
        verb = token.head
        if token.lower_ == "to" and token.tag_ == "TO" and verb.dep_ == "advcl" and token.i and token.is_lower:
            before = token.nbor(-1)
            plain = before.is_alpha and before.lower_ not in ("order", "so", "as", "not", "only", "enough", "too")
            plain &= verb.head.lemma_ != "wait" and not any(child.dep_ in _SUBJECTS for child in verb.children)
            if plain and before.whitespace_ == " " and verb.head.pos_ == "VERB" and token.i + 1 == verb.i:
                yield Rewrite(token.idx, token.idx, "in order ", "usage", certain=False, odd=0.7)


def hyphen(doc: Doc) -> Iterator[Rewrite]:
    """``self-driving cars`` becomes ``self driving cars``."""
    for found in re.finditer(r"(?<![\w-])[a-z]{3,}-[a-z]{3,}(?![\w-])", doc.text):
        yield Rewrite(found.start(), found.end(), found[0].replace("-", " "), "hyphen", certain=True, odd=1.5)
