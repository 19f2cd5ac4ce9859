"""Fall: an object moves along a table toward its edge. How high the table is, the place decides.

::

    a ──►   b │
    ──────────┤
              │
    ──────────┴──────────── floor
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from generators.video.physics.catalogue import SCENES
from generators.video.physics.events.base import Event, Layout, Question, block, body
from generators.video.physics.evidence import GROUND, Evidence
from generators.video.physics.motion import keeps_direction, speeds_up_downward
from generators.video.physics.variables import Value, Variable, between, follows, object_variables, shared_variables

__all__ = ["Fall"]


class Fall(Event):
    """Whether the moving object falls from the table."""

    name: ClassVar[str] = "fall"
    question: ClassVar[str] = "Does the object that moves at first end up on the floor?"
    targets: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "viewpoint": ("",),
        "scene": ("",),
        "appearance": ("a", "b", "c"),
        "category": ("a", "b"),
        "removed": ("b", "c"),
        "added": ("d",),
        "mass": ("a", "b"),
        "friction": ("a", "b"),
        "gravity": ("",),
        "velocity": ("a",),
    }

    def variables(self) -> tuple[Variable, ...]:
        return (
            *shared_variables(),
            follows("table.height", ["scene"], lambda scene, u: SCENES[scene].height + 0.1 * (u - 0.5)),
            *object_variables("a", ("ball", "cube", "can", "pill")),
            between("a.speed", 1.5, 2.7),
            *object_variables("b", ("cube", "can", "brick")),
            between("b.y", 0.12, 0.34),
            *object_variables("c", ("ball", "can", "brick")),
            between("c.x", 0.5, 1.0),
            between("c.y", -0.15, 0.6),
            *object_variables("d", ("brick",), present=False),
        )

    def layout(self, values: Mapping[str, Value]) -> Layout:
        height = values["table.height"]
        bodies = [
            *body(values, "a", (-0.95, 0.0, height), (values["a.speed"], 0.0, 0.0)),
            *body(values, "b", (-0.28, values["b.y"], height)),
            *body(values, "c", (values["c.x"], values["c.y"], 0.0)),
            *body(values, "d", (-0.5, 0.0, height)),
        ]
        scene = values["scene"]
        top = block("table", (0.65, 0.5, 0.03), (-0.65, 0.1, height - 0.03), scene)
        leg = block("leg", (0.5, 0.38, (height - 0.06) / 2), (-0.65, 0.12, (height - 0.06) / 2), scene, 0.75)
        return Layout(bodies, (top, leg), (0.1, 0.0, 0.42), 3.1)

    def outcome(self, evidence: Evidence) -> bool:
        return evidence.touch("a", GROUND) is not None

    def happened(self, evidence: Evidence) -> str | None:
        # Falling is the question; what must take place is that it gets anywhere near the edge.
        near = evidence.run.place("a")[:, 0].max() > -0.5
        return None if near else "the object stops long before the edge"

    def questions(self, evidence: Evidence) -> Sequence[Question]:
        run = evidence.run
        landed = evidence.touch("a", GROUND)
        left = bool((run.place("a")[:, 0] > 0.0).any())
        sideways = any(each.moving for each in evidence.touches("a"))
        return (
            Question("leaves_edge", "Does the object that moves at first go beyond the edge of the table?", left),
            Question("hits_floor", "Does the object that moves at first touch the floor?", landed is not None),
            Question(
                "direction",
                "Does the object that moves at first keep its direction along the ground until it lands or stops?",
                keeps_direction(run, "a", landed.begin if landed else None),
            ),
            Question(
                "accelerates",
                "Does any object get faster and faster on its way down to the floor?",
                any(speeds_up_downward(run, name) for name in run.names),
            ),
            Question("touches", "Does the object that moves at first touch another object?", sideways),
            Question(
                "other_falls",
                "Does the object that stands on the table fall to the floor?",
                evidence.has("b") and evidence.touch("b", GROUND) is not None,
            ),
        )
