"""Marked frames checked from the record: the scene is run again, the point followed again, the mark made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines.media import read_image
from contrafact.record import HIDDEN
from contrafact.stages import Recomputed
from generators.video.physics.events import EVENTS
from generators.video.physics.mjcf import Look
from generators.video.physics.recompute import run_of
from generators.video.physics.simulated import timing_of
from generators.video.physics.variables import compose
from generators.video.tracer.marking import Moment, marked, moment_of
from generators.video.tracer.records import ANSWERS, NOWHERE, QUESTION, answer_of, positions

__all__ = ["recomputed"]

_CLOSE = 1e-6  # pixels
_FACTS = ("point", "destination", "flow")


def recomputed(pairs: pa.Table) -> Recomputed:
    """Positions, labels and the hashes of marked frames again.

    A marked frame keeps its hash where it is the plain one with the mark made anew, bit for bit. Plain frames are taken
    as they are stored: they are drawn by a graphics library, whose bits another machine need not give.
    """
    names = ("event", "question", *_FACTS, "frame_1_sha256", "frame_2_sha256")
    columns: dict[str, list[Any]] = {name: [] for name in names}
    labels = []
    for row in pairs.select(["factual", "counterfactual", HIDDEN]).to_pylist():
        cells, label = _row(row["factual"], row["counterfactual"], row[HIDDEN])
        labels.append(label)
        for name in names:
            columns[name].append(cells[name])
    arrays = {name: _objects(values) for name, values in columns.items()}
    asked = {name: arrays[name] for name in ("event", "question")}
    plain = {name: _objects([None] * len(labels)) for name in _FACTS}
    return Recomputed(
        arrays,
        pa.array([ANSWERS.index(NOWHERE)] * len(labels), pa.int64()),
        pa.array(labels, pa.int64()),
        {**asked, **plain},
        np.ones(len(labels), dtype=bool),
    )


def _row(
    one: Mapping[str, Any], other: Mapping[str, Any], hidden: Mapping[str, Any]
) -> tuple[dict[str, Any], int | None]:
    event = EVENTS[one["event"]]
    values = compose(event.variables(), hidden["noise"], {})
    timing = timing_of(event.seconds, hidden["rate"], max(hidden["frames"]) + 1)
    run = run_of(event.world(values, timing).text())
    plain = [read_image(one[name]["bytes"]) for name in ("frame_1", "frame_2")]
    look = Look(plain[0].shape[1], plain[0].shape[0])
    moment = moment_of(run, hidden["frames"], (hidden["point"][0], hidden["point"][1]), look)
    cells: dict[str, Any] = {"event": run.world.event, "question": QUESTION}
    if moment is None:
        return {**cells, **dict.fromkeys((*_FACTS, "frame_1_sha256", "frame_2_sha256"))}, None
    for name, again in positions(moment).items():
        cells[name] = other[name] if _same(other[name], again) else again
    for number, frame in enumerate(plain):
        name = f"frame_{number + 1}"
        kept = np.array_equal(_again(frame, moment, number), read_image(other[name]["bytes"]))
        cells[f"{name}_sha256"] = other[f"{name}_sha256"] if kept else None
    return cells, answer_of(moment, look)


def _again(frame: NDArray[np.uint8], moment: Moment, number: int) -> NDArray[np.uint8]:
    return marked(frame, (moment.point, moment.there)[number], moment.shapes[number])


def _same(one: list[float] | None, other: list[float] | None) -> bool:
    if one is None or other is None:
        return one is other
    return len(one) == len(other) and bool(np.allclose(one, other, rtol=0, atol=_CLOSE))


def _objects(values: list[Any]) -> NDArray[Any]:
    column = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        column[place] = value
    return column
