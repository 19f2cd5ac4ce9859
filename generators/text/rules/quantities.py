"""Quantifiers and numerals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.text.inflection import cased
from generators.text.rules.change import Change, Relation, Setting, picked

if TYPE_CHECKING:
    from spacy.tokens import Token

__all__ = ["number", "quantifier"]

# What may stand for a quantifier before a plural noun, and how the sentence then stands to the old one.
_BEFORE_PLURAL: dict[str, list[tuple[str, Relation]]] = {
    "all": [("some", "entailed"), ("no", "contradicts")],
    "some": [("all", "stronger"), ("no", "contradicts")],
    "most": [("few", "contradicts"), ("no", "contradicts")],
    "many": [("few", "contradicts"), ("no", "contradicts")],
    "several": [("no", "contradicts")],
    "few": [("many", "contradicts"), ("most", "contradicts")],
    "no": [("some", "contradicts"), ("many", "contradicts")],
}
_BEFORE_SINGULAR: dict[str, list[tuple[str, Relation]]] = {
    "every": [("no", "contradicts")],
    "each": [("no", "contradicts")],
}
_ALONE: dict[str, list[tuple[str, Relation]]] = {
    "everyone": [("someone", "entailed"), ("nobody", "contradicts")],
    "everybody": [("somebody", "entailed"), ("nobody", "contradicts")],
    "everything": [("something", "entailed"), ("nothing", "contradicts")],
    "someone": [("everyone", "stronger"), ("nobody", "contradicts")],
    "nobody": [("everybody", "contradicts"), ("somebody", "contradicts")],
    "nothing": [("everything", "contradicts"), ("something", "contradicts")],
    "always": [("never", "contradicts"), ("sometimes", "entailed")],
    "never": [("always", "contradicts")],
    "often": [("rarely", "contradicts"), ("never", "contradicts")],
    "rarely": [("often", "contradicts")],
    "usually": [("rarely", "contradicts"), ("never", "contradicts")],
}
_CERTAIN = {
    ("all", "some"), ("some", "no"), ("no", "some"), ("several", "no"), ("many", "no"), ("most", "no"), ("no", "many"),
    ("some", "all"), ("everyone", "someone"), ("everybody", "somebody"), ("everything", "something"),
    ("someone", "nobody"), ("nobody", "somebody"), ("nothing", "something"), ("someone", "everyone"),
}  # fmt: skip
_NEGATIVE = ("no", "nobody", "nothing", "never", "few", "rarely")
_BOUND = {"any", "anyone", "anything", "ever", "yet", "either", "at", "longer", "else", "again", "until", "mind"}
_DEGREES = {"a", "how", "so", "too", "as", "the", "very", "not", "that", "these", "those", "almost", "nearly", "this"}
_NUMERALS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def quantifier(setting: Setting) -> Iterator[Change]:
    """``some dogs`` becomes ``all dogs`` or ``no dogs``, ``always`` becomes ``never``."""
    for token in setting.doc:
        choices = _choices(token)
        if not choices or (token.i and token.nbor(-1).lower_ in _DEGREES):
            continue
        if "?" in token.sent.text or any(each.dep_ == "neg" and each != token for each in token.sent):
            continue
        if token.lower_ in _NEGATIVE and {each.lower_ for each in token.sent} & _BOUND:
            continue
        words = [word for word, _ in choices]
        word = picked(setting.draw, words)
        # Only a subject has the whole sentence in its scope.
        subject = token.head.dep_ in ("nsubj", "nsubjpass") or token.dep_ in ("nsubj", "nsubjpass")
        # Of an empty set all is true and some is not; like everyday speech, we take it that there is something.
        certain = subject and token.sent.root == _verb(token) and (token.lower_, word) in _CERTAIN
        after = cased(word, token.text)
        yield Change(token.idx, token.idx + len(token), after, dict(choices)[word], "NP", certain)


def number(setting: Setting) -> Iterator[Change]:
    """``3 cats`` becomes ``5 cats``: a small count, two or more before and after, so that agreement stays."""
    for token in setting.doc:
        if (
            token.tag_ != "CD"
            or token.dep_ != "nummod"
            or token.head.tag_ != "NNS"
            or token.ent_type_ in ("MONEY", "PERCENT")
        ):
            continue
        if token.i and not (token.nbor(-1).whitespace_ and token.nbor(-1).lower_ not in ("top", "no.", "number")):
            continue
        value, spelled = _value(token)
        if value is None or not token.whitespace_:
            continue
        near = [other for other in range(max(2, value - 3), value + 4) if other != value]
        names = [_NUMERALS[other - 2] if spelled else str(other) for other in near if not spelled or other <= 12]
        after = cased(picked(setting.draw, names), token.text)
        relation: Relation = "differs" if "?" in token.sent.text else "contradicts"
        yield Change(token.idx, token.idx + len(token), after, relation, "NP")


def _choices(token: Token) -> list[tuple[str, Relation]]:
    word, following = token.lower_, token.nbor() if token.i + 1 < len(token.doc) else None
    if word in ("nothing", "everything") and token.dep_ not in ("nsubj", "nsubjpass", "dobj"):
        return []
    if word in _ALONE:
        return (
            _ALONE[word] if word not in ("never", "always", "often", "rarely", "usually") or _before_verb(token) else []
        )
    if following is None or token.dep_ not in ("det", "amod") or token.head.i < token.i:
        return []
    noun = token.head
    if noun.dep_ not in ("nsubj", "nsubjpass", "dobj", "pobj", "attr") or (word == "no" and noun.dep_ == "pobj"):
        return []
    if any(each.dep_ in ("det", "poss") and each != token for each in noun.lefts):
        return []
    plain = all(each.tag_ in ("JJ", "NN", "NNS") for each in token.doc[token.i + 1 : token.head.i + 1])
    table = {"NNS": _BEFORE_PLURAL, "NN": _BEFORE_SINGULAR}.get(token.head.tag_, {})
    return table.get(word, []) if plain else []


def _before_verb(token: Token) -> bool:
    """Whether an adverb of frequency stands right before its verb, where each of the others can stand too."""
    following = token.nbor() if token.i + 1 < len(token.doc) else None
    return (
        following is not None and following.tag_ in ("VBZ", "VBP", "VBD", "VBG", "VBN") and token.i > token.sent.start
    )


def _verb(token: Token) -> Token:
    noun = token if token.dep_ in ("nsubj", "nsubjpass") else token.head
    return noun.head


def _value(token: Token) -> tuple[int | None, bool]:
    """A count from 2 to 99 (to 12 in words), and whether it is written as a word."""
    if token.lower_ in _NUMERALS:
        return _NUMERALS.index(token.lower_) + 2, True
    plain = token.text.isascii() and token.text.isdigit() and not token.text.startswith("0")
    return (int(token.text) if plain and 2 <= int(token.text) <= 99 else None), False
