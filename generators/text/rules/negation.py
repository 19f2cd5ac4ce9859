"""Negation and its removal, with do-support and agreement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.text.inflection import cased, inflected
from generators.text.rules.change import Change, Setting
from generators.text.words import NEGATIONS

if TYPE_CHECKING:
    from spacy.tokens import Span, Token

__all__ = ["add_negation", "drop_negation", "finite_verb"]

_SUBJECTS = ("nsubj", "nsubjpass", "expl", "csubj")
_FINITE = ("MD", "VBZ", "VBP", "VBD")
_NEGATIVE = NEGATIONS | {"few", "little", "rarely", "seldom", "only", "nor", "unless", "without"}
# Words that a negation would have to change (some -> any) or that then read oddly.
_POSITIVE = {"some", "someone", "somebody", "something", "somewhere", "already", "also", "too", "still", "somewhat"}
_POSITIVE |= {"pretty", "rather", "almost", "just", "both", "certainly", "definitely", "probably", "always", "finally"}
_BOUND = {"any", "anyone", "anybody", "anything", "anywhere", "ever", "yet", "either", "until", "till", "anymore"}
_BOUND |= {"even", "only", "but", "much", "all", "nor", "because", "longer", "mind", "help", "necessarily", "at"}
_ODD = {"gotta", "got", "gon", "wan", "ta", "better", "rather", "let", "'ll", "'d", "ll", "d", "ought", "need", "dare"}
_IDIOMS = {"wait", "stand", "believe", "help", "imagine", "beat", "bother", "care", "matter", "wonder", "fail"}
_FULL = {"ca": "can", "wo": "will", "sha": "shall"}
_VAGUE = {"may", "might", "could", "should", "would", "must", "will", "shall"}
_DEFINITE = {"the", "this", "that", "these", "those", "my", "your", "his", "her", "its", "our", "their"}


def finite_verb(sentence: Span) -> tuple[Token, Token] | None:
    """The finite verb of a plain statement and its subject: an auxiliary, a form of *be*, or the main verb itself."""
    root = sentence.root
    subject = next((child for child in root.lefts if child.dep_ in _SUBJECTS), None)
    if root.pos_ not in ("VERB", "AUX") or subject is None or "?" in sentence.text:
        return None
    helpers = [child for child in root.lefts if child.dep_ in ("aux", "auxpass")]
    if subject.dep_ == "expl" and root.lemma_ != "be":  # "There goes the car."
        return None
    verb = helpers[0] if helpers else root
    return (verb, subject) if verb.tag_ in _FINITE and verb.i > subject.i else None


def add_negation(setting: Setting) -> Iterator[Change]:
    """``is sleeping`` becomes ``is not sleeping``, ``sleeps`` becomes ``does not sleep``."""
    for sentence in setting.doc.sents:
        found = finite_verb(sentence)
        if found is None or _lowered(sentence) & (_NEGATIVE | _POSITIVE):
            continue
        verb, subject = found
        if verb.lower_ in _ODD or (verb.i + 1 < sentence.end and verb.nbor().lower_ in (*_ODD, "to")):
            continue
        after = _negated(verb, sentence.root)
        if after is not None:
            certain = _is_definite(subject) and verb.lower_ not in _VAGUE and not _has_clause(sentence.root)
            yield Change(verb.idx, verb.idx + len(verb), after, "contradicts", "VP", certain)


def _negated(verb: Token, root: Token) -> str | None:
    if verb != root or verb.lemma_ == "be":
        if verb.lower_ in ("ai", "s", "re", "m", "ve") or verb.lemma_ not in _helpers():
            return None
        return verb.text + ("NOT" if verb.text.isupper() else "not") if verb.lower_ == "can" else f"{verb.text} not"
    # One do cannot serve two finite verbs: "he ate and drank".
    if any(child.dep_ == "conj" for child in verb.children) or not verb.is_alpha or verb.lemma_ in ("be", "do"):
        return None
    helper = {"VBZ": "does", "VBP": "do", "VBD": "did"}.get(verb.tag_)
    return None if helper is None else cased(f"{helper} not {verb.lemma_.lower()}", verb.text)


def _helpers() -> frozenset[str]:
    return frozenset({"be", "have", "do", "can", "could", "will", "would", "should", "may", "might", "must", "shall"})


def drop_negation(setting: Setting) -> Iterator[Change]:
    """``is not sleeping`` becomes ``is sleeping``, ``didn't sleep`` becomes ``slept``, ``never sleeps`` ``sleeps``."""
    for sentence in setting.doc.sents:
        negations = [token for token in sentence if token.lower_ in NEGATIONS]
        if len(negations) != 1 or "?" in sentence.text or _lowered(sentence) & _BOUND:
            continue
        word = negations[0]
        verb = word.head
        if word.dep_ != "neg" or verb.pos_ not in ("VERB", "AUX") or word.i == sentence.start or _is_idiom(word, verb):
            continue
        change = _without(word, verb)
        if change is not None:
            subject = next((child for child in verb.lefts if child.dep_ in _SUBJECTS), None)
            certain = subject is not None and _is_definite(subject) and verb == sentence.root and not _has_clause(verb)
            helper = word.nbor(-1).lower_
            yield Change(*change, "contradicts", "VP", certain and helper not in _VAGUE and word.lower_ != "never")


def _is_idiom(word: Token, verb: Token) -> bool:
    """``can't wait``, ``can't come soon enough``, ``may or may not``: without their negation they mean nothing."""
    can = word.nbor(-1).lower_ in ("ca", "can", "could")
    enough = any(token.lower_ == "enough" for token in word.sent)
    start = word.i - 2 if word.lower_ != "never" else word.i - 1
    asked = verb.lemma_ == "know" and any(child.dep_ == "ccomp" for child in verb.children)
    return (
        verb.lemma_ in _IDIOMS
        or asked
        or (can and enough)
        or (start >= 0 and word.doc[start].lower_ in ("or", "if", "why"))
    )


def _without(word: Token, verb: Token) -> tuple[int, int, str] | None:
    """Start, stop and text of what stands there without the negation."""
    helper = word.nbor(-1)
    if word.lower_ == "never":
        return (word.idx, word.nbor().idx, "") if word.i + 1 <= verb.i and word.whitespace_ else None
    if helper.dep_ not in ("aux", "auxpass") and helper != verb:
        return None
    if helper.lemma_ == "do" and helper != verb and verb.tag_ == "VB":
        return _without_do(helper, word, verb)
    if helper.lower_ in ("ai", "'d") or (word.lower_ == "n't" and helper.whitespace_):
        return None
    full = _FULL.get(helper.lower_) if word.lower_ in ("n't", "n’t") else None  # noqa: RUF001
    return helper.idx, word.idx + len(word), cased(full, helper.text) if full else helper.text


def _without_do(helper: Token, word: Token, verb: Token) -> tuple[int, int, str] | None:
    subject = any(child.dep_ in _SUBJECTS for child in verb.lefts)
    if not word.whitespace_ or (
        helper.i and any(child.dep_ in _SUBJECTS and child.i > helper.i for child in verb.lefts)
    ):
        return None
    tag = {"does": "VBZ", "did": "VBD"}.get(helper.lower_, "VB")
    form = ("were" if tag == "VBD" else None) if verb.lemma_ == "be" else inflected(verb.lemma_.lower(), tag)
    if form is None or not (subject or tag == "VB") or not verb.text.islower():
        return None
    between = verb.doc.text[word.nbor().idx : verb.idx]
    whole = between + form
    return helper.idx, verb.idx + len(verb), cased(whole, helper.text) if helper.is_title else whole


def _lowered(sentence: Span) -> set[str]:
    return {token.lower_.replace("’", "'") for token in sentence}  # noqa: RUF001


def _is_definite(subject: Token) -> bool:
    """Whether the sentence is about one known thing, so that it and its negation cannot both be true."""
    if any(child.dep_ in ("cc", "conj", "predet", "relcl") for child in subject.children):
        return False
    first = subject.left_edge.lower_
    if subject.pos_ == "PRON":
        return first in {"i", "you", "he", "she", "it", "we", "they", "this", "that"}
    return subject.pos_ == "PROPN" or first in _DEFINITE


def _has_clause(root: Token) -> bool:
    """Whether something hangs on the verb that a negation could be about instead: a clause, a quantifier, a list."""
    loose = ("advcl", "conj", "parataxis", "ccomp", "npadvmod")
    heavy = {"all", "every", "each", "many", "most", "often", "usually", "sometimes", "a", "an", "several"}
    return any(child.dep_ in loose for child in root.children) or any(
        token.lower_ in heavy for token in root.subtree if token.dep_ in ("det", "predet", "advmod", "amod")
    )
