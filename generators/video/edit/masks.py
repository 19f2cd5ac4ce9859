"""Masks that a user gives: an image for all frames, or a clip with one a frame; and how masks are kept in a record."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from contrafact.engines.media import encode_lossless, read_clip, read_mask
from contrafact.errors import MediaError, RowError
from generators.video.edit.footage import CLIPS
from generators.video.edit.operations import Masks

__all__ = ["beside", "given_mask", "packed", "unpacked"]

_RATE = Fraction(25)  # a mask has frames and no clock


def beside(clip: Path) -> Path | None:
    """The mask that lies beside a clip: ``walk.mask.png``, or ``walk.mask.mkv`` and its like, of ``walk.mp4``."""
    for suffix in (".png", *CLIPS):
        path = clip.with_name(f"{clip.stem}.mask{suffix}")
        if path.is_file():
            return path
    return None


def given_mask(source: Path | bytes, shape: tuple[int, ...], start: int | None, longest: int) -> Masks:
    """A user's mask for frames of ``shape`` (T, H, W) that begin at ``start`` in their clip. White is the object.

    Raises
    ------
    RowError
        For a mask of another size or length, or one that is empty.
    MediaError
        For a file that cannot be read.
    """
    length, high, wide = shape[:3]
    try:
        picture = read_mask(source) > 0
        mask = np.broadcast_to(picture, (length, *picture.shape))
    except MediaError:
        if _is_png(source):
            raise  # what is wrong with it as a picture is what its owner can mend
        begin = start or 0
        mask = read_clip(source, start=begin, stop=begin + length).frames.max(axis=-1) > 127
    sized = _as_large(mask, (high, wide), longest)
    if not sized.any():
        raise RowError("the mask is empty in these frames")
    return sized


def _is_png(source: Path | bytes) -> bool:
    """Whether it is one picture and no clip: by its name, or else its first bytes."""
    return source.startswith(b"\x89PNG") if isinstance(source, bytes) else source.suffix.lower() == ".png"


def _as_large(mask: Masks, size: tuple[int, int], longest: int) -> Masks:
    """A mask drawn on the clip as it is filmed, brought to the size at which it is edited."""
    import cv2

    if mask.shape[1:] == size:
        return mask
    high, wide = mask.shape[1:]
    scale = longest / max(high, wide)
    if scale >= 1 or (round(high * scale), round(wide * scale)) != size:
        raise RowError(
            "the mask is of another size than the clip",
            allowed=f"{size[1]}×{size[0]} here, or the size at which the clip is filmed",
            fix="draw it on a frame of the clip as it is shown",
        )
    resized = [cv2.resize(each.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST) for each in mask]
    return np.stack(resized).astype(bool)


def packed(mask: Masks) -> bytes:
    """A mask (T, H, W) as a lossless clip, black and white."""
    return encode_lossless((np.where(frame, np.uint8(255), np.uint8(0)) for frame in mask), _RATE)


def unpacked(stored: bytes | Mapping[str, Any]) -> Masks:
    """The mask of :func:`packed`. Shape (T, H, W)."""
    data = stored if isinstance(stored, bytes) else stored["bytes"]
    return read_clip(data).frames[..., 0] > 127
