"""What can be wrong with a clip or an image, each told in one way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contrafact.engines.media.limits import Limits
from contrafact.errors import MediaError, MissingDependencyError

__all__ = [
    "Source",
    "audio_only",
    "check_bytes",
    "check_frames",
    "check_pixels",
    "load_av",
    "load_pillow",
    "named",
    "safe_path",
    "truncated",
    "unreadable",
    "variable_rate",
]

Source = str | Path | bytes
"""A clip or image: where it lies, or its bytes."""


def named(source: Source) -> str:
    """How messages call it: the file's name and not its folder, which is nobody's business in a dataset."""
    return "the given bytes" if isinstance(source, bytes) else Path(source).name


def load_av() -> Any:
    """The module ``av``. Raises ``MissingDependencyError`` where PyAV is not installed."""
    try:
        import av
    except ImportError:
        raise MissingDependencyError(
            "clips are read and written with PyAV, which is not installed", fix="pip install 'contrafact[video]'"
        ) from None
    return av


def load_pillow() -> Any:
    """The module ``PIL.Image``. Raises ``MissingDependencyError`` where Pillow is not installed."""
    try:
        from PIL import Image
    except ImportError:
        raise MissingDependencyError(
            "images are read and written with Pillow, which is not installed", fix="pip install 'contrafact[video]'"
        ) from None
    return Image


def safe_path(folder: Path, name: str) -> Path:
    """The file ``name`` inside ``folder``. Raises ``MediaError`` where it would lie outside, links followed."""
    root = folder.resolve()
    path = root if "\0" in name else (root / name).resolve()
    if path == root or not path.is_relative_to(root):
        raise MediaError(
            f"the media name {name!r} leads out of its folder",
            allowed="a name inside the folder, such as clips/one.mp4",
            fix="rename it, or move the file into the folder",
        )
    return path


def check_bytes(source: Source, limits: Limits) -> int:
    """Size of the file in bytes, where it is there, holds anything and is within the limit; else ``MediaError``."""
    if isinstance(source, bytes):
        size = len(source)
    else:
        path = Path(source)
        if not path.is_file():
            raise MediaError(f"{named(source)} is not there, or is no file", fix="check the name")
        size = path.stat().st_size
    if size == 0:
        raise MediaError(f"{named(source)} is empty (0 bytes)", fix="copy it again from where it came")
    if size > limits.bytes:
        raise _too_much(source, f"has {size:,} bytes", f"{limits.bytes:,} bytes", "bytes")
    return size


def check_pixels(source: Source, width: int, height: int, limits: Limits) -> None:
    """Raise ``MediaError`` for a frame without size, or with more pixels than are allowed."""
    if width <= 0 or height <= 0:
        raise MediaError(f"{named(source)} does not say how large its picture is", fix="encode it anew")
    if width * height > limits.pixels:
        raise _too_much(source, f"is {width}×{height}", f"{limits.pixels:,} pixels a frame", "pixels")


def check_frames(source: Source, frames: int, limits: Limits) -> None:
    """Raise ``MediaError`` for a clip that is longer than allowed."""
    if frames > limits.frames:
        raise _too_much(source, f"has more than {limits.frames:,} frames", f"{limits.frames:,} frames", "frames")


def check_decoded(source: Source, shape: tuple[int, int, int], limits: Limits) -> None:
    """Raise ``MediaError`` where (frames, height, width) as RGB would take more memory than allowed."""
    frames, height, width = shape
    size = frames * height * width * 3
    if size > limits.decoded:
        raise _too_much(source, f"takes {size:,} bytes decoded", f"{limits.decoded:,} bytes", "decoded")


def _too_much(source: Source, what: str, allowed: str, limit: str) -> MediaError:
    return MediaError(
        f"{named(source)} {what}",
        allowed=f"at most {allowed}",
        fix=f"scale or cut it first, or raise the limit {limit!r}",
    )


def unreadable(source: Source, wanted: str, error: Exception | str) -> MediaError:
    """A file of no format that is known, or one damaged at its head."""
    return MediaError(
        f"{named(source)} is no {wanted} that can be read ({_short(error)})",
        allowed="a whole file of a common format",
        fix=f"check it with ffprobe, and encode it anew: ffmpeg -i {named(source)} new.mkv",
    )


def truncated(source: Source, found: int, error: Exception | str) -> MediaError:
    """A clip that ends, or turns to noise, before its own header says so."""
    return MediaError(
        f"{named(source)} is cut off or damaged after {found} frames ({_short(error)})",
        allowed="a clip that is whole",
        fix="copy it again, or keep what is left: ffmpeg -i it -c:v ffv1 rest.mkv",
    )


def audio_only(source: Source, kinds: str) -> MediaError:
    """A container without pictures."""
    return MediaError(
        f"{named(source)} has no video in it (only {kinds or 'nothing'})", allowed="a file with a video stream"
    )


def variable_rate(source: Source, shortest: float, longest: float) -> MediaError:
    """A clip whose frames do not last equally long. Durations are in seconds."""
    return MediaError(
        f"{named(source)} has a variable frame rate (frames last from {shortest:.3f} to {longest:.3f} s)",
        allowed="a constant frame rate, or variable='resample'",
        fix="set variable: resample, which shows at each instant the frame that was on then",
    )


def _short(error: Exception | str) -> str:
    if isinstance(error, str):
        return error
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]
