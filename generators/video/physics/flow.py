"""Optical flow from states: where each visible point goes until the next frame, by geometry and not by matching."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from generators.video.physics.evidence import Run
from generators.video.physics.simulate import rotated
from generators.video.physics.world import Camera

__all__ = ["OFFSET", "SCALE", "carried", "focal_length", "forward_flow", "packed_flow", "unpacked_flow"]

SCALE, OFFSET = 64.0, 32768.0
"""Of stored flow: value = 64 · pixels + 2¹⁵, as in KITTI's 16-bit files."""


def focal_length(camera: Camera, height: int) -> float:
    """Pixels. Pixels are square, and the principal point is the picture's middle."""
    return height / 2 / math.tan(math.radians(camera.fovy) / 2)


def forward_flow(run: Run, frame: int, mask: NDArray[np.uint8], depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """Displacement of each pixel of ``frame`` until ``frame + 1``.

    Parameters
    ----------
    mask : ndarray of uint8, shape (H, W)
        Object numbers, 1 and up; the camera and everything else stand still.
    depth : ndarray of float32, shape (H, W)
        Metres along the viewing axis.

    Returns
    -------
    ndarray of float32, shape (H, W, 2)
        Right and down, in pixels. Zero in the last frame.
    """
    height, width = mask.shape
    flow = np.zeros((height, width, 2), dtype=np.float32)
    if frame + 1 >= len(run.states):
        return flow
    camera = run.world.camera
    focal, axes, eye = focal_length(camera, height), camera.axes(), np.asarray(camera.position)
    for number in range(1, len(run.names) + 1):
        rows, columns = np.nonzero(mask == number)
        if not len(rows):
            continue
        away = depth[rows, columns].astype(np.float64)
        right = (columns + 0.5 - width / 2) / focal * away
        up = -(rows + 0.5 - height / 2) / focal * away
        points = eye + np.stack([right, up, -away], axis=1) @ axes
        seen = (carried(run, frame, frame + 1, number - 1, points) - eye) @ axes.T
        flow[rows, columns, 0] = seen[:, 0] / -seen[:, 2] * focal - right / away * focal
        flow[rows, columns, 1] = -seen[:, 1] / -seen[:, 2] * focal + up / away * focal
    return flow


def carried(run: Run, frame: int, later: int, number: int, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where points (m, shape (n, 3)) that are fixed to an object are in another frame."""
    here, there = run.states[frame, number], run.states[later, number]
    inverse = here[3:7] * np.array([1.0, -1.0, -1.0, -1.0])
    own = rotated(np.broadcast_to(inverse, (len(points), 4)), points - here[:3])
    return np.asarray(rotated(np.broadcast_to(there[3:7], (len(points), 4)), own) + there[:3])


def packed_flow(flow: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Flow as one grey picture of twice the height: rightward above downward, in 64ths of a pixel."""
    stacked = np.concatenate([flow[:, :, 0], flow[:, :, 1]]).astype(np.float64)  # float32 would round before rint
    return np.clip(np.rint(stacked * SCALE + OFFSET), 0, 65535).astype(np.uint16)


def unpacked_flow(packed: NDArray[np.uint16]) -> NDArray[np.float32]:
    """The inverse of :func:`packed_flow`, to within a 128th of a pixel."""
    half = packed.shape[-2] // 2
    both = np.stack([packed[..., :half, :], packed[..., half:, :]], axis=-1)
    return ((both.astype(np.float32) - OFFSET) / SCALE).astype(np.float32)
