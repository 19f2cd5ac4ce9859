"""Video inpainting without a model: what is behind a mask is what other frames show there.

Other frames are laid over the frame by the camera's motion; each pixel under the mask is the median of those in which
nothing covers it. What no frame shows is filled in from around it (Telea 2004), and how much that is gets told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.video.edit.motion import camera_path, warped
from generators.video.edit.operations import Frames, Masks

__all__ = ["Background", "background", "grown", "shrunken"]

_REFERENCES = 13
_RADIUS = 3
_APART = 12  # grey levels by which frames may differ on average and still show one background


@dataclass(frozen=True)
class Background:
    """Frames without what a mask covers.

    Attributes
    ----------
    frames : ndarray of uint8, shape (length, H, W, 3)
        Outside the mask they are the clip's own.
    seen : float
        Share of the masked pixels that other frames show uncovered, and agree upon; 1 where nothing is masked.
    """

    frames: Frames
    seen: float


def background(frames: Frames, mask: Masks, start: int, stop: int) -> Background:
    """The frames ``start`` to ``stop`` of a clip without what ``mask`` (T, H, W) covers."""
    import cv2

    covered = grown(mask, max(2, frames.shape[1] // 90))
    path = camera_path(frames, avoid=covered)
    references = np.unique(np.linspace(0, len(frames) - 1, _REFERENCES).round().astype(int))
    out = frames[start:stop].copy()
    asked = agreed = 0
    for at in range(start, stop):
        holes = mask[at]
        if not holes.any():
            continue
        values, known, agree = _behind(frames, covered, holes, at, references, path)
        frame = out[at - start]
        frame[holes] = values
        unknown = holes.copy()
        unknown[holes] = ~known
        asked, agreed = asked + int(holes.sum()), agreed + int(agree.sum())
        if unknown.any():
            filled = cv2.inpaint(frame, unknown.astype(np.uint8), _RADIUS, cv2.INPAINT_TELEA)
            frame[unknown] = filled[unknown]
    return Background(out, agreed / asked if asked else 1.0)


def grown(mask: Masks, pixels: int) -> Masks:
    """Masks (T, H, W) widened by so many pixels."""
    import cv2

    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.stack([cv2.dilate(each.astype(np.uint8), kernel).astype(bool) for each in mask])


def shrunken(mask: Masks, pixels: int) -> Masks:
    """Masks (T, H, W) narrowed by so many pixels; the picture's border narrows nothing."""
    import cv2

    if not pixels:
        return mask
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.stack([cv2.erode(each.astype(np.uint8), kernel).astype(bool) for each in mask])


def _behind(
    frames: Frames,
    covered: Masks,
    holes: NDArray[np.bool_],
    at: int,
    references: NDArray[np.int64],
    path: NDArray[np.float64],
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]]:
    """Median over the references of the pixels in ``holes``, which any reference shows, and which they agree upon."""
    home = np.linalg.inv(path[at])
    values, free = [], []
    for each in references:
        if each == at:
            continue
        picture, open_ = frames[each], ~covered[each]
        move = home @ path[each]
        if not np.allclose(move, np.eye(3), atol=1e-6):
            picture, inside = warped(picture, move)
            open_ = ~warped(covered[each].astype(np.uint8), move)[0].astype(bool) & inside
        values.append(picture[holes])
        free.append(open_[holes])
    if not values:
        none = np.zeros(int(holes.sum()), dtype=bool)
        return frames[at][holes], none, none
    return _median(np.stack(values), np.stack(free))


def _median(
    values: NDArray[np.uint8], free: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]]:
    """Lower median of (R, N, 3) over the entries that are ``free`` (R, N): a value that was filmed, never a mean."""
    counts = free.sum(axis=0)
    ordered = np.sort(np.where(free[..., None], values, np.uint8(255)), axis=0)
    place = np.maximum(counts - 1, 0) // 2
    picked = np.take_along_axis(ordered, place[None, :, None], axis=0)[0]
    away = np.abs(values.astype(np.int16) - picked).max(axis=-1) * free
    return picked, counts > 0, (counts > 0) & (away.sum(axis=0) <= _APART * np.maximum(counts, 1))
