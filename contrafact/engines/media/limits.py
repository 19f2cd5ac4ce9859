"""How large a clip or an image may be. Sizes are read from headers and compared before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT", "Limits"]


@dataclass(frozen=True)
class Limits:
    """What may be opened at the most.

    Attributes
    ----------
    bytes : int
        Of the file as it lies.
    pixels : int
        Of one frame. The default lets 2560×1440 through and stops 4K.
    frames : int
        Of the clip.
    decoded : int
        Bytes that a clip read whole may take as uint8 RGB; :func:`~contrafact.engines.media.clips.iter_frames`, which
        holds one frame at a time, does not ask.
    """

    bytes: int = 512 << 20
    pixels: int = 2560 * 1440
    frames: int = 3000
    decoded: int = 1 << 30


DEFAULT = Limits()
