"""Clauses and adverbials: ``that`` put in or left out, a comma more or less, and what may stand first or last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.text.controls.change import Rewrite
from generators.text.words import listed

if TYPE_CHECKING:
    from spacy.tokens import Doc, Span, Token

__all__ = ["comma", "fronted", "that"]

_SAYING = listed("think know hope believe say feel guess bet wish swear realize realise suppose admit notice mean hear")
_SURE = listed("glad happy sure sorry afraid sad aware surprised disappointed certain confident grateful thankful")
_TIMES = listed("today yesterday tomorrow tonight recently lately nowadays")
_LINKS = ("and", "but", "so", "or", "yet")
_SUBJECTS = ("nsubj", "nsubjpass", "expl")
_BEFORE_VERB = listed("i you he she it we they this these those there my your his her our their the a an")


def that(doc: Doc) -> Iterator[Rewrite]:
    """``I think it works`` becomes ``I think that it works``, and the other way round."""
    for clause in doc:
        verb = clause.head
        says = verb.lemma_.lower() in _SAYING or (verb.tag_ == "JJ" and verb.lower_ in _SURE)
        if clause.dep_ != "ccomp" or not says or verb.i > clause.i or "?" in clause.sent.text:
            continue
        subject = next((child for child in clause.lefts if child.dep_ in _SUBJECTS), None)
        first = clause.left_edge
        if subject is None or not verb.is_alpha or verb.i + 1 != first.i or verb.whitespace_ != " ":
            continue
        if first.lower_ == "that" and first.dep_ == "mark" and first.whitespace_ == " ":
            if doc[first.i + 1].lower_ in _BEFORE_VERB and doc[first.i + 1] == subject.left_edge:
                yield Rewrite(first.idx, first.idx + len("that "), "", "that", certain=True, odd=0.3)
        elif first == subject.left_edge and first.lower_ in _BEFORE_VERB - {"this", "these", "those"}:
            yield Rewrite(first.idx, first.idx, "that ", "that", certain=True, odd=0.3)


def comma(doc: Doc) -> Iterator[Rewrite]:
    """A comma before ``and`` or ``but`` between two clauses, or after an adverbial that stands first: one more or less.

    Both ways of writing are in use, and neither means another thing.
    """
    for token in doc:
        if token.lower_ in _LINKS and token.dep_ == "cc" and token.i and _joins_clauses(token):
            before = token.nbor(-1)
            if before.text == "," and before.i and before.whitespace_ == " ":
                yield Rewrite(before.idx, before.idx + 1, "", "comma", certain=True, odd=1.0)
            elif before.is_alpha and before.whitespace_ == " ":
                end = before.idx + len(before)
                yield Rewrite(end, end, ",", "comma", certain=True, odd=1.0)
    for sentence in doc.sents:
        yield from _after_first(sentence)


def fronted(doc: Doc) -> Iterator[Rewrite]:
    """``I saw him yesterday.`` becomes ``Yesterday, I saw him.``: an adverb of time from the end to the start."""
    for sentence in doc.sents:
        root, subject = sentence.root, next((each for each in sentence.root.lefts if each.dep_ in _SUBJECTS), None)
        words = [token for token in sentence if not token.is_punct and not token.is_space]
        if subject is None or subject.left_edge.i != sentence.start or len(words) < 4 or "?" in sentence.text:
            continue
        last = words[-1]
        if last.lower_ not in _TIMES or last.head != root or last.i < 2 or not _is_plain(sentence):
            continue
        before, first = last.nbor(-1), sentence[0]
        # One finite verb: of two it is not clear which one the adverb belongs to.
        if not before.is_alpha or before.whitespace_ != " " or sum(each.tag_ in _FINITE for each in sentence) != 1:
            continue
        keeps = first.text == "I" or first.pos_ == "PROPN" or (first.is_upper and len(first) > 1)
        head = first.text if keeps else first.text[:1].lower() + first.text[1:]
        stop = before.idx + len(before)
        middle = doc.text[first.idx + len(first) : stop]
        adverb = last.text[:1].upper() + last.text[1:]
        yield Rewrite(first.idx, last.idx + len(last), f"{adverb}, {head}{middle}", "fronting", certain=True, odd=0.8)


_FINITE = ("VBZ", "VBP", "VBD", "MD")


def _joins_clauses(link: Token) -> bool:
    first = link.head
    second = next((child for child in first.rights if child.dep_ == "conj" and child.i > link.i), None)
    if second is None or not all(each.pos_ in ("VERB", "AUX") for each in (first, second)):
        return False
    follows = link.nbor() if link.i + 1 < len(link.doc) else None
    own = next((child for child in second.lefts if child.dep_ in _SUBJECTS), None)
    return own is not None and own.left_edge == follows and any(child.dep_ in _SUBJECTS for child in first.lefts)


def _after_first(sentence: Span) -> Iterator[Rewrite]:
    root = sentence.root
    subject = next((each for each in root.lefts if each.dep_ in _SUBJECTS), None)
    opening = next((each for each in root.lefts if each.left_edge.i == sentence.start), None)
    if subject is None or opening is None or not _is_adverbial(opening):
        return
    end = opening.right_edge
    if end.i + 1 >= len(end.doc) or not _is_plain(sentence) or any(each.i < subject.i for each in _helpers(root)):
        return
    following = end.nbor()
    if following.text == "," and following.i + 1 == subject.left_edge.i and opening.dep_ in ("prep", "npadvmod"):
        yield Rewrite(following.idx, following.idx + 1, "", "comma", certain=True, odd=1.0)
    elif following == subject.left_edge and end.is_alpha and end.whitespace_ == " ":
        yield Rewrite(end.idx + len(end), end.idx + len(end), ",", "comma", certain=True, odd=0.7)


def _is_adverbial(token: Token) -> bool:
    """Whether a comma may part a phrase from the subject that follows: when, where, or what one thinks of it."""
    if token.dep_ == "advmod":
        return token.lower_ in _FIRST and not list(token.children)
    if token.dep_ == "advcl":
        return token.left_edge.lower_ in _MARKS and token.left_edge.dep_ in ("mark", "advmod")
    if token.dep_ == "prep":
        return token.left_edge == token and any(child.dep_ == "pobj" for child in token.children)
    return token.dep_ == "npadvmod" and token.right_edge.lower_ in _WHEN


def _helpers(root: Token) -> list[Token]:
    return [child for child in root.lefts if child.dep_ in ("aux", "auxpass")]


_FIRST = listed(
    """unfortunately fortunately sadly luckily hopefully yesterday today tomorrow tonight sometimes finally eventually
    recently lately usually apparently suddenly obviously clearly currently originally seriously honestly"""
)
_MARKS = ("because", "although", "though", "if", "when", "while", "after", "before", "since")
_WHEN = listed("today yesterday tomorrow tonight week month year morning evening night time monday tuesday wednesday"
               " thursday friday saturday sunday")  # fmt: skip


def _is_plain(sentence: Span) -> bool:
    return not any(mark in sentence.text for mark in ('"', "“", "(", ":", ";", "…", "..", "?"))
