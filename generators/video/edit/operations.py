"""What an edit is: a pure function of a clip, a mask and an interval, and the one place where its result is put back.

An operation proposes new pixels for the frames ``start`` to ``stop`` and says which of them it touches; :func:`edited`
alone writes them into a copy of the clip. Whatever an operation does, no pixel outside its interval and its mask moves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from generators.video.edit.inpainting import Background

__all__ = ["KINDS", "Frames", "Kind", "Masks", "Operation", "Place", "Proposal", "Shot", "edited"]

Frames = NDArray[np.uint8]
"""Shape (T, H, W, 3): red, green, blue."""
Masks = NDArray[np.bool_]
"""Shape (T, H, W)."""
Place = Literal["frame", "region", "object"]
Kind = Literal["visual", "semantic", "common_sense"]
KINDS: tuple[Kind, ...] = ("visual", "semantic", "common_sense")


@dataclass(frozen=True)
class Shot:
    """A clip with the place and the time of an edit.

    Attributes
    ----------
    frames : ndarray of uint8, shape (T, H, W, 3)
    mask : ndarray of bool, shape (T, H, W)
        The whole picture, a region, or an object as it moves.
    start, stop : int
        Frames of the edit: ``start`` is the first, ``stop`` the one after the last.
    place : {'frame', 'region', 'object'}
        What the mask is.
    margin : int
        Pixels of background around the object that the mask holds.
    """

    frames: Frames
    mask: Masks
    start: int
    stop: int
    place: Place = "frame"
    margin: int = 0

    @property
    def length(self) -> int:
        """Frames of the interval."""
        return self.stop - self.start

    @property
    def span(self) -> slice:
        """The interval, as an index."""
        return slice(self.start, self.stop)

    @cached_property
    def core(self) -> Masks:
        """The object itself: the mask without its margin. Shape (T, H, W)."""
        from generators.video.edit.inpainting import shrunken

        return shrunken(self.mask, self.margin)

    @cached_property
    def behind(self) -> Background:
        """What lies behind the mask, in the interval's frames."""
        from generators.video.edit.inpainting import background

        return background(self.frames, self.mask, self.start, self.stop)


@dataclass(frozen=True)
class Proposal:
    """New pixels for an interval.

    Attributes
    ----------
    frames : ndarray of uint8, shape (length, H, W, 3)
    touched : ndarray of bool, shape (length, H, W)
        Which of them are meant; the others are left as they were.
    """

    frames: Frames
    touched: Masks


@dataclass(frozen=True)
class Operation:
    """One way to edit.

    Attributes
    ----------
    name : str
        What the record calls it.
    kind : {'visual', 'semantic', 'common_sense'}
    property : str
        The variable that it acts on: what the question is about.
    places : tuple of {'frame', 'region', 'object'}
        Where it can be done.
    draw : callable
        Its numbers for one shot, from a random generator: a mapping that JSON can hold.
    apply : callable
        The proposal for a shot and such numbers.
    background : bool
        Whether it shows what lies behind the mask, so that the background must be known.
    least : int
        Fewest frames in which it can be seen.
    kept : tuple of str
        Numbers that mean the same elsewhere and at another time, and stay where only place or time is varied.
    """

    name: str
    kind: Kind
    property: str
    places: tuple[Place, ...]
    draw: Callable[[Shot, np.random.Generator], Mapping[str, Any]]
    apply: Callable[[Shot, Mapping[str, Any]], Proposal]
    background: bool = False
    least: int = 1
    kept: tuple[str, ...] = ()


def edited(shot: Shot, operation: Operation, values: Mapping[str, Any]) -> tuple[Frames, Masks]:
    """The clip with the edit, and what it touched.

    Returns
    -------
    frames : ndarray of uint8, shape (T, H, W, 3)
        A copy that differs from the shot's within the mask and the interval alone.
    touched : ndarray of bool, shape (T, H, W)
        The pixels that the operation claims; they may be as they were by coincidence.
    """
    import cv2

    made = operation.apply(shot, values)
    frames = shot.frames.copy()
    touched = np.zeros(shot.mask.shape, dtype=bool)
    touched[shot.span] = made.touched
    if made.touched.all():
        frames[shot.span] = made.frames
    else:
        for frame, new, where in zip(frames[shot.span], made.frames, made.touched, strict=True):
            if where.any():
                cv2.copyTo(new, where.view(np.uint8), frame)
    return frames, touched
