"""Visual edits: how the picture looks, by arithmetic on its pixels (after DualityForge's first level)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.video.edit.operations import Frames, Operation, Place, Proposal, Shot

__all__ = ["VISUAL"]

_EVERYWHERE: tuple[Place, ...] = ("frame", "region", "object")
_EVERY = 3  # frame, row and column are enough for a mean
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601


def _tables(change: Callable[[NDArray[np.float64], Mapping[str, Any]], NDArray[np.float64]]) -> Any:
    """An operation on single values, as a table of 256."""

    def apply(shot: Shot, values: Mapping[str, Any]) -> Proposal:
        import cv2

        table = np.clip(np.rint(change(np.arange(256.0), values)), 0, 255).astype(np.uint8)
        return _put(shot, lambda frame: np.asarray(cv2.LUT(frame, table), dtype=np.uint8))

    return apply


def _put(shot: Shot, change: Callable[[Frames], Frames]) -> Proposal:
    """Each frame of the interval changed where the mask has anything at all, in the smallest box around it."""
    mask = shot.mask[shot.span]
    frames = shot.frames[shot.span].copy()
    for at, frame in enumerate(frames):
        box = _box(mask[at])
        if box is not None:
            frame[box] = change(np.ascontiguousarray(frame[box]))
    return Proposal(frames, mask)


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice] | None:
    """The smallest box around a mask; None around nothing. Shape (H, W)."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _contrast(levels: NDArray[np.float64], values: Mapping[str, Any]) -> NDArray[np.float64]:
    return np.asarray(values["pivot"] + (levels - values["pivot"]) * values["gain"])


def _brightness(levels: NDArray[np.float64], values: Mapping[str, Any]) -> NDArray[np.float64]:
    """Toward white or black by a share of the way, so that what is bright already does not burn out at once."""
    share = values["share"]
    return np.asarray(levels + share * (255.0 - levels) if share > 0 else levels * (1.0 + share))


def _saturation(shot: Shot, values: Mapping[str, Any]) -> Proposal:
    import cv2

    grey = np.tile(_LUMA, (3, 1))
    matrix = grey + values["factor"] * (np.eye(3) - grey)  # grey stays grey: every row sums to one
    return _put(shot, lambda frame: np.asarray(cv2.transform(frame, matrix), dtype=np.uint8))


def _blur(shot: Shot, values: Mapping[str, Any]) -> Proposal:
    import cv2

    # A running mean weighted like a tent (stack blur, Klingemann 2004): near a Gaussian, as fast at any width.
    reach = 2 * round(1.7 * values["sigma"] * shot.frames.shape[1]) + 1
    mask = shot.mask[shot.span]
    frames = np.empty_like(shot.frames[shot.span])
    for out, frame in zip(frames, shot.frames[shot.span], strict=True):
        cv2.stackBlur(frame, (reach, reach), dst=out)
    return Proposal(frames, mask)


def _warp(shot: Shot, values: Mapping[str, Any]) -> Proposal:
    """A travelling wave that bends straight lines; it fades toward the mask's border, where nothing may move."""
    import cv2

    mask = shot.mask[shot.span]
    length, high, wide = mask.shape
    rows, columns = (np.arange(side, dtype=np.float32) for side in (high, wide))
    period, reach = values["period"] * high, values["reach"] * high
    out = np.empty_like(shot.frames[shot.span])
    fade = np.zeros((high, wide), dtype=np.float32)
    for at in range(length):
        if at == 0 or not np.array_equal(mask[at], mask[at - 1]):
            fade = _faded(mask[at], reach)
        turn = 2 * np.pi * (at / max(values["turn"], 1))
        # A sine of the row moves pixels across, one of the column moves them down.
        across = columns[None] + fade * np.sin(2 * np.pi * rows / period + turn).astype(np.float32)[:, None]
        along = rows[:, None] + fade * np.sin(2 * np.pi * columns / period + turn).astype(np.float32)[None]
        frame = shot.frames[shot.start + at]
        out[at] = cv2.remap(frame, across, along, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return Proposal(out, mask)


def _faded(mask: NDArray[np.bool_], reach: float) -> NDArray[np.float32]:
    """How far pixels may move, in pixels: ``reach`` well inside a mask (H, W), nothing at its border."""
    import cv2

    inside = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    return np.asarray(reach * np.minimum(inside / max(reach * 2, 1.0), 1.0), dtype=np.float32)


def _between(low: float, high: float, key: str) -> Callable[[Shot, np.random.Generator], Mapping[str, Any]]:
    return lambda shot, rng: {key: round(float(rng.uniform(low, high)), 3)}


def _with_pivot(low: float, high: float) -> Callable[[Shot, np.random.Generator], Mapping[str, Any]]:
    """A gain about the mean of what is changed, so that contrast moves and brightness does not."""

    def draw(shot: Shot, rng: np.random.Generator) -> Mapping[str, Any]:
        seen = shot.frames[shot.span][::_EVERY, ::_EVERY, ::_EVERY]
        inside = seen[shot.mask[shot.span][::_EVERY, ::_EVERY, ::_EVERY]]
        pivot = float(inside.mean()) if len(inside) else 128.0
        return {"gain": round(float(rng.uniform(low, high)), 3), "pivot": round(pivot, 1)}

    return draw


def _wave(shot: Shot, rng: np.random.Generator) -> Mapping[str, Any]:
    return {"reach": round(float(rng.uniform(0.03, 0.045)), 3), "period": round(float(rng.uniform(0.25, 0.4)), 3),
            "turn": int(rng.integers(8, 17))}  # fmt: skip


VISUAL = (
    Operation(
        "brighten",
        "visual",
        "brightness",
        _EVERYWHERE,
        _between(0.4, 0.6, "share"),
        _tables(_brightness),
        kept=("share",),
    ),
    Operation(
        "darken",
        "visual",
        "brightness",
        _EVERYWHERE,
        _between(-0.65, -0.5, "share"),
        _tables(_brightness),
        kept=("share",),
    ),
    Operation(
        "more_contrast", "visual", "contrast", _EVERYWHERE, _with_pivot(2.0, 2.6), _tables(_contrast), kept=("gain",)
    ),
    Operation(
        "less_contrast", "visual", "contrast", _EVERYWHERE, _with_pivot(0.2, 0.35), _tables(_contrast), kept=("gain",)
    ),
    Operation("grey", "visual", "colour", _EVERYWHERE, _between(0.0, 0.05, "factor"), _saturation, kept=("factor",)),
    Operation("vivid", "visual", "colour", _EVERYWHERE, _between(2.8, 3.4, "factor"), _saturation, kept=("factor",)),
    Operation("blur", "visual", "sharpness", _EVERYWHERE, _between(0.018, 0.03, "sigma"), _blur, kept=("sigma",)),
    Operation("warp", "visual", "shape", _EVERYWHERE, _wave, _warp, kept=("reach", "period", "turn")),
)
"""In order: light, contrast, colour, sharpness, geometry."""
