"""How the camera moves: an affine map between frames, from corners that are followed and outliers that are left out.

Corners by Shi & Tomasi (1994), followed by pyramidal Lucas & Kanade (Bouguet 2001), fitted by RANSAC (Fischler & Bolles
1981), all in OpenCV, whose RANSAC draws the same numbers in every call.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.video.edit.operations import Frames, Masks

__all__ = ["camera_path", "greys", "is_still", "warped"]

_CORNERS = 200
_LEAST = 8  # corners: fewer say nothing of a camera
_SAME = 0.25  # grey levels on average: two frames that differ less are one picture
_WINDOW = 11  # pixels around a corner that following it looks at
_STILL = 0.35  # pixels: a camera that moves less is taken to stand


def greys(frames: Frames) -> NDArray[np.uint8]:
    """Luma of every frame. Shape (T, H, W)."""
    import cv2

    return np.stack([np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), dtype=np.uint8) for frame in frames])


def camera_path(frames: Frames, avoid: Masks | None = None) -> NDArray[np.float64]:
    """Maps from each frame's pixels to the first frame's. Shape (T, 3, 3), homogeneous, columns (x, y, 1).

    Parameters
    ----------
    avoid : ndarray of bool, shape (T, H, W), optional
        Where no corner is taken: what moves by itself.
    """
    grey = greys(frames)
    path = np.tile(np.eye(3), (len(frames), 1, 1))
    for at in range(1, len(frames)):
        path[at] = path[at - 1] @ _step(grey[at], grey[at - 1], None if avoid is None else avoid[at])
    return path if not is_still(path, frames.shape[1:3]) else np.tile(np.eye(3), (len(frames), 1, 1))


def is_still(path: NDArray[np.float64], size: tuple[int, ...]) -> bool:
    """Whether no corner of the picture (H, W) moves by more than a fraction of a pixel all along a path."""
    high, wide = size[:2]
    corners = np.array([[0, 0, 1], [wide, 0, 1], [0, high, 1], [wide, high, 1]], dtype=np.float64).T
    away = np.abs((path @ corners - corners)[:, :2]).max()
    return bool(away < _STILL)


def warped(image: NDArray[np.uint8], move: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """An image moved by a 3×3 map, and which pixels come from inside it. Shapes (H, W, C) and (H, W)."""
    import cv2

    high, wide = image.shape[:2]
    moved = cv2.warpAffine(image, move[:2], (wide, high), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.ones((high, wide), np.uint8), move[:2], (wide, high), flags=cv2.INTER_NEAREST)
    return np.asarray(moved, dtype=np.uint8), np.asarray(inside, dtype=bool)


def _step(now: NDArray[np.uint8], before: NDArray[np.uint8], avoid: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """From one frame's pixels to the one before it; the identity where too few corners were found."""
    import cv2

    free = np.full(now.shape, 255, np.uint8) if avoid is None else _away_from(avoid)
    apart = np.abs(now.astype(np.int16) - before)[free > 0]
    if not apart.size or apart.mean() < _SAME:
        return np.eye(3)
    corners: Any = cv2.goodFeaturesToTrack(now, _CORNERS, 0.01, max(4, now.shape[0] // 30), mask=free)
    if corners is None or len(corners) < _LEAST:
        return np.eye(3)
    found, status, _ = cv2.calcOpticalFlowPyrLK(now, before, corners, np.empty_like(corners))
    kept = status.ravel() == 1
    if np.count_nonzero(kept) < _LEAST:
        return np.eye(3)
    fitted, _ = cv2.estimateAffinePartial2D(corners[kept], found[kept], method=cv2.RANSAC, ransacReprojThreshold=1.0)
    return np.eye(3) if fitted is None else np.vstack([fitted, [0.0, 0.0, 1.0]])


def _away_from(avoid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """255 where a corner may be taken: what moves by itself must not reach into the window around it."""
    import cv2

    side = 2 * _WINDOW + 1
    wide = cv2.dilate(avoid.astype(np.uint8), np.ones((side, side), np.uint8))
    return np.where(wide > 0, 0, 255).astype(np.uint8)
