"""Semantic edits: what is in the picture. An object disappears, is replaced, recoloured or doubled.

A region can be recoloured or copied; that it should disappear would mean nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from contrafact.errors import RowError
from generators.video.edit.drawn import FIGURES, figure
from generators.video.edit.operations import Operation, Place, Proposal, Shot
from generators.video.edit.sprites import Canvas, box_of, free_moves

__all__ = ["COLOURS", "SEMANTIC", "colour_of"]

_OBJECT: tuple[Place, ...] = ("object",)
COLOURS: Mapping[str, float] = {"red": 0, "yellow": 25, "green": 60, "blue": 115, "purple": 145}
"""Hues in OpenCV's half degrees, far enough apart that nobody takes one for another."""


def colour_of(shot: Shot) -> str | None:
    """The name of the colour that most of the masked pixels have; None where they are grey or of many colours."""
    import cv2

    inside = shot.frames[shot.span][shot.core[shot.span]]
    if not len(inside):
        return None
    hsv = cv2.cvtColor(inside[None], cv2.COLOR_RGB2HSV)[0].astype(np.float64)
    vivid = hsv[(hsv[:, 1] > 70) & (hsv[:, 2] > 50)]
    if len(vivid) < 0.5 * len(hsv):
        return None
    names = list(COLOURS)
    away = np.abs(vivid[:, :1] - np.array([COLOURS[name] for name in names])[None])
    nearest = np.minimum(away, 180 - away).argmin(axis=1)
    counts = np.bincount(nearest, minlength=len(names))
    return names[int(counts.argmax())] if counts.max() > 0.6 * len(vivid) else None


def _disappear(shot: Shot, values: Mapping[str, Any]) -> Proposal:
    return Proposal(shot.behind.frames, shot.mask[shot.span])


def _recolour(shot: Shot, values: Mapping[str, Any]) -> Proposal:
    """One hue for everything in the mask, with the light and shade that it had."""
    import cv2

    mask = shot.core[shot.span]
    frames = shot.frames[shot.span].copy()
    for at, frame in enumerate(frames):
        hsv = cv2.cvtColor(frame, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = COLOURS[values["colour"]]
        hsv[..., 1] = np.maximum(hsv[..., 1], 150)
        hsv[..., 2] = np.maximum(hsv[..., 2], 60)  # on black no colour shows
        frame[mask[at]] = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[mask[at]]
    return Proposal(frames, mask)


def _duplicate(shot: Shot, values: Mapping[str, Any]) -> Proposal:
    canvas = Canvas(shot, empty=False)
    for at in range(shot.length):
        canvas.paste(at, shot.start + at, values["across"], values["down"])
    return Proposal(canvas.frames, canvas.touched)


def _replace(shot: Shot, values: Mapping[str, Any]) -> Proposal:
    """A drawn thing in the object's place, as large as it and moving with it."""
    canvas = Canvas(shot, empty=True)
    high, wide = shot.frames.shape[1:3]
    boxes = [box_of(each) for each in shot.core[shot.span]]
    side = float(np.median([np.sqrt((b[2] - b[0]) * (b[3] - b[1])) for b in boxes if b is not None] or [0]))
    light = _light(shot)
    for at, box in enumerate(boxes):
        if box is not None:
            centre = ((box[0] + box[2] - 1) / 2, (box[1] + box[3] - 1) / 2)
            canvas.paint(at, *figure(values["figure"], centre, side, (high, wide), light))
    return Proposal(canvas.frames, canvas.touched)


def _light(shot: Shot) -> float:
    """How bright the surroundings are, from 0.4 to 1: a drawn thing must not glow in the dark."""
    return float(np.clip(0.35 + shot.frames[shot.start].mean() / 180, 0.4, 1.0))


def _nothing(shot: Shot, rng: np.random.Generator) -> Mapping[str, Any]:
    return {}


def _another_colour(shot: Shot, rng: np.random.Generator) -> Mapping[str, Any]:
    """A hue that the object does not have: whatever it is now, it will be seen to change."""
    now = colour_of(shot)
    others = [name for name in COLOURS if name != now]
    return {"colour": others[int(rng.integers(len(others)))], "was": now}


def _beside(shot: Shot, rng: np.random.Generator) -> Mapping[str, Any]:
    moves = free_moves(shot)
    if not moves:
        raise RowError("there is no room beside the object for a second one")
    across, down = moves[int(rng.integers(min(2, len(moves))))]
    return {"across": across, "down": down}


def _a_figure(shot: Shot, rng: np.random.Generator) -> Mapping[str, Any]:
    return {"figure": list(FIGURES)[int(rng.integers(len(FIGURES)))]}


SEMANTIC = (
    Operation("disappear", "semantic", "presence", _OBJECT, _nothing, _disappear, background=True),
    Operation("replace", "semantic", "identity", _OBJECT, _a_figure, _replace, background=True, kept=("figure",)),
    Operation(
        "recolour", "semantic", "hue", ("object", "region", "frame"), _another_colour, _recolour, kept=("colour",)
    ),
    Operation("duplicate", "semantic", "number", ("object", "region"), _beside, _duplicate),
)
