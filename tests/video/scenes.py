"""Small scenes for tests: the ones of each event that take place, and what is done to them."""

from __future__ import annotations

from functools import cache

import numpy as np

from generators.video.physics.events import EVENTS
from generators.video.physics.evidence import Evidence, Run
from generators.video.physics.factors import Action, Factor, chosen
from generators.video.physics.mjcf import Look
from generators.video.physics.pairing import Subject
from generators.video.physics.records import Filmed, Filming, film
from generators.video.physics.simulate import simulate
from generators.video.physics.variables import Values
from generators.video.physics.world import Timing

LOOK = Look(96, 72, "soft", 0)
RATE = 16


@cache
def subject(event: str, number: int = 0) -> Subject:
    """The ``number``-th scene of an event that takes place."""
    found = -1
    for noise in np.random.default_rng(7).random((60, len(EVENTS[event].variables()))):
        made = Subject(EVENTS[event], tuple(map(float, noise)), Timing(int(EVENTS[event].seconds * RATE), RATE, 30))
        found += EVENTS[event].happened(Evidence(made.run)) is None
        if found == number:
            return made
    raise AssertionError(f"no scene of {event} takes place")


@cache
def filmed(event: str, number: int = 0) -> Filmed:
    """The factual clip of a scene, with masks."""
    return film(subject(event, number).run, Filming(LOOK))


def action(made: Subject, factor: Factor, where: float = 0.0, what: float = 0.0) -> Action:
    """An intervention on a scene."""
    found = chosen(made.event, factor, made.values, where, what)
    assert found is not None
    return found


@cache
def changes(event: str) -> tuple[tuple[Action, Values, Run], ...]:
    """One intervention for every factor that a scene has: itself, the values under it, and the run."""
    made, found = subject(event), []
    for number, factor in enumerate(made.event.targets):
        done = chosen(made.event, factor, made.values, number / 10, 0.4)  # type: ignore[arg-type]
        if done is not None:
            values = made.under([done])
            found.append((done, values, simulate(made.world(values))))
    return tuple(found)


__all__ = ["EVENTS", "LOOK", "RATE", "action", "changes", "filmed", "subject"]
