"""What a rule of the lexical generator answers: a change of one place, and how the new sentence relates to the old."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from generators.text.inflection import article, cased

if TYPE_CHECKING:
    from spacy.tokens import Doc, Token

    from generators.text.wordnet import WordNet

__all__ = ["Change", "Relation", "Rule", "Setting", "picked", "replaced", "wordlike"]

Relation = Literal["contradicts", "entailed", "stronger", "same", "differs"]
"""How the new sentence stands to the old one.

``contradicts``: both cannot be true. ``entailed``: the old one makes it true. ``stronger``: it makes the old one true.
``same``: each makes the other true. ``differs``: it says something else, and no more is known.
"""


@dataclass(frozen=True)
class Change:
    """A replacement in one parsed text.

    Attributes
    ----------
    start, stop : int
        Characters that are replaced.
    certain : bool
        Whether the relation follows from the form alone (a definite subject and its negation, say), and not from a
        word's meaning or from what a reader takes for granted.
    """

    start: int
    stop: int
    after: str
    relation: Relation
    kind: str = "TOKEN"
    certain: bool = False


@dataclass(frozen=True)
class Setting:
    """What a rule works with: a parse, WordNet, and random numbers of its own."""

    doc: Doc
    wordnet: WordNet
    draw: np.random.Generator


@dataclass(frozen=True)
class Rule:
    """One way of changing a sentence.

    Attributes
    ----------
    code : str
        Polyjuice's control code that it covers (Wu et al. 2021, table 1).
    usual : bool
        Whether it is used where the recipe names no rules.
    """

    name: str
    code: str
    apply: Callable[[Setting], Iterator[Change]]
    usual: bool = True


def picked(draw: np.random.Generator, choices: list[str]) -> str:
    """One of the choices."""
    return choices[int(draw.integers(len(choices)))]


def replaced(token: Token, word: str, relation: Relation, *, kind: str = "TOKEN", certain: bool = False) -> Change:
    """``word`` in the place and case of a token; an ``a`` or ``an`` before it is replaced with it where it must be."""
    return with_article(token, cased(word, token.text), token.idx + len(token), relation, kind=kind, certain=certain)


def with_article(
    token: Token, text: str, stop: int, relation: Relation, *, kind: str = "TOKEN", certain: bool = False
) -> Change:
    """``text`` from a token's start to ``stop``, with the article before the token made to fit."""
    before = token.nbor(-1) if token.i else None
    if before is None or before.lower_ not in ("a", "an") or not before.whitespace_ or before.tag_ != "DT":
        return Change(token.idx, stop, text, relation, kind, certain)
    right = article(text)
    if right == before.lower_:
        return Change(token.idx, stop, text, relation, kind, certain)
    return Change(before.idx, stop, cased(right, before.text) + before.whitespace_ + text, relation, kind, certain)


def wordlike(token: Token) -> bool:
    """Whether a token is a plain word standing by itself: no hashtag, mention, address, name or part of one."""
    if not token.is_alpha or token.ent_type_ in ("PERSON", "ORG", "GPE", "PRODUCT", "WORK_OF_ART", "FAC", "EVENT"):
        return False
    # The text of a whole parse is put together at every call: the neighbours are enough.
    last = token.i + 1 == len(token.doc)
    before = " " if token.i == 0 or token.nbor(-1).whitespace_ else token.nbor(-1).text[-1]
    after = " " if last or token.whitespace_ else token.nbor().text[0]
    return (before.isspace() or before in "(\"'“‘") and not (after.isalnum() or after in "_@#/&-=’'")  # noqa: RUF001
