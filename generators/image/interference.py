"""The generator ``interference``: what does not matter is changed, what matters is the same bytes, the answer stays.

After Modality Interference: an image question with unrelated or misleading text beside it, a text question with an
image beside it that has nothing to do with it, and image questions under a changed but harmless preamble as placebo.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import RecipeError, did_you_mean
from contrafact.record import PairShape, media_fields
from contrafact.stages import Recomputed
from generators.image.base import PictureGenerator
from generators.image.puzzles import Puzzle, puzzle, unrelated
from generators.image.recomputing import picture_of
from generators.image.records import bits, image_of
from generators.image.scenes import SIZE, draw_scene, paint

__all__ = ["KINDS", "InterferenceGenerator"]

KINDS = ("unrelated_text", "misleading_text", "noise_image", "black_image", "white_image", "unrelated_image")
"""The first two change the text of an image question, the others the image of a text question."""

_TEXT = KINDS[:2]


class InterferenceGenerator(PictureGenerator):
    """Pairs that differ in the irrelevant modality alone. Their labels must not move, whatever a model does.

    Parameters
    ----------
    images : {'scenes', 'source'}
        Drawn scenes, or a table with ``image``, ``question``, ``answer`` and ``options``.
    kinds : list of str, optional
        Kinds of interference (:data:`KINDS`); all by default, one drawn for each pair.
    per_unit : int
        Pairs of a unit.
    """

    name: ClassVar[str] = "interference"
    task: str = "interference"
    citations: ClassVar[Sequence[str]] = ("Modality Interference, arXiv:2505.19616",)

    def __init__(
        self,
        images: Literal["scenes", "source"] = "scenes",
        kinds: list[str] | None = None,
        per_unit: int = 1,
        folder: Path | None = None,
    ) -> None:
        super().__init__(images=images, folder=folder)
        for each in kinds or ():
            if each not in KINDS:
                raise RecipeError(f"generator.kinds: {each!r}{did_you_mean(each, KINDS)}", allowed=", ".join(KINDS))
        if per_unit < 1:
            raise RecipeError(f"generator.per_unit is {per_unit}", allowed="1 or more")
        self.kinds, self.per_unit = tuple(kinds or KINDS), per_unit

    def shape(self) -> PairShape:
        text = pa.string()
        return PairShape(
            [
                *media_fields("image", "image"),
                pa.field("context", text),
                pa.field("question", text),
                pa.field("options", pa.list_(text)),
                pa.field("answer", text),
                pa.field("relevant", text),
                pa.field("relevant_sha256", text),
            ],
            pa.field("answer", text),
            [pa.field("touched", pa.binary())],
        )

    def recompute(self, pairs: pa.Table) -> Recomputed | None:
        rows = pairs.select(["factual", "counterfactual"]).to_pylist()
        hashes = {side: np.array([_relevant_hash(row[side]) for row in rows], dtype=object) for side in rows[0]}
        answers = {side: pa.array([row[side]["answer"] for row in rows], pa.string()) for side in rows[0]}
        return Recomputed(
            {"relevant_sha256": hashes["counterfactual"]},
            answers["factual"],
            answers["counterfactual"],
            {"relevant_sha256": hashes["factual"]},
            computed=np.zeros(pairs.num_rows, dtype=bool),  # that what is asked is the same is checked, and no more
        )

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        for _ in range(self.per_unit):
            kind = self.kinds[int(rng.integers(len(self.kinds)))]
            yield self._beside_image(unit, kind, rng) if kind in _TEXT else self._beside_text(kind, rng)

    def _beside_image(self, unit: Mapping[str, Any], kind: str, rng: np.random.Generator) -> dict[str, Any]:
        asked = self.asked(unit, rng)
        wrong = [each for each in asked.options if each != asked.answer]
        text = unrelated(rng)
        if kind == "misleading_text" and wrong:
            text = f"Somebody says that the right answer is: {wrong[int(rng.integers(len(wrong)))]}."
        whole = Puzzle("", asked.question, asked.options, asked.answer)
        return _pair(kind, "image", whole, (asked.picture, ""), (asked.picture, text))

    def _beside_text(self, kind: str, rng: np.random.Generator) -> dict[str, Any]:
        asked = puzzle(rng)
        grey = np.full((SIZE, SIZE, 3), 127, dtype=np.uint8)
        return _pair(kind, "text", asked, (grey, asked.context), (_picture(kind, rng), asked.context))


def _picture(kind: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    if kind == "unrelated_image":
        return paint(draw_scene(rng))
    if kind == "noise_image":
        return rng.integers(0, 256, size=(SIZE, SIZE, 3), dtype=np.uint8)
    return np.full((SIZE, SIZE, 3), 255 if kind == "white_image" else 0, dtype=np.uint8)


def _pair(
    kind: str,
    relevant: str,
    asked: Puzzle,
    one: tuple[NDArray[np.uint8], str],
    other: tuple[NDArray[np.uint8], str],
) -> dict[str, Any]:
    members = []
    for picture, context in (one, other):
        member = {
            **image_of(picture),
            "context": context,
            "question": asked.question,
            "options": list(asked.options),
            "answer": asked.answer,
            "relevant": relevant,
        }
        members.append({**member, "relevant_sha256": _relevant_hash(member)})
    moved = "image" if relevant == "text" else "context"
    held = {"image": "image_sha256", "text": "context"}[relevant]
    return {
        "factual": members[0],
        "counterfactual": members[1],
        "intervention": [
            {"variable": moved, "operation": "interfere", "before": "neutral", "after": kind, "where": moved}
        ],
        "label": asked.answer,
        "counterfactual_label": asked.answer,
        "held_fixed": [held, "question", "options", "answer", "relevant", "relevant_sha256"],
        "hidden": {"touched": bits((one[0] != other[0]).any(axis=-1))},
    }


def _relevant_hash(member: Mapping[str, Any]) -> str:
    """The hash of the modality that the answer stands on, and of the question with it."""
    digest = hashlib.sha256(member["question"].encode())
    relevant = picture_of(member["image"]).tobytes() if member["relevant"] == "image" else member["context"].encode()
    digest.update(relevant)
    return digest.hexdigest()
