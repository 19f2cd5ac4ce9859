"""Pairs of images with a question as records."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines.media import encode_png
from contrafact.record import PairShape, media_fields

__all__ = ["QUESTIONED", "UNKNOWN", "bits", "image_of", "mask_of", "member"]

UNKNOWN = "unknown"
"""The answer where what it stands on cannot be seen."""

QUESTIONED = PairShape(
    members=[
        *media_fields("image", "image"),
        pa.field("question", pa.string()),
        pa.field("options", pa.list_(pa.string())),
        pa.field("answer", pa.string()),
    ],
    label=pa.field("answer", pa.string()),
    hidden=[
        pa.field("evidence", pa.binary()),
        pa.field("touched", pa.binary()),
        pa.field("record", pa.string()),
    ],
    scores=[pa.field("edit_size", pa.float64()), pa.field("edit_area", pa.float64())],
)


def image_of(picture: NDArray[np.uint8], name: str = "image") -> dict[str, Any]:
    """The fields of an image: its bytes as PNG, and their hash."""
    data = encode_png(picture)
    return {name: {"bytes": data, "path": f"{name}.png"}, f"{name}_sha256": hashlib.sha256(data).hexdigest()}


def member(picture: NDArray[np.uint8], question: str, options: Sequence[str], answer: str) -> dict[str, Any]:
    """One member of a pair."""
    return {**image_of(picture), "question": question, "options": list(options), "answer": answer}


def bits(mask: NDArray[np.bool_]) -> bytes:
    """A mask (H, W) as a PNG of one bit a pixel."""
    return encode_png(mask)


def mask_of(stored: bytes) -> NDArray[np.bool_]:
    """The mask of :func:`bits`."""
    from contrafact.engines.media import read_mask

    return np.asarray(read_mask(stored) > 0)
