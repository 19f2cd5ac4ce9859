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
from generators.image.legibility import legibility, region_of
from generators.image.records import UNKNOWN, mask_of
from generators.image.scenes import paint, read_scene

__all__ = ["picture_of", "recomputed"]

_TOLERANCE = 1e-9


def recomputed(pairs: pa.Table, floor: float | None = None) -> Recomputed:
    """Hashes and labels again.

    A picture keeps its hash where it is what the record says: the scene painted again, or the same as the factual
    outside of what was touched. The factual's label is the answer of the scene's list where there is one, else the
    source's word, which is not counted as computed. The counterfactual's is the answer of what is left where things
    were removed; *unknown* where all of the evidence was touched; the factual's where none of it was.

    Parameters
    ----------
    floor : float, optional
        Where legibility decides: it is measured again in both pictures, and must be the stored score; below the floor
        the answer is *unknown*.
    """
    names = ["factual", "counterfactual", "hidden", *(["scores"] if floor is not None else [])]
    rows = pairs.select(names).to_pylist()
    found = [_row(row, floor) for row in rows]
    hashes = [np.array([row[side] for row in found], dtype=object) for side in (0, 1)]
    return Recomputed(
        {"image_sha256": hashes[1]},
        pa.array([row[2] for row in found], pa.string()),
        pa.array([row[3] for row in found], pa.string()),
        {"image_sha256": hashes[0]},
        computed=np.array([row["hidden"]["record"] is not None for row in rows], dtype=bool),
    )


def picture_of(image: Mapping[str, Any]) -> NDArray[np.uint8]:
    """The picture of a member. Shape (H, W, 3)."""
    return read_image(image["bytes"])


def _row(row: Mapping[str, Any], floor: float | None) -> tuple[str | None, str | None, str | None, str | None]:
    one, other, hidden = row["factual"], row["counterfactual"], row["hidden"]
    before, after = picture_of(one["image"]), picture_of(other["image"])
    hashes = [one["image_sha256"], other["image_sha256"]]
    label, gone, touched = one["answer"], None, mask_of(hidden["touched"])
    if hidden["record"] is not None:
        record = json.loads(hidden["record"])
        scene = read_scene(record["scene"])
        if not np.array_equal(paint(scene), before):
            hashes[0] = None
        about = Question(**record["about"])
        label = answer_of(about, scene)
        if "gone" in record:
            left = scene.without(record["gone"])
            gone = answer_of(about, left)
            if not np.array_equal(paint(left), after):
                hashes[1] = None
    same = before.shape == after.shape and not (before != after).any(axis=-1)[~touched].any()
    if not same:
        return hashes[0], None, label, None
    evidence = None if hidden["evidence"] is None else mask_of(hidden["evidence"])
    if floor is not None:
        stays = _legible(before, after, evidence, floor, row["scores"]["legibility"])
    else:
        stays = _spared(evidence, touched)
    answer = None if stays is None else label if stays else UNKNOWN
    return *hashes, label, answer if gone is None else gone


def _legible(
    before: NDArray[np.uint8],
    after: NDArray[np.uint8],
    evidence: NDArray[np.bool_] | None,
    floor: float,
    told: float | None,
) -> bool | None:
    """Whether the evidence can still be made out; None where the stored score is not what is measured."""
    legible = legibility(before, after, region_of(evidence, before))
    return legible >= floor if told is not None and abs(legible - told) <= _TOLERANCE else None


def _spared(evidence: NDArray[np.bool_] | None, touched: NDArray[np.bool_]) -> bool | None:
    """Whether a mask spared the evidence, or hid all of it; None for anything between."""
    if evidence is None or not (evidence & touched).any():
        return True
    return None if (evidence & ~touched).any() else False
