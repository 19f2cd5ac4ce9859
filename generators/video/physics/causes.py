"""Where an intervention can have reached by when: influence travels by touch.

An object can differ between two worlds only from the moment in which something that differs touches it. Contacts of
both worlds count: an object that is removed touches nothing in the world that lacks it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generators.video.physics.evidence import Contact, Run

__all__ = ["agreement", "changed_objects", "parting", "reached"]

_NEVER = float("inf")


def changed_objects(factual: Run, counterfactual: Run) -> set[str]:
    """Objects that differ from the start on: in what they are, where they begin or how fast; all, where gravity does.

    What they look like is no cause of motion. What stands still and differs (a higher table) has changed whatever
    begins upon it, by where that begins.
    """
    every = {*factual.names, *counterfactual.names}
    if factual.world.gravity != counterfactual.world.gravity:
        return every
    return {name for name in every if _moves(factual, name) != _moves(counterfactual, name)}


def _moves(run: Run, name: str) -> object:
    """What decides an object's motion at the start; None where it is absent."""
    return next((each for each in run.world.dynamics()[1] if each[0] == name), None)


def reached(factual: Run, counterfactual: Run, changed: set[str]) -> dict[str, float]:
    """For each object the earliest time (s) at which it can differ; infinite for one that nothing reaches."""
    every = {*factual.names, *counterfactual.names}
    when = {name: 0.0 if name in changed else _NEVER for name in every}
    contacts = [each for each in (*factual.contacts, *counterfactual.contacts) if each.moving]
    for _ in every:  # a path of influence passes each object once
        if not _spread(contacts, when):
            break
    return when


def _spread(contacts: Sequence[Contact], when: dict[str, float]) -> bool:
    """One round of passing influence on; whether any time became earlier."""
    earlier = False
    for each in contacts:
        for giver, taker in ((each.one, each.other), (each.other, each.one)):
            time = max(when[giver], each.begin)
            if time <= each.end and time < when[taker]:
                when[taker] = time
                earlier = True
    return earlier


def agreement(factual: Run, counterfactual: Run, when: dict[str, float]) -> float:
    """How far (m) any object's two paths are apart before anything can have reached it; 0 is bit for bit."""
    apart = 0.0
    for name in factual.names:
        if name not in counterfactual.names:
            continue
        last = factual.world.timing.frames if when[name] == _NEVER else factual.frame(when[name])
        difference = factual.place(name)[:last] - counterfactual.place(name)[:last]
        apart = max(apart, float(np.abs(difference).max(initial=0.0)))
    return apart


def parting(factual: Run, counterfactual: Run, when: dict[str, float]) -> float | None:
    """The earliest time (s) at which a path could part from its other, of objects that differ at any time."""
    shared = [name for name in factual.names if name in counterfactual.names]
    times = [when[name] for name in shared if not np.array_equal(factual.place(name), counterfactual.place(name))]
    return min(times, default=None)
