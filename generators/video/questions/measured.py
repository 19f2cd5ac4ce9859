"""Questions that the pixels answer: each is a measurement of the whole clip, made again whenever it is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from generators.video.edit.operations import Frames
from generators.video.edit.regions import REGIONS, THIRDS, intervals

__all__ = ["MEASURES", "measured", "readings"]

_LUMA = np.array([0.299, 0.587, 0.114])
_CLEAR = 1.15  # times the second largest: a nearer call is no answer


def _brightest(frames: Frames) -> NDArray[np.float64]:
    luma = (frames @ _LUMA).mean(axis=(0, 1))
    wide = len(luma)
    return np.array([luma[round(a * wide) : round(b * wide)].mean() for a, b in REGIONS.values()])


def _liveliest(frames: Frames) -> NDArray[np.float64]:
    """Mean change from one frame to the next, in each third of the clip."""
    luma = frames @ _LUMA
    moves = np.abs(np.diff(luma, axis=0)).mean(axis=(1, 2))
    spans = [intervals(third, len(frames)) for third in range(3)]
    return np.array([moves[start : max(stop - 1, start + 1)].mean() for start, stop in spans])


def _sharpest(frames: Frames) -> NDArray[np.float64]:
    luma = frames @ _LUMA
    edges = np.abs(np.diff(luma, axis=2)).mean(axis=(1, 2))
    spans = [intervals(third, len(frames)) for third in range(3)]
    return np.array([edges[start:stop].mean() for start, stop in spans])


MEASURES: Mapping[str, tuple[str, tuple[str, ...], Callable[[Frames], NDArray[np.float64]]]] = {
    "brightest": (
        "Which part of the picture is the brightest, taken over the whole clip?",
        tuple(f"the {name}" for name in REGIONS),
        _brightest,
    ),
    "liveliest": (
        "In which part of the clip does the picture change most from frame to frame?",
        tuple(f"in the {name}" for name in THIRDS),
        _liveliest,
    ),
    "sharpest": (
        "In which part of the clip does the picture have the most fine detail?",
        tuple(f"in the {name}" for name in THIRDS),
        _sharpest,
    ),
}
"""By name: the question, its options, and the measurement, one number an option."""


def readings(name: str, frames: Frames) -> NDArray[np.float64]:
    """The numbers behind a measurement's answer, one an option."""
    return MEASURES[name][2](frames)


def measured(name: str, frames: Frames) -> str | None:
    """The answer, as its option says it; None where two options are too near each other."""
    values = readings(name, frames)
    order = np.argsort(-values, kind="stable")
    if values[order[0]] < _CLEAR * max(values[order[1]], 1e-9):
        return None
    return MEASURES[name][1][int(order[0])]
