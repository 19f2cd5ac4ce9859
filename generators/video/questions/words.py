"""What each edit is called in questions and captions, and which descriptions a viewer could take for each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ALIKE", "OPPOSED", "WORDS", "Words", "alike", "confused", "sentence"]


@dataclass(frozen=True)
class Words:
    """How one operation is spoken of. ``{place}`` is what it is done to, ``{thing}`` what its numbers name.

    Attributes
    ----------
    verb : str
        What happens, after the place and in the third person: ``suddenly becomes brighter``.
    ask : str
        The same after ``does``: ``suddenly become brighter``.
    key : str
        The word that tells this edit from every other.
    """

    verb: str
    ask: str
    key: str


WORDS: Mapping[str, Words] = {
    "brighten": Words("suddenly becomes brighter", "suddenly become brighter", "brighter"),
    "darken": Words("suddenly becomes darker", "suddenly become darker", "darker"),
    "more_contrast": Words("suddenly gains contrast", "suddenly gain contrast", "gain"),
    "less_contrast": Words("suddenly loses contrast", "suddenly lose contrast", "los"),
    "grey": Words("suddenly turns grey", "suddenly turn grey", "grey"),
    "vivid": Words("suddenly becomes more colourful", "suddenly become more colourful", "colourful"),
    "blur": Words("suddenly becomes blurred", "suddenly become blurred", "blur"),
    "warp": Words("suddenly bends in waves", "suddenly bend in waves", "wave"),
    "disappear": Words("suddenly disappears", "suddenly disappear", "disappear"),
    "replace": Words("is suddenly replaced by a {thing}", "suddenly give way to a {thing}", "{thing}"),
    "recolour": Words("suddenly turns {thing}", "suddenly turn {thing}", "{thing}"),
    "duplicate": Words("suddenly appears twice", "suddenly appear twice", "twice"),
    "reverse": Words("runs backwards for a while", "run backwards for a while", "backward"),
    "freeze": Words("stands still for a while", "stand still for a while", "still"),
    "shuffle": Words("jumps to and fro in time", "jump to and fro in time", "to and fro"),
    "loop": Words("repeats the same moment", "repeat the same moment", "repeat"),
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
