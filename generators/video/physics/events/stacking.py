"""Stacking: an object is dropped on a pile of two.

::

        a   ▼
      ┌───┐
      │ b │
     ┌┴──┬┘
     │ c │
    ─┴───┴───
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from generators.video.physics.catalogue import CATEGORIES
from generators.video.physics.events.base import Event, Layout, Question, body, rest_height
from generators.video.physics.evidence import GROUND, Evidence
from generators.video.physics.motion import speeds_up_downward
from generators.video.physics.variables import Value, Variable, between, object_variables, shared_variables

__all__ = ["Stacking"]


class Stacking(Event):
    """Whether the pile stands: where the mass of what lies higher is centred decides it, as in CoPhy's block towers."""

    name: ClassVar[str] = "stacking"
    question: ClassVar[str] = "Are all three objects still piled up at the end?"
    targets: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "viewpoint": ("",),
        "scene": ("",),
        "appearance": ("a", "b", "c"),
        "category": ("a", "b"),
        "removed": ("a",),
        "added": ("d",),
        "mass": ("a", "b"),
        "friction": ("b", "c"),
        "gravity": ("",),
    }

    def variables(self) -> tuple[Variable, ...]:
        return (
            *shared_variables(),
            *object_variables("a", ("cube", "can", "brick")),
            between("a.x", -0.15, 0.15),
            between("a.drop", 0.12, 0.4),
            *object_variables("b", ("cube", "brick")),
            between("b.x", -0.1, 0.1),
            *object_variables("c", ("cube", "brick")),
            *object_variables("d", ("cube", "can"), present=False),
        )

    def layout(self, values: Mapping[str, Value]) -> Layout:
        first = 2 * _height(values, "c")
        second = first + 2 * _height(values, "b")
        bodies = [
            *body(values, "a", (values["b.x"] + values["a.x"], 0.0, second + values["a.drop"])),
            *body(values, "b", (values["b.x"], 0.0, first)),
            *body(values, "c", (0.0, 0.0, 0.0)),
            *body(values, "d", (0.22, 0.0, 0.0)),
        ]
        return Layout(bodies, (), (0.0, 0.0, 0.32), 1.9)

    def outcome(self, evidence: Evidence) -> bool:
        names = [name for name in ("a", "b") if evidence.has(name)]
        lying = {each.one for each in evidence.run.contacts if each.other == GROUND}
        return len(names) == 2 and not lying.intersection(names)

    def happened(self, evidence: Evidence) -> str | None:
        return None if evidence.touch("a", "b") else "the dropped object misses the pile"

    def questions(self, evidence: Evidence) -> Sequence[Question]:
        run = evidence.run
        place = run.place("b")
        tilt = np.abs(run.states[-1, run.names.index("b"), 3:7])
        return (
            Question("lands", "Does the dropped object touch the pile?", evidence.touch("a", "b") is not None),
            Question(
                "accelerates",
                "Does the dropped object get faster until it touches something?",
                evidence.has("a") and speeds_up_downward(run, "a"),
            ),
            Question(
                "top_falls",
                "Does the dropped object end up on the floor?",
                evidence.has("a") and evidence.touch("a", GROUND) is not None,
            ),
            Question(
                "middle_falls", "Does the middle object end up on the floor?", evidence.touch("b", GROUND) is not None
            ),
            Question(
                "middle_moves",
                "Is the middle object shifted by more than a centimetre?",
                bool(np.linalg.norm(place[-1] - place[0]) > 0.01),
            ),
            Question("middle_turns", "Does the middle object turn over or tilt?", bool(tilt[0] < 0.995)),
        )


def _height(values: Mapping[str, Value], role: str) -> float:
    return rest_height(CATEGORIES[values[f"{role}.category"]].shape, values[f"{role}.size"])
