"""The list of what happens in a clip, in the order of time: touches, landings, going out of sight and coming back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from generators.video.physics.evidence import Evidence
from generators.video.physics.motion import airborne

__all__ = ["occurrences"]

_LEAST = 12  # pixels


def occurrences(evidence: Evidence) -> list[dict[str, Any]]:
    """Events as dictionaries of kind, time (s), frame and objects.

    Kinds are ``touch`` (two objects), ``land`` (after a flight, on the floor, a fixture or an object), ``hide`` and
    ``appear`` (visibility in the clip), ``rest`` (an object that moved stands still until the end).
    """
    found = [*_touches(evidence), *_landings(evidence), *_sights(evidence), *_rests(evidence)]
    return sorted(found, key=lambda each: (each["time"], each["kind"], each["objects"]))


def _entry(evidence: Evidence, kind: str, time: float, *objects: str) -> dict[str, Any]:
    last = evidence.run.world.timing.frames - 1
    return {"kind": kind, "time": time, "frame": min(evidence.run.frame(time), last), "objects": list(objects)}


def _touches(evidence: Evidence) -> Iterator[dict[str, Any]]:
    known = set()
    for each in evidence.run.contacts:
        pair = frozenset((each.one, each.other))
        if each.moving and pair not in known:
            known.add(pair)
            yield _entry(evidence, "touch", each.begin, each.one, each.other)


def _landings(evidence: Evidence) -> Iterator[dict[str, Any]]:
    for name in evidence.run.names:
        for _, end in airborne(evidence.run, name):
            under = next((each for each in evidence.touches(name) if each.begin == end), None)
            if under is not None:
                yield _entry(evidence, "land", end, name, under.other if under.one == name else under.one)


def _sights(evidence: Evidence) -> Iterator[dict[str, Any]]:
    if evidence.visible is None:
        return
    rate = evidence.run.world.timing.rate
    for name in evidence.run.names:
        seen = evidence.seen(name, _LEAST).astype(np.int8)
        for frame in np.flatnonzero(np.diff(seen)) + 1:
            yield _entry(evidence, "appear" if seen[frame] else "hide", float(frame / rate), name)


def _rests(evidence: Evidence) -> Iterator[dict[str, Any]]:
    run = evidence.run
    for name in run.names:
        moving = np.linalg.norm(run.velocity(name), axis=1) > 0.05
        if moving.any() and not moving[-1]:
            yield _entry(evidence, "rest", float((np.flatnonzero(moving)[-1] + 1) / run.world.timing.rate), name)
