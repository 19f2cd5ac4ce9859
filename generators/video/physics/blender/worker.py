"""Blender as a process: a world and its states go in as one line of JSON a frame, pixels come back over the pipe.

Blender's Python package (``bpy``) holds one scene a process and wants its own release of NumPy, so that it lives in an
environment of its own. ``CONTRAFACT_BLENDER`` names that environment's Python.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import MissingDependencyError, RowError
from generators.video.physics.catalogue import COLOURS, FINISHES, SCENES
from generators.video.physics.evidence import Run
from generators.video.physics.mjcf import Look
from generators.video.physics.world import World

__all__ = ["VARIABLE", "Blender", "blender_version", "find_python", "scene_of"]

VARIABLE = "CONTRAFACT_BLENDER"
_SCRIPT = Path(__file__).with_name("script.py")
_FIX = (
    f"python3.11 -m venv ~/blender && ~/blender/bin/pip install bpy==5.0.1, then export {VARIABLE}=~/blender/bin/python"
)
_PATIENCE = 300


def find_python() -> str:
    """The Python that has ``bpy``. Raises ``MissingDependencyError`` where none is named, or it is not there."""
    named = os.environ.get(VARIABLE)
    if not named:
        raise MissingDependencyError(
            "clips drawn by Blender need its package bpy in an environment of its own, and none is named",
            allowed=f"{VARIABLE}: that environment's Python 3.11",
            fix=_FIX,
        )
    path = Path(named).expanduser()
    if not path.is_file():
        raise MissingDependencyError(f"{VARIABLE} names {path.name}, which is not there", fix=_FIX)
    return str(path)


def blender_version() -> str:
    """What the environment has. Raises as :func:`find_python`, and where ``bpy`` is not in it."""
    code = "import importlib.metadata as m; print(m.version('bpy'))"
    done = subprocess.run([find_python(), "-c", code], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  # named by the user
    if done.returncode:
        raise MissingDependencyError(f"the environment that {VARIABLE} names has no bpy", fix=_FIX)
    return f"bpy {done.stdout.strip()}"


class Blender:
    """One Blender, drawing clips one after the other.

    Parameters
    ----------
    look : Look
        Width and height count; shadows are always cast by the lamp.
    samples : int
        Rays a pixel. The same samples give the same picture on one machine.
    """

    def __init__(self, look: Look, samples: int = 16) -> None:
        self.look, self.samples = look, samples

    def draw(self, run: Run) -> Iterator[NDArray[np.uint8]]:
        """The frames of a run, uint8 (H, W, 3). The process lives as long as the iteration.

        Raises
        ------
        MissingDependencyError
            Where there is no Blender.
        RowError
            Where it ended before the clip was drawn.
        """
        size = self.look.width * self.look.height * 3
        with _started() as (give, take):
            _tell(give, scene_of(run.world, self.look, self.samples))
            for states in run.states:
                _tell(give, {"states": states[:, :7].tolist()})
                picture = take.read(size)
                if len(picture) < size:
                    raise RowError("Blender ended before the clip was drawn")
                yield np.frombuffer(picture, dtype=np.uint8).reshape(self.look.height, self.look.width, 3)


@contextmanager
def _started() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    process = subprocess.Popen(  # noqa: S603  # named by the user
        [find_python(), str(_SCRIPT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin is not None  # noqa: S101  # both are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        yield process.stdin, process.stdout
    finally:
        process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=_PATIENCE)
        process.stdout.close()


def _tell(give: IO[bytes], message: dict[str, Any]) -> None:
    try:
        give.write(json.dumps(message).encode() + b"\n")
        give.flush()
    except BrokenPipeError:
        raise RowError("Blender ended before the clip was drawn") from None


def scene_of(world: World, look: Look, samples: int) -> dict[str, Any]:
    """What Blender is told of a world: shapes, materials, light and camera, as plain data."""
    scene = SCENES[world.scene]
    return {
        "width": look.width,
        "height": look.height,
        "samples": samples,
        "floor": [list(each) for each in scene.floor],
        "checks": scene.checks,
        "sky": [list(each) for each in scene.sky],
        "light": scene.light,
        "camera": {
            "position": list(world.camera.position),
            "axes": world.camera.axes().tolist(),
            "fovy": world.camera.fovy,
        },
        "bodies": [
            {
                "shape": body.shape,
                "size": list(body.size),
                "colour": list(COLOURS[body.colour]),
                "finish": list(FINISHES[body.finish]),
            }
            for body in world.bodies
        ],
        "fixtures": [
            {"half": list(each.half), "position": list(each.position), "colour": list(each.colour)}
            for each in world.fixtures
        ],
    }
