"""Occlusion: an object moves behind a screen, behind which another may stand in its way.

::

           ┌────┐
    a ──►  │ b  │  ──► ?
           └────┘
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from generators.video.physics.catalogue import SCENES
from generators.video.physics.events.base import Event, Layout, Question, block, body
from generators.video.physics.evidence import Evidence
from generators.video.physics.motion import keeps_direction
from generators.video.physics.variables import EARTH, Value, Variable, between, choice, constant, object_variables

__all__ = ["Occlusion"]

_HALF = 0.42
_LEAST = 12  # pixels: fewer are a sliver that nobody sees


class Occlusion(Event):
    """Whether the object comes out from behind the screen.

    Viewpoints are not varied: another one would show what the screen hides.
    """

    name: ClassVar[str] = "occlusion"
    question: ClassVar[str] = "Does the object that moves at first come out on the far side of the screen?"
    targets: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "scene": ("",),
        "appearance": ("a", "c"),
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
            choice("scene", tuple(SCENES)),
            constant("viewpoint", "front"),  # and low, so that the screen hides what is behind it
            between("camera.turn", -2.0, 2.0),
            between("camera.tilt", -14.0, -11.0),
            constant("gravity", EARTH),
            *object_variables("a", ("ball", "cube", "can", "pill")),
            between("a.speed", 2.1, 3.2),
            *object_variables("b", ("ball", "cube", "can"), scale=(0.85, 1.0)),
            between("b.y", 0.0, 0.34),
            *object_variables("c", ("cube", "can", "brick")),
            between("c.x", 0.6, 0.85),
            *object_variables("d", ("brick",), present=False),
        )

    def layout(self, values: Mapping[str, Value]) -> Layout:
        bodies = [
            *body(values, "a", (-1.05, 0.45, 0.0), (values["a.speed"], 0.0, 0.0)),
            *body(values, "b", (0.0, 0.45 + values["b.y"], 0.0)),
            *body(values, "c", (values["c.x"], -0.15, 0.0)),
            *body(values, "d", (0.05, 0.45, 0.0)),
        ]
        screen = block("screen", (_HALF, 0.03, 0.26), (0.0, 0.12, 0.26), values["scene"])
        return Layout(bodies, (screen,), (0.0, 0.2, 0.2), 2.55)

    def outcome(self, evidence: Evidence) -> bool:
        return bool((evidence.run.place("a")[:, 0] > _HALF + 0.15).any())

    def happened(self, evidence: Evidence) -> str | None:
        if evidence.visible is None:
            return None if self._behind(evidence) else "the object never gets behind the screen"
        return None if self._hidden(evidence).any() else "the object is never out of sight behind the screen"

    def questions(self, evidence: Evidence) -> Sequence[Question]:
        seen = evidence.seen("a", _LEAST)
        hidden = self._hidden(evidence)
        after = bool(hidden.any()) and bool(seen[int(np.argmax(hidden)) :].any())
        return (
            Question("behind", "Does the object that moves at first disappear behind the screen?", bool(hidden.any())),
            Question("reappears", "Is the object that moves at first seen again after it was out of sight?", after),
            Question(
                "path",
                "Does the object that moves at first go straight on all the time, seen or not?",
                keeps_direction(evidence.run, "a", None),
            ),
            Question(
                "met",
                "Does the object that moves at first touch another object behind the screen?",
                any(each.moving for each in evidence.touches("a")),
            ),
            Question("last", "Is the object that moves at first in sight in the last frame?", bool(seen[-1])),
        )

    @staticmethod
    def _behind(evidence: Evidence) -> bool:
        return bool((np.abs(evidence.run.place("a")[:, 0]) < _HALF - 0.1).any())

    @staticmethod
    def _hidden(evidence: Evidence) -> NDArray[np.bool_]:
        """Frames in which it was seen before, and is not now."""
        seen = evidence.seen("a", _LEAST)
        return np.logical_or.accumulate(seen) & ~evidence.seen("a")
