"""The scene as a structural causal model: variables, what each follows from, and the noise that decides the rest.

Every variable is a function of its parents and of one uniform of its own (Pearl 2009, def. 7.1.1). Keeping the
uniforms is abduction; replacing a variable's function by a value is action; calling :func:`compose` again is
prediction. The physics, which follows, has no noise at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generators.video.physics.catalogue import APPEARANCES, CATEGORIES, SCENES, VIEWPOINTS

__all__ = [
    "EARTH",
    "Value",
    "Values",
    "Variable",
    "between",
    "choice",
    "compose",
    "constant",
    "descendants",
    "follows",
    "object_variables",
    "shared_variables",
    "volume",
]

Value = Any
Values = dict[str, Value]
EARTH = 9.81
"""m/s²."""


@dataclass(frozen=True)
class Variable:
    """One variable: ``function(values of all earlier variables, uniform) -> value``."""

    name: str
    function: Callable[[Mapping[str, Value], float], Value]
    parents: tuple[str, ...] = ()
    options: tuple[Value, ...] = ()


def choice(name: str, options: Sequence[Value]) -> Variable:
    """One of the options, each as likely."""
    fixed = tuple(options)
    return Variable(name, lambda _, u: fixed[int(u * len(fixed))], options=fixed)


def between(name: str, low: float, high: float) -> Variable:
    """Uniform from ``low`` to ``high``."""
    return Variable(name, lambda _, u: low + (high - low) * u)


def constant(name: str, value: Value) -> Variable:
    """The same in every world unless it is intervened on."""
    return Variable(name, lambda _, __: value)


def follows(name: str, parents: Sequence[str], function: Callable[..., Value]) -> Variable:
    """``function(*values of the parents, uniform)``."""
    names = tuple(parents)
    return Variable(name, lambda values, u: function(*(values[each] for each in names), u), names)


def shared_variables() -> tuple[Variable, ...]:
    """What every event has: the place, the viewpoint with how the camera was set down, and gravity (m/s²)."""
    return (
        choice("scene", tuple(SCENES)),
        choice("viewpoint", tuple(VIEWPOINTS)),
        between("camera.turn", -4.0, 4.0),
        between("camera.tilt", -2.0, 2.0),
        constant("gravity", EARTH),
    )


def object_variables(
    role: str,
    categories: Sequence[str],
    *,
    scale: tuple[float, float] = (0.9, 1.15),
    palette: str | None = None,
    present: bool = True,
) -> tuple[Variable, ...]:
    """What every object has. Size, mass and surface follow from its category; its looks follow from nothing."""
    return (
        constant(f"{role}.present", present),
        choice(f"{role}.category", categories),
        follows(f"{role}.size", [f"{role}.category"], lambda category, u: _size(category, *scale, u)),
        follows(f"{role}.mass", [f"{role}.category", f"{role}.size"], _mass),
        follows(
            f"{role}.friction",
            [f"{role}.category"],
            lambda category, u: CATEGORIES[category].friction * (0.8 + 0.4 * u),
        ),
        follows(f"{role}.bounce", [f"{role}.category"], lambda category, _: CATEGORIES[category].bounce),
        choice(f"{role}.appearance", APPEARANCES[palette or role]),
    )


def _size(category: str, low: float, high: float, u: float) -> tuple[float, ...]:
    scale = low + (high - low) * u
    return tuple(round(length * scale, 4) for length in CATEGORIES[category].size)


def _mass(category: str, size: tuple[float, ...], u: float) -> float:
    """Kilograms: volume times density, and up to a quarter more or less of what is inside."""
    return volume(CATEGORIES[category].shape, size) * CATEGORIES[category].density * (0.75 + 0.5 * u)


def volume(shape: str, size: tuple[float, ...]) -> float:
    """Cubic metres of a shape with these half-lengths."""
    if shape == "sphere":
        return 4 / 3 * math.pi * size[0] ** 3
    if shape == "cylinder":
        return 2 * math.pi * size[0] ** 2 * size[1]
    if shape == "capsule":
        return math.pi * size[0] ** 2 * (4 / 3 * size[0] + 2 * size[1])
    return 8 * size[0] * size[1] * size[2]


def compose(variables: Sequence[Variable], noise: Sequence[float], actions: Mapping[str, Value]) -> Values:
    """Values of all variables from their noise, with the functions of those in ``actions`` replaced by a value.

    Parameters
    ----------
    noise : sequence of float on (0, 1)
        One a variable, in their order.
    """
    values: Values = {}
    for variable, u in zip(variables, noise, strict=True):
        values[variable.name] = (
            actions[variable.name] if variable.name in actions else variable.function(values, float(u))
        )
    return values


def descendants(variables: Sequence[Variable], names: Sequence[str]) -> set[str]:
    """What may change under an intervention on ``names``: they and all that follow from them."""
    reached = set(names)
    for variable in variables:
        if reached.intersection(variable.parents):
            reached.add(variable.name)
    return reached
