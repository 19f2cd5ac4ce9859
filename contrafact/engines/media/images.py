"""Stills read as arrays and written as PNG. Sizes are read from the header and compared before anything is decoded."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.engines.media.faults import Source, check_bytes, check_pixels, load_pillow, named, unreadable
from contrafact.engines.media.limits import DEFAULT, Limits
from contrafact.errors import MediaError

__all__ = ["encode_png", "read_image", "read_mask"]

_MODES = {"bool": "1", "uint8": "L", "uint16": "I;16"}


def read_image(source: Source, limits: Limits = DEFAULT) -> NDArray[np.uint8]:
    """An image as uint8 (H, W, 3) RGB, turned upright where its EXIF says so; transparency lies on white.

    Raises
    ------
    MediaError
        For a file that is empty, unreadable, cut off or over a limit.
    """
    from PIL import ImageOps

    with _opened(source, limits) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16") or upright.mode == "I":
            deep = np.asarray(upright, dtype=np.uint32) >> 8
            return np.repeat(deep.astype(np.uint8)[:, :, None], 3, axis=2)
        if "A" in upright.getbands() or "transparency" in upright.info:
            over = upright.convert("RGBA")
            under = load_pillow().new("RGBA", over.size, (255, 255, 255, 255))
            upright = load_pillow().alpha_composite(under, over)
        return np.array(upright.convert("RGB"))


def read_mask(source: Source, shape: tuple[int, int] | None = None, limits: Limits = DEFAULT) -> NDArray[np.uint8]:
    """A mask as uint8 (H, W), as stored: 0 and 255 of a 1-bit image, or the numbers of an 8-bit one.

    Raises
    ------
    MediaError
        As :func:`read_image` does, and for a mask that is not of ``shape`` or has colours.
    """
    with _opened(source, limits) as image:
        if image.mode not in ("1", "L", "P"):
            raise MediaError(f"{named(source)} is no mask: its mode is {image.mode}", allowed="1-bit or 8-bit grey")
        # A palette's indices are the object numbers; what they look like does not matter.
        mask = np.array(image.convert("L") if image.mode == "1" else image)
    if shape is not None and mask.shape != shape:
        raise MediaError(
            f"{named(source)} is {mask.shape[1]}×{mask.shape[0]}, and the picture is {shape[1]}×{shape[0]}",
            allowed="a mask as large as the picture",
            fix="draw it on a frame of the clip as it is shown",
        )
    return mask.astype(np.uint8)


def encode_png(array: NDArray[Any]) -> bytes:
    """An array as PNG, the same bytes every time.

    Parameters
    ----------
    array : ndarray
        uint8 (H, W, 3) RGB, uint8 (H, W) grey or object numbers, uint16 (H, W) depth, or bool (H, W), which takes one
        bit a pixel.

    Raises
    ------
    MediaError
        For another shape or type.
    """
    image = load_pillow()
    colour = array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8
    if not colour and (array.ndim != 2 or array.dtype.name not in _MODES):
        raise MediaError(
            f"an array of shape {array.shape} and type {array.dtype} is no image",
            allowed="uint8 (H, W, 3), or bool, uint8 or uint16 (H, W)",
        )
    target = io.BytesIO()
    image.fromarray(np.ascontiguousarray(array)).save(target, format="PNG", compress_level=6)
    return target.getvalue()


@contextmanager
def _opened(source: Source, limits: Limits) -> Iterator[Any]:
    """The image decoded. A file that is cut off, or a bomb, raises before or instead of giving half a picture."""
    check_bytes(source, limits)
    pillow = load_pillow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pillow.DecompressionBombWarning)  # our own limit is the lower one
            opened = pillow.open(io.BytesIO(source) if isinstance(source, bytes) else Path(source))
    except (pillow.DecompressionBombError, pillow.UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        reason = "of unknown format" if type(error).__name__ == "UnidentifiedImageError" else error
        raise unreadable(source, "image", reason) from None
    with opened as image:
        check_pixels(source, image.size[0], image.size[1], limits)
        try:
            image.load()
        except (OSError, ValueError, SyntaxError) as error:
            raise unreadable(source, "whole image", error) from None
        yield image
