"""Chain reaction: an object runs into the first of a row of dominoes.

::

    a ──►  │ │ │ │ │ │
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from generators.video.physics.events.base import Event, Layout, Question, body
from generators.video.physics.evidence import Evidence, Run
from generators.video.physics.variables import (
    Value,
    Variable,
    between,
    choice,
    constant,
    object_variables,
    shared_variables,
)

__all__ = ["ChainReaction"]

_ROW = ("d1", "d2", "d3", "d4", "d5", "d6")
_FALLEN = float(np.cos(np.radians(40.0)))


class ChainReaction(Event):
    """Whether the last domino of a row falls."""

    name: ClassVar[str] = "chain"
    question: ClassVar[str] = "Does the last domino of the row fall over?"
    targets: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "viewpoint": ("",),
        "scene": ("",),
        "appearance": ("a", *_ROW),
        "category": ("a",),
        "removed": ("a", "d2", "d3", "d4", "d5"),
        "added": ("d",),
        "mass": ("a", "d1"),
        "friction": ("a",),
        "gravity": ("",),
        "velocity": ("a",),
    }
    seconds: ClassVar[float] = 2.5

    def variables(self) -> tuple[Variable, ...]:
        row = [
            variable for name in _ROW for variable in object_variables(name, ("domino",), scale=(1.0, 1.0), palette="c")
        ]
        # Every third row has a gap already.
        row = [choice("d4.present", (True, True, False)) if each.name == "d4.present" else each for each in row]
        return (
            *shared_variables(),
            *object_variables("a", ("ball", "cube", "can")),
            between("a.speed", 1.6, 2.6),
            constant("row.space", 0.24),
            between("row.shift", -0.03, 0.03),
            *row,
            *object_variables("d", ("brick",), present=False),
        )

    def layout(self, values: Mapping[str, Value]) -> Layout:
        bodies = [*body(values, "a", (-1.0, 0.0, 0.0), (values["a.speed"], 0.0, 0.0))]
        start = -0.45 + values["row.shift"]
        for number, name in enumerate(_ROW):
            bodies += body(values, name, (start + number * values["row.space"], 0.0, 0.0), looks=name)
        bodies += body(values, "d", (-0.7, 0.0, 0.0))
        return Layout(bodies, (), (-0.1, 0.0, 0.15), 2.55)

    def outcome(self, evidence: Evidence) -> bool:
        return _fell(evidence.run, _ROW[-1])

    def happened(self, evidence: Evidence) -> str | None:
        return None if evidence.touch("a", _ROW[0]) else "the first domino is not touched"

    def questions(self, evidence: Evidence) -> Sequence[Question]:
        run = evidence.run
        fallen = [_fell(run, name) for name in _ROW]
        return (
            Question(
                "first_touched",
                "Does the moving object touch the first domino?",
                evidence.touch("a", _ROW[0]) is not None,
            ),
            Question("first_falls", "Does the first domino fall over?", fallen[0]),
            Question("third_falls", "Does the third place of the row have a domino that falls over?", fallen[2]),
            Question("all_fall", "Do all six places of the row have a domino that falls over?", all(fallen)),
            Question("any_stands", "Is any domino still upright at the end?", any(_stands(run, name) for name in _ROW)),
            Question(
                "order",
                "Do the dominoes that fall go over one after the other, from the first on?",
                _in_order(run),
            ),
        )


def _upright(run: Run, name: str) -> float:
    """Cosine of a domino's tilt at the end."""
    _, x, y, _ = run.states[-1, run.names.index(name), 3:7]
    return float(1 - 2 * (x * x + y * y))


def _fell(run: Run, name: str) -> bool:
    return name in run.names and _upright(run, name) < _FALLEN


def _stands(run: Run, name: str) -> bool:
    return name in run.names and _upright(run, name) >= _FALLEN


def _in_order(run: Run) -> bool:
    begun = []
    for name in _ROW:
        if _fell(run, name):
            x, y = run.states[:, run.names.index(name), 4], run.states[:, run.names.index(name), 5]
            begun.append(int(np.argmax(1 - 2 * (x * x + y * y) < 0.97)))
    return bool(begun) and begun == sorted(begun)
