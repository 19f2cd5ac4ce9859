"""Counterfactual frames of the Counterfactual World Model: chosen patches moved, and the rest left to a predictor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["move_patch"]

_FARTHEST = 0.15


def move_patch(
    frame: NDArray[np.uint8], mask: NDArray[np.bool_], right: int, down: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.float32]]:
    """Move what a mask covers, and say what is known of the frame that would follow.

    Parameters
    ----------
    frame : ndarray of uint8, shape (H, W, 3)
    mask : ndarray of bool, shape (H, W)
        What is moved: a patch, or an object.
    right, down : int
        Pixels; at most 15 % of the picture's edge.

    Returns
    -------
    moved : ndarray of uint8, shape (H, W, 3)
        The frame with what was moved in its new place; what it leaves uncovered is as before.
    known : ndarray of bool, shape (H, W)
        False where it was and is no longer: no single frame tells what is behind it.
    flow : ndarray of float32, shape (H, W, 2)
        Right and down, of each pixel of the given frame.

    Raises
    ------
    ValueError
        For a mask of another size or without a pixel, or a move that is too far.
    """
    height, width = frame.shape[:2]
    if mask.shape != (height, width) or not mask.any():
        raise ValueError(
            f"mask: {mask.shape} with {int(mask.sum())} pixels; a frame of {(height, width)} wants one of its own"
        )
    if abs(right) > _FARTHEST * width or abs(down) > _FARTHEST * height:
        raise ValueError(f"a move by {right}, {down} pixels is over 15 % of the picture")
    rows, columns = np.nonzero(mask)
    inside = (rows + down >= 0) & (rows + down < height) & (columns + right >= 0) & (columns + right < width)
    moved, there = frame.copy(), np.zeros_like(mask)
    moved[rows[inside] + down, columns[inside] + right] = frame[rows[inside], columns[inside]]
    there[rows[inside] + down, columns[inside] + right] = True
    flow = np.zeros((height, width, 2), dtype=np.float32)
    flow[rows, columns] = (right, down)
    return moved, ~(mask & ~there), flow
