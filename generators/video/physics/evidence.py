"""What one world's clip shows: the run, and what could be seen of it. All answers are read from here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.video.physics.world import World

__all__ = ["Contact", "Evidence", "Run"]

GROUND = "floor"
"""Name of the floor in contacts."""
AIRBORNE = 0.08
"""Seconds without contact that make a flight; sliding objects lose touch for less."""


@dataclass(frozen=True)
class Contact:
    """Two things that touched, from ``begin`` to ``end`` (s).

    Attributes
    ----------
    one, other : str
        Names; a fixture or the floor comes second.
    force : float
        Largest sum of normal forces while it lasted (N).
    position : tuple of three float
        Where they first touched (m).
    moving : bool
        Whether both are objects.
    """

    one: str
    other: str
    begin: float
    end: float
    force: float
    position: tuple[float, float, float]
    moving: bool

    def between(self, one: str, other: str) -> bool:
        """Whether it is of these two, in any order."""
        return {self.one, self.other} == {one, other}


@dataclass(frozen=True)
class Run:
    """A world's motion.

    Attributes
    ----------
    names : tuple of str
        Objects, in the order of ``states``.
    states : ndarray of float64, shape (T, K, 13)
        At each frame and for each object: position (m), unit quaternion (scalar first), linear and angular velocity in
        the world's axes (m/s, rad/s).
    contacts : tuple of Contact
        In the order of their beginning.
    """

    world: World
    names: tuple[str, ...]
    states: NDArray[np.float64]
    contacts: tuple[Contact, ...]

    def place(self, name: str) -> NDArray[np.float64]:
        """Positions of one object, shape (T, 3)."""
        return self.states[:, self.names.index(name), :3]

    def velocity(self, name: str) -> NDArray[np.float64]:
        """Linear velocities of one object, shape (T, 3)."""
        return self.states[:, self.names.index(name), 7:10]

    def frame(self, time: float) -> int:
        """The first frame at or after a time."""
        return int(np.ceil(time * self.world.timing.rate - 1e-9))


@dataclass(frozen=True)
class Evidence:
    """A run, and how many pixels of each object every frame shows.

    Attributes
    ----------
    visible : ndarray of int64, shape (T, K), optional
        None until the clip was drawn.
    """

    run: Run
    visible: NDArray[np.int64] | None = None

    def has(self, *names: str) -> bool:
        """Whether the world has all of these objects."""
        return all(name in self.run.names for name in names)

    def touch(self, one: str, other: str) -> Contact | None:
        """The first contact of two things, None where they never touch."""
        return next((each for each in self.run.contacts if each.between(one, other)), None)

    def touches(self, name: str) -> list[Contact]:
        """All contacts of one thing, in order."""
        return [each for each in self.run.contacts if name in (each.one, each.other)]

    def seen(self, name: str, least: int = 1) -> NDArray[np.bool_]:
        """In which frames at least so many pixels of an object show; shape (T,)."""
        if self.visible is None or name not in self.run.names:
            return np.zeros(self.run.world.timing.frames, dtype=bool)
        return np.asarray(self.visible[:, self.run.names.index(name)] >= least)

    def moved(self, name: str) -> float:
        """How far an object is from where it began, at the end (m, along the ground)."""
        place = self.run.place(name)
        return float(np.linalg.norm(place[-1, :2] - place[0, :2]))
