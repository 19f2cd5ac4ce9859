"""Pictures with a question: drawn scenes, or a table's images; one form for all generators that change pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines.media import read_image, read_mask, safe_path
from contrafact.errors import DataError, RowError, did_you_mean
from contrafact.stages import Source
from generators.image.asking import Question, answer_of, ask
from generators.image.scenes import Scene, boxes_of_things, draw_scene, paint

__all__ = ["COLUMNS", "Asked", "Drawn", "asked_of", "check_columns"]

COLUMNS = ("image", "question", "answer", "options", "boxes", "mask")
"""Columns of a table of images; ``image``, ``question`` and ``answer`` must be there."""


@dataclass(frozen=True)
class Asked:
    """A picture with a question.

    Attributes
    ----------
    picture : ndarray of uint8, shape (H, W, 3)
    question, answer : str
    options : tuple of str
    evidence : ndarray of bool, shape (H, W), or None
        What the answer stands on; None where nobody says.
    free : tuple of ndarray of bool, shape (H, W)
        Things that it does not stand on.
    scene, about : Scene, Question or None
        What a drawn picture shows, and what is asked about it.
    """

    picture: NDArray[np.uint8]
    question: str
    answer: str
    options: tuple[str, ...]
    evidence: NDArray[np.bool_] | None
    free: tuple[NDArray[np.bool_], ...] = ()
    scene: Scene | None = None
    about: Question | None = None


class Drawn(Source):
    """Scenes without end, by number."""

    def rows(self) -> int | None:
        return None

    def read(self, start: int, stop: int) -> pa.Table:
        return pa.table({"unit_id": [f"scene-{number:09d}" for number in range(start, stop)]})


def check_columns(units: pa.Table, name: str) -> None:
    """Raise ``DataError`` where a table of images lacks what must be there."""
    if units.column_names == ["unit_id"]:
        return
    for column in COLUMNS[:3]:
        if column not in units.column_names:
            raise DataError(
                f"the source has no column {column!r}{did_you_mean(column, units.column_names)}",
                allowed=", ".join(COLUMNS),
                fix=f"rename a column to {column}, or leave source out: {name} then draws scenes",
            )


def asked_of(unit: Mapping[str, Any], folder: Path, rng: np.random.Generator) -> Asked:
    """A unit as a picture with a question: what the table says, or a scene drawn for it.

    Raises
    ------
    RowError
        For an image, mask or box that cannot be used.
    """
    return _from_table(unit, folder) if unit.get("image") is not None else _from_scene(rng)


def _from_scene(rng: np.random.Generator) -> Asked:
    scene = draw_scene(rng)
    about = ask(scene, rng)
    which = about.evidence(scene)
    others = [at for at in range(len(scene.things)) if at not in which]
    return Asked(
        paint(scene),
        about.text,
        answer_of(about, scene),
        about.options,
        boxes_of_things(scene, which),
        tuple(boxes_of_things(scene, [at]) for at in others),
        scene,
        about,
    )


def _from_table(unit: Mapping[str, Any], folder: Path) -> Asked:
    picture = read_image(_media(unit["image"], folder))
    if unit.get("question") is None or unit.get("answer") is None:
        raise RowError("the question or the answer is missing")
    return Asked(
        picture,
        str(unit["question"]),
        str(unit["answer"]),
        tuple(map(str, unit.get("options") or ())),
        _evidence(unit, picture.shape[:2], folder),
    )


def _evidence(unit: Mapping[str, Any], size: tuple[int, ...], folder: Path) -> NDArray[np.bool_] | None:
    if unit.get("mask") is not None:
        return np.asarray(read_mask(_media(unit["mask"], folder), (size[0], size[1])) > 0)
    if not unit.get("boxes"):
        return None
    mask = np.zeros(size, dtype=bool)
    for box in unit["boxes"]:
        left, top, right, bottom = _checked(box, size)
        mask[top:bottom, left:right] = True
    return mask


def _checked(box: Sequence[float], size: tuple[int, ...]) -> tuple[int, int, int, int]:
    left, top, right, bottom = (round(float(each)) for each in box) if len(box) == 4 else (0, 0, 0, 0)
    if not (0 <= left < right <= size[1] and 0 <= top < bottom <= size[0]):
        raise RowError(
            "a box of evidence lies outside the image", allowed="[left, top, right, bottom] in pixels of the image"
        )
    return left, top, right, bottom


def _media(value: Any, folder: Path) -> bytes | Path:
    if isinstance(value, Mapping):
        value = value.get("bytes") or value.get("path")
    if value is None:
        raise RowError("the image is missing")
    return value if isinstance(value, bytes) else safe_path(folder, str(value))
