"""Pairs of marked frames as records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.record import PairShape, class_label, media_fields
from generators.image.records import image_of
from generators.video.physics.mjcf import Look
from generators.video.tracer.marking import Moment

__all__ = ["ANSWERS", "NOWHERE", "QUESTION", "TRACED", "answer_of", "member", "positions"]

QUESTION = "Where in the second picture is the white mark of the first?"
NOWHERE = "nowhere"
REGIONS = (
    *("top left", "top", "top right"),
    *("left", "middle", "right"),
    *("bottom left", "bottom", "bottom right"),
)
"""The thirds of a picture, row by row."""

ANSWERS = (NOWHERE, *REGIONS)
"""Labels in the order of their codes."""

_POINT = pa.list_(pa.float64())

TRACED = PairShape(
    members=[
        *media_fields("frame_1", "image"),
        *media_fields("frame_2", "image"),
        pa.field("event", pa.string()),
        pa.field("question", pa.string()),
        pa.field("point", _POINT),
        pa.field("destination", _POINT),
        pa.field("flow", _POINT),
    ],
    label=class_label("answer", ANSWERS),
    hidden=[
        pa.field("noise", pa.list_(pa.float64())),
        pa.field("rate", pa.int32()),
        pa.field("frames", pa.list_(pa.int32())),
        pa.field("point", _POINT),
    ],
    scores=[pa.field(name, pa.float64()) for name in ("motion", "endpoint_error", "divergence")],
)


def answer_of(moment: Moment, look: Look) -> int:
    """The code of the third of the picture, across and down, in which the second frame shows the point, if it does."""
    if not moment.visible:
        return ANSWERS.index(NOWHERE)
    across = min(int((moment.there[0] + 0.5) * 3 / look.width), 2)
    down = min(int((moment.there[1] + 0.5) * 3 / look.height), 2)
    return ANSWERS.index(REGIONS[3 * down + across])


def member(frames: Sequence[NDArray[np.uint8]], shared: Mapping[str, str], moment: Moment | None) -> dict[str, Any]:
    """Two frames, and where their mark is; ``moment`` is None where they have none."""
    cells: dict[str, Any] = {}
    for number, frame in enumerate(frames, 1):
        cells |= image_of(frame, f"frame_{number}")
    return {**cells, **shared, **positions(moment)}


def positions(moment: Moment | None) -> dict[str, list[float] | None]:
    """The point in the first frame, in the second where it is seen there, and the way between, in pixels."""
    if moment is None:
        return {"point": None, "destination": None, "flow": None}
    return {
        "point": list(moment.point),
        "destination": list(moment.there) if moment.visible else None,
        "flow": list(moment.flow),
    }
