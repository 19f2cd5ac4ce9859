"""Clips drawn from states: pictures, object numbers, depth. Nothing is simulated here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.video.physics.evidence import Run
from generators.video.physics.mjcf import Look, compiled, load_mujoco
from generators.video.physics.stage import DRAWING, borrowed_context
from generators.video.physics.world import Body, World

__all__ = ["BACKGROUND", "Picture", "blot", "draw"]

BACKGROUND = 0
"""Number of the floor and the sky in masks; fixtures are 255, objects 1, 2, … in their order."""
FIXTURE = 255
_MOST = 400
_RINGS = ((1.5, 0.12), (1.23, 0.15), (0.96, 0.17))  # of a soft shadow: radius over the object's, darkness
_FADING = 0.9  # metres above ground at which a soft shadow is gone


@dataclass(frozen=True)
class Picture:
    """One frame.

    Attributes
    ----------
    colour : ndarray of uint8, shape (H, W, 3)
        RGB.
    mask : ndarray of uint8, shape (H, W)
        0 is the floor and the sky, 255 a fixture, 1, 2, … the world's objects in order.
    depth : ndarray of float32, shape (H, W), optional
        Metres from the camera's plane; infinite in the sky.
    """

    colour: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    depth: NDArray[np.float32] | None


def draw(run: Run, look: Look, *, depth: bool = False, colour: bool = True) -> Iterator[Picture]:
    """The frames of a run, one at a time. The same run and look give the same bits on one machine.

    Parameters
    ----------
    depth, colour : bool
        Whether to measure depth, and whether to draw the picture at all (it is empty otherwise).

    Raises
    ------
    MissingDependencyError
        Where MuJoCo or a library to draw with is missing.
    """
    mujoco, world = load_mujoco(), run.world
    model = compiled(world, look)
    data, scene = mujoco.MjData(model), mujoco.MjvScene(model, _MOST)
    camera = mujoco.MjvCamera()
    camera.fixedcamid, camera.type = 0, mujoco.mjtCamera.mjCAMERA_FIXED
    painter = _Painter(mujoco, model, scene, look)
    options = mujoco.MjvOption()
    numbers = _numbers(world)
    with borrowed_context(world, look) as context:
        for states in run.states:
            data.qpos[:] = states[:, :7].reshape(-1)
            mujoco.mj_kinematics(model, data)
            mujoco.mj_camlight(model, data)
            mujoco.mjv_updateScene(model, data, options, None, camera, mujoco.mjtCatBit.mjCAT_ALL.value, scene)
            solid = scene.ngeom
            if look.shadows == "soft":
                blot(mujoco, scene, world, states)
            seen = painter.colour(context) if colour else _UNSEEN
            scene.ngeom = solid
            mask, metres = painter.numbers(context, numbers, depth=depth)
            yield Picture(seen, mask, metres)


def _numbers(world: World) -> NDArray[np.uint8]:
    """What each geometry of the model is in a mask, by its number plus one; 0 is what is no geometry."""
    painted = [FIXTURE if each.solid else BACKGROUND for each in world.fixtures]
    return np.array([BACKGROUND, BACKGROUND, *painted, *range(1, len(world.bodies) + 1)], dtype=np.uint8)


class _Painter:
    """Draws a scene that is up to date, and reads it back. Buffers are used again: what is kept must be copied."""

    def __init__(self, mujoco: Any, model: Any, scene: Any, look: Look) -> None:
        self.mujoco, self.scene = mujoco, scene
        self.rectangle = mujoco.MjrRect(0, 0, look.width, look.height)
        self.buffer = np.empty((look.height, look.width, 3), dtype=np.uint8)
        self.coded_as: NDArray[np.uint8] | None = None
        self.near_far = np.empty((look.height, look.width), dtype=np.float32)
        extent = model.stat.extent
        self.near, self.far = model.vis.map.znear * extent, model.vis.map.zfar * extent

    def colour(self, context: Any) -> NDArray[np.uint8]:
        """The picture, upright."""
        with DRAWING:
            self.mujoco.mjr_render(self.rectangle, self.scene, context)
            self.mujoco.mjr_readPixels(self.buffer, None, self.rectangle, context)
        return self.buffer[::-1].copy()

    def numbers(
        self, context: Any, numbers: NDArray[np.uint8], *, depth: bool
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
        """Object numbers and, where wanted, metres, from one more pass without edges' samples."""
        flags = self.scene.flags
        segment, coded = self.mujoco.mjtRndFlag.mjRND_SEGMENT.value, self.mujoco.mjtRndFlag.mjRND_IDCOLOR.value
        before = flags.copy()
        flags[segment] = flags[coded] = 1
        with DRAWING:
            self.mujoco.mjr_render(self.rectangle, self.scene, context)
            self.mujoco.mjr_readPixels(self.buffer, self.near_far if depth else None, self.rectangle, context)
        flags[:] = before
        if self.coded_as is None:
            self.coded_as = self._coded_as(numbers)
        mask = self.coded_as[self.buffer[::-1, :, 0]]
        return mask, self._metres() if depth else None

    def _coded_as(self, numbers: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What the first byte of a pixel's code stands for: a geometry's place in the scene, plus one."""
        table = np.zeros(256, dtype=np.uint8)  # no scene has 255 of them
        for each in self.scene.geoms[: self.scene.ngeom]:
            if each.segid >= 0 and each.objtype == self.mujoco.mjtObj.mjOBJ_GEOM.value:
                table[each.segid + 1] = numbers[each.objid + 1]
        return table

    def _metres(self) -> NDArray[np.float32]:
        """Distance along the viewing axis from the reversed depth buffer (1 is near, 0 far)."""
        value = self.near_far[::-1].astype(np.float64)
        with np.errstate(divide="ignore"):
            metres = self.near * self.far / (self.near + value * (self.far - self.near))
        metres[value <= 0] = np.inf
        return np.asarray(metres, dtype=np.float32)


def blot(mujoco: Any, scene: Any, world: World, states: NDArray[np.float64]) -> None:
    """Dark discs on the ground under every object, fainter and wider the higher it is."""
    for body, state in zip(world.bodies, states, strict=True):
        x, y, z = state[:3]
        ground = _ground(world, x, y, z)
        above = z - ground
        if above <= 0 or above > _FADING or scene.ngeom + len(_RINGS) > _MOST:
            continue
        reach, strength = _reach(body) * (1 + 0.4 * above), 1 - above / _FADING
        for number, (ring, darkness) in enumerate(_RINGS):
            geom = scene.geoms[scene.ngeom]
            mujoco.mjv_initGeom(
                geom,
                mujoco.mjtGeom.mjGEOM_CYLINDER.value,
                np.array([reach * ring, 0.0002, 0.0]),
                np.array([x, y, ground + 0.0015 + 0.0006 * number]),
                _IDENTITY,
                np.array([0.0, 0.0, 0.02, darkness * strength], dtype=np.float32),
            )
            geom.category, geom.segid = mujoco.mjtCatBit.mjCAT_DECOR.value, -1
            geom.specular, geom.emission = 0.0, 0.0
            # What is transparent is drawn from far to near, which is found out by these: mjv_initGeom leaves in them
            # whatever the memory held, and rings that changed places differ in some pixels.
            geom.objtype, geom.objid = mujoco.mjtObj.mjOBJ_UNKNOWN.value, -1
            geom.camdist, geom.modelrbound, geom.transparent = 0.0, 0.0, 0
            scene.ngeom += 1


_IDENTITY = np.eye(3).reshape(-1)
_UNSEEN = np.zeros((0, 0, 3), dtype=np.uint8)


def _ground(world: World, x: float, y: float, z: float) -> float:
    """Height of what lies under a point: the floor, or the top of a fixture that is below it."""
    tops = [
        each.position[2] + each.half[2]
        for each in world.fixtures
        if each.solid
        and abs(x - each.position[0]) <= each.half[0]
        and abs(y - each.position[1]) <= each.half[1]
        and each.position[2] + each.half[2] <= z
    ]
    return max(tops, default=0.0)


def _reach(body: Body) -> float:
    """Radius of an object's blot (m)."""
    return math.hypot(body.size[0], body.size[1]) * 0.8 if body.shape == "box" else body.size[0]
