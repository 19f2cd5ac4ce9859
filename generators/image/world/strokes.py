"""Strokes: digits drawn as lines, whose thickness decides their brightness (after Morpho-MNIST and DeepSCM).

::

    digit      slant      thickness ──► intensity

Thickness is in pixels of a 28×28 picture, intensity in grey levels, slant in radians. The strokes are drawn here, so
that no data are downloaded; thickness is read off the picture by the distance transform of its ink, intensity as the
ink's upper levels. From 0.9 to 3.8 pixels the reading is within 0.35 of what was drawn; above that, corners and small
loops fill up, some in a hundred pictures are read as too thick, and become rejects.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from generators.image.world.base import Field, Picture, World, cover
from generators.scm import SCM, Categorical, Gamma, Monotone, Normal, Root, Support, Variable

__all__ = ["WORLD", "Strokes", "render"]

SIZE = 28
_FINE = 8  # readings are taken on a picture so many times as large
_LINES: Mapping[str, tuple[tuple[tuple[float, float], ...], ...]] = {
    "0": (
        (
            (0.5, 0.05),
            (0.2, 0.2),
            (0.12, 0.5),
            (0.2, 0.8),
            (0.5, 0.95),
            (0.8, 0.8),
            (0.88, 0.5),
            (0.8, 0.2),
            (0.5, 0.05),
        ),
    ),
    "1": (((0.3, 0.22), (0.52, 0.05), (0.52, 0.95)), ((0.3, 0.95), (0.74, 0.95))),
    "2": (((0.16, 0.25), (0.3, 0.08), (0.6, 0.06), (0.82, 0.22), (0.74, 0.46), (0.16, 0.95), (0.86, 0.95)),),
    "3": (
        ((0.18, 0.1), (0.8, 0.1), (0.44, 0.42), (0.76, 0.5), (0.84, 0.72), (0.66, 0.92), (0.36, 0.95), (0.14, 0.84)),
    ),
    "4": (((0.66, 0.95), (0.66, 0.05), (0.12, 0.68), (0.88, 0.68)),),
    "5": (
        ((0.8, 0.06), (0.26, 0.06), (0.2, 0.46), (0.56, 0.4), (0.82, 0.56), (0.82, 0.78), (0.56, 0.95), (0.16, 0.88)),
    ),
    "6": (
        (
            (0.74, 0.08),
            (0.4, 0.22),
            (0.18, 0.58),
            (0.22, 0.84),
            (0.5, 0.95),
            (0.78, 0.84),
            (0.8, 0.62),
            (0.54, 0.5),
            (0.22, 0.62),
        ),
    ),
    "7": (((0.12, 0.08), (0.86, 0.08), (0.4, 0.95)),),
    "8": (
        (
            (0.5, 0.48),
            (0.24, 0.34),
            (0.26, 0.14),
            (0.5, 0.05),
            (0.74, 0.14),
            (0.76, 0.34),
            (0.5, 0.48),
            (0.2, 0.66),
            (0.24, 0.88),
            (0.5, 0.95),
            (0.76, 0.88),
            (0.8, 0.66),
            (0.5, 0.48),
        ),
    ),
    "9": (
        (
            (0.78, 0.38),
            (0.46, 0.5),
            (0.2, 0.38),
            (0.22, 0.16),
            (0.5, 0.05),
            (0.78, 0.16),
            (0.82, 0.42),
            (0.6, 0.78),
            (0.28, 0.95),
        ),
    ),
}
"""Corners of each digit's lines in a unit square, x to the right and y down."""

DIGITS = tuple(_LINES)


class Strokes(SCM):
    """A digit, how it leans, how thick its strokes are, and how bright they are."""

    digit = Categorical(DIGITS, [0.1] * 10)
    slant = Root(Normal(0.0, 0.15))
    thickness = Variable("thickness", Root(Gamma(10.0, 0.2)), Support(lower=0.1))
    intensity = Variable(
        "intensity",
        Monotone(
            "64 + 191 * sigmoid(2 * (thickness - 2) + noise)", "logit((value - 64) / 191) - 2 * (thickness - 2)",
            Normal(0.0, 0.5),
        ),
        Support(lower=64, upper=255),
    )  # fmt: skip


def render(values: Mapping[str, Any]) -> Picture:
    """The digit as uint8 (28, 28, 3), white on black."""
    ink = cover(_distance(DIGITS[int(values["digit"])], float(values["slant"]), 1) - float(values["thickness"]) / 2)
    level = np.rint(ink * float(values["intensity"])).astype(np.uint8)
    return np.repeat(level[..., None], 3, axis=2)


def _distance(digit: str, slant: float, fine: int) -> Field:
    """Distance of every pixel from the digit's lines, in pixels of the 28×28 picture. Shape (28 fine, 28 fine)."""
    rows, columns = np.mgrid[0 : SIZE * fine, 0 : SIZE * fine] / fine + 0.5 / fine
    best = np.full(rows.shape, np.inf)
    for line in _LINES[digit]:
        corners = [_placed(x, y, slant) for x, y in line]
        for (ax, ay), (bx, by) in pairwise(corners):
            dx, dy = bx - ax, by - ay
            share = np.clip(((columns - ax) * dx + (rows - ay) * dy) / (dx * dx + dy * dy), 0, 1)
            best = np.minimum(best, np.hypot(columns - ax - share * dx, rows - ay - share * dy))
    return best


def _placed(x: float, y: float, slant: float) -> tuple[float, float]:
    row = 5 + 18 * y
    return 8 + 12 * x - np.tan(slant) * (row - 14), row


def _ink(picture: Picture) -> Field | None:
    """The ink's share of each pixel, at a finer scale; None on an empty page."""
    import cv2

    level = picture[..., 0].astype(np.float64)
    if level.max() < 20:
        return None
    size = (SIZE * _FINE, SIZE * _FINE)
    return np.asarray(cv2.resize(level / level.max(), size, interpolation=cv2.INTER_CUBIC), dtype=np.float64)


def _read_thickness(picture: Picture) -> float | None:
    """Twice the distance from the middle of the strokes to the nearest page, by the distance transform.

    The transform counts to the middle of the nearest pixel of page, half a pixel beyond the ink's edge. Where lines
    meet, the ridge is further from the page than in the strokes, so the quantile lies below the median.
    """
    import cv2

    ink = _ink(picture)
    if ink is None:
        return None
    inside = cv2.distanceTransform((ink > 0.5).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    ridge = (inside > 0) & (inside >= cv2.dilate(inside, np.ones((3, 3), np.uint8)) - 1e-6)
    return float(2 * (np.quantile(inside[ridge], 0.4) - 0.5) / _FINE) if ridge.any() else None


def _read_intensity(picture: Picture) -> float | None:
    """Level in the middle of the strokes, where they cover whole pixels."""
    level = picture[..., 0]
    return float(np.quantile(level[level > level.max() / 2], 0.9)) if level.max() >= 20 else None


WORLD = World(
    "generators.image.world.strokes:Strokes",
    render,
    {"thickness": _read_thickness, "intensity": _read_intensity},
    {"thickness": 0.4, "intensity": 12.0},
)
