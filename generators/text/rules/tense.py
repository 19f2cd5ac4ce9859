"""Past for present and present for past, on the finite verb of a plain statement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.text.inflection import cased, inflected
from generators.text.rules.change import Change, Setting
from generators.text.rules.negation import finite_verb
from generators.text.words import listed

if TYPE_CHECKING:
    from spacy.tokens import Span, Token

__all__ = ["tense"]

_TIMES = listed(
    """now today tonight yesterday tomorrow ago currently already yet still since when while after before once last
    next recently soon then until later earlier anymore just always never ever currently this"""
)


def tense(setting: Setting) -> Iterator[Change]:
    """``is sleeping`` becomes ``was sleeping``, ``walked`` becomes ``walks``.

    Left alone: sentences that say when, sentences with a second finite verb (whose tense would have to follow), modal
    verbs and contractions.
    """
    for sentence in setting.doc.sents:
        found = finite_verb(sentence)
        if found is None or _is_timed(sentence) or sum(_is_finite(token) for token in sentence) != 1:
            continue
        verb, subject = found
        form = _other_tense(verb, subject)
        if form is not None and _stands_alone(verb):
            yield Change(verb.idx, verb.idx + len(verb), cased(form, verb.text), "differs", "VP")


def _stands_alone(verb: Token) -> bool:
    """Whether nothing is written onto the verb: no ``don't``, no ``it's``."""
    joined = not verb.whitespace_ and verb.i + 1 < len(verb.doc) and verb.nbor().lower_ in ("n't", "n’t")  # noqa: RUF001
    return verb.is_alpha and verb.i > 0 and bool(verb.nbor(-1).whitespace_) and not joined


def _is_timed(sentence: Span) -> bool:
    return any(token.ent_type_ in ("DATE", "TIME") or token.lower_ in _TIMES for token in sentence)


def _is_finite(token: Token) -> bool:
    return token.tag_ in ("MD", "VBZ", "VBP", "VBD")


def _other_tense(verb: Token, subject: Token) -> str | None:
    third = _is_third_singular(subject)
    if verb.lemma_ == "be":
        return {"is": "was", "am": "was", "are": "were", "were": "are"}.get(verb.lower_) or (
            ("am" if subject.lower_ == "i" else "is") if verb.lower_ == "was" else None
        )
    if verb.tag_ in ("VBZ", "VBP"):
        past = inflected(verb.lemma_.lower(), "VBD")
        return None if past == verb.lower_ else past
    if verb.tag_ != "VBD" or third is None:
        return None
    present = inflected(verb.lemma_.lower(), "VBZ" if third else "VBP")
    return None if present == verb.lower_ else present


def _is_third_singular(subject: Token) -> bool | None:
    """Whether the subject takes ``-s``; None where that is not plain."""
    if any(child.dep_ == "conj" for child in subject.children):
        return False
    if subject.tag_ == "PRP":
        return subject.lower_ in ("he", "she", "it") if subject.lower_ != "them" else None
    return {"NN": True, "NNP": True, "NNS": False, "NNPS": False}.get(subject.tag_)
