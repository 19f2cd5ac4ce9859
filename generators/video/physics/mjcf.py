"""A world written as MuJoCo's XML, and compiled.

What only decides the looks (materials, lamps, cameras) is kept out of the dynamics: nothing of it has mass or touches
anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from contrafact.errors import MissingDependencyError
from generators.video.physics.catalogue import COLOURS, FINISHES, SCENES
from generators.video.physics.world import Body, Fixture, World

__all__ = ["FLOOR", "Look", "compiled", "load_mujoco"]

FLOOR = "floor"
_STIFFNESS = 0.02  # seconds a contact takes to push apart: stiffer ones make what slides hop


@dataclass(frozen=True)
class Look:
    """How finely clips are drawn.

    Attributes
    ----------
    width, height : int
        Pixels.
    shadows : str
        ``none``; ``soft``, a blot on the ground under each object, almost for nothing; or ``cast`` by the lamp, the
        slowest.
    multisampling : int
        Samples a pixel at the edges: 0, 2, 4 or 8.
    """

    width: int = 320
    height: int = 240
    shadows: str = "soft"
    multisampling: int = 4


@cache
def load_mujoco() -> Any:
    """The module ``mujoco``. Raises ``MissingDependencyError`` where it is not installed."""
    try:
        import mujoco
    except ImportError:
        raise MissingDependencyError(
            "scenes are simulated by MuJoCo, which is not installed", fix="pip install 'contrafact[video]'"
        ) from None
    # Else it writes MUJOCO_LOG.TXT into the user's folder; what matters is counted in its data and looked at.
    mujoco.set_mju_user_warning(lambda message: None)
    return mujoco


def compiled(world: World, look: Look = Look()) -> Any:  # frozen
    """The world as a ``mujoco.MjModel``. Geometries are numbered: the floor 0, fixtures, then objects in order."""
    return load_mujoco().MjModel.from_xml_string("".join(_document(world, look)))


def _document(world: World, look: Look) -> Iterator[str]:
    yield f'<mujoco><compiler angle="radian"/><option timestep="{world.timing.step!r}" integrator="implicitfast"'
    yield f' cone="elliptic" impratio="10" gravity="0 0 {-world.gravity!r}">'
    # Whether a step starts from the last one's forces is decided for all objects at once, and so would let each know of
    # the others. Without, groups that do not touch are solved as if they were alone.
    yield '<flag island="enable" warmstart="disable"/></option>'
    yield f'<visual><global offwidth="{look.width}" offheight="{look.height}"/>'
    yield f'<quality shadowsize="{2048 if look.shadows == "cast" else 0}" offsamples="{look.multisampling}"/>'
    light = SCENES[world.scene].light
    yield f'<headlight ambient="{_even(0.42)}" diffuse="{_even(0.18)}" specular="0 0 0"/>'
    yield '<map znear="0.02" zfar="25" shadowclip="3" shadowscale="0.7"/>'
    yield f'<rgba haze="{_row(SCENES[world.scene].sky[0])} 1"/></visual>'
    # One fixed extent, so that near and far planes do not follow from what happens to be in the scene.
    yield '<statistic extent="2" center="0 0 0.3" meansize="0.2"/>'
    yield from _assets(world)
    cast = "true" if look.shadows == "cast" else "false"
    yield f'<worldbody><light directional="true" pos="-1.2 -1.6 3.5" dir="0.35 0.45 -1" diffuse="{_even(light)}"'
    yield f' specular="{_even(0.3)}" castshadow="{cast}"/>'
    yield f'<geom name="{FLOOR}" type="plane" size="0 0 0.1" material="floor" friction="0.6 0.005 0.0001"/>'
    yield from (_fixture(each) for each in world.fixtures)
    yield from (_body(each) for each in world.bodies)
    axes = world.camera.axes()
    # The camera's own field of view: the one under <visual> is the free camera's.
    yield f'<camera name="camera" fovy="{world.camera.fovy!r}" pos="{_row(world.camera.position)}"'
    yield f' xyaxes="{_row((*axes[0], *axes[1]))}"/>'
    yield "</worldbody></mujoco>"


def _assets(world: World) -> Iterator[str]:
    """The same textures for every world of one place, so that one drawing context serves them all."""
    scene = SCENES[world.scene]
    yield f'<asset><texture type="skybox" builtin="gradient" rgb1="{_row(scene.sky[1])}" rgb2="{_row(scene.sky[0])}"'
    yield ' width="64" height="384"/>'
    yield f'<texture name="floor" type="2d" builtin="checker" rgb1="{_row(scene.floor[0])}"'
    yield f' rgb2="{_row(scene.floor[1])}" width="256" height="256"/>'
    yield f'<material name="floor" texture="floor" texrepeat="{scene.checks} {scene.checks}" texuniform="true"'
    yield ' specular="0.1" shininess="0.1"/>'
    for name, (specular, shininess) in FINISHES.items():
        yield f'<material name="{name}" specular="{specular}" shininess="{shininess}"/>'
    yield "</asset>"


def _fixture(fixture: Fixture) -> str:
    touch = "" if fixture.solid else ' contype="0" conaffinity="0"'
    return (
        f'<geom name={quoteattr(fixture.name)} type="box" size="{_row(fixture.half)}" pos="{_row(fixture.position)}"'
        f' rgba="{_row(fixture.colour)} 1" friction="0.5 0.005 0.0001" solref="{_STIFFNESS} 1"{touch}/>'
    )


def _body(body: Body) -> str:
    # Its own friction counts against the ground (priority); between two objects the larger one does.
    damping = 1.0 - 0.85 * body.bounce
    rolls = 6 if body.shape in ("sphere", "capsule") else 3  # rolling friction is for what rolls
    return (
        f'<body name={quoteattr(body.name)} pos="{_row(body.position)}" quat="{_row(body.rotation)}"><freejoint/>'
        f'<geom type="{body.shape}" size="{_row(body.size)}" mass="{body.mass!r}" material="{body.finish}"'
        f' rgba="{_row(COLOURS[body.colour])} 1" condim="{rolls}" priority="1"'
        f' friction="{body.friction!r} 0.003 0.0002" solref="{_STIFFNESS} {damping!r}"/></body>'
    )


def _row(numbers: Iterable[float]) -> str:
    return " ".join(repr(float(each)) for each in np.asarray(tuple(numbers), dtype=np.float64))


def _even(level: float) -> str:
    return f"{level} {level} {level}"
