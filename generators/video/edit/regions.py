"""Where and when: regions of the picture by name, and intervals of frames within a clip."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import RowError
from generators.video.edit.operations import Masks

__all__ = ["REGIONS", "THIRDS", "interval_of", "intervals", "region_mask", "third_of"]

REGIONS: Mapping[str, tuple[float, float]] = {
    "left third": (0.0, 1 / 3),
    "middle third": (1 / 3, 2 / 3),
    "right third": (2 / 3, 1.0),
}
"""Parts of the picture from side to side: first and last share of its width."""

THIRDS = ("first third", "middle third", "last third")
"""Parts of a clip from its beginning to its end."""

_INSET = 0.1  # of the height: a region keeps away from the upper and the lower border


def region_mask(name: str, shape: tuple[int, ...]) -> Masks:
    """A region of :data:`REGIONS` in every frame. ``shape`` is (T, H, W)."""
    length, high, wide = shape[:3]
    left, right = (round(share * wide) for share in REGIONS[name])
    top = round(_INSET * high)
    mask = np.zeros((high, wide), dtype=bool)
    mask[top : high - top, left:right] = True
    return np.broadcast_to(mask, (length, high, wide))


def third_of(start: int, stop: int, length: int) -> int | None:
    """Which third of a clip of ``length`` frames an interval lies in; None where it lies in more than one."""
    first, last = start * 3 // length, (stop - 1) * 3 // length
    return first if first == last else None


def intervals(third: int, length: int) -> tuple[int, int]:
    """First frame of a third of a clip, and the one after its last."""
    edges: NDArray[np.int64] = -(-np.arange(4) * length // 3)
    return int(edges[third]), int(edges[third + 1])


def interval_of(seconds: tuple[float, float], rate: Fraction, length: int) -> tuple[int, int]:
    """Frames [start, stop) of an interval in seconds.

    Raises
    ------
    RowError
        Where the clip has no such frames.
    """
    start, stop = (round(float(each) * float(rate)) for each in seconds)
    if not 0 <= start < stop <= length:
        lasts = length / float(rate)
        raise RowError(
            f"the interval from {seconds[0]:g} to {seconds[1]:g} s lies outside the clip",
            allowed=f"0 <= from < to <= {lasts:.3f} s",
            fix="change generator.interval, or take longer windows",
        )
    return start, stop
