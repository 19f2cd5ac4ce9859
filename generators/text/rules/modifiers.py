"""Adjectives and adverbs put in or taken out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.text.rules.change import Change, Setting, picked, with_article, wordlike
from generators.text.rules.lexis import CONCRETE, is_compound, noun_sense
from generators.text.words import NEGATIONS, listed

if TYPE_CHECKING:
    from spacy.tokens import Token

    from generators.text.wordnet import WordNet

__all__ = ["delete_modifier", "insert_modifier"]

_FITTING = {
    "person": ["young", "tall", "quiet", "cheerful", "tired", "serious"],
    "animal": ["small", "large", "young", "old", "noisy"],
    "artefact": ["old", "new", "cheap", "expensive"],
    "food": ["fresh", "cheap", "expensive"],
    "plant": ["tall", "small", "green", "old"],
}
_BEFORE = {"a", "an", "the", "this", "that", "my", "your", "his", "her", "our", "their", "every", "these", "those"}
# Without these the noun phrase says something else, or nothing: a fake gun is no gun.
_NEEDED = listed(
    """fake false former future past possible potential alleged so-called mock artificial virtual apparent
    same other own such certain only first last next previous second third many much more most few fewer less several
    whole entire main current main sole enough various different particular specific able worth sure full total
    half double old-fashioned electric medical legal political social public private personal major minor right wrong
    long short high low general special real true common free open single human local national global"""
)
_DEGREES = {
    "very",
    "really",
    "extremely",
    "incredibly",
    "so",
    "too",
    "pretty",
    "quite",
    "totally",
    "absolutely",
    "super",
}
_ONLY_STRONGER = {"very", "extremely", "incredibly"}


def delete_modifier(setting: Setting) -> Iterator[Change]:
    """``an old dog`` becomes ``a dog``, ``very tired`` becomes ``tired``."""
    for token in setting.doc:
        if not wordlike(token) or token.i + 1 >= len(setting.doc) or token.whitespace_ != " ":
            continue
        following = token.nbor()
        if not following.is_alpha or following.is_space:
            continue
        if _is_spare_adjective(token, setting.wordnet) or _is_spare_degree(token):
            kind = "ADJP" if token.pos_ == "ADJ" else "ADVP"
            text = following.text
            if token.i == token.sent.start and token.is_title:
                text = text[:1].upper() + text[1:]
            stop = following.idx + len(following)
            yield with_article(
                token, text, stop, "entailed", kind=kind, certain=token.lower_ in _ONLY_STRONGER and _is_affirmed(token)
            )


def insert_modifier(setting: Setting) -> Iterator[Change]:
    """``a dog`` becomes ``a small dog``, ``is tired`` becomes ``is very tired``."""
    for token in setting.doc:
        if not wordlike(token) or not token.i or token.nbor(-1).whitespace_ != " ":
            continue
        word = _fitting_adjective(token, setting) or _fitting_degree(token, setting.wordnet)
        if word is not None:
            kind = "ADJP" if token.pos_ == "ADJ" else "NP"
            yield with_article(
                token,
                f"{word} {token.text}",
                token.idx + len(token),
                "stronger",
                kind=kind,
                certain=word == "very" and _is_affirmed(token),
            )


def _is_spare_adjective(token: Token, wordnet: WordNet) -> bool:
    return (
        token.tag_ == "JJ"
        and token.dep_ == "amod"
        and token.head.i == token.i + 1
        and token.head.tag_ in ("NN", "NNS")
        and token.lower_ not in _NEEDED
        and token.n_rights == 0
        and token.n_lefts == 0
        and bool(wordnet.senses(token.lower_, "a"))
        and not is_compound(token, wordnet)
        and (
            token.head.tag_ == "NNS"
            or any(child.dep_ in ("det", "poss") and child.i < token.i for child in token.head.lefts)
        )
    )


def _is_spare_degree(token: Token) -> bool:
    if token.lower_ not in _DEGREES or token.dep_ != "advmod" or token.head.i != token.i + 1 or token.n_lefts:
        return False
    # "so tired that", "too tired to": what follows needs the degree. "a very good" keeps its own article.
    return (
        token.head.tag_ in ("JJ", "RB")
        and token.head.n_rights == 0
        and token.head.lower_ not in ("much", "many", "few", "far")
    )


def _fitting_adjective(token: Token, setting: Setting) -> str | None:
    if (
        token.tag_ not in ("NN", "NNS")
        or token.nbor(-1).lower_ not in _BEFORE
        or token.n_lefts != 1
        or token.dep_ == "compound"
    ):
        return None
    offset = noun_sense(token, setting.wordnet)
    if (
        offset is None
        or is_compound(token, setting.wordnet)
        or (token.i + 1 < len(token.doc) and token.nbor().pos_ in ("NOUN", "PROPN"))
    ):
        return None
    return picked(setting.draw, _FITTING[CONCRETE[setting.wordnet.synset("n", offset).topic]])


def _fitting_degree(token: Token, wordnet: WordNet) -> str | None:
    """``very``, where a predicate can be more or less so: it has a direct antonym, and no degree yet."""
    gradable = token.tag_ == "JJ" and token.dep_ == "acomp" and not token.n_lefts and not token.n_rights
    if not gradable or token.nbor(-1).lemma_ not in ("be", "look", "feel", "seem", "become", "get"):
        return None
    return "very" if token.lower_ not in _ABSOLUTE and wordnet.antonyms(token.lower_, "a") else None


_ABSOLUTE = {
    "dead",
    "alive",
    "pregnant",
    "married",
    "single",
    "perfect",
    "true",
    "false",
    "able",
    "unable",
    "available",
}
_ABSOLUTE |= {
    "unavailable",
    "right",
    "wrong",
    "ready",
    "possible",
    "impossible",
    "real",
    "due",
    "gone",
    "live",
    "same",
    "correct",
    "incorrect",
    "complete",
}
_ABSOLUTE |= {"incomplete", "necessary", "unnecessary", "legal", "illegal"}


def _is_affirmed(token: Token) -> bool:
    """Whether the sentence has no negation, condition or question that would turn the relation round."""
    turned = NEGATIONS | {"if", "unless", "whether", "few", "every", "all", "than", "as", "without"}
    return "?" not in token.sent.text and not any(each.lower_ in turned for each in token.sent)
