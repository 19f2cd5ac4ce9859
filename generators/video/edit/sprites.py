"""Objects cut out of a clip and put elsewhere in it, with soft rims."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from generators.video.edit.operations import Shot

__all__ = ["Canvas", "box_of", "centre_of", "free_moves"]

Scalar = TypeVar("Scalar", bound=np.generic)
_FAINT = 0.02  # of a sprite: less is taken to be nothing, and stays as it was


class Canvas:
    """The interval's frames being painted, and what was touched of them.

    Parameters
    ----------
    shot : Shot
    empty : bool
        Begin with the background in place of the object; else with the frames as they are.
    """

    def __init__(self, shot: Shot, *, empty: bool) -> None:
        self.shot = shot
        self.frames = (shot.behind.frames if empty else shot.frames[shot.span]).copy()
        self.touched = shot.mask[shot.span].copy() if empty else np.zeros_like(shot.mask[shot.span])

    def paste(self, at: int, source: int, across: int = 0, down: int = 0) -> None:
        """Put the object of frame ``source`` of the clip into frame ``at`` of the interval, moved by whole pixels."""
        alpha = _soft(self.shot.core[source])
        self.paint(at, _moved(self.shot.frames[source], across, down), _moved(alpha, across, down))

    def paint(self, at: int, picture: NDArray[np.uint8], alpha: NDArray[np.float32]) -> None:
        """Blend a picture (H, W, 3) by ``alpha`` (H, W), from 0 to 1."""
        rim = alpha > _FAINT
        share = alpha[rim][:, None]
        under = self.frames[at][rim].astype(np.float32)
        self.frames[at][rim] = np.rint(under + share * (picture[rim] - under)).astype(np.uint8)
        self.touched[at] |= rim


def box_of(mask: NDArray[np.bool_]) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom (the first pixels beyond) of a mask (H, W); None where it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def centre_of(mask: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Mean column and row of a mask (H, W), in pixels; None where it is empty."""
    rows, columns = np.nonzero(mask)
    return (float(columns.mean()), float(rows.mean())) if len(rows) else None


def free_moves(shot: Shot) -> list[tuple[int, int]]:
    """Moves (across, down) by which the object stays in the picture and leaves its own place, largest room first."""
    boxes = [box for at in range(shot.start, shot.stop) if (box := box_of(shot.core[at])) is not None]
    if not boxes:
        return []
    left, top, right, bottom = (pick(side) for pick, side in zip((min, min, max, max), zip(*boxes, strict=True),
                                                                strict=True))  # fmt: skip
    high, wide = shot.mask.shape[1:]
    width = max(box[2] - box[0] for box in boxes)
    height = max(box[3] - box[1] for box in boxes)
    room = {(-1, 0): left, (1, 0): wide - right, (0, -1): top, (0, 1): high - bottom}
    size = {(-1, 0): width, (1, 0): width, (0, -1): height, (0, 1): height}
    fits = [way for way in room if room[way] >= 0.6 * size[way]]
    fits.sort(key=lambda way: -room[way] / max(size[way], 1))
    steps = {way: min(room[way], int(1.3 * size[way])) for way in fits}
    return [(way[0] * steps[way], way[1] * steps[way]) for way in fits]


def _soft(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    import cv2

    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8), dtype=np.float32)


def _moved(image: NDArray[Scalar], across: int, down: int) -> NDArray[Scalar]:
    """An image (H, W, ...) moved by whole pixels; zero where nothing comes from."""
    if not across and not down:
        return image
    out = np.zeros_like(image)
    high, wide = image.shape[:2]
    if abs(across) >= wide or abs(down) >= high:
        return out
    to = (slice(max(down, 0), high + min(down, 0)), slice(max(across, 0), wide + min(across, 0)))
    start = (slice(max(-down, 0), high + min(-down, 0)), slice(max(-across, 0), wide + min(-across, 0)))
    out[to] = image[start]
    return out
