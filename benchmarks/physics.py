"""Simulated video: frames a second from scene to Parquet, against MuJoCo that only draws the same frames.

``python -m benchmarks.physics [--scenes N] [--repeats N] [--clips N]``. Both sides make the same pictures and masks at
320×240: the bare side from states that are there already, with one ``mujoco.Renderer`` a clip, whose making is not
counted; ours simulates, checks, draws, encodes without loss and writes Parquet, its start counted. Two workers are
compared with one over more scenes. Peak memory is that of a process of its own, for ten clips and for many. Beside
these stand seconds per accepted pair of the recipe ``video_physics_mixed``.

Published or measured elsewhere, for comparison: PyBullet's software renderer, colour, depth and segmentation at
320×240, 33 frames/s on two cores; Kubric (Blender 2.93 by Cycles or Eevee) needs a container and seconds a frame.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("MUJOCO_GL", "egl")
os.environ.setdefault("LP_NUM_THREADS", "0")

import numpy as np
import yaml

from benchmarks.harness import Measurement, Seconds, Target, peak_memory, rate, ratio, report, run_interleaved
from contrafact.pipeline import run_local
from contrafact.recipe import Recipe, load_recipe, parse_recipe
from generators.video.physics.draw import blot
from generators.video.physics.events import EVENTS
from generators.video.physics.evidence import Run
from generators.video.physics.generator import Physics
from generators.video.physics.mjcf import Look, compiled
from generators.video.physics.pairing import Subject
from generators.video.physics.simulate import simulate
from generators.video.physics.source import noise_of
from generators.video.physics.world import Timing

__all__ = ["main"]

OURS, BARE = "scene to Parquet", "bare MuJoCo: pictures and masks"
SPEED, WORKERS, MEMORY = "ours over bare", "two workers over one", "peak memory, many clips over ten"
TARGETS = {SPEED: Target(at_least=0.85), WORKERS: Target(at_least=1.8), MEMORY: Target(at_most=1.1)}
NAMES = ("collision", "containment")
FACTOR = "gravity"
RATE = 24


def recipe(scenes: int, workers: int, **options: Any) -> Recipe:
    """A pair for each scene, nothing left out but the extra settings of hidden properties."""
    generator = {"use": "physics", "events": list(NAMES), "interventions": [FACTOR], "settings": 0, **options}
    spec = {"name": "physics", "seed": 3, "rows": scenes, "shard_rows": 4, "workers": workers, "generator": generator}
    return parse_recipe(spec)


def runs(scenes: int) -> list[Run]:
    """The motion of every clip that the recipe draws."""
    generator = Physics(events=NAMES, interventions=(FACTOR,), settings=0)  # type: ignore[arg-type]
    source, found = generator.source(3), []
    assert source is not None
    for unit in source.read(0, scenes).to_pylist():
        event = EVENTS[unit["event"]]
        subject = Subject(event, noise_of(unit), Timing(round(event.seconds * RATE), RATE, 20))
        pairs = [row for row in generator.make(unit, np.random.default_rng(0)) if not row.get("reasons")]
        if pairs:
            (action,) = subject.actions((FACTOR,), unit["choices"])  # type: ignore[arg-type]
            found += [subject.run, simulate(subject.world(subject.under([action])))]
    return found


def bare(clips: list[Run], look: Look) -> Seconds:
    """MuJoCo's own renderer on the same states and soft shadows: one pass for the picture, one for the mask."""
    import mujoco

    seconds = 0.0
    for run in clips:
        model = compiled(run.world, look)
        data = mujoco.MjData(model)
        with mujoco.Renderer(model, look.height, look.width) as renderer:
            begin = time.perf_counter()
            for states in run.states:
                data.qpos[:] = states[:, :7].reshape(-1)
                mujoco.mj_kinematics(model, data)
                mujoco.mj_camlight(model, data)
                renderer.update_scene(data, "camera")
                solid = renderer.scene.ngeom
                blot(mujoco, renderer.scene, run.world, states)
                renderer.render()
                renderer.scene.ngeom = solid
                renderer.enable_segmentation_rendering()
                renderer.render()
                renderer.disable_segmentation_rendering()
            seconds += time.perf_counter() - begin
    return Seconds(seconds)


def build(scenes: int, workers: int, **options: Any) -> None:
    """One dataset, made and thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        run_local(recipe(scenes, workers, **options), out=Path(folder) / "out")


def command(scenes: int, workers: int) -> None:
    """The same by the command line, whose workers are processes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "physics.yaml"
        path.write_text(yaml.safe_dump(recipe(scenes, workers).spec()), encoding="utf-8")
        words = [sys.executable, "-m", "flows", "build", str(path), "--local", "--out", f"{folder}/out"]
        subprocess.run([*words, "--workers", str(workers)], check=True, capture_output=True)


def peak(clips: int) -> float:
    """Peak memory (MiB) of a process that makes so many clips (small ones, which take as long to encode as to draw)."""
    code = f"from benchmarks.physics import remembered; print(remembered({clips}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def remembered(clips: int) -> float:
    """Called in a process of its own: build, then ask the kernel."""
    build(clips // 2, 2, size=[96, 72], rate=12, multisampling=0)
    return peak_memory()


def mixed(pairs: int) -> float:
    """Seconds per accepted pair of the recipe that has everything, by one command on all cores."""
    made, path = load_recipe("video_physics_mixed", accept=pairs)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        manifest = run_local(made, path, Path(folder) / "out")
        return (time.perf_counter() - begin) / int(manifest["accepted"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--clips", type=int, default=500)
    parser.add_argument("--pairs", type=int, default=40)
    given = parser.parse_args()
    look, clips = Look(), runs(given.scenes)
    frames = sum(len(each.states) for each in clips)
    sides: dict[str, Callable[[], object]] = {
        OURS: partial(build, given.scenes, 1),
        BARE: partial(bare, clips, look),
    }
    times = run_interleaved(sides, given.repeats)
    crews = run_interleaved(
        {str(workers): partial(command, 4 * given.scenes, workers) for workers in (1, 2)}, given.repeats, warmups=0
    )
    few, many = peak(10), peak(given.clips)
    rows = [
        rate(OURS, times[OURS], frames, "frames/s"),
        rate(BARE, times[BARE], frames, "frames/s"),
        ratio(SPEED, times[BARE], times[OURS]),
        ratio(WORKERS, crews["1"], crews["2"]),
        Measurement("peak memory, ten clips", few, "MiB"),
        Measurement(f"peak memory, {given.clips} clips", many, "MiB"),
        Measurement(MEMORY, many / few, "x"),
        Measurement("video_physics_mixed: seconds per accepted pair", mixed(given.pairs), "s"),
    ]
    settings = {"scenes": given.scenes, "frames": frames, "size": [look.width, look.height], "rate": RATE}
    report("physics", rows, TARGETS, settings=settings | {"shadows": look.shadows, "multisampling": look.multisampling})


if __name__ == "__main__":
    main()
