"""What a control is made of: the edit that it stands beside, and small rewrites that say the same."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from contrafact.wording import distance, token_places, tokens
from generators.text.edits import Edit

__all__ = ["Control", "Rewrite", "Target", "applied"]

_SMALL = 3


@dataclass(frozen=True)
class Target:
    """A finished pair that wants a control.

    Attributes
    ----------
    pair_id : str
    field : str
        The text field that the edit changed.
    text, edited : str
        That field before and after.
    """

    pair_id: str
    field: str
    text: str
    edited: str

    @cached_property
    def size(self) -> int:
        """Words inserted, deleted or replaced by the edit (:func:`contrafact.wording.distance`)."""
        return distance(tokens(self.text), tokens(self.edited))

    @cached_property
    def words(self) -> int:
        """Words of the text before the edit; an empty text counts as one."""
        return max(1, len(tokens(self.text)))

    @cached_property
    def touched(self) -> tuple[tuple[int, int], ...]:
        """Places that the edit changed, in characters of the text; one that only inserts has no length."""
        places = token_places(self.text)
        ends = [*places, (len(self.text), len(self.text))]
        matcher = difflib.SequenceMatcher(None, tokens(self.text), tokens(self.edited), autojunk=False)
        changed = [(low, high) for tag, low, high, _, _ in matcher.get_opcodes() if tag != "equal"]
        return tuple(
            (places[low][0], places[high - 1][1]) if high > low else (ends[low][0],) * 2 for low, high in changed
        )

    @cached_property
    def held(self) -> frozenset[str]:
        """Words, in lower case, that the edit took out: what it is about, and what its control leaves alone."""
        out = set(map(str.lower, tokens(self.text))) - set(map(str.lower, tokens(self.edited)))
        return frozenset(word for word in out if len(word) > _SMALL)

    def share(self, size: int) -> float:
        """So many words as a percentage of the text's."""
        return 100.0 * size / self.words

    def most(self, tolerance: float) -> int:
        """Words that a control may change: as many as the edit, or more by so many percentage points."""
        return max(self.size, int((self.share(self.size) + tolerance) * self.words / 100 + 1e-9))


@dataclass(frozen=True)
class Rewrite:
    """Another way of saying what stands in one place.

    Attributes
    ----------
    certain : bool
        Whether form alone guarantees that the text means the same (``don't`` and ``do not``), and not what a word
        means.
    odd : float
        How much a reader would notice it: 0 for an everyday variant. The least odd combination is taken.
    """

    start: int
    stop: int
    after: str
    operation: str
    certain: bool = False
    odd: float = 1.0


@dataclass(frozen=True)
class Control:
    """A paraphrase of a target's text.

    Attributes
    ----------
    size : int
        Words that it changes.
    certain : bool
        Whether all of its rewrites are.
    """

    edits: tuple[Edit, ...]
    size: int
    certain: bool
    request_ids: tuple[str, ...] = ()
    cost: float = 0.0


def applied(text: str, rewrites: Iterable[Rewrite]) -> str:
    """The text with rewrites made that do not overlap."""
    for each in sorted(rewrites, key=lambda one: one.start, reverse=True):
        text = text[: each.start] + each.after + text[each.stop :]
    return text
