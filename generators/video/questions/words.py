"""What each edit is called in questions and captions, and which descriptions a viewer could take for each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ALIKE", "AWHILE", "OPPOSED", "WORDS", "Words", "alike", "confused", "sentence"]


@dataclass(frozen=True)
class Words:
    """How one operation is spoken of. ``{place}`` is what it is done to, ``{thing}`` what its numbers name.

    Attributes
    ----------
    verb : str
        What happens, after the place and in the third person: ``becomes brighter for a while``. What is darker for a
        while becomes brighter too, when that ends: without these words the opposite would be true as well.
    ask : str
        The same after ``does``: ``become brighter for a while``.
    key : str
        The word that tells this edit from every other.
    """

    verb: str
    ask: str
    key: str


AWHILE = " for a while"

WORDS: Mapping[str, Words] = {
    "brighten": Words("becomes brighter for a while", "become brighter for a while", "brighter"),
    "darken": Words("becomes darker for a while", "become darker for a while", "darker"),
    "more_contrast": Words("gains contrast for a while", "gain contrast for a while", "gain"),
    "less_contrast": Words("loses contrast for a while", "lose contrast for a while", "los"),
    "grey": Words("turns grey for a while", "turn grey for a while", "grey"),
    "vivid": Words("becomes more colourful for a while", "become more colourful for a while", "colourful"),
    "blur": Words("becomes blurred for a while", "become blurred for a while", "blur"),
    "warp": Words("bends in waves for a while", "bend in waves for a while", "wave"),
    "disappear": Words("disappears for a while", "disappear for a while", "disappear"),
    "replace": Words("is replaced by a {thing} for a while", "get replaced by a {thing} for a while", "{thing}"),
    "recolour": Words("turns {thing} for a while", "turn {thing} for a while", "{thing}"),
    "duplicate": Words("appears twice for a while", "appear twice for a while", "twice"),
    "reverse": Words("runs backwards for a while", "run backwards for a while", "backward"),
    "freeze": Words("stands still for a while", "stand still for a while", "still"),
    "shuffle": Words("jumps to and fro in time", "jump to and fro in time", "to and fro"),
    "loop": Words("repeats the same moment for a while", "repeat the same moment for a while", "repeat"),
    "float": Words("floats up into the air", "float up into the air", "float"),
    "teleport": Words("is suddenly somewhere else", "suddenly leap somewhere else", "somewhere"),
}

ALIKE: tuple[frozenset[str], ...] = tuple(
    frozenset(group)
    for group in (
        ("brighten", "less_contrast", "grey", "more_contrast"),
        ("darken", "less_contrast", "more_contrast", "vivid"),
        ("more_contrast", "vivid", "warp"),
        ("less_contrast", "grey", "blur"),
        ("grey", "recolour"),
        ("vivid", "recolour"),
        ("blur", "warp", "disappear"),
        ("shuffle", "loop", "reverse", "warp", "teleport"),
        ("freeze", "loop"),
        ("float", "teleport", "duplicate"),
        ("teleport", "disappear", "replace"),
        ("replace", "recolour"),
        ("brighten", "recolour"),
        ("darken", "recolour"),
    )
)
"""Edits of which one may look like the other: neither stands as a wrong answer where the other is the right one."""


OPPOSED = frozenset(map(frozenset, (("brighten", "darken"), ("more_contrast", "less_contrast"), ("grey", "vivid"))))
"""Two ways of one property, of which a clip shows at the most one."""


def alike(one: str, other: str) -> bool:
    """Whether two operations could be taken for each other."""
    return one == other or any(one in group and other in group for group in ALIKE)


def confused(one: str, other: str) -> bool:
    """Whether a viewer could take one for the other. Two ways of one property are seen apart, alike or not."""
    return alike(one, other) and frozenset((one, other)) not in OPPOSED


def sentence(text: str) -> str:
    """The text with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."
