"""Collision: an object runs into another that stands in its way.

::

    a ──►            b      ┆ line
                        c
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from generators.video.physics.events.base import Event, Layout, Question, block, body
from generators.video.physics.evidence import Evidence
from generators.video.physics.motion import reacted_like_its_mass, speed_before
from generators.video.physics.variables import Value, Variable, between, object_variables, shared_variables

__all__ = ["Collision"]

_LINE = 0.5


class Collision(Event):
    """Whether the object that was hit ends beyond the line on the floor."""

    name: ClassVar[str] = "collision"
    question: ClassVar[str] = "Does the object that stands in the way end up beyond the line on the floor?"
    targets: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "viewpoint": ("",),
        "scene": ("",),
        "appearance": ("a", "b", "c"),
        "category": ("a", "b"),
        "removed": ("a", "c"),
        "added": ("d",),
        "mass": ("a", "b"),
        "friction": ("a", "b"),
        "gravity": ("",),
        "velocity": ("a",),
    }

    def variables(self) -> tuple[Variable, ...]:
        return (
            *shared_variables(),
            *object_variables("a", ("ball", "cube", "can", "pill")),
            between("a.speed", 2.0, 3.4),
            between("a.y", -0.04, 0.04),
            *object_variables("b", ("ball", "cube", "can", "brick")),
            between("b.x", -0.05, 0.15),
            *object_variables("c", ("cube", "can", "brick")),
            between("c.x", 0.25, 0.7),
            between("c.y", 0.35, 0.6),
            *object_variables("d", ("brick",), present=False),
        )

    def layout(self, values: Mapping[str, Value]) -> Layout:
        bodies = [
            *body(values, "a", (-1.0, values["a.y"], 0.0), (values["a.speed"], 0.0, 0.0)),
            *body(values, "b", (values["b.x"], 0.0, 0.0)),
            *body(values, "c", (values["c.x"], values["c.y"], 0.0)),
            *body(values, "d", (-0.5, 0.0, 0.0)),
        ]
        line = block("line", (0.015, 0.55, 0.001), (_LINE, 0.0, 0.001), values["scene"], 0.6, solid=False)
        return Layout(bodies, (line,), (-0.15, 0.05, 0.12), 2.55)

    def outcome(self, evidence: Evidence) -> bool:
        return bool(evidence.run.place("b")[-1, 0] > _LINE)

    def happened(self, evidence: Evidence) -> str | None:
        return None if evidence.touch("a", "b") else "the two objects never touch"

    def questions(self, evidence: Evidence) -> Sequence[Question]:
        hit = evidence.touch("a", "b")
        touched = evidence.touches("b")
        pushed = any(each.moving for each in touched)
        first = next((each for each in evidence.touches("a") if each.moving), None) if evidence.has("a") else None
        onward = evidence.has("a") and bool(np.any(evidence.run.place("a")[:, 0] > evidence.run.place("b")[0, 0]))
        return (
            Question("touch", "Does the moving object touch the object that stands in its way?", hit is not None),
            Question(
                "stops_before",
                "Does the moving object come to rest before it touches anything that stands on the floor?",
                evidence.has("a") and first is None and speed_before(evidence.run, "a", np.inf) < 0.05,
            ),
            Question("affected", "Is the object that stands in the way set in motion?", evidence.moved("b") > 0.02),
            Question(
                "fits_mass",
                "Does the lighter of the two objects change its speed more when they meet?",
                hit is not None and reacted_like_its_mass(evidence.run, hit),
            ),
            Question("pushed", "Is the object that stands in the way touched by another object?", pushed),
            Question("passes", "Does the moving object get past where the other one stood?", onward),
            Question(
                "bystander",
                "Is the object that stands aside touched by another object?",
                evidence.has("c") and any(each.moving for each in evidence.touches("c")),
            ),
        )
