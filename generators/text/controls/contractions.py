"""``do not`` and ``don't``, ``it is`` and ``it's``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.text.controls.change import Rewrite
from generators.text.inflection import cased

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

__all__ = ["contract", "expand"]

_NOT = ("n't", "n’t")  # noqa: RUF001  # the curly apostrophe is meant
_FULL = {"ca": "can", "wo": "will", "sha": "shall"}
_NEGATED = {
    "do", "does", "did", "is", "are", "was", "were", "has", "have", "had", "could", "would", "should", "can", "will",
}  # fmt: skip
_SHORT = {"can": "ca", "will": "wo"}
_ENDINGS = {"'re": "are", "'m": "am", "'ll": "will", "'ve": "have"}
_JOINED = {"am": "'m", "are": "'re", "will": "'ll", "have": "'ve", "is": "'s"}
_WHO = {
    "am": {"i"}, "are": {"you", "we", "they"}, "will": {"i", "you", "he", "she", "it", "we", "they"},
    "have": {"i", "you", "we", "they"}, "is": {"he", "she", "it", "that", "there"},
}  # fmt: skip
_SUBJECTS = ("nsubj", "nsubjpass", "expl")


def expand(doc: Doc) -> Iterator[Rewrite]:
    """``don't`` becomes ``do not``, ``it's`` ``it is``, ``I've`` ``I have``."""
    for token in doc:
        if not token.i or token.nbor(-1).whitespace_:
            continue
        before, word = token.nbor(-1), token.lower_.replace("’", "'")  # noqa: RUF001
        if token.lower_ in _NOT:
            if _is_turned(before, token):
                continue
            verb = cased(_FULL.get(before.lower_, before.lower_), before.text)
            if before.lower_ in (*_NEGATED, *_FULL) and not before.text.isupper():
                after = f"{verb}not" if verb.lower() == "can" else f"{verb} not"
                yield Rewrite(before.idx, token.idx + len(token), after, "expansion", certain=True, odd=0.5)
        elif before.dep_ in _SUBJECTS and before.tag_ in ("PRP", "EX") and not before.is_upper | (before.text == "I"):
            full = _ENDINGS.get(word) or ("is" if word == "'s" and _is_be(token) else None)
            if full is not None and _goes_on(token):
                yield Rewrite(before.idx, token.idx + len(token), f"{before.text} {full}", "expansion", True, 0.5)
        elif before.text == "I" and word in _ENDINGS and _goes_on(token):
            yield Rewrite(before.idx, token.idx + len(token), f"I {_ENDINGS[word]}", "expansion", certain=True, odd=0.5)


def contract(doc: Doc) -> Iterator[Rewrite]:
    """``do not`` becomes ``don't``, ``they are late`` ``they're late``."""
    for token in doc:
        if not token.i or not token.nbor(-1).text.isalpha():
            continue
        before = token.nbor(-1)
        joined = before.whitespace_ != " "
        if token.lower_ == "not" and before.lower_ in _NEGATED and before.dep_ in ("aux", "auxpass", "ROOT", "ccomp"):
            short = cased(_SHORT.get(before.lower_, before.lower_), before.text)
            fits = before.lower_ == "can" if joined else not before.is_upper
            if fits and not token.is_upper and not _is_turned(before, token):
                yield Rewrite(before.idx, token.idx + len(token), f"{short}n't", "contraction", certain=True, odd=0.5)
        elif not joined and before.dep_ in _SUBJECTS and before.lower_ in _WHO.get(token.lower_, ()):
            plain = token.is_lower and (before.text == "I" or not before.is_upper)
            if plain and token.whitespace_ == " " and _is_weak(token) and _goes_on(token):
                after = before.text + _JOINED[token.lower_]
                yield Rewrite(before.idx, token.idx + len(token), after, "contraction", certain=True, odd=0.5)


def _is_turned(verb: Token, negation: Token) -> bool:
    """Whether the subject follows: ``don't you`` is not ``do not you``. A tag without a verb neither."""
    following = negation.nbor() if negation.i + 1 < len(negation.doc) else None
    if following is None or not following.is_alpha:
        return True
    head = verb.head if verb.dep_ in ("aux", "auxpass") else verb
    return any(child.dep_ in _SUBJECTS and child.i > negation.i for child in head.children) or "?" in verb.sent.text


def _is_be(token: Token) -> bool:
    """Whether ``'s`` is *is*: neither the possessive nor *has* nor ``let's``."""
    head = token.head if token.dep_ in ("aux", "auxpass") else token
    has = token.dep_ in ("aux", "auxpass") and head.tag_ in ("VBN", "VBD")
    return token.tag_ == "VBZ" and not has and head.lower_ not in ("got", "been")


def _is_weak(token: Token) -> bool:
    """Whether a verb leans on what follows it: an auxiliary, or *be* with its complement to come."""
    if token.dep_ in ("aux", "auxpass"):
        return token.head.i > token.i
    return token.lemma_ == "be" and any(child.i > token.i and child.dep_ in ("attr", "acomp") for child in token.rights)


def _goes_on(token: Token) -> bool:
    """Whether a word of the same sentence follows: ``what it is.`` cannot be contracted."""
    following = token.nbor() if token.i + 1 < len(token.doc) else None
    return following is not None and following.is_alpha and "?" not in token.sent.text
