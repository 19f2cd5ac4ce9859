"""Masks over pictures: how hidden pixels look, and where else the same mask could lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import RowError

__all__ = ["STYLES", "boxes_of", "elsewhere", "masked"]

Mask = NDArray[np.bool_]
Picture = NDArray[np.uint8]
_STEP = 3  # pixels between the places that are tried
_BLOCK = 24  # pixels of a mosaic's stones: hardly a thing is larger than two


def masked(picture: Picture, mask: Mask, style: str, seed: int) -> Picture:
    """The picture with ``style`` under the mask; every other pixel is its own.

    Parameters
    ----------
    seed : int
        Of the style's noise: the same seed looks the same in another place.
    """
    out = picture.copy()
    out[mask] = STYLES[style](picture, np.random.Generator(np.random.Philox(key=seed)))[mask]
    return out


def boxes_of(mask: Mask) -> list[tuple[int, int, int, int]]:
    """The box around each connected piece of a mask: left, top, right, bottom (the last two outside)."""
    import cv2

    count, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return [(int(x), int(y), int(x + wide), int(y + high)) for x, y, wide, high, _ in stats[1:count]]


def elsewhere(evidence: Mask, free: Sequence[Mask], rng: np.random.Generator) -> Mask:
    """The evidence's shapes in other places: the same area to the pixel, none of it on the evidence.

    Each connected piece is moved by itself, over something of ``free`` where it fits, so that it hides what is there to
    be seen and not just an empty table.

    Raises
    ------
    RowError
        Where there is no room.
    """
    import cv2

    count, marks = cv2.connectedComponents(evidence.astype(np.uint8))
    wanted = np.logical_or.reduce(free) if free else np.zeros_like(evidence)
    taken = evidence.copy()
    out = np.zeros_like(evidence)
    for mark in range(1, count):
        placed = _placed(marks == mark, taken, wanted & ~out, rng)
        taken |= placed
        out |= placed
    return out


def _placed(piece: Mask, taken: Mask, wanted: Mask, rng: np.random.Generator) -> Mask:
    rows, columns = np.nonzero(piece)
    shape = piece[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    high, wide = shape.shape
    found: list[tuple[float, float, int, int]] = []
    for top in range(0, piece.shape[0] - high + 1, _STEP):
        for left in range(0, piece.shape[1] - wide + 1, _STEP):
            window = (slice(top, top + high), slice(left, left + wide))
            if not (taken[window] & shape).any():
                found.append((float((wanted[window] & shape).sum()), float(rng.random()), top, left))
    if not found:
        raise RowError("there is no room for a mask of the same area beside the evidence")
    _, _, top, left = max(found)
    out = np.zeros_like(piece)
    out[top : top + high, left : left + wide] = shape
    return out


def _grey(picture: Picture, rng: np.random.Generator) -> Picture:
    return np.full_like(picture, 127)


def _black(picture: Picture, rng: np.random.Generator) -> Picture:
    return np.zeros_like(picture)


def _noise(picture: Picture, rng: np.random.Generator) -> Picture:
    return rng.integers(0, 256, size=picture.shape, dtype=np.uint8)


def _mean(picture: Picture, rng: np.random.Generator) -> Picture:
    """The picture's own mean colour: the mask that stands out least."""
    return np.broadcast_to(np.rint(picture.mean(axis=(0, 1))).astype(np.uint8), picture.shape)


def _mixed(picture: Picture, rng: np.random.Generator) -> Picture:
    """Stones of the picture's own colours in an order of their own: what was there cannot be told from them."""
    import cv2

    high, wide = picture.shape[:2]
    size = (max(1, wide // _BLOCK), max(1, high // _BLOCK))
    stones = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)).reshape(-1, 3)
    mixed = stones[rng.permutation(len(stones))].reshape(size[1], size[0], 3)
    return np.asarray(cv2.resize(mixed, (wide, high), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


STYLES: Mapping[str, Callable[[Picture, np.random.Generator], Picture]] = {
    "grey": _grey,
    "black": _black,
    "noise": _noise,
    "mean": _mean,
    "mosaic": _mixed,
}
"""By name: what a hidden pixel looks like. Nothing of what was there shows through."""
