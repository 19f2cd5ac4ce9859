"""What must hold of every pair, checked on what was simulated and drawn. A pair of which it does not is rejected."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from generators.video.physics.catalogue import VIEWPOINTS
from generators.video.physics.causes import agreement, changed_objects, reached
from generators.video.physics.evidence import Run
from generators.video.physics.factors import LOOKS, Action
from generators.video.physics.mjcf import compiled
from generators.video.physics.motion import drop_errors
from generators.video.physics.variables import Value, Variable, descendants
from generators.video.physics.world import Camera

__all__ = ["AGREE", "moved_variables", "unsound", "unsound_world"]

AGREE = 1e-6
"""Metres. MuJoCo solves all contacts of a step together, so that what happens elsewhere moves the last bits."""


def moved_variables(factual: Mapping[str, Value], counterfactual: Mapping[str, Value]) -> set[str]:
    """Variables whose values differ."""
    return {name for name, value in factual.items() if counterfactual[name] != value}


def unsound(
    variables: Sequence[Variable],
    actions: Sequence[Action],
    values: tuple[Mapping[str, Value], Mapping[str, Value]],
    runs: tuple[Run, Run],
) -> str | None:
    """Why a pair is not what it says, or None.

    Checked are: that exactly the intervened variables and what follows from them differ; that each reads its new value
    in the simulator's own model; that looks leave every bit of motion; that before anything can have been touched by
    the change, paths agree.
    """
    moved = moved_variables(*values)
    asked = [each.variable for each in actions]
    if not moved.issuperset(asked):
        return "an intervened factor kept its value"
    if moved - descendants(variables, asked):
        return "a factor changed that does not follow from the intervention"
    if any(not _reads(each, runs[1]) for each in actions):
        return "the simulated world does not have the value that was set"
    factors = {each.factor for each in actions}
    same = runs[0].world.dynamics() == runs[1].world.dynamics()
    if factors <= LOOKS and not same:
        return "a change of looks changed what moves"
    if same:
        return None if np.array_equal(runs[0].states, runs[1].states) else "the same world moved in another way"
    when = reached(*runs, changed_objects(*runs))
    return "two paths part before anything was touched" if agreement(*runs, when) > AGREE else None


def unsound_world(run: Run) -> str | None:
    """Why one world is not to be believed: something let go in mid-air lands over a frame off √(2h/g)."""
    missed = drop_errors(run)
    return "a dropped object misses √(2h/g) by over a frame" if any(each > 1.0 for each in missed.values()) else None


def _reads(action: Action, run: Run) -> bool:
    """Whether the compiled model (for a viewpoint or a scene: the world) shows the value."""
    world, name = run.world, action.role
    model = compiled(world)
    if action.factor == "gravity":
        return bool(np.isclose(-model.opt.gravity[2], action.after))
    if action.factor in ("removed", "added"):
        return bool((name in run.names) == action.after and model.nbody - 1 == len(run.names))
    if action.factor == "scene":
        return bool(world.scene == action.after)
    if action.factor == "viewpoint":
        return bool(_viewpoint(world.camera) == action.after)
    body = world.body(name)
    if body is None:
        return False
    number = model.body(name).id
    geom = model.body_geomadr[number]
    if action.factor == "mass":
        return bool(np.isclose(model.body_mass[number], action.after))
    if action.factor == "friction":
        return bool(np.isclose(model.geom_friction[geom, 0], action.after))
    if action.factor == "velocity":
        first = run.states[0, run.names.index(name), 7:10]
        return bool(np.isclose(np.linalg.norm(first), action.after))
    if action.factor == "appearance":
        return bool(f"{body.finish} {body.colour}" == action.after)
    return bool(body.category == action.after)


def _viewpoint(camera: Camera) -> str:
    """The named viewpoint whose direction is nearest to that in which a camera stands."""
    back = camera.axes()[2]

    def apart(name: str) -> float:
        view = VIEWPOINTS[name]
        turn, tilt = math.radians(view.azimuth), math.radians(view.elevation)
        direction = (math.sin(turn) * math.cos(tilt), -math.cos(turn) * math.cos(tilt), math.sin(tilt))
        return float(-np.dot(back, direction))

    return min(VIEWPOINTS, key=apart)
