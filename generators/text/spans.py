"""Phrases of a text that may be replaced as a whole, read off its dependency parse.

====== ==========================================================================================
NP     a base noun phrase: ``the old dogs``
VP     a verb with its auxiliaries and everything to its right, without its subject: ``is sleeping on a couch``
PP     a preposition with its object: ``on a couch``
ADJP   an adjective with what modifies it: ``very tired``
ADVP   an adverb with what modifies it: ``almost never``
CLAUSE a subordinate or coordinate clause with its marker: ``because he was very tired``
====== ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from generators.text.edits import Span
from generators.text.parsing import LONGEST, PARSER, parse

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

__all__ = ["KINDS", "spans_of"]

KINDS = ("NP", "VP", "PP", "ADJP", "ADVP", "CLAUSE")
"""Kinds of phrases; where two kinds cover the same characters, the first of this list names them."""

_CLAUSES = ("advcl", "ccomp", "relcl", "acl", "csubj", "csubjpass", "parataxis")
_BEFORE_VERB = ("aux", "auxpass", "neg")
_SPANS = "contrafact.spans"


def spans_of(texts: Sequence[str], parser: str = PARSER) -> list[list[Span]]:
    """Replaceable phrases of each text, in order of place, no two over the same characters.

    The whole of a text is no phrase of it. An empty text, or one of more than
    :data:`~generators.text.parsing.LONGEST` characters, has none.

    Raises
    ------
    MissingDependencyError
        Where the parser is not installed.
    """
    short = [text if 0 < len(text) <= LONGEST else "" for text in texts]
    fresh = [text for text in dict.fromkeys(short) if text]
    docs = dict(zip(fresh, parse(fresh, parser), strict=True))
    return [list(_phrases(docs[text])) if text else [] for text in short]


def _phrases(doc: Doc) -> list[Span]:
    """Spans of one parse; they are kept with it, and parses are kept by text."""
    if _SPANS not in doc.user_data:
        doc.user_data[_SPANS] = tuple(_spans(doc))
    return list(doc.user_data[_SPANS])


def _spans(doc: Doc) -> Iterator[Span]:
    whole = _trimmed(doc, 0, len(doc))
    best: dict[tuple[int, int], str] = {}
    for kind, first, last in _found(doc):
        place = _trimmed(doc, first, last)
        if place is None or place == whole:
            continue
        if place not in best or KINDS.index(kind) < KINDS.index(best[place]):
            best[place] = kind
    return (Span(start, stop, kind) for (start, stop), kind in sorted(best.items()))


def _found(doc: Doc) -> Iterator[tuple[str, int, int]]:
    """Kind, first token and the token after the last, of every phrase."""
    for chunk in doc.noun_chunks:
        yield "NP", chunk.start, chunk.end
    for token in doc:
        if token.pos_ in ("VERB", "AUX") and token.dep_ not in (*_BEFORE_VERB, "amod", "compound"):
            yield from _of_verb(token)
        elif token.dep_ in ("prep", "agent") and token.n_rights:
            yield from _whole("PP", token)
        elif token.pos_ == "ADJ" and token.dep_ in ("acomp", "amod", "attr", "oprd", "conj"):
            yield from _whole("ADJP", token)
        elif token.pos_ == "ADV" and token.dep_ in ("advmod", "npadvmod"):
            yield from _whole("ADVP", token)


def _of_verb(verb: Token) -> Iterator[tuple[str, int, int]]:
    if verb.dep_ in _CLAUSES or (verb.dep_ == "conj" and any(child.dep_ == "nsubj" for child in verb.lefts)):
        yield from _whole("CLAUSE", verb)
    left = [child.i for child in verb.lefts if child.dep_ in _BEFORE_VERB]
    subjects = [child.right_edge.i for child in verb.lefts if child.dep_ in ("nsubj", "nsubjpass", "csubj", "expl")]
    # In a question an auxiliary stands before the subject; the phrase then begins after it.
    after = max(subjects, default=-1)
    first = min((place for place in left if place > after), default=verb.i)
    yield "VP", first, _last_right(verb) + 1


def _last_right(verb: Token) -> int:
    """Last token of the verb's right side, up to what another clause is coordinated with."""
    last = verb.i
    for child in verb.rights:
        if child.dep_ in ("cc", "conj", "punct", "parataxis"):
            break
        last = child.right_edge.i
    return last


def _whole(kind: str, head: Token) -> Iterator[tuple[str, int, int]]:
    """The head's subtree, where it is in one piece."""
    first, last = head.left_edge.i, head.right_edge.i
    if sum(1 for _ in head.subtree) == last + 1 - first:
        yield kind, first, last + 1


def _trimmed(doc: Doc, first: int, last: int) -> tuple[int, int] | None:
    """Characters of the tokens without the punctuation and blanks at both ends; None where nothing is left."""
    while first < last and (doc[first].is_punct or doc[first].is_space):
        first += 1
    while last > first and (doc[last - 1].is_punct or doc[last - 1].is_space):
        last -= 1
    if first == last:
        return None
    end = doc[last - 1]
    return doc[first].idx, end.idx + len(end)
