"""What an event is: variables, a layout that follows from them, an outcome, and questions answered from state."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from generators.video.physics.catalogue import CATEGORIES, SCENES, VIEWPOINTS
from generators.video.physics.evidence import Evidence
from generators.video.physics.variables import Value, Values, Variable
from generators.video.physics.world import Body, Camera, Fixture, Timing, World

__all__ = ["Event", "Layout", "Question", "block", "body", "rest_height"]

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Question:
    """A yes/no question with its answer in one world. The text names roles, never looks, so that it fits both."""

    name: str
    text: str
    answer: bool


@dataclass(frozen=True)
class Layout:
    """Where everything stands: objects, fixtures, and what the camera looks at from how far (m)."""

    bodies: Sequence[Body]
    fixtures: Sequence[Fixture] = ()
    focus: Vector = (0.0, 0.0, 0.15)
    distance: float = 3.2


class Event(ABC):
    """One kind of thing that happens.

    Attributes
    ----------
    name, question : str
        ``question`` is what the label answers.
    targets : mapping of factor to roles
        To which objects a factor may be applied. A factor that is missing cannot be varied in this event.
    seconds : float
        How long a clip of it lasts unless the recipe says.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    targets: ClassVar[Mapping[str, tuple[str, ...]]]
    seconds: ClassVar[float] = 2.0

    @abstractmethod
    def variables(self) -> tuple[Variable, ...]:
        """The scene's variables, parents first."""

    @abstractmethod
    def layout(self, values: Mapping[str, Value]) -> Layout:
        """Where everything stands, from the variables' values alone."""

    @abstractmethod
    def outcome(self, evidence: Evidence) -> bool:
        """The answer to ``question`` in one world."""

    @abstractmethod
    def happened(self, evidence: Evidence) -> str | None:
        """None where the event took place as its name says; else what is missing."""

    @abstractmethod
    def questions(self, evidence: Evidence) -> Sequence[Question]:
        """The event's own yes/no questions, the same ones in the same order in every world."""

    def categories(self, role: str) -> tuple[str, ...]:
        """What the object of a role may be."""
        return next((each.options for each in self.variables() if each.name == f"{role}.category"), ())

    def world(self, values: Values, timing: Timing) -> World:
        """The world that follows from the variables' values."""
        layout = self.layout(values)
        view, scene = VIEWPOINTS[values["viewpoint"]], values["scene"]
        turn = math.radians(view.azimuth + values["camera.turn"])
        tilt = math.radians(view.elevation + values["camera.tilt"])
        away = layout.distance * view.distance
        offset = (math.sin(turn) * math.cos(tilt), -math.cos(turn) * math.cos(tilt), math.sin(tilt))
        position = tuple(focus + away * part for focus, part in zip(layout.focus, offset, strict=True))
        camera = Camera((position[0], position[1], position[2]), layout.focus)
        return World(self.name, scene, values["gravity"], tuple(layout.bodies), tuple(layout.fixtures), camera, timing)


def body(
    values: Mapping[str, Value],
    role: str,
    position: Vector,
    velocity: Vector = (0.0, 0.0, 0.0),
    looks: str | None = None,
) -> list[Body]:
    """The object of a role as its variables describe it, or nothing where it is absent.

    ``position`` is that of its lowest point. What can roll lies so that it can, and rolls without slipping.
    """
    if not values[f"{role}.present"]:
        return []
    category, size = values[f"{role}.category"], values[f"{role}.size"]
    finish, colour = values[f"{looks or role}.appearance"].split()
    shape = CATEGORIES[category].shape
    x, y, z = position
    return [
        Body(
            role,
            category,
            shape,
            size,
            values[f"{role}.mass"],
            values[f"{role}.friction"],
            values[f"{role}.bounce"],
            colour,
            finish,
            (x, y, z + rest_height(shape, size)),
            velocity,
            _LYING if shape == "capsule" else _UPRIGHT,
            _rolling(shape, size, velocity),
        )
    ]


_UPRIGHT = (1.0, 0.0, 0.0, 0.0)
_LYING = (math.sqrt(0.5), math.sqrt(0.5), 0.0, 0.0)  # its long axis along y, so that it rolls along x


def _rolling(shape: str, size: tuple[float, ...], velocity: Vector) -> Vector:
    """Spin in the body's axes."""
    if shape == "sphere":
        return (-velocity[1] / size[0], velocity[0] / size[0], 0.0)
    if shape == "capsule":
        return (0.0, 0.0, -velocity[0] / size[0])
    return (0.0, 0.0, 0.0)


def rest_height(shape: str, size: tuple[float, ...]) -> float:
    """Height of an object's centre above what it lies or stands on (m)."""
    return {"sphere": size[0], "capsule": size[0], "cylinder": size[-1]}.get(shape, size[-1])


def block(name: str, half: Vector, position: Vector, scene: str, shade: float = 1.0, *, solid: bool = True) -> Fixture:
    """A fixture of the place's wood, darker or lighter."""
    wood = SCENES[scene].wood
    colour = (min(wood[0] * shade, 1.0), min(wood[1] * shade, 1.0), min(wood[2] * shade, 1.0))
    return Fixture(name, half, position, colour, solid)
