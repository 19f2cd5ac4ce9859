"""How a clip is kept: the fields of a member, and a member from what was simulated and drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines.media.encoding import LOSSLESS, encode_lossless, encode_preview
from contrafact.record import PairShape, class_label, media_fields
from generators.video.physics.blender.worker import Blender
from generators.video.physics.common import common_questions
from generators.video.physics.draw import Picture, draw
from generators.video.physics.events import EVENTS
from generators.video.physics.events.base import Question
from generators.video.physics.evidence import Evidence, Run
from generators.video.physics.flow import focal_length, forward_flow, packed_flow
from generators.video.physics.mjcf import Look
from generators.video.physics.occurrences import occurrences

__all__ = ["ANSWERS", "Filmed", "Filming", "Output", "answers_of", "film", "member", "shape_of"]

Output = Literal["masks", "depth", "flow", "preview"]
OUTPUTS: tuple[Output, ...] = get_args(Output)
ANSWERS = ("no", "yes")
MILLIMETRES = 1000.0

_VECTOR = pa.list_(pa.float64())
_OBJECTS = pa.list_(
    pa.struct(
        [
            ("name", pa.string()),
            ("category", pa.string()),
            ("appearance", pa.string()),
            ("size", _VECTOR),
            ("mass", pa.float64()),
            ("friction", pa.float64()),
            ("visible", pa.list_(pa.int32())),
        ]
    )
)
_CONTACTS = pa.list_(
    pa.struct(
        [
            ("one", pa.string()),
            ("other", pa.string()),
            ("begin", pa.float64()),
            ("end", pa.float64()),
            ("force", pa.float64()),
            ("position", _VECTOR),
        ]
    )
)
_EVENTS = pa.list_(
    pa.struct(
        [("kind", pa.string()), ("time", pa.float64()), ("frame", pa.int32()), ("objects", pa.list_(pa.string()))]
    )
)
_CAMERA = pa.struct(
    [("position", _VECTOR), ("axes", _VECTOR), ("focal", pa.float64()), ("width", pa.int32()), ("height", pa.int32())]
)
_QUESTIONS = pa.list_(pa.struct([("name", pa.string()), ("question", pa.string()), ("answer", pa.string())]))
_SUFFIX = {"h264": "mp4", "webp": "webp"}


@dataclass(frozen=True)
class Filmed:
    """One world, run and drawn.

    Attributes
    ----------
    media : mapping of field to (bytes, extension)
    """

    evidence: Evidence
    media: dict[str, tuple[bytes, str]]


def shape_of(outputs: Sequence[Output]) -> PairShape:
    """Fields of pairs whose clips come with these outputs."""
    media = [field for name in ("video", *outputs) for field in media_fields(name, "video")]
    members = [
        *media,
        pa.field("event", pa.string()),
        pa.field("question", pa.string()),
        pa.field("questions", _QUESTIONS),
        pa.field("objects", _OBJECTS),
        pa.field("states", _VECTOR),
        pa.field("contacts", _CONTACTS),
        pa.field("events", _EVENTS),
        pa.field("camera", _CAMERA),
        pa.field("rate", pa.int32()),
        pa.field("world", pa.string()),
    ]
    hidden = [
        pa.field("noise", pa.list_(pa.struct([("variable", pa.string()), ("uniform", pa.float64())]))),
        pa.field("actions", pa.string()),
    ]
    scores = [pa.field("dependence", pa.float64()), pa.field("parted", pa.float64())]
    return PairShape(members, class_label("answer", ANSWERS), hidden, scores)


@dataclass(frozen=True)
class Filming:
    """How clips are made.

    Attributes
    ----------
    look : Look
    outputs : sequence of str
        What comes with the clip: ``masks``, ``depth``, ``flow``, ``preview``.
    preview : str
        ``h264`` or ``webp``.
    blender : Blender, optional
        Draws the pictures where it is given; masks and depth are MuJoCo's all the same.
    """

    look: Look
    outputs: tuple[Output, ...] = ("masks",)
    preview: Literal["h264", "webp"] = "h264"
    blender: Blender | None = None


def film(run: Run, filming: Filming) -> Filmed:
    """Draw a run and encode what was asked for."""
    rate, outputs = Fraction(run.world.timing.rate), filming.outputs
    colours: list[NDArray[np.uint8]] = [] if filming.blender is None else list(filming.blender.draw(run))
    layers: dict[str, list[NDArray[Any]]] = {name: [] for name in outputs if name != "preview"}
    counts = np.zeros((len(run.states), len(run.names)), dtype=np.int64)
    deep = "depth" in layers or "flow" in layers
    for frame, picture in enumerate(draw(run, filming.look, depth=deep, colour=filming.blender is None)):
        counts[frame] = np.bincount(picture.mask.reshape(-1), minlength=256)[1 : len(run.names) + 1]
        if filming.blender is None:
            colours.append(picture.colour)
        for name, layer in layers.items():
            layer.append(_layer(name, run, frame, picture))
    media = {"video": (encode_lossless(colours, rate), LOSSLESS)}
    media |= {name: (encode_lossless(frames, rate), LOSSLESS) for name, frames in layers.items()}
    if "preview" in outputs:
        media["preview"] = (encode_preview(colours, rate, filming.preview), _SUFFIX[filming.preview])
    return Filmed(Evidence(run, counts), media)


def _layer(name: str, run: Run, frame: int, picture: Picture) -> NDArray[Any]:
    """One frame of masks, depth or flow."""
    if picture.depth is None:
        return picture.mask
    if name == "depth":
        return _millimetres(picture.depth)
    if name == "flow":
        return packed_flow(forward_flow(run, frame, picture.mask, picture.depth))
    return picture.mask


def member(filmed: Filmed, look: Look) -> dict[str, Any]:
    """A clip as the fields of a member."""
    evidence, run = filmed.evidence, filmed.evidence.run
    world, event = run.world, EVENTS[run.world.event]
    cells: dict[str, Any] = {}
    for name, (content, suffix) in filmed.media.items():
        cells[name] = {"bytes": content, "path": f"{name}.{suffix}"}
        cells[f"{name}_sha256"] = hashlib.sha256(content).hexdigest()
    visible = evidence.visible
    return cells | {
        "event": world.event,
        "question": event.question,
        "questions": answers_of(evidence),
        "objects": [
            {
                "name": body.name,
                "category": body.category,
                "appearance": f"{body.finish} {body.colour}",
                "size": body.size,
                "mass": body.mass,
                "friction": body.friction,
                "visible": None if visible is None else visible[:, number].tolist(),
            }
            for number, body in enumerate(world.bodies)
        ],
        "states": run.states.reshape(-1),
        "contacts": [
            {
                "one": each.one,
                "other": each.other,
                "begin": each.begin,
                "end": each.end,
                "force": each.force,
                "position": each.position,
            }
            for each in run.contacts
        ],
        "events": occurrences(evidence),
        "camera": {
            "position": world.camera.position,
            "axes": world.camera.axes().reshape(-1),
            "focal": focal_length(world.camera, look.height),
            "width": look.width,
            "height": look.height,
        },
        "rate": world.timing.rate,
        "world": world.text(),
    }


def answers_of(evidence: Evidence) -> list[dict[str, str]]:
    """All yes/no questions of a clip with their answers, the event's own first."""
    event = EVENTS[evidence.run.world.event]
    main = Question("outcome", event.question, event.outcome(evidence))
    return [
        {"name": each.name, "question": each.text, "answer": ANSWERS[each.answer]}
        for each in (main, *event.questions(evidence), *common_questions(evidence))
    ]


def _millimetres(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Depth in whole millimetres; what is farther than 65.5 m, or sky, is 65535."""
    return np.asarray(np.minimum(np.rint(np.nan_to_num(depth, posinf=1e6) * MILLIMETRES), 65535), dtype=np.uint16)
