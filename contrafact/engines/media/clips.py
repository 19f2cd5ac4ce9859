"""Clips read as arrays: what a file holds is found out, and compared with the limits, before anything is decoded."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from contrafact.engines.media.faults import (
    Source,
    audio_only,
    check_bytes,
    check_decoded,
    check_frames,
    check_pixels,
    load_av,
    named,
    truncated,
    unreadable,
    variable_rate,
)
from contrafact.engines.media.limits import DEFAULT, Limits
from contrafact.engines.media.timing import constant_rate, durations, held, is_variable
from contrafact.errors import MediaError

__all__ = ["Clip", "ClipInfo", "Frame", "VariableRate", "iter_frames", "probe", "read_clip", "sample_frames"]

Frame = NDArray[np.uint8]
"""One picture: uint8, shape (height, width, 3), RGB."""

VariableRate = Literal["refuse", "resample"]
"""What to do with a clip whose frames do not last equally long."""


@dataclass(frozen=True)
class Clip:
    """Frames in memory.

    Attributes
    ----------
    frames : ndarray of uint8, shape (T, H, W, 3)
        RGB.
    rate : Fraction
        Frames a second.
    notes : tuple of str
        What was converted on the way: turned upright, brought to 8 bits, resampled.
    """

    frames: NDArray[np.uint8]
    rate: Fraction
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClipInfo:
    """What a file says of itself, and what a walk over its packets found. Nothing was decoded but the first frame.

    Attributes
    ----------
    width, height : int
        Of the picture as it is shown, turned upright.
    frames : int
        Packets of video in the file.
    rate : Fraction
        Frames a second; the average where they do not last equally long.
    variable : bool
        Whether frames last differently long.
    rotation : int
        Degrees, counter-clockwise, by which the stored picture is turned to be shown: 0, 90, 180 or 270.
    bits : int
        Of one colour channel as stored.
    pixel_format, codec : str
    alone : bool
        Whether every frame is stored by itself (FFV1 as this project writes it), so that any can be decoded alone.
    times : ndarray of float64, shape (frames,)
        When each frame begins, in seconds, in the order of showing.
    notes : tuple of str
        Conversions that reading it will make.
    """

    width: int
    height: int
    frames: int
    rate: Fraction
    variable: bool
    rotation: int
    bits: int
    pixel_format: str
    codec: str
    alone: bool
    times: NDArray[np.float64]
    notes: tuple[str, ...]


def probe(source: Source, limits: Limits = DEFAULT) -> ClipInfo:
    """Look a clip over.

    Raises
    ------
    MediaError
        For a file that is empty, unreadable, cut off, without video, or over a limit.
    """
    check_bytes(source, limits)
    with _opened(source, limits) as (container, stream):
        first, ticks, keys = _walk(source, container, stream, limits)
        return _told(source, stream, first, ticks, alone=keys and stream.codec_context.name == "ffv1")


def read_clip(
    source: Source,
    *,
    start: int | None = None,
    stop: int | None = None,
    limits: Limits = DEFAULT,
    variable: VariableRate = "refuse",
) -> Clip:
    """Frames ``start`` to ``stop`` of a clip, in memory.

    Raises
    ------
    MediaError
        As :func:`probe` does, and for a variable frame rate that is to be refused, an interval outside the clip, a
        clip that would not fit in ``limits.decoded``.
    """
    info = probe(source, limits)
    first, last = _interval(source, info, start, stop, variable)
    check_decoded(source, (last - first, info.height, info.width), limits)
    frames = np.empty((last - first, info.height, info.width, 3), dtype=np.uint8)
    for place, frame in enumerate(_frames(source, info, first, last, limits, variable)):
        frames[place] = frame
    resampled = ("resampled to a constant frame rate",) if info.variable else ()
    return Clip(frames, info.rate, (*info.notes, *resampled))


def iter_frames(
    source: Source,
    *,
    start: int | None = None,
    stop: int | None = None,
    limits: Limits = DEFAULT,
    variable: VariableRate = "refuse",
) -> Iterator[Frame]:
    """The same frames one at a time: memory does not grow with the clip. Errors are those of :func:`read_clip`."""
    info = probe(source, limits)
    first, last = _interval(source, info, start, stop, variable)
    yield from _frames(source, info, first, last, limits, variable)


def sample_frames(source: Source, count: int, *, limits: Limits = DEFAULT) -> Frame:
    """Frames at even distances over a clip, the first and the last among them, for a look at it.

    Where every frame is stored by itself, as lossless clips store them, no other one is decoded. They are frames by
    their number, also where they last differently long.

    Returns
    -------
    ndarray of uint8, shape (n, H, W, 3)
        ``count`` of them, or all where there are fewer.

    Raises
    ------
    MediaError
        As :func:`probe` does.
    """
    info = probe(source, limits)
    wanted = np.unique(np.linspace(0, info.frames - 1, count).round().astype(int))
    check_decoded(source, (len(wanted), info.height, info.width), limits)
    found = [_upright(frame, info) for frame in _picked(source, info, set(wanted.tolist()), limits)]
    if len(found) < len(wanted):
        raise truncated(source, len(found), f"{info.frames} frames were announced")
    return np.stack(found)


def _picked(source: Source, info: ClipInfo, wanted: Collection[int], limits: Limits) -> Iterator[Any]:
    """The frames of these numbers, in order."""
    if not info.alone:
        yield from (frame for number, frame in enumerate(_decoded(source, limits)) if number in wanted)
        return
    av = load_av()
    with _opened(source, limits) as (container, stream):
        stream.thread_type = "SLICE"  # else frames would come some packets late
        packets = (packet for packet in container.demux(stream) if packet.size)
        try:
            for number, packet in enumerate(packets):
                if number in wanted:
                    yield from packet.decode()
        except av.error.FFmpegError as error:
            raise truncated(source, 0, error) from None


@contextmanager
def _opened(source: Source, limits: Limits) -> Iterator[tuple[Any, Any]]:
    av = load_av()
    try:
        container = av.open(io.BytesIO(source) if isinstance(source, bytes) else str(source), mode="r")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise unreadable(source, "clip", error) from None
    with container:
        if not container.streams.video:
            raise audio_only(source, ", ".join(sorted({stream.type for stream in container.streams})))
        stream = container.streams.video[0]
        check_pixels(source, stream.codec_context.width, stream.codec_context.height, limits)
        yield container, stream


def _walk(source: Source, container: Any, stream: Any, limits: Limits) -> tuple[Any, list[int], bool]:
    """The first frame, when each packet is shown (in the stream's time base, ascending), whether all are key frames."""
    av = load_av()
    first: Any = None
    keys = True
    ticks: list[int] = []
    try:
        for packet in container.demux(stream):
            if packet.size:
                ticks.append(packet.pts if packet.pts is not None else len(ticks))
                check_frames(source, len(ticks), limits)
                keys = keys and packet.is_keyframe
            if first is None:
                first = next(iter(packet.decode()), None)
    except av.error.FFmpegError as error:
        raise truncated(source, len(ticks), error) from None
    if first is None or not ticks:
        raise truncated(source, 0, "no frame could be decoded")
    if stream.frames and len(ticks) < stream.frames:
        raise truncated(source, len(ticks), f"its header promises {stream.frames}")
    return first, sorted(ticks), keys


def _told(source: Source, stream: Any, first: Any, ticks: list[int], *, alone: bool) -> ClipInfo:
    tick = stream.time_base or Fraction(1, 1000)
    rate = constant_rate(ticks, tick, stream.average_rate or stream.guessed_rate)
    _check_length(source, stream, ticks, tick, rate)
    rotation = round(first.rotation / 90) * 90 % 360
    turned = rotation in (90, 270)
    width, height = (first.height, first.width) if turned else (first.width, first.height)
    bits = max(component.bits for component in first.format.components)
    notes = [f"turned upright by {rotation} degrees"] if rotation else []
    if bits > 8:
        notes.append(f"brought from {bits} bits a channel to 8")
    return ClipInfo(
        width,
        height,
        len(ticks),
        rate,
        is_variable(ticks, tick),
        rotation,
        bits,
        first.format.name,
        stream.codec_context.name,
        alone,
        (np.array(ticks, dtype=np.float64) - ticks[0]) * float(tick),
        tuple(notes),
    )


def _check_length(source: Source, stream: Any, ticks: list[int], tick: Fraction, rate: Fraction) -> None:
    """Compare where the packets end with the duration that the header tells, where it tells one of the video alone."""
    container = stream.container
    alone = len(container.streams) == 1 and container.duration
    told = stream.duration * tick if stream.duration else Fraction(container.duration, 10**6) if alone else None
    if told is None or not rate:
        return
    there = (ticks[-1] - ticks[0]) * tick + 1 / rate
    if told - there > max(2 / rate, told / 20):
        raise truncated(
            source, len(ticks), f"its header promises {float(told):.2f} s, and {float(there):.2f} are there"
        )


def _interval(
    source: Source, info: ClipInfo, start: int | None, stop: int | None, variable: VariableRate
) -> tuple[int, int]:
    if info.variable and variable == "refuse":
        lasting = durations(info.times)
        raise variable_rate(source, float(lasting.min()), float(lasting.max()))
    length = len(held(info.times, info.rate)) if info.variable else info.frames
    first, last = 0 if start is None else start, length if stop is None else stop
    if not 0 <= first < last <= length:
        raise MediaError(
            f"frames {first} to {last} were asked of {named(source)}, which has {length}",
            allowed=f"0 <= start < stop <= {length}",
        )
    return first, last


def _frames(
    source: Source, info: ClipInfo, first: int, last: int, limits: Limits, variable: VariableRate
) -> Iterator[Frame]:
    wanted = held(info.times, info.rate)[first:last] if info.variable else np.arange(first, last)
    done, number = 0, -1
    for number, decoded in enumerate(_decoded(source, limits)):
        if number < wanted[done]:
            continue
        frame = _upright(decoded, info)
        while done < len(wanted) and wanted[done] == number:
            yield frame
            done += 1
        if done == len(wanted):
            return
    raise truncated(source, number + 1, f"{info.frames} frames were announced")


def _decoded(source: Source, limits: Limits) -> Iterator[Any]:
    av = load_av()
    number = 0
    with _opened(source, limits) as (container, stream):
        try:
            for frame in container.decode(stream):
                if frame.is_corrupt:
                    raise truncated(source, number, "a damaged frame")
                yield frame
                number += 1
        except av.error.FFmpegError as error:
            raise truncated(source, number, error) from None


def _upright(frame: Any, info: ClipInfo) -> Frame:
    picture: Frame = frame.to_ndarray(format="rgb24")
    turned = np.rot90(picture, info.rotation // 90) if info.rotation else picture
    if turned.shape[:2] != (info.height, info.width):
        raise MediaError(
            f"the picture changes its size within the clip, from {info.width}×{info.height}"
            f" to {turned.shape[1]}×{turned.shape[0]}",
            allowed="one size throughout",
            fix="encode it anew at one size",
        )
    return np.ascontiguousarray(turned)
