"""Controls out of what a generator knows itself: other words of the same, as many as the pair's edit changed.

The places that the edit changed come first, so that edit and control differ in what they say and as little as can be in
where they say it; other places make up what these lack in size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from contrafact.engines import Engines
from contrafact.stages import Context
from generators.text.controls.change import Control, Rewrite, Target, applied
from generators.text.controls.choosing import choose, size_of
from generators.text.edits import Edit, Failed

__all__ = ["Rewording", "Way"]

_DRAWN = 0.4
_ALTERNATIVES = 4
_OVER = 2
_NONE = "no other wording is as small as the edit"


@dataclass(frozen=True)
class Way:
    """One place in other words.

    Attributes
    ----------
    name : str
        What stands there: a concept or a slot.
    index : int
        Which of its wordings this is.
    """

    rewrite: Rewrite
    name: str
    index: int


class Rewording:
    """Chooses among the ways to say each text of one shard.

    Parameters
    ----------
    ways : mapping of pair id to ways
        Everything that may be said otherwise in the factual text of the pair.
    tolerance : float
        Percentage points by which a control's share of changed words may be above its target's. Where whole
        statements are exchanged one of so few words may not be there: then two words above are allowed.

    Attributes
    ----------
    taken : dict of pair id to {name: index}
        What was chosen, for the pairs that have a control.
    """

    note: ClassVar[str] = "controls say the same by other wordings; the places that the edit changed come first"

    def __init__(self, ways: Mapping[str, Sequence[Way]], tolerance: float) -> None:
        self.ways, self.tolerance = ways, tolerance
        self.taken: dict[str, dict[str, int]] = {}

    def borrow(self, engines: Engines, name: str) -> None:
        """Nothing is borrowed."""

    def make(self, targets: Sequence[Target], context: Context) -> list[Control | Failed]:
        """A control for each target, in order. What is drawn is drawn by pair."""
        return [self._control(each, context) for each in targets]

    def _control(self, target: Target, context: Context) -> Control | Failed:
        known = _distinct(self.ways[target.pair_id])
        noise = context.streams.generator("control", target.pair_id).random(len(known)) * _DRAWN
        ways = _few(list(zip(noise.tolist(), known, strict=True)))
        odd = [way.rewrite.odd + some for some, way in ways]
        most = max(target.most(self.tolerance), target.size + _OVER)
        chosen = choose(target, [way.rewrite for _, way in ways], odd, most)
        if not chosen:
            return Failed(_NONE)
        if applied(target.text, chosen) == target.edited:
            return Failed("the other wording is the edit itself")
        taken = sorted((way for _, way in ways if way.rewrite in chosen), key=lambda way: way.rewrite.start)
        self.taken[target.pair_id] = {way.name: way.index for way in taken}
        edits = tuple(_edit(target, way) for way in taken)
        return Control(edits, size_of(target.text, chosen), certain=True)


def _edit(target: Target, way: Way) -> Edit:
    start, stop = way.rewrite.start, way.rewrite.stop
    before = target.text[start:stop]
    return Edit(target.field, start, stop, before, way.rewrite.after, way.rewrite.operation, way.name)


def _distinct(ways: Sequence[Way]) -> list[Way]:
    """The first way of each rewrite: what a list names twice is one thing to say."""
    found: dict[Rewrite, Way] = {}
    for way in ways:
        found.setdefault(way.rewrite, way)
    return list(found.values())


def _few(ways: Sequence[tuple[float, Way]]) -> list[tuple[float, Way]]:
    """At most so many alternatives of one place, drawn: a lexicon has dozens, and each must be measured."""
    found: dict[str, list[tuple[float, Way]]] = {}
    for some, way in sorted(ways, key=lambda each: each[0]):
        found.setdefault(way.name, []).append((some, way))
    return [each for of_place in found.values() for each in of_place[:_ALTERNATIVES]]
