"""The description of one world: what is in it, where the camera stands, how long it lasts. Plain data, kept as JSON.

It is all that a renderer or a simulator is given, so that any of them can make the same clip from it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Body", "Camera", "Fixture", "Timing", "World"]

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Body:
    """An object that moves by the laws of motion.

    Attributes
    ----------
    name : str
        Its role, the same in every world of one unit: ``a``, ``b``, ...
    category, shape, colour, finish : str
    size : tuple of float
        Half-lengths in metres, as :class:`~generators.video.physics.catalogue.Category` has them.
    mass : float
        kg.
    friction, bounce : float
    position, velocity : tuple of three float
        m and m/s, of the centre, in the world's axes: x to the right, y away, z up.
    rotation : tuple of four float
        Unit quaternion, scalar first.
    spin : tuple of three float
        rad/s, in the body's axes.
    """

    name: str
    category: str
    shape: str
    size: tuple[float, ...]
    mass: float
    friction: float
    bounce: float
    colour: str
    finish: str
    position: Vector
    velocity: Vector = (0.0, 0.0, 0.0)
    rotation: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    spin: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Fixture:
    """A box that never moves: part of a table, a screen, a container. ``solid`` is False for what is only painted."""

    name: str
    half: Vector
    position: Vector
    colour: Vector
    solid: bool = True


@dataclass(frozen=True)
class Camera:
    """A pinhole that stands still.

    Attributes
    ----------
    position, target : tuple of three float
        m.
    fovy : float
        Vertical field of view in degrees.
    """

    position: Vector
    target: Vector
    fovy: float = 45.0

    def axes(self) -> NDArray[np.float64]:
        """Shape (3, 3): rows are the camera's right, up and backward in the world's axes."""
        back = np.subtract(self.position, self.target)
        back = back / np.linalg.norm(back)
        right = np.cross((0.0, 0.0, 1.0), back)
        right /= np.linalg.norm(right)
        return np.stack([right, np.cross(back, right), back])


@dataclass(frozen=True)
class Timing:
    """How long a clip lasts: ``frames`` at ``rate`` a second, ``substeps`` steps of the simulation a frame."""

    frames: int
    rate: int
    substeps: int

    @property
    def step(self) -> float:
        """Seconds."""
        return 1.0 / (self.rate * self.substeps)


@dataclass(frozen=True)
class World:
    """Everything that decides a clip, but for how finely it is drawn. ``gravity`` is in m/s², downward."""

    event: str
    scene: str
    gravity: float
    bodies: tuple[Body, ...]
    fixtures: tuple[Fixture, ...]
    camera: Camera
    timing: Timing

    def body(self, name: str) -> Body | None:
        """The object with this role, where the world has one."""
        return next((each for each in self.bodies if each.name == name), None)

    def dynamics(self) -> tuple[Any, ...]:
        """What decides how things move, and nothing that only decides how they look."""
        moving = [
            (each.name, each.shape, each.size, each.mass, each.friction, each.bounce, each.position, each.velocity,
             each.rotation, each.spin)
            for each in self.bodies
        ]  # fmt: skip
        standing = [(each.name, each.half, each.position) for each in self.fixtures if each.solid]
        return self.gravity, tuple(moving), tuple(standing), self.timing

    def text(self) -> str:
        """As JSON, numbers in their shortest form that reads back the same."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> World:
        """What :meth:`text` wrote. Raises ``ValueError``, ``TypeError`` or ``KeyError`` for anything else."""
        data = json.loads(text)
        return cls(
            data["event"],
            data["scene"],
            data["gravity"],
            tuple(Body(**_tuples(each)) for each in data["bodies"]),
            tuple(Fixture(**_tuples(each)) for each in data["fixtures"]),
            Camera(**_tuples(data["camera"])),
            Timing(**data["timing"]),
        )


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
