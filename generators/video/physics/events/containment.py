"""Containment: an object is thrown level toward an open box.

::

    a ──►
                 │ b │
    ─────────────┴───┴─────
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from generators.video.physics.events.base import Event, Layout, Question, block, body
from generators.video.physics.evidence import GROUND, Evidence
from generators.video.physics.motion import speeds_up_downward
from generators.video.physics.variables import Value, Variable, between, object_variables, shared_variables
from generators.video.physics.world import Fixture

__all__ = ["Containment"]

_HALF = 0.26  # inside, from the middle of the box to its wall
_WALL = 0.02
_RIM = 0.30
_MIDDLE = 0.35


class Containment(Event):
    """Whether it ends inside: gravity and its speed decide how far it flies, and its mass does not."""

    name: ClassVar[str] = "containment"
    question: ClassVar[str] = "Is the object that was thrown inside the box at the end?"
    targets: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "viewpoint": ("",),
        "scene": ("",),
        "appearance": ("a", "b", "c"),
        "category": ("a",),
        "removed": ("b", "c"),
        "added": ("d",),
        "mass": ("a", "b"),
        "friction": ("a",),
        "gravity": ("",),
        "velocity": ("a",),
    }

    def variables(self) -> tuple[Variable, ...]:
        return (
            *shared_variables(),
            *object_variables("a", ("ball", "cube", "can")),
            between("a.speed", 1.5, 3.1),
            between("a.height", 0.75, 1.0),
            *object_variables("b", ("ball", "cube"), scale=(0.8, 0.95)),
            between("b.x", -0.1, 0.1),
            *object_variables("c", ("can", "brick")),
            between("c.x", -0.9, -0.45),
            *object_variables("d", ("brick",), present=False),
        )

    def layout(self, values: Mapping[str, Value]) -> Layout:
        scene = values["scene"]
        bodies = [
            *body(values, "a", (-0.75, 0.0, values["a.height"]), (values["a.speed"], 0.0, 0.0)),
            *body(values, "b", (_MIDDLE + values["b.x"], 0.02, 2 * _WALL)),
            *body(values, "c", (values["c.x"], 0.1, 0.0)),
            *body(values, "d", (_MIDDLE, -0.1, 2 * _WALL)),
        ]
        return Layout(bodies, tuple(_box(scene)), (-0.08, 0.0, 0.4), 2.75)

    def outcome(self, evidence: Evidence) -> bool:
        return bool(_inside(evidence.run.place("a"))[-1])

    def happened(self, evidence: Evidence) -> str | None:
        near = any(each.other.startswith("box") for each in evidence.touches("a"))
        return None if near or self.outcome(evidence) else "the object does not reach the box"

    def questions(self, evidence: Evidence) -> Sequence[Question]:
        run = evidence.run
        within = _inside(run.place("a"))
        walls = [each for each in evidence.touches("a") if each.other.startswith("box") and each.other != "box_floor"]
        return (
            Question("enters", "Is the object that was thrown inside the box at any time?", bool(within.any())),
            Question(
                "stays",
                "Once the object that was thrown is inside the box, does it stay there?",
                bool(within.any()) and bool(within[int(np.argmax(within)) :].all()),
            ),
            Question("rim", "Does the object that was thrown touch a wall of the box?", bool(walls)),
            Question(
                "floor", "Does the object that was thrown touch the floor?", evidence.touch("a", GROUND) is not None
            ),
            Question(
                "accelerates",
                "Does the object that was thrown gain speed on its way down?",
                speeds_up_downward(run, "a"),
            ),
            Question(
                "meets",
                "Does the object that was thrown touch another object?",
                any(each.moving for each in evidence.touches("a")),
            ),
        )


def _inside(place: NDArray[np.float64]) -> NDArray[np.bool_]:
    across = (np.abs(place[:, 0] - _MIDDLE) < _HALF) & (np.abs(place[:, 1]) < _HALF)
    return across & (place[:, 2] < _RIM)


def _box(scene: str) -> list[Fixture]:
    tall, reach = _RIM / 2, _HALF + _WALL
    sides = {
        "box_left": ((_WALL, reach + _WALL, tall), (_MIDDLE - reach, 0.0, tall), 1.0),
        "box_right": ((_WALL, reach + _WALL, tall), (_MIDDLE + reach, 0.0, tall), 1.0),
        "box_front": ((_HALF, _WALL, tall), (_MIDDLE, -reach, tall), 0.85),
        "box_back": ((_HALF, _WALL, tall), (_MIDDLE, reach, tall), 0.85),
        "box_floor": ((_HALF, _HALF, _WALL), (_MIDDLE, 0.0, _WALL), 0.7),
    }
    return [block(name, half, position, scene, shade) for name, (half, position, shade) in sides.items()]
