"""Words of a text as gates compare them, and the words that negate."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["NEGATIONS", "jaccard", "listed", "within", "words"]

_VERBS = ("ai", "are", "ca", "could", "did", "do", "does", "had", "has", "have", "is", "might", "must", "need", "ought")
_MORE = ("sha", "should", "was", "were", "wo", "would")
_ALONE = ("not", "no", "never", "none", "nobody", "nothing", "nowhere", "neither", "nor", "cannot", "without", "hardly")
NEGATIONS = frozenset([*_ALONE, "scarcely", "barely", "n't", *(f"{verb}n't" for verb in _VERBS + _MORE)])
"""Words, in lower case and with a straight apostrophe, that negate the clause they stand in."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")  # noqa: RUF001  # the curly apostrophe is meant


def listed(text: str) -> frozenset[str]:
    """The blank-separated words of a table, as a set."""
    return frozenset(text.split())


def words(text: str) -> list[str]:
    """Lower-cased words without punctuation; apostrophes inside words stay, and are straight."""
    return [word.lower().replace("’", "'") for word in _WORD.findall(text)]  # noqa: RUF001


def within(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether the words of ``part`` stand in ``whole`` one after another. Nothing is within anything."""
    size = len(part)
    return 0 < size <= len(whole) and any(
        list(whole[place : place + size]) == list(part) for place in range(len(whole) - size + 1)
    )


def jaccard(one: Sequence[str], other: Sequence[str]) -> float:
    """Shared words as a share of all words, each counted once; 0 for two empty texts."""
    union = set(one) | set(other)
    return len(set(one) & set(other)) / len(union) if union else 0.0
