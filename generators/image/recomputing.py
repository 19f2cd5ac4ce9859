"""Pictures with a question checked from the record: scenes painted again, answers read off their lists again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines.media import read_image
from contrafact.stages import Recomputed
from generators.image.asking import Question, answer_of
from generators.image.records import mask_of
from generators.image.scenes import paint, read_scene

__all__ = ["picture_of", "recomputed"]


def recomputed(pairs: pa.Table) -> Recomputed:
    """Hashes and labels again.

    A picture keeps its hash where it is what the record says: the scene painted again, or the same as the factual
    outside of what was touched. Labels are the answers of the scene's list where there is one; that of a picture from
    which things were removed is the answer of what is left.
    """
    rows = pairs.select(["factual", "counterfactual", "hidden"]).to_pylist()
    found = [_row(row["factual"], row["counterfactual"], row["hidden"]) for row in rows]
    hashes = [np.array([row[side] for row in found], dtype=object) for side in (0, 1)]
    return Recomputed(
        {"image_sha256": hashes[1]},
        pa.array([row[2] for row in found], pa.string()),
        pa.array([row[3] for row in found], pa.string()),
        {"image_sha256": hashes[0]},
    )


def picture_of(image: Mapping[str, Any]) -> NDArray[np.uint8]:
    """The picture of a member. Shape (H, W, 3)."""
    return read_image(image["bytes"])


def _row(
    one: Mapping[str, Any], other: Mapping[str, Any], hidden: Mapping[str, Any]
) -> tuple[str | None, str | None, str | None, str | None]:
    before, after = picture_of(one["image"]), picture_of(other["image"])
    hashes = [one["image_sha256"], other["image_sha256"]]
    label, answer = one["answer"], other["answer"]
    if hidden["record"] is not None:
        record = json.loads(hidden["record"])
        scene = read_scene(record["scene"])
        if not np.array_equal(paint(scene), before):
            hashes[0] = None
        about = Question(**record["about"])
        label = answer_of(about, scene)
        if "gone" in record:
            left = scene.without(record["gone"])
            answer = answer_of(about, left)
            if not np.array_equal(paint(left), after):
                hashes[1] = None
    same = before.shape == after.shape and not (before != after).any(axis=-1)[~mask_of(hidden["touched"])].any()
    return hashes[0], hashes[1] if same else None, label, answer
