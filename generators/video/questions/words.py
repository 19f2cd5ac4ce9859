"""What each edit is called in questions and captions, and which descriptions a viewer could take for each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["ALIKE", "WORDS", "Words", "alike", "sentence"]


@dataclass(frozen=True)
class Words:
    """How one operation is spoken of. ``{place}`` is what it is done to, ``{thing}`` what its numbers name.

    Attributes
    ----------
    verb : str
        What happens, after the place and in the third person: ``suddenly becomes brighter``.
    ask : str
        The same after ``does``: ``suddenly become brighter``.
    stays : str
        What is true instead where nothing was done, after the place.
    key : str
        The word that tells this edit from every other.
    """

    verb: str
    ask: str
    stays: str
    key: str


_LIGHT, _SPREAD = "keeps its brightness", "keeps its contrast"
_HUES, _TIME, _SPOT = "keeps its colours", "runs forward without a break", "moves along without a leap"

WORDS: Mapping[str, Words] = {
    "brighten": Words("suddenly becomes brighter", "suddenly become brighter", _LIGHT, "brighter"),
    "darken": Words("suddenly becomes darker", "suddenly become darker", _LIGHT, "darker"),
    "more_contrast": Words("suddenly gains contrast", "suddenly gain contrast", _SPREAD, "gain"),
    "less_contrast": Words("suddenly loses contrast", "suddenly lose contrast", _SPREAD, "los"),
    "grey": Words("suddenly turns grey", "suddenly turn grey", _HUES, "grey"),
    "vivid": Words("suddenly becomes more colourful", "suddenly become more colourful", _HUES, "colourful"),
    "blur": Words("suddenly becomes blurred", "suddenly become blurred", "stays as sharp as it was", "blur"),
    "warp": Words("suddenly bends in waves", "suddenly bend in waves", "keeps its shape", "wave"),
    "disappear": Words("suddenly disappears", "suddenly disappear", "stays in the picture", "disappear"),
    "replace": Words(
        "is suddenly replaced by a {thing}", "suddenly give way to a {thing}", "stays what it is", "{thing}"
    ),
    "recolour": Words("suddenly turns {thing}", "suddenly turn {thing}", "keeps its own colour", "{thing}"),
    "duplicate": Words("suddenly appears twice", "suddenly appear twice", "stays the only one of its kind", "twice"),
    "reverse": Words("runs backwards for a while", "run backwards for a while", _TIME, "backward"),
    "freeze": Words("stands still for a while", "stand still for a while", _TIME, "still"),
    "shuffle": Words("jumps to and fro in time", "jump to and fro in time", _TIME, "to and fro"),
    "loop": Words("repeats the same moment", "repeat the same moment", _TIME, "repeat"),
    "float": Words("floats up into the air", "float up into the air", _SPOT, "float"),
    "teleport": Words("is suddenly somewhere else", "suddenly leap somewhere else", _SPOT, "somewhere"),
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
        ("replace", "disappear", "recolour"),
        ("brighten", "recolour"),
        ("darken", "recolour"),
    )
)
"""Edits of which one may look like the other: neither stands as a wrong answer where the other is the right one."""


def alike(one: str, other: str) -> bool:
    """Whether two operations could be taken for each other."""
    return one == other or any(one in group and other in group for group in ALIKE)


def sentence(text: str) -> str:
    """The text with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."
