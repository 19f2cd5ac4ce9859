"""Pairs of clips or images in record form, for filters that look at pixels."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines.media import encode_lossless, encode_png
from contrafact.record import HIDDEN, PairShape, class_label, media_fields, pair_schema
from contrafact.stages import Context, Generator

SHAPE = PairShape(
    [*media_fields("video", "video"), *media_fields("image", "image"),
     *(pa.field(name, pa.string()) for name in ("question", "answer", "caption", "kind")),
     pa.field("options", pa.list_(pa.string()))],
    class_label("answer", ["A", "B", "C", "D"]),
    [pa.field("touched", pa.binary())],
)  # fmt: skip


class Pictured(Generator):
    """A generator of such pairs, of which filters only ask the shape."""

    name = "pictured"

    def __init__(self, shape: PairShape = SHAPE) -> None:
        self._shape = shape

    def shape(self) -> PairShape:
        return self._shape

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        raise NotImplementedError


def clip(seed: int = 0, length: int = 8, size: tuple[int, int] = (24, 32)) -> NDArray[np.uint8]:
    """A clip of soft blotches that hold still. Shape (T, H, W, 3)."""
    still = np.random.default_rng(seed).integers(60, 190, size=(*size, 3), dtype=np.uint8)
    return np.repeat(still[None], length, axis=0)


def box(length: int = 8, size: tuple[int, int] = (24, 32)) -> NDArray[np.bool_]:
    """A mask over some pixels of some frames."""
    mask = np.zeros((length, *size), dtype=bool)
    mask[2:6, 4:14, 6:20] = True
    return mask


def pair(
    before: NDArray[np.uint8], after: NDArray[np.uint8], mask: NDArray[np.bool_] | None = None, **changes: Any
) -> dict[str, Any]:
    """A pair of clips (T, H, W, 3), or of images where there is one frame."""
    touched = (
        None if mask is None else encode_lossless((np.uint8(255) * each for each in mask.astype(np.uint8)), Fraction(8))
    )
    ends = changes.pop("members", ({}, {}))
    return {
        "pair_id": "unit/0", "unit_id": "unit", "group_id": "unit", "label": 0, "counterfactual_label": 1,
        "control_of": None, HIDDEN: {"touched": touched}, "accepted": True, "reasons": [],
        "factual": member(before, **ends[0]), "counterfactual": member(after, **ends[1]), **changes,
    }  # fmt: skip


def member(frames: NDArray[np.uint8], **texts: Any) -> dict[str, Any]:
    still = len(frames) == 1
    data = encode_png(frames[0]) if still else encode_lossless(frames, Fraction(8))
    name = "image" if still else "video"
    return {name: {"bytes": data, "path": None}, f"{name}_sha256": hashlib.sha256(data).hexdigest(), **texts}


def table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    schema = pair_schema(SHAPE).append(pa.field(HIDDEN, pa.struct(list(SHAPE.hidden))))
    loose = pa.schema([pa.field(each.name, each.type) for each in schema])
    return pa.Table.from_pylist(list(rows), schema=loose)
