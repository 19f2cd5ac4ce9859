"""The factors that can be varied: which variable each sets, and to what.

A factor names one variable of one object (or of the whole scene). Which object and which value, a uniform of the unit
and the factor decides, so that they do not depend on what else a recipe asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from generators.video.physics.catalogue import APPEARANCES, SCENES, VIEWPOINTS
from generators.video.physics.events.base import Event
from generators.video.physics.variables import Value

__all__ = ["FACTORS", "HIDDEN_FACTORS", "LOOKS", "Action", "Factor", "chosen", "settings"]

Factor = Literal[
    "viewpoint",
    "scene",
    "appearance",
    "category",
    "removed",
    "added",
    "mass",
    "friction",
    "gravity",
    "velocity",
]
FACTORS: tuple[Factor, ...] = get_args(Factor)
LOOKS: frozenset[str] = frozenset({"viewpoint", "appearance"})
"""Factors that no motion depends on. A scene's looks are joined to the height of its table, so it is not one."""
HIDDEN_FACTORS: tuple[Factor, ...] = ("mass", "friction", "gravity", "velocity")
"""Factors that no single picture shows (CoPhy's confounders, and speed)."""

_VARIABLE = {
    "viewpoint": "viewpoint",
    "scene": "scene",
    "gravity": "gravity",
    "appearance": "appearance",
    "category": "category",
    "removed": "present",
    "added": "present",
    "mass": "mass",
    "friction": "friction",
    "velocity": "speed",
}
_GRAVITIES = (1.62, 3.71, 24.79)  # the Moon, Mars, Jupiter: m/s²
_TIMES = {"mass": (0.1, 10.0), "velocity": (0.55, 0.75, 1.35, 1.7)}
_FRICTIONS = (0.05, 0.15, 0.8, 1.2)


@dataclass(frozen=True)
class Action:
    """One intervention: set ``variable`` from ``before`` to ``after``. ``role`` is empty for the whole scene."""

    factor: Factor
    variable: str
    role: str
    before: Value
    after: Value


def chosen(event: Event, factor: Factor, values: Mapping[str, Value], where: float, what: float) -> Action | None:
    """The intervention on a factor, or None where the event has none of it.

    Parameters
    ----------
    where, what : float on (0, 1)
        Decide the object and the value.
    """
    roles = event.targets.get(factor)
    if not roles:
        return None
    role = roles[int(where * len(roles))]
    if role and factor != "added" and not values[f"{role}.present"]:
        return None
    variable = f"{role}.{_VARIABLE[factor]}" if role else _VARIABLE[factor]
    before = values[variable]
    others = [each for each in settings(event, factor, role, before) if each != before]
    return Action(factor, variable, role, before, others[int(what * len(others))]) if others else None


def settings(event: Event, factor: Factor, role: str, before: Value) -> Sequence[Value]:
    """All values that a factor may be set to, for one object."""
    if factor in _TIMES:
        return [before * each for each in _TIMES[factor]]
    if factor == "category":
        return event.categories(role)
    known: Mapping[str, Sequence[Value]] = {
        "viewpoint": tuple(VIEWPOINTS),
        "scene": tuple(SCENES),
        "appearance": _looks(role),
        "removed": (False,),
        "added": (True,),
        "friction": _FRICTIONS,
        "gravity": _GRAVITIES,
    }
    return known[factor]


def _looks(role: str) -> Sequence[str]:
    return APPEARANCES.get(role, APPEARANCES["c"])
