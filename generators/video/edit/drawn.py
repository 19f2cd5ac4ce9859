"""Drawn things that can stand in for an object: a shaded ball, a box and a star, with soft rims."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

__all__ = ["FIGURES", "figure"]

_LIGHT = np.array([-0.45, -0.6, 0.66])  # from the upper left, toward the eye
Field = NDArray[np.float64]
_Shape = Callable[[Field, Field], tuple[Field, Field]]
"""From coordinates (x, y) in units of half the thing's size: signed distance to its rim, and its shade from 0 to 1."""


def _ball(x: Field, y: Field) -> tuple[Field, Field]:
    radius = np.hypot(x, y)
    depth = np.sqrt(np.clip(1 - radius**2, 0, 1))
    lit = np.clip(x * _LIGHT[0] + y * _LIGHT[1] + depth * _LIGHT[2], 0, 1)
    return radius - 1, 0.3 + 0.7 * lit


def _box(x: Field, y: Field) -> tuple[Field, Field]:
    """A cube seen from above one corner: a hexagon of three faces, of which the top is the lightest."""
    across = np.abs(x)
    rim = np.maximum(across / 0.866, np.abs(y) + 0.577 * across) - 1
    shade = np.where(y < -0.577 * across, 1.0, np.where(x < 0, 0.74, 0.46))
    return rim, shade


def _star(x: Field, y: Field) -> tuple[Field, Field]:
    turn = np.arctan2(x, -y)
    fifth = 2 * np.pi / 5
    within = np.abs((turn + fifth / 2) % fifth - fifth / 2)
    rim = 1 - 0.55 * within / (fifth / 2)
    return np.hypot(x, y) - rim, np.clip(0.95 - 0.3 * (x + y) / 2, 0.4, 1)


FIGURES: Mapping[str, tuple[tuple[int, int, int], _Shape]] = {
    "red ball": ((224, 52, 44), _ball),
    "blue box": ((58, 96, 214), _box),
    "yellow star": ((250, 206, 48), _star),
}
"""By the name that questions use: colour, and shape."""


def figure(
    name: str, centre: tuple[float, float], side: float, size: tuple[int, int], light: float = 1.0
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A picture (H, W, 3) of one thing and its opacity (H, W) from 0 to 1.

    Parameters
    ----------
    name : str
        One of :data:`FIGURES`.
    centre : tuple of float
        Column and row, in pixels.
    side : float
        Its width and height, in pixels.
    size : tuple of int
        Height and width of the picture.
    light : float
        How bright its surroundings are, from 0 to 1.
    """
    colour, shape = FIGURES[name]
    half = max(side / 2, 1.0)
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float64)
    away, shade = shape((columns - centre[0]) / half, (rows - centre[1]) / half)
    alpha = np.clip(0.5 - away * half, 0, 1).astype(np.float32)
    picture = np.clip(np.array(colour) * (shade * light)[..., None], 0, 255).astype(np.uint8)
    return picture, alpha
