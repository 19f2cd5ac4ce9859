"""Clips of every awkward kind, written by PyAV on the spot."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

Write = Callable[..., bytes]


@pytest.fixture
def noise() -> NDArray[np.uint8]:
    """Six frames of 48×64 noise: nothing is harder to keep bit for bit."""
    return np.random.default_rng(1).integers(0, 256, (6, 48, 64, 3), dtype=np.uint8)


def write_clip(
    frames: NDArray[np.uint8],
    *,
    codec: str = "ffv1",
    pixels: str = "bgr0",
    container: str = "matroska",
    rate: int = 10,
    ticks: list[int] | None = None,
    rotation: int = 0,
) -> bytes:
    """Frames as a clip. ``ticks`` are the times of the frames, in thousandths of a second."""
    target = io.BytesIO()
    with av.open(target, mode="w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        if rotation:
            stream.set_display_rotation(rotation)
        if ticks is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number, array in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(array, format="rgb24")
            if ticks is not None:
                frame.pts, frame.time_base = ticks[number], Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return target.getvalue()


def write_sound(seconds: float = 0.2) -> bytes:
    """A file with sound and no picture."""
    target = io.BytesIO()
    with av.open(target, mode="w", format="matroska") as file:
        stream: Any = file.add_stream("pcm_s16le", rate=8000, layout="mono")
        samples = np.zeros((1, int(8000 * seconds)), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 8000
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return target.getvalue()
