"""Clips written: without loss for whatever is checked again (FFV1 in Matroska), small for people (H.264, WebP).

The same frames always give the same bytes: one thread, no dates, no random identifiers.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from itertools import chain
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from contrafact.engines.media.faults import load_av
from contrafact.errors import MediaError

__all__ = ["LOSSLESS", "Preview", "encode_lossless", "encode_preview"]

Preview = Literal["h264", "webp"]
LOSSLESS = "mkv"
"""Extension of what :func:`encode_lossless` gives."""

_STORED = {(np.dtype(np.uint8), 3): "bgr0", (np.dtype(np.uint8), 2): "gray", (np.dtype(np.uint16), 2): "gray16le"}
_GIVEN = {"bgr0": "rgb24", "gray": "gray", "gray16le": "gray16le"}
# Version 3 of FFV1, with a checksum in every slice; every frame stands by itself.
_FFV1 = {"level": "3", "slices": "4", "slicecrc": "1", "g": "1"}
_LEAST_SLICED = 16
_PREVIEWS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "h264": ("mp4", "libx264", {"crf": "20", "preset": "veryfast"}),
    "webp": ("webp", "libwebp_anim", {"quality": "80", "loop": "0"}),
}


def encode_lossless(frames: NDArray[Any] | Iterable[NDArray[Any]], rate: Fraction) -> bytes:
    """Frames as FFV1 in Matroska: decoded again, they are the same bit for bit.

    Parameters
    ----------
    frames : array or iterable of arrays
        uint8 (H, W, 3) RGB, or uint8 or uint16 (H, W) for masks and depth. An iterable is taken a frame at a time.
    rate : Fraction
        Frames a second.

    Raises
    ------
    MediaError
        For no frames, or frames of another shape or type.
    """
    first, every = _checked(frames)
    stored = _STORED[first.dtype, first.ndim]
    options = _FFV1 | ({"slices": "1"} if min(first.shape[:2]) < _LEAST_SLICED else {})
    return _encoded(every, first.shape[:2], rate, "matroska", "ffv1", stored, options)


def encode_preview(frames: NDArray[np.uint8] | Iterable[NDArray[np.uint8]], rate: Fraction, kind: Preview) -> bytes:
    """Frames for people: H.264 in MP4, or an animated WebP. Colours are approximate; never check labels on them.

    Odd sizes are filled up to even ones by repeating the last row or column. Errors are those of
    :func:`encode_lossless`.
    """
    first, every = _checked(frames)
    height, width = first.shape[:2]
    if first.dtype != np.uint8:
        raise MediaError(f"a preview of {first.dtype} frames was asked for", allowed="uint8 RGB or grey")
    container, codec, options = _PREVIEWS[kind]
    size = (height + height % 2, width + width % 2)
    return _encoded((_even(frame) for frame in every), size, rate, container, codec, "yuv420p", options)


def _checked(frames: NDArray[Any] | Iterable[NDArray[Any]]) -> tuple[NDArray[Any], Iterator[NDArray[Any]]]:
    """The first frame, and all of them, each compared with the first as it comes."""
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        raise MediaError("a clip without frames cannot be written", allowed="one frame or more")
    colour = first.ndim == 2 or (first.ndim == 3 and first.shape[2] == 3)
    if not colour or (first.dtype, first.ndim) not in _STORED or 0 in first.shape:
        raise MediaError(
            f"frames of shape {first.shape} and type {first.dtype} cannot be written",
            allowed="uint8 (H, W, 3), uint8 (H, W) or uint16 (H, W)",
        )

    def alike() -> Iterator[NDArray[Any]]:
        for number, frame in enumerate(chain([first], rest)):
            if frame.shape != first.shape or frame.dtype != first.dtype:
                raise MediaError(
                    f"frame {number} is {frame.dtype} {frame.shape}, and the first is {first.dtype} {first.shape}",
                    allowed="one shape and type throughout",
                )
            yield frame

    return first, alike()


def _even(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = frame.shape[:2]
    colour = frame if frame.ndim == 3 else np.repeat(frame[:, :, None], 3, axis=2)
    return np.pad(colour, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _encoded(
    frames: Iterable[NDArray[Any]],
    size: tuple[int, int],
    rate: Fraction,
    container: str,
    codec: str,
    stored: str,
    options: Mapping[str, str],
) -> bytes:
    av = load_av()
    given = _GIVEN.get(stored, "rgb24")
    target = io.BytesIO()
    with av.open(target, mode="w", format=container, container_options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream(codec, rate=rate, options=dict(options))
        stream.height, stream.width = size
        stream.pix_fmt = stored
        stream.codec_context.thread_count = 1
        for array in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(array), format=given)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return target.getvalue()
