"""Footage whose every pixel is known: a disc that moves before a textured wall; and how to build pairs of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contrafact.engines.media import encode_lossless, encode_png
from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from contrafact.store.media import with_media
from generators.video.edit.operations import Frames, Masks

RATE = Fraction(24)
SIZE = (72, 108)
LENGTH = 24
RED = (208, 40, 44)


def wall(seed: int = 0, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """A wall of soft blotches in grey and brown, with edges that corners can be found on."""
    import cv2

    rng = np.random.default_rng(seed)
    coarse = rng.uniform(70, 180, size=(9, 13, 1)) + rng.uniform(-14, 14, size=(9, 13, 3))
    fine = rng.uniform(-10, 10, size=(*size, 1))
    large = np.asarray(cv2.resize(coarse.astype(np.float32), size[::-1], interpolation=cv2.INTER_NEAREST))
    return np.clip(cv2.GaussianBlur(large, (0, 0), 1.0) + fine, 0, 255).astype(np.uint8)


def disc_at(at: int) -> NDArray[np.bool_]:
    """The disc of frame ``at``: from the left to the right, once in a clip."""
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    return np.asarray(np.hypot(columns - (14 + 3.4 * at), rows - (40 + 6 * np.sin(at / 4))) < 9.5)


def walk(seed: int = 0, length: int = LENGTH) -> tuple[Frames, Masks]:
    """A clip of the disc, and where the disc is."""
    mask = np.stack([disc_at(at) for at in range(length)])
    frames = np.repeat(wall(seed)[None], length, axis=0)
    frames[mask] = RED
    return frames, mask


def write_walk(folder: Path, name: str = "walk.mkv", seed: int = 0, *, mask: bool = False) -> Path:
    """The clip as a file; with its mask beside it, where that is asked for."""
    frames, disc = walk(seed)
    path = folder / name
    path.write_bytes(encode_lossless(frames, RATE))
    if mask:
        masks = (np.uint8(255) * each for each in disc.astype(np.uint8))
        (folder / f"{path.stem}.mask.mkv").write_bytes(encode_lossless(masks, RATE))
    return path


def write_mask(folder: Path, mask: NDArray[np.bool_], clip: str = "walk") -> None:
    (folder / f"{clip}.mask.png").write_bytes(encode_png(mask))


def build(folder: Path, out: Path, rows: int = 4, **changes: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Build pairs of a folder's clips: the manifest, and all pairs with their media and hidden truth, by pair_id."""
    options = {"use": "edit", "footage": str(folder), **changes.pop("generator", {})}
    data = {"name": "edits", "seed": 7, "rows": rows, "generator": options, "splits": {"train": 1.0}, **changes}
    manifest = run_local(parse_recipe(data), None, out)
    return manifest, read_pairs(out)


def read_pairs(out: Path) -> list[dict[str, Any]]:
    """All pairs of a dataset, accepted or not, with their media and their hidden truth."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted([*(out / "data").glob("*.parquet"), *(out / "rejected").glob("*.parquet")]):
        for row in with_media(pq.read_table(path), out).to_pylist():
            found[row["pair_id"]] = row
    for path in sorted((out / "hidden").glob("*.parquet")):
        for row in pq.read_table(path).to_pylist():
            found[row["pair_id"]]["hidden"] = row
    return [found[name] for name in sorted(found)]
