"""What a clip shows by nature: sudden changes that nobody made, of which no wrong answer may speak."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from generators.video.edit.operations import Frames, Masks
from generators.video.questions.words import WORDS

__all__ = ["shown_by_nature"]

_LUMA = np.array([0.299, 0.587, 0.114])
_SUDDEN = 0.12  # of the value itself, from one frame to the next
_STILL = 0.6  # grey levels from frame to frame: less and a part of the clip seems to stand still


def shown_by_nature(frames: Frames, mask: Masks) -> frozenset[str]:
    """Operations whose description may be true of a clip as it was filmed, within a mask.

    Each property is one number a frame; it must not leap. A part that hardly moves may be said to stand still, to
    repeat itself or to run backwards without being wrong.
    """
    light, spread, colour, edges, moves = _numbers(frames, mask)
    found: set[str] = set()
    for names, values in (
        (("brighten", "darken"), light),
        (("more_contrast", "less_contrast"), spread),
        (("grey", "vivid"), colour),
        (("blur",), edges),
    ):
        if _leaps(values):
            found.update(names)
    if moves.min(initial=np.inf) < _STILL or not len(moves):
        found.update(("freeze", "loop", "reverse", "shuffle"))
    return frozenset(found & set(WORDS))


def _numbers(frames: Frames, mask: Masks) -> tuple[NDArray[np.float64], ...]:
    """Mean and spread of luma, mean chroma, mean edge, one a frame; and mean change from frame to frame."""
    rows: list[tuple[float, float, float, float]] = []
    moves: list[float] = []
    before: NDArray[np.float64] | None = None
    for at, frame in enumerate(frames):
        inside = mask[at]
        if not inside.any():
            before = None
            continue
        luma = frame @ _LUMA
        chroma = frame.max(axis=-1).astype(np.float64) - frame.min(axis=-1)
        edge = np.abs(np.diff(luma, axis=0, append=luma[-1:])) + np.abs(np.diff(luma, axis=1, append=luma[:, -1:]))
        rows.append((luma[inside].mean(), luma[inside].std(), chroma[inside].mean(), edge[inside].mean()))
        if before is not None:
            moves.append(float(np.abs(luma - before)[inside].mean()))
        before = luma
    columns = np.array(rows).reshape(-1, 4)
    return (*columns.T, np.array(moves))


def _leaps(values: NDArray[np.float64]) -> bool:
    if len(values) < 2:
        return False
    return bool((np.abs(np.diff(values)) / np.maximum(np.abs(values[:-1]), 4.0)).max() > _SUDDEN)
