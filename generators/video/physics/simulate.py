"""A world set in motion: states frame by frame, and every contact from its beginning to its end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import RowError
from generators.video.physics.evidence import Contact, Run
from generators.video.physics.mjcf import compiled, load_mujoco
from generators.video.physics.world import World

__all__ = ["simulate"]

_GAP = 0.02  # seconds for which two things may part within one contact


def simulate(world: World) -> Run:
    """Run a world. The same world gives the same bits, as MuJoCo steps on one thread.

    Raises
    ------
    RowError
        Where the simulation diverged: MuJoCo gave numbers that are none.
    """
    mujoco = load_mujoco()
    model = compiled(world)
    data = mujoco.MjData(model)
    for number, body in enumerate(world.bodies):
        data.qvel[6 * number : 6 * number + 3] = body.velocity
        data.qvel[6 * number + 3 : 6 * number + 6] = body.spin
    timing, ledger = world.timing, _Ledger(world, model)
    count = len(world.bodies)
    positions = np.empty((timing.frames, 7 * count))
    velocities = np.empty((timing.frames, 6 * count))
    for frame in range(timing.frames):
        positions[frame], velocities[frame] = data.qpos, data.qvel
        for _ in range(timing.substeps):
            mujoco.mj_step(model, data)
            if data.ncon or ledger.open:
                ledger.note(mujoco, data)
    if not np.isfinite(positions).all() or data.warning[mujoco.mjtWarning.mjWARN_BADQACC].number:
        raise RowError("the simulation diverged")
    names = tuple(body.name for body in world.bodies)
    return Run(world, names, _states(positions, velocities, count), ledger.contacts(data.time))


def _states(positions: NDArray[np.float64], velocities: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Positions and velocities as (T, K, 13); spins are turned from the bodies' axes into the world's."""
    place = positions.reshape(-1, count, 7)
    speed = velocities.reshape(-1, count, 6)
    states = np.concatenate([place, speed], axis=2)
    states[:, :, 10:] = rotated(place[:, :, 3:], speed[:, :, 3:])
    return states


def rotated(quaternions: NDArray[np.float64], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors (..., 3) turned by unit quaternions (..., 4), scalar first."""
    scalar, axis = quaternions[..., :1], quaternions[..., 1:]
    cross = 2 * np.cross(axis, vectors)
    turned: NDArray[np.float64] = vectors + scalar * cross + np.cross(axis, cross)
    return turned


class _Ledger:
    """Who touches whom, step by step. Two geometries make a key; a contact that is off for a moment goes on."""

    def __init__(self, world: World, model: Any) -> None:
        self.names = ["floor", *(each.name for each in world.fixtures), *(each.name for each in world.bodies)]
        self.first_body = 1 + len(world.fixtures)
        self.size = len(self.names)
        self.model = model
        self.open: dict[int, list[Any]] = {}  # key: begin, last seen, largest force, position
        self.done: list[tuple[int, list[Any]]] = []
        self.force = np.zeros(6)

    def note(self, mujoco: Any, data: Any) -> None:
        """Take down the contacts of the step that was just made."""
        time = data.time
        here: dict[int, float] = {}
        if data.ncon:
            pairs = data.contact.geom
            keys = (np.minimum(pairs[:, 0], pairs[:, 1]) * self.size + np.maximum(pairs[:, 0], pairs[:, 1])).tolist()
            for number, key in enumerate(keys):
                if key not in self.open:
                    self.open[key] = [time, time, 0.0, tuple(data.contact.pos[number].tolist())]
                if key // self.size >= self.first_body:
                    mujoco.mj_contactForce(self.model, data, number, self.force)
                    here[key] = here.get(key, 0.0) + float(self.force[0])
                else:
                    here.setdefault(key, 0.0)
        for key, force in here.items():
            entry = self.open[key]
            entry[1], entry[2] = time, max(entry[2], force)
        if len(here) < len(self.open):
            for key in [key for key, entry in self.open.items() if time - entry[1] > _GAP]:
                self.done.append((key, self.open.pop(key)))

    def contacts(self, end: float) -> tuple[Contact, ...]:
        """All contacts in the order of their beginning."""
        every = [*self.done, *self.open.items()]
        found = [self._contact(key, *entry) for key, entry in every]
        return tuple(sorted(found, key=lambda each: (each.begin, each.one, each.other)))

    def _contact(
        self, key: int, begin: float, last: float, force: float, position: tuple[float, float, float]
    ) -> Contact:
        low, high = divmod(key, self.size)
        moving = low >= self.first_body
        one, other = (low, high) if moving else (high, low)
        return Contact(self.names[one], self.names[other], begin, last, force, position, moving)
