"""Every value of a stored pair again: noise and interventions to a world, the world to motion, motion to answers.

What was drawn is not drawn again. How many pixels of each object a frame shows is counted in the stored masks where
there are any, and taken as stored where not.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines.media.faults import load_av
from contrafact.record import HIDDEN
from contrafact.stages import Recomputed
from generators.video.physics.events import EVENTS
from generators.video.physics.evidence import Evidence, Run
from generators.video.physics.mjcf import Look
from generators.video.physics.records import Filmed, member
from generators.video.physics.simulate import simulate
from generators.video.physics.variables import compose, descendants
from generators.video.physics.world import World

__all__ = ["recomputed", "run_of"]

_CLOSE = 1e-9
_CHECKED = (
    "event",
    "question",
    "questions",
    "objects",
    "states",
    "contacts",
    "events",
    "camera",
    "rate",
    "world",
)


def recomputed(pairs: pa.Table) -> Recomputed:
    """What the model gives for stored pairs (with ``hidden``); numbers equal to within rounding are left as stored."""
    columns: dict[str, dict[str, list[Any]]] = {
        side: {name: [] for name in _CHECKED} for side in ("factual", "counterfactual")
    }
    labels: dict[str, list[int]] = {"factual": [], "counterfactual": []}
    held: list[list[str]] = []
    for row in range(pairs.num_rows):
        hidden = pairs[HIDDEN][row].as_py()
        actions = json.loads(hidden["actions"])
        for side, replaced in (("factual", {}), ("counterfactual", actions)):
            stored = pairs[side][row].as_py()
            again, outcome = _member(stored, hidden["noise"], replaced)
            labels[side].append(outcome)
            for name in _CHECKED:
                columns[side][name].append(_kept(stored[name], again[name]))
        variables = EVENTS[pairs["factual"][row].as_py()["event"]].variables()
        held.append(sorted({each.name for each in variables} - descendants(variables, list(actions))))
    arrays = {side: {name: _objects(values) for name, values in each.items()} for side, each in columns.items()}
    return Recomputed(
        arrays["counterfactual"],
        pa.array(labels["factual"], pa.int64()),
        pa.array(labels["counterfactual"], pa.int64()),
        arrays["factual"],
        np.ones(pairs.num_rows, dtype=bool),
        pa.array(held, pa.list_(pa.string())),
    )


def _member(
    stored: Mapping[str, Any], noise: Sequence[Mapping[str, Any]], actions: Mapping[str, Any]
) -> tuple[dict[str, Any], int]:
    event, given = EVENTS[stored["event"]], World.read(stored["world"])
    variables = event.variables()
    uniforms = {each["variable"]: each["uniform"] for each in noise}
    values = compose(variables, [uniforms[each.name] for each in variables], actions)
    run = run_of(event.world(values, given.timing).text())
    evidence = Evidence(run, _visible(stored, run))
    camera = stored["camera"]
    again = member(Filmed(evidence, {}), Look(camera["width"], camera["height"]))
    return again, int(event.outcome(evidence))


@lru_cache(maxsize=8)
def run_of(world: str) -> Run:
    """The motion of a world given as text. One scene has several pairs, and they share the factual world."""
    return simulate(World.read(world))


def _visible(stored: Mapping[str, Any], run: Run) -> NDArray[np.int64]:
    """Pixels of each object in each frame, shape (T, K)."""
    masks = (stored.get("masks") or {}).get("bytes")
    if masks is None:
        counts = [each["visible"] for each in stored["objects"]]
        return np.array(counts, dtype=np.int64).reshape(len(run.names), len(run.states)).T
    with load_av().open(io.BytesIO(masks)) as file:
        frames = [frame.to_ndarray(format="gray").reshape(-1) for frame in file.decode(video=0)]
    return np.stack([np.bincount(each, minlength=256)[1 : len(run.names) + 1] for each in frames])


def _kept(stored: Any, again: Any) -> Any:
    """The stored value where the other is the same to within rounding, else the other."""
    return stored if _same(stored, again) else again


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and one and isinstance(one[0], float):
        return len(one) == len(other) and bool(np.allclose(one, other, rtol=_CLOSE, atol=_CLOSE))
    if isinstance(one, list):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, float):
        return math.isclose(one, other, rel_tol=_CLOSE, abs_tol=_CLOSE)
    return bool(one == other)


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    column = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        column[place] = value.tolist() if isinstance(value, np.ndarray) else value
    return column
