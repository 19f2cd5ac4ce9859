"""Parts that change places: who does it to whom, the members of a list, a clause and what it hangs on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.text.rules.change import Change, Relation, Setting
from generators.text.rules.lexis import CONCRETE, noun_sense
from generators.text.words import NEGATIONS

if TYPE_CHECKING:
    from spacy.tokens import Span, Token

    from generators.text.wordnet import WordNet

__all__ = ["conjuncts", "restructure", "role"]

_MARKS = ("because", "although", "though", "if", "unless", "when", "while", "after", "before")
_ASKING = {"wonder", "ask", "know", "see", "care", "doubt", "tell", "decide", "matter", "say", "guess", "check", "be"}
_OBJECTS = {"me": "I", "him": "he", "her": "she", "us": "we", "them": "they", "you": "you"}
_SUBJECTS = {subject: other for other, subject in _OBJECTS.items()} | {"i": "me"}


def role(setting: Setting) -> Iterator[Change]:
    """``The boy saw the girl`` becomes ``The girl saw the boy``: subject and object, where both are someone."""
    for sentence in setting.doc.sents:
        verb = sentence.root
        subject = next((child for child in verb.lefts if child.dep_ == "nsubj"), None)
        thing = next((child for child in verb.rights if child.dep_ == "dobj"), None)
        if subject is None or thing is None or "?" in sentence.text or verb.tag_ not in ("VBD", "VBN", "VBG", "VB"):
            continue
        if not all(_is_someone(each, setting.wordnet) and _is_whole(each) for each in (subject, thing)):
            continue
        if {subject.pos_, thing.pos_} == {"PRON", "PROPN"}:  # mostly a product taken for a person: "I took Claritin"
            continue
        finite = next((child for child in verb.lefts if child.dep_ == "aux"), verb)
        if finite.tag_ not in ("VBD", "MD") or finite.lower_ in ("was", "were") or subject.left_edge.i > finite.i:
            continue
        yield _exchanged(subject, thing, "differs", "CLAUSE")


def conjuncts(setting: Setting) -> Iterator[Change]:
    """``dogs and cats`` becomes ``cats and dogs``, where nothing before or after belongs to one of them alone."""
    for second in setting.doc:
        first = second.head
        if second.dep_ != "conj" or first.dep_ == "conj" or first.i > second.i or first.tag_ != second.tag_:
            continue
        links = [child for child in first.rights if child.dep_ in ("cc", "conj", "punct")]
        if [child.dep_ for child in links] != ["cc", "conj"] or links[0].lower_ not in ("and", "or"):
            continue
        if first.lower_ == second.lower_ or not (_is_plain(first) and _is_plain(second)):
            continue
        yield _exchanged(first, second, "same", "NP", certain=True)


def restructure(setting: Setting) -> Iterator[Change]:
    """``He left because it rained.`` becomes ``Because it rained, he left.``."""
    for sentence in setting.doc.sents:
        clauses = [child for child in sentence.root.rights if child.dep_ == "advcl"]
        if (
            len(clauses) != 1
            or sentence.root.lemma_ in _ASKING
            or "?" in sentence.text
            or any(child.dep_ == "conj" for child in sentence.root.children)
        ):
            continue
        if any(token.lower_ in NEGATIONS for token in sentence):  # what is not because of what may be turned round
            continue
        moved = setting.doc[clauses[0].left_edge.i : clauses[0].right_edge.i + 1]
        rest = [token for token in setting.doc[moved.end : sentence.end] if not token.is_punct and not token.is_space]
        if moved[0].lower_ not in _MARKS or rest or not _begins_with_subject(sentence, clauses[0]):
            continue
        main = setting.doc[sentence.start : moved.start].text.rstrip(" ,")
        clause = moved.text.rstrip(" .!")
        if any(mark in main + clause for mark in ('"', "“", "(", ":", ";", "…", "..", "!", "#", "@", ",")):
            continue
        capital = sentence[0].text[:1].isupper()
        main = main if _keeps_case(sentence[0]) else main[:1].lower() + main[1:]
        after = f"{clause[:1].upper() if capital else clause[:1]}{clause[1:]}, {main}"
        start = setting.doc[sentence.start].idx
        yield Change(start, moved.start_char + len(clause), after, "same", "CLAUSE", certain=True)


def _exchanged(first: Token, second: Token, relation: Relation, kind: str, *, certain: bool = False) -> Change:
    """Two phrases of one text in each other's place, as one change from the start of one to the end of the other."""
    text = first.doc.text
    spans = [_phrase(each) for each in (first, second)]
    (start, end), (low, high) = spans
    one, other = _at(first, second, text[start:end]), _at(second, first, text[low:high])
    if first.left_edge.i == first.sent.start:
        other = other[:1].upper() + other[1:] if text[start].isupper() else other
        one = one if _keeps_case(first.left_edge) else one[:1].lower() + one[1:]
    return Change(start, high, other + text[end:low] + one, relation, kind, certain)


def _at(moved: Token, place: Token, text: str) -> str:
    """A phrase's text in another place: pronouns change their case."""
    table = _SUBJECTS if place.dep_ == "dobj" else _OBJECTS if place.dep_ == "nsubj" else {}
    return table.get(text.lower(), text) if moved.tag_ == "PRP" else text


def _phrase(head: Token) -> tuple[int, int]:
    """Characters of a noun or adjective with what stands before it."""
    return head.left_edge.idx, head.idx + len(head)


def _keeps_case(token: Token) -> bool:
    return token.pos_ == "PROPN" or token.text == "I" or (len(token) > 1 and token.is_upper)


def _is_someone(token: Token, wordnet: WordNet) -> bool:
    if token.tag_ == "PRP":
        return token.lower_ in {*_OBJECTS, *_SUBJECTS} and token.lower_ != "you"
    if token.pos_ == "PROPN":
        return token.ent_type_ == "PERSON"
    offset = noun_sense(token, wordnet)
    return offset is not None and CONCRETE[wordnet.synset("n", offset).topic] == "person"


def _is_whole(token: Token) -> bool:
    """Whether nothing hangs on the right of a noun that would be left behind, and its text is plain."""
    return (
        token.n_rights == 0
        and token.left_edge.text.isalnum()
        and "'" not in token.doc[token.left_edge.i : token.i].text
    )


def _is_plain(token: Token) -> bool:
    """Whether a member of a list stands alone or with its own determiner: ``the old men and women`` could be both."""
    if token.tag_ not in ("NN", "NNS", "NNP", "JJ") or not token.text.isalnum():
        return False
    right = [child for child in token.rights if child.dep_ not in ("cc", "conj")]
    return not right and not list(token.lefts) and token.dep_ not in ("amod", "compound", "nmod")


def _begins_with_subject(sentence: Span, clause: Token) -> bool:
    subject = next((child for child in sentence.root.lefts if child.dep_ in ("nsubj", "nsubjpass", "expl")), None)
    return (
        subject is not None
        and subject.left_edge.i == sentence.start
        and any(child.dep_ in ("nsubj", "nsubjpass", "expl") for child in clause.lefts)
    )
