"""Common-sense edits: what is seen is real, but not in this order, or not in this place.

Time runs backwards, stands still, jumps or repeats: of the whole picture, of a region, or of one object that is cut out
of the frames in which it is elsewhere. An object floats up or is suddenly somewhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import RowError
from generators.video.edit.operations import Operation, Place, Proposal, Shot
from generators.video.edit.sprites import Canvas, box_of, free_moves

__all__ = ["COMMON_SENSE"]

_EVERYWHERE: tuple[Place, ...] = ("frame", "region", "object")
_OBJECT: tuple[Place, ...] = ("object",)
Order = Callable[[int, Mapping[str, Any]], NDArray[np.int64]]


def _reordered(order: Order) -> Callable[[Shot, Mapping[str, Any]], Proposal]:
    """The interval with other frames of itself: ``order(length, values)`` says which, one a frame."""

    def apply(shot: Shot, values: Mapping[str, Any]) -> Proposal:
        source = shot.start + order(shot.length, values)
        if shot.place != "object":
            return Proposal(shot.frames[source], shot.mask[shot.span])
        canvas = Canvas(shot, empty=True)
        for at, frame in enumerate(source.tolist()):
            canvas.paste(at, frame)
        return Proposal(canvas.frames, canvas.touched)

    return apply


def _reversed(length: int, values: Mapping[str, Any]) -> NDArray[np.int64]:
    return np.arange(length)[::-1].copy()


def _frozen(length: int, values: Mapping[str, Any]) -> NDArray[np.int64]:
    return np.zeros(length, dtype=np.int64)


def _shuffled(length: int, values: Mapping[str, Any]) -> NDArray[np.int64]:
    return np.asarray(values["order"], dtype=np.int64)


def _looped(length: int, values: Mapping[str, Any]) -> NDArray[np.int64]:
    return np.arange(length) % int(values["period"])


def _nothing(shot: Shot, rng: np.random.Generator) -> Mapping[str, Any]:
    return {}


def _mixed(shot: Shot, rng: np.random.Generator) -> Mapping[str, Any]:
    """An order of single frames in which hardly any stays where it was."""
    order = rng.permutation(shot.length)
    return {"order": [int(each) for each in order]}


def _period(shot: Shot, rng: np.random.Generator) -> Mapping[str, Any]:
    return {"period": max(2, shot.length // int(rng.integers(3, 5)))}


def _float(shot: Shot, values: Mapping[str, Any]) -> Proposal:
    """Up, slowly at first: the object leaves its place and hangs in the air."""
    canvas = Canvas(shot, empty=True)
    for at in range(shot.length):
        share = (at + 1) / shot.length
        canvas.paste(at, shot.start + at, 0, -round(values["rise"] * share * share * (3 - 2 * share)))
    return Proposal(canvas.frames, canvas.touched)


def _teleport(shot: Shot, values: Mapping[str, Any]) -> Proposal:
    canvas = Canvas(shot, empty=True)
    across, down = values["across"], values["down"]
    for at in range(shot.length):
        canvas.paste(at, shot.start + at, across, down)
    return Proposal(canvas.frames, canvas.touched)


def _rise(shot: Shot, rng: np.random.Generator) -> Mapping[str, Any]:
    boxes = [box for at in range(shot.start, shot.stop) if (box := box_of(shot.core[at])) is not None]
    top = min((box[1] for box in boxes), default=0)
    high = shot.frames.shape[1]
    if top < 0.08 * high:
        raise RowError("there is no room above the object to float into")
    return {"rise": int(min(top, 0.35 * high))}


def _jump(shot: Shot, rng: np.random.Generator) -> Mapping[str, Any]:
    moves = free_moves(shot)
    if not moves:
        raise RowError("there is no room beside the object to move it to")
    across, down = moves[0]
    return {"across": across, "down": down}


COMMON_SENSE = (
    Operation("reverse", "common_sense", "time", _EVERYWHERE, _nothing, _reordered(_reversed), True, 4),
    Operation("freeze", "common_sense", "time", _EVERYWHERE, _nothing, _reordered(_frozen), True, 4),
    Operation("shuffle", "common_sense", "time", _EVERYWHERE, _mixed, _reordered(_shuffled), True, 5, ("order",)),
    Operation("loop", "common_sense", "time", _EVERYWHERE, _period, _reordered(_looped), True, 6, ("period",)),
    Operation("float", "common_sense", "position", _OBJECT, _rise, _float, True, 4),
    Operation("teleport", "common_sense", "position", _OBJECT, _jump, _teleport, True, 2),
)
