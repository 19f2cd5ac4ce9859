"""Which edit a pair gets: operation, place, region, interval and numbers, drawn for the unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from contrafact.errors import RowError
from generators.video.edit.catalogue import OPERATIONS
from generators.video.edit.footage import Window
from generators.video.edit.objects import Track
from generators.video.edit.operations import Frames, Masks, Operation, Place, Shot, edited
from generators.video.edit.regions import REGIONS, interval_of, intervals, region_mask
from generators.video.questions.facts import Fact
from generators.video.questions.words import confused

__all__ = ["Scene", "Take", "other_take", "rendered", "takes"]

_SEEN = 0.75
"""Share of what is behind an object that other frames must show alike before the object may be taken away."""


@dataclass(frozen=True)
class Take:
    """One edit, ready to be made.

    Attributes
    ----------
    fact : Fact
        The record.
    mask : ndarray of bool, shape (T, H, W)
    """

    fact: Fact
    mask: Masks

    def shot(self, frames: Frames) -> Shot:
        return Shot(frames, self.mask, self.fact.start, self.fact.stop, self.fact.place, self.fact.margin)


@dataclass
class Scene:
    """A window with the object in it, where one was found."""

    window: Window
    track: Track | None
    interval: tuple[float, float] | None = None
    _shots: dict[Any, Shot] = field(default_factory=dict)

    def shot(self, place: Place, where: str, span: tuple[int, int]) -> Shot:
        """A shot of this window; the same one again for the same place and time, with its background found once."""
        key = (place, where, span)
        if key not in self._shots:
            frames = self.window.frames
            if place == "frame":
                mask = np.ones(frames.shape[:3], dtype=bool)
            elif place == "region":
                mask = region_mask(where, frames.shape)
            else:
                assert self.track is not None  # noqa: S101  # only asked for where there is one
                mask = self.track.mask
            margin = self.track.margin if place == "object" and self.track is not None else 0
            self._shots[key] = Shot(frames, mask, *span, place, margin)
        return self._shots[key]


def takes(
    scene: Scene, operations: Sequence[Operation], places: Sequence[Place], rng: np.random.Generator
) -> Iterator[Take]:
    """Edits of a scene in an order drawn for it, every operation once, as far as they can be made.

    Raises
    ------
    RowError
        Where not one could be made: why the last could not.
    """
    why: RowError | None = None
    made = False
    order = [operations[int(at)] for at in rng.permutation(len(operations))]
    for operation in order:
        try:
            yield _take(scene, operation, places, rng)
            made = True
        except RowError as error:
            why = error
    if not made:
        raise why or RowError("no operation can be done in these places")


def other_take(
    scene: Scene, take: Take, operations: Sequence[Operation], rng: np.random.Generator
) -> tuple[str, Take] | None:
    """The same edit with one thing otherwise: when, where, or which. None where nothing can be.

    Parameters
    ----------
    operations : sequence of Operation
        What may be done instead: such as can be done in the same place, and are not taken for one another.

    Returns
    -------
    tuple of str and Take
        What differs (``when``, ``where``, the property, or ``edit`` where the properties differ), and the edit.

    Raises
    ------
    RowError
        Where the edit that was drawn cannot be made.
    """
    fact = take.fact
    rest = [each for each in operations if each.name != fact.operation and fact.place in each.places]
    rest = [each for each in rest if not confused(each.name, fact.operation)]
    ways = ["when"] if fact.third is not None and scene.interval is None else []
    ways += ["where"] if fact.place == "region" and fact.where in REGIONS else []
    ways += ["which"] if rest else []
    if not ways:
        return None
    way = ways[int(rng.integers(len(ways)))]
    if way == "when":
        thirds = [each for each in range(3) if intervals(each, fact.frames) != _around(fact)]
        span = _within(intervals(thirds[int(rng.integers(len(thirds)))], fact.frames), fact.stop - fact.start, rng)
        if span[1] - span[0] != fact.stop - fact.start:
            raise RowError("no other third of the clip has room for the interval")
        return way, _moved(scene, replace(fact, start=span[0], stop=span[1]), rng)
    if way == "where":
        others = [name for name in REGIONS if name != fact.where]
        where = others[int(rng.integers(len(others)))]
        return way, _moved(scene, replace(fact, where=where), rng)
    other = rest[int(rng.integers(len(rest)))]
    _check_length(fact.stop - fact.start, other)
    shot = scene.shot(fact.place, fact.where, (fact.start, fact.stop))
    same = other.property == OPERATIONS[fact.operation].property
    if fact.place == "object":
        _check_object(shot, other)
    told = replace(fact, operation=other.name, margin=shot.margin, values=other.draw(shot, rng))
    return other.property if same else "edit", Take(told, shot.mask)


def rendered(take: Take, frames: Frames, shot: Shot | None = None) -> tuple[Frames, Masks]:
    """The clip with a take's edit, and what it touched."""
    return edited(shot or take.shot(frames), OPERATIONS[take.fact.operation], take.fact.values)


def _take(scene: Scene, operation: Operation, places: Sequence[Place], rng: np.random.Generator) -> Take:
    open_ = [place for place in operation.places if place in places and (place != "object" or scene.track is not None)]
    if not open_:
        if "object" in operation.places and "object" in places:
            raise RowError("no object was found that moves by itself before its background")
        raise RowError(f"{operation.name} is done to {' or '.join(operation.places)}, and the recipe asks for others")
    place = open_[int(rng.integers(len(open_)))]
    where = "" if place == "frame" else list(REGIONS)[int(rng.integers(len(REGIONS)))]
    if place == "object" and scene.track is not None:
        where = scene.track.name
    span = _span(scene, operation, rng)
    shot = scene.shot(place, where, span)
    if place == "object":
        _check_object(shot, operation)
    length, rate = len(scene.window.frames), str(scene.window.rate)
    fact = Fact(operation.name, place, where, *span, length, rate, operation.draw(shot, rng), shot.margin)
    return Take(fact, shot.mask)


def _moved(scene: Scene, fact: Fact, rng: np.random.Generator) -> Take:
    """The same edit in another place or at another time: what its numbers name, and how strong it is, stays."""
    operation = OPERATIONS[fact.operation]
    shot = scene.shot(fact.place, fact.where, (fact.start, fact.stop))
    if fact.place == "object":
        _check_object(shot, operation)
    values = {**operation.draw(shot, rng), **{key: fact.values[key] for key in operation.kept}}
    if "was" in values and values["was"] == values.get("colour"):
        raise RowError(f"what is there is {values['was']} already")
    return Take(replace(fact, values=values), shot.mask)


def _check_object(shot: Shot, operation: Operation) -> None:
    if not shot.mask[shot.span].any(axis=(1, 2)).all():
        raise RowError("the object was not found in every frame of the interval")
    if operation.background and shot.behind.seen < _SEEN:
        raise RowError("what is behind the object is never seen")


def _span(scene: Scene, operation: Operation, rng: np.random.Generator) -> tuple[int, int]:
    length = len(scene.window.frames)
    if scene.interval is not None:
        span = interval_of(scene.interval, scene.window.rate, length)
    else:
        third = intervals(int(rng.integers(3)), length)
        span = _within(third, max(operation.least, round(0.8 * (third[1] - third[0]))), rng)
    _check_length(span[1] - span[0], operation)
    return span


def _check_length(frames: int, operation: Operation) -> None:
    if frames < operation.least:
        raise RowError(f"{operation.name} takes {operation.least} frames, and the interval has fewer")


def _within(room: tuple[int, int], frames: int, rng: np.random.Generator) -> tuple[int, int]:
    """So many frames within a room, or all of it where it has fewer; not from a clip's first frame on if it can be.

    Of such an edit the clip shows only the end: what is said to become brighter is seen to become darker.
    """
    free = max(0, room[1] - room[0] - frames)
    lead = int(room[0] == 0 and free > 0)
    start = room[0] + lead + int(rng.integers(free + 1 - lead))
    return start, min(start + frames, room[1])


def _around(fact: Fact) -> tuple[int, int]:
    third = fact.start * 3 // fact.frames
    return intervals(third, fact.frames)
