"""One word for another that says the same: by tables of our own, then by WordNet for nouns of one sense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.text.controls.change import Rewrite
from generators.text.controls.tables import SAME, SYNONYMS
from generators.text.inflection import inflected
from generators.text.rules.change import replaced, wordlike
from generators.text.rules.lexis import is_compound
from generators.text.words import listed

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

    from generators.text.wordnet import WordNet

__all__ = ["spelling", "synonym", "wordnet_synonym"]

_PARTS = {"NN": "n", "NNS": "n", "JJ": "a", "RB": "r", "IN": "r", "UH": "r"} | dict.fromkeys(
    ("VB", "VBZ", "VBP", "VBD", "VBG", "VBN"), "v"
)
_PEOPLE = (5, 14, 15, 18)  # lexicographer's files of animals, groups, places and persons: who is spoken of stays
_LEAST = 5
_DEGREED = listed("so too very as how quite such more most less least pretty that")
_DEGREES = listed("totally completely entirely very extremely really truly absolutely quite")
_NOT_LARGE = listed("thanks thank deal fan news time day game brother sister man boy girl mistake")
_CLAUSE_VERBS = {
    "think": ("ccomp",), "guess": ("ccomp",), "seem": ("acomp", "xcomp", "oprd"), "begin": ("dobj", "xcomp"),
    "start": ("xcomp",), "happen": ("nsubj",), "speak": ("prep",), "talk": ("prep",), "attempt": ("xcomp",),
}  # fmt: skip


def spelling(doc: Doc) -> Iterator[Rewrite]:
    """``color`` becomes ``colour``, ``everyone`` ``everybody``, ``until`` ``till``."""
    for token in doc:
        part = _PARTS.get(token.tag_)
        inflects = part in ("n", "v")
        word = SAME.get((token.lower_, "r"))
        other = word or SAME.get((token.lemma_.lower() if inflects else token.lower_, "v" if part == "v" else "a"))
        if part is None or other is None or not wordlike(token) or not _fits_in(token, other):
            continue
        form = inflected(other, token.tag_) if inflects and word is None else other
        yield _put(token, form or other, "spelling", certain=True, odd=0.4)


def synonym(doc: Doc, wordnet: WordNet) -> Iterator[Rewrite]:
    """``purchase`` for ``buy``, ``frequently`` for ``often``."""
    for token in doc:
        part = _PARTS.get(token.tag_)
        if part is None or not wordlike(token) or is_compound(token, wordnet) or not _is_free(token, part):
            continue
        lemma = token.lemma_.lower() if part in ("n", "v") else token.lower_
        other = SYNONYMS.get((lemma, part))
        form = None if other is None else inflected(other, token.tag_)
        if form is not None:
            yield _put(token, form, "synonym", certain=False, odd=0.5)


def wordnet_synonym(doc: Doc, wordnet: WordNet) -> Iterator[Rewrite]:
    """A noun of one sense for another of one sense. Adjectives and adverbs that share a sense still differ in tone."""
    for token in doc:
        if token.tag_ not in ("NN", "NNS") or not wordlike(token) or is_compound(token, wordnet):
            continue
        lemma = token.lemma_.lower()
        if len(lemma) >= _LEAST and token.is_lower and _is_free(token, "n") and _is_alone(wordnet, lemma):
            forms = (inflected(other, token.tag_) for other in _alike(wordnet, lemma))
            form = next((form for form in forms if form is not None), None)
            if form is not None:
                yield _put(token, form, "synonym", certain=False, odd=0.9)


def _alike(wordnet: WordNet, lemma: str) -> Iterator[str]:
    """Nouns of the same only sense, in use themselves."""
    sense = wordnet.synset("n", wordnet.senses(lemma, "n")[0])
    if not sense.proper and sense.topic not in _PEOPLE:
        for word in sense.words:
            fit = word != lemma and word.isalpha() and len(word) >= _LEAST and wordnet.count(word, "n") > 0
            if fit and _is_alone(wordnet, word):
                yield word


def _is_alone(wordnet: WordNet, word: str) -> bool:
    """Whether a word has one sense, as a noun, and none as anything else."""
    return [len(wordnet.senses(word, part)) for part in "nvar"] == [1, 0, 0, 0]


def _put(token: Token, word: str, operation: str, *, certain: bool, odd: float) -> Rewrite:
    change = replaced(token, word, "same")
    return Rewrite(change.start, change.stop, change.after, operation, certain, odd)


def _is_free(token: Token, part: str) -> bool:
    """Whether nothing around a word asks for that very word."""
    if part == "v":
        bound = any(child.dep_ in ("prt", "neg") for child in token.children)
        adjectival = token.dep_ in ("amod", "acomp", "compound", "aux", "auxpass")
        needed = _CLAUSE_VERBS.get(token.lemma_.lower(), ("dobj",))
        return not bound and not adjectival and any(child.dep_ in needed for child in token.children)
    if part == "a":
        if token.lower_ == "big" and token.head.lemma_.lower() in _NOT_LARGE:
            return False
        first = next(iter(token.lefts), None)
        return token.dep_ in ("amod", "acomp") and (first is None or first.lower_ not in _DEGREED - {"so", "very"})
    if part == "r":
        if token.lower_ == "because":
            return token.dep_ == "mark" and token.i > token.sent.start and token.nbor().is_alpha
        if token.tag_ == "UH":
            return token.i == token.sent.start and token.n_lefts == 0
        degree = token.lower_ not in _DEGREES or token.head.tag_ in ("JJ", "RB")
        return token.dep_ == "advmod" and not token.n_lefts and token.n_rights == 0 and degree
    return token.dep_ in ("nsubj", "nsubjpass", "dobj", "pobj", "attr") and token.pos_ == "NOUN"


def _fits_in(token: Token, other: str) -> bool:
    """Whether a function word may be exchanged here, and not only elsewhere."""
    word = token.lower_
    if word in ("although", "though", "while", "whilst", "until", "till"):
        following = token.nbor() if token.i + 1 < len(token.doc) else None
        return token.dep_ == "mark" and following is not None and following.is_alpha and word != "while"
    if word == "upon" or other == "upon" or (word == "on"):
        return False
    if word in ("maybe", "perhaps"):
        return token.dep_ == "advmod" and token.i == token.sent.start
    if word in ("almost", "nearly"):
        return token.dep_ == "advmod" and token.i + 1 < len(token.doc) and token.nbor().tag_ in ("CD", "JJ", "DT")
    if word in ("ok", "okay"):
        return token.is_lower or token.is_title
    return word not in ("besides", "moreover", "tire", "mold", "ok")
