"""Whether what an answer stands on can still be made out: how much of a region's picture survived a change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["legibility", "plainness", "region_of"]

_SCALE = 24  # pixels to which the region's longer side is brought: finer detail decides nothing here
_NOISE = 9.0  # grey levels by which equal pixels may differ and look alike


def legibility(before: NDArray[np.uint8], after: NDArray[np.uint8], region: NDArray[np.bool_]) -> float:
    """From 0 (nothing of the region is left) to 1 (all of it): contrast that survived, times likeness.

    The region's bounding box is averaged down, as an eye does that looks at the whole of a thing. Likeness is the
    correlation of the two pictures there, over pixels and colours; survived contrast is the ratio of what the one shows
    of the other to what a viewer can tell apart, at the most 1.

    Parameters
    ----------
    before, after : ndarray of uint8, shape (H, W, 3)
    region : ndarray of bool, shape (H, W)
    """
    if np.array_equal(before[region], after[region]):
        return 1.0  # nothing happened to it, however even it is
    one, other = (_small(picture, region) for picture in (before, after))
    one, other = one - one.mean(axis=(0, 1)), other - other.mean(axis=(0, 1))
    spread = float(np.sqrt((one**2).mean() * (other**2).mean()))
    if spread < 1e-9:
        return 0.0
    likeness = max(0.0, float((one * other).mean()) / spread)
    kept = float((one * other).mean() / max(float(np.sqrt((one**2).mean())), 1e-9))
    return round(likeness * min(1.0, max(kept, 0.0) / _NOISE), 6)


def plainness(picture: NDArray[np.uint8], region: NDArray[np.bool_]) -> float:
    """The greatest legibility that a changed view of a region can have, from 0 (it is all of one colour) to 1.

    Legibility is told by contrast. Where a region has next to none, such as a piece of sky, it would be called lost
    whatever was done to it.
    """
    part = _small(picture, region)
    return min(1.0, float((part - part.mean(axis=(0, 1))).std()) / _NOISE)


def region_of(evidence: NDArray[np.bool_] | None, picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the evidence is; the whole picture where nobody says so. Shape (H, W)."""
    return evidence if evidence is not None and evidence.any() else np.ones(picture.shape[:2], dtype=bool)


def _small(picture: NDArray[np.uint8], region: NDArray[np.bool_]) -> NDArray[np.float64]:
    import cv2

    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    part = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float64)
    scale = _SCALE / max(part.shape[:2])
    if scale >= 1:
        return part
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), dtype=np.float64)
