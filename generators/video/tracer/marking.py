"""A mark on an object of a simulated scene, and where it is one moment later: by rays, without drawing anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.video.physics.evidence import Run
from generators.video.physics.flow import carried, focal_length
from generators.video.physics.mjcf import Look, compiled, load_mujoco
from generators.video.tracer.trace import AMPLITUDE, SIGMA

__all__ = ["REACH", "Moment", "Point", "View", "marked", "moment_of", "still"]

REACH = 8
"""Pixels from its middle beyond which a mark changes no level."""
_NEAR = 0.003  # metres: what a ray meets so close to a point is the point itself
Point = tuple[float, float]


@dataclass(frozen=True)
class View:
    """What the camera would see of one frame of a run.

    Attributes
    ----------
    frame : int
        Of the run.
    """

    run: Run
    frame: int
    width: int
    height: int

    def pixel(self, place: NDArray[np.float64]) -> Point:
        """Column and row at which a place (m) appears; the middle of the first pixel is (0, 0)."""
        camera = self.run.world.camera
        right, up, back = camera.axes() @ (place - np.asarray(camera.position))
        focal = focal_length(camera, self.height)
        return (
            float(self.width / 2 + focal * right / -back - 0.5),
            float(self.height / 2 - focal * up / -back - 0.5),
        )

    def inside(self, point: Point) -> bool:
        """Whether a point lies in the picture."""
        return -0.5 <= point[0] < self.width - 0.5 and -0.5 <= point[1] < self.height - 0.5

    def hits(self, points: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """What shows at points of the picture.

        Parameters
        ----------
        points : ndarray of float64, shape (n, 2)
            Columns and rows.

        Returns
        -------
        objects : ndarray of int64, shape (n,)
            Each the number of an object in the run, or -1 for anything else.
        places : ndarray of float64, shape (n, 3)
            Where the ray meets it (m); without meaning where nothing is met.
        """
        camera, count = self.run.world.camera, len(points)
        focal, eye = focal_length(camera, self.height), np.asarray(camera.position, dtype=np.float64)
        right = (points[:, 0] + 0.5 - self.width / 2) / focal
        up = -(points[:, 1] + 0.5 - self.height / 2) / focal
        rays = np.stack([right, up, -np.ones(count)], axis=1) @ camera.axes()
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        geoms, away = np.full(count, -1, dtype=np.int32), np.zeros(count)
        model, data = self._posed
        load_mujoco().mj_multiRay(
            model, data, eye, rays.reshape(-1), None, True, -1, geoms, away, None, count, np.finfo(np.float64).max
        )
        objects = geoms.astype(np.int64) - 1 - len(self.run.world.fixtures)
        return np.maximum(objects, -1), eye + rays * away[:, None]

    @cached_property
    def _posed(self) -> tuple[Any, Any]:
        """The model with every object where it is in this frame."""
        mujoco, model = load_mujoco(), compiled(self.run.world)
        data = mujoco.MjData(model)
        data.qpos[:] = self.run.states[self.frame][:, :7].reshape(-1)
        mujoco.mj_kinematics(model, data)
        return model, data

    def shape_near(self, point: Point, number: int) -> NDArray[np.bool_]:
        """Where, within the reach of a mark, an object shows; shape (H, W)."""
        shown = np.zeros((self.height, self.width), dtype=bool)
        column, row = round(point[0]), round(point[1])
        rows, columns = np.mgrid[
            max(row - REACH, 0) : min(row + REACH + 1, self.height),
            max(column - REACH, 0) : min(column + REACH + 1, self.width),
        ]
        points = np.stack([columns.reshape(-1), rows.reshape(-1)], axis=1).astype(np.float64)
        if len(points):
            shown[rows.reshape(-1), columns.reshape(-1)] = self.hits(points)[0] == number
        return shown


@dataclass(frozen=True)
class Moment:
    """A point of an object in one frame, and the same point of it in a later one.

    Attributes
    ----------
    number : int
        Of the object in the run.
    point, there : tuple of float
        Column and row in the first and in the second frame; ``there`` may lie outside or behind something.
    visible : bool
        Whether the second frame shows it.
    shapes : tuple of two ndarray of bool, shape (H, W)
        Where a mark at the point can be seen in either frame: pixels of the object near it; none where it is hidden.
    """

    number: int
    point: Point
    there: Point
    visible: bool
    shapes: tuple[NDArray[np.bool_], NDArray[np.bool_]]

    @property
    def flow(self) -> Point:
        """Right and down, in pixels."""
        return self.there[0] - self.point[0], self.there[1] - self.point[1]


def moment_of(run: Run, frames: Sequence[int], point: Point, look: Look) -> Moment | None:
    """Follow what shows at a point of one frame to another; None where that is no object.

    Parameters
    ----------
    frames : sequence of two int
    point : tuple of float
        Column and row in the first of them.
    look : Look
        Of which the size of the picture counts.
    """
    one, other = (View(run, frame, look.width, look.height) for frame in frames)
    found, places = one.hits(np.array([point], dtype=np.float64))
    number = int(found[0])
    if number < 0:
        return None
    place = carried(run, frames[0], frames[1], number, places)[0]
    there = other.pixel(place)
    visible = other.inside(there) and _shows(other, there, number, place)
    empty = np.zeros((look.height, look.width), dtype=bool)
    shapes = one.shape_near(point, number), other.shape_near(there, number) if visible else empty
    return Moment(number, point, there, visible, shapes)


def marked(frame: NDArray[np.uint8], point: Point, shape: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """A frame with a white Gaussian mark (amplitude 255, σ = 2 px) that shows within a shape only."""
    made = frame.copy()
    rows, columns = np.nonzero(shape)
    square = (columns - point[0]) ** 2 + (rows - point[1]) ** 2
    bump = AMPLITUDE * np.exp(-square / (2 * SIGMA**2))
    made[rows, columns] = np.clip(np.rint(frame[rows, columns] + bump[:, None]), 0, 255).astype(np.uint8)
    return made


def _shows(view: View, point: Point, number: int, place: NDArray[np.float64]) -> bool:
    """Whether the ray to a place of an object meets nothing before it."""
    found, places = view.hits(np.array([point], dtype=np.float64))
    return int(found[0]) == number and float(np.linalg.norm(places[0] - place)) < _NEAR


def still(run: Run, frames: Sequence[int]) -> Run:
    """A run of the chosen frames alone, to be drawn."""
    return replace(run, states=run.states[list(frames)])
