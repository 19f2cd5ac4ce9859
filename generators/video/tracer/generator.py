"""The generator ``tracer``: two frames of a simulated scene, with and without a mark that moves with an object.

KL-tracing (arXiv:2507.09082) asks a model that predicts the second frame from the first where a point goes: it marks
the point and looks at what changes in the prediction. Here the simulator says what had to change, so that any such
model can be held against the truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import RowError
from contrafact.record import PairShape
from contrafact.stages import Recomputed
from generators.video.physics.checks import unsound_world
from generators.video.physics.draw import draw
from generators.video.physics.events import EVENTS
from generators.video.physics.mjcf import Look
from generators.video.physics.pairing import Subject
from generators.video.physics.simulated import (
    EventName,
    Limit,
    SimulatedGenerator,
    check_limits,
    check_names,
    timing_of,
)
from generators.video.physics.source import noise_of
from generators.video.tracer.choosing import chosen_frames, chosen_point
from generators.video.tracer.marking import Moment, marked, moment_of, still
from generators.video.tracer.matching import BlockMatching
from generators.video.tracer.recomputing import recomputed
from generators.video.tracer.records import ANSWERS, NOWHERE, QUESTION, TRACED, answer_of, member
from generators.video.tracer.trace import endpoint_error, trace

__all__ = ["TracerGenerator"]

_LEAST = 30  # levels by which a mark must stand out
_PATCH = 8
Frame = NDArray[np.uint8]


class TracerGenerator(SimulatedGenerator):
    """Marks on moving objects, and where each is one moment later.

    Parameters
    ----------
    events : sequence of str
        What happens in the scenes, in turn.
    per_unit : int
        Marks for each scene.
    size : sequence of two int
        Width and height in pixels; multiples of 8.
    rate : int
        Frames a second.
    gap : int
        Frames from the first picture to the second.
    motion : sequence of two float
        By how many pixels an object's middle moves from one to the other, at least and at most.
    reach : int
        Largest displacement in pixels that the built-in predictor, whose error is the score ``endpoint_error``, looks
        for.
    """

    name: ClassVar[str] = "tracer"
    task: str = "point tracking"
    shard_rows: ClassVar[int] = 20
    citations: ClassVar[Sequence[str]] = (
        "KL-tracing (arXiv:2507.09082): a bump on a point, and where two predictions part",
        "Counterfactual World Model (arXiv:2306.01828): what a predictor lets follow from a changed patch",
    )

    def __init__(
        self,
        events: Sequence[EventName] = get_args(EventName),
        per_unit: int = 2,
        size: Sequence[int] = (160, 120),
        rate: int = 16,
        gap: int = 1,
        motion: Sequence[float] = (1.0, 12.0),
        reach: int = 12,
    ) -> None:
        _check(events, per_unit, size, rate, gap, motion, reach)
        self.events, self.per_unit, self.rate, self.gap = tuple(events), per_unit, rate, gap
        self.motion, self.look = (float(motion[0]), float(motion[1])), Look(size[0], size[1], "soft", 4)
        self.predictor = BlockMatching(_PATCH, reach)

    def shape(self) -> PairShape:
        return TRACED

    def recompute(self, pairs: pa.Table) -> Recomputed | None:
        return recomputed(pairs)

    def notes(self) -> Sequence[str]:
        return (
            "A mark is white light on one object, equally wide in both frames; it does not turn with the object.",
            "endpoint_error is of the built-in block matching, in pixels: a baseline, and no part of the truth.",
        )

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        event = EVENTS[unit["event"]]
        subject = Subject(event, noise_of(unit), timing_of(event.seconds, self.rate, self.gap + 1))
        wrong = unsound_world(subject.run)
        if wrong:
            raise RowError(wrong)
        for number, frame in chosen_frames(subject.run, self.look, self.gap, self.motion, self.per_unit, rng):
            frames = frame, frame + self.gap
            pictures = list(draw(still(subject.run, frames), self.look))
            point = chosen_point(pictures[0].mask == number + 1, rng)
            if point is None:
                yield {"reasons": [f"{self.name}: the object shows too little to be marked"]}
                continue
            colours = pictures[0].colour, pictures[1].colour
            yield self._pair(subject, frames, colours, moment_of(subject.run, frames, point, self.look))

    def _pair(
        self, subject: Subject, frames: tuple[int, int], plain: tuple[Frame, Frame], moment: Moment | None
    ) -> dict[str, Any]:
        if moment is None:
            return {"reasons": [f"{self.name}: the simulator finds no object where the picture has one"]}
        run = subject.run
        touched = (
            marked(plain[0], moment.point, moment.shapes[0]),
            marked(plain[1], moment.there, moment.shapes[1]),
        )
        told = {
            "intervention": [
                {
                    "variable": "mark",
                    "operation": "edit",
                    "before": "none",
                    "after": "white Gaussian, sigma 2 px",
                    "where": f"object {run.names[moment.number]}, frame_1 at {moment.point[0]:g}, {moment.point[1]:g}",
                }
            ]
        }
        shown = [side for side in (0, 1) if moment.shapes[side].any()]
        if 0 not in shown or any(_stands_out(plain[side], touched[side]) < _LEAST for side in shown):
            return told | {"reasons": [f"{self.name}: the mark does not show on so light an object"]}
        shared = {"event": run.world.event, "question": QUESTION}
        return told | {
            "factual": member(plain, shared, None),
            "counterfactual": member(touched, shared, moment),
            "label": ANSWERS.index(NOWHERE),
            "counterfactual_label": answer_of(moment, self.look),
            "exact": True,
            "held_fixed": ["event", "question"],
            "scores": self._scores(plain, moment),
            "hidden": {
                "noise": list(subject.noise),
                "rate": self.rate,
                "frames": list(frames),
                "point": list(moment.point),
            },
        }

    def _scores(self, plain: tuple[Frame, Frame], moment: Moment) -> dict[str, float | None]:
        """How far it went, and by how much the built-in predictor misses it (px)."""
        found = trace(self.predictor, *plain, moment.point, masks=1, share=1.0)
        error = endpoint_error([found.point], [moment.there]) if moment.visible else None
        return {
            "motion": float(np.hypot(*moment.flow)),
            "endpoint_error": error,
            "divergence": float(found.divergence.max()),
        }


def _stands_out(plain: Frame, touched: Frame) -> int:
    """By how many levels a mark differs from what is under it, where it does so most."""
    return int(np.abs(touched.astype(np.int16) - plain).max())


def _check(
    events: Sequence[str],
    per_unit: int,
    size: Sequence[int],
    rate: int,
    gap: int,
    motion: Sequence[float],
    reach: int,
) -> None:
    check_names("events", events)
    narrow = len(size) != 2 or any(not 32 <= each <= 1920 or each % _PATCH for each in size)
    limits: tuple[Limit, ...] = (
        ("size", list(size), narrow, f"[width, height], each a multiple of {_PATCH} from 32 to 1920"),
        ("rate", rate, not 1 <= rate <= 120, "1 to 120 frames a second"),
        ("gap", gap, not 1 <= gap <= 16, "1 to 16 frames"),
        ("per_unit", per_unit, not 1 <= per_unit <= 100, "1 to 100"),
        ("motion", list(motion), len(motion) != 2 or not 0 <= motion[0] < motion[-1], "[least, most] in pixels"),
        ("reach", reach, not 1 <= reach <= 64, "1 to 64 pixels"),
    )
    check_limits(limits)
