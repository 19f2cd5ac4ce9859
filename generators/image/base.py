"""What the generators that change pictures share: where pictures come from, and what a pair looks like."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.record import PairShape
from contrafact.stages import Recomputed, RowGenerator, Source
from generators.image.pictures import Asked, Drawn, asked_of, check_columns
from generators.image.recomputing import recomputed
from generators.image.records import QUESTIONED, UNKNOWN, bits, member

__all__ = ["PictureGenerator"]


class PictureGenerator(RowGenerator):
    """A generator over pictures with a question: drawn scenes, or the images of the recipe's source."""

    task: str = "image_qa"
    label_source: str = "construction"
    shard_rows: ClassVar[int] = 200

    def __init__(self, *, images: Literal["scenes", "source"] = "scenes", folder: Path | None = None) -> None:
        self.drawn, self.folder = images == "scenes", folder or Path()

    def shape(self) -> PairShape:
        return QUESTIONED

    def source(self, seed: int) -> Source | None:
        return Drawn() if self.drawn else None

    def check_units(self, units: pa.Table) -> None:
        check_columns(units, self.name)

    def recompute(self, pairs: pa.Table) -> Recomputed | None:
        return recomputed(pairs)

    def asked(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Asked:
        """The unit's picture and question."""
        return asked_of(unit, self.folder, rng)

    def pair(
        self,
        asked: Asked,
        picture: NDArray[np.uint8],
        answer: str,
        touched: NDArray[np.bool_],
        change: Mapping[str, str],
    ) -> dict[str, Any]:
        """A pair of the unit's picture and another one, with the same question.

        Parameters
        ----------
        picture : ndarray of uint8, shape (H, W, 3)
            Equal to the unit's outside of ``touched``.
        answer : str
            What is right for it.
        touched : ndarray of bool, shape (H, W)
        change : mapping
            The intervention.
        """
        options = (*asked.options, UNKNOWN)
        size = (
            float(np.abs(asked.picture[touched].astype(np.int16) - picture[touched]).mean()) if touched.any() else 0.0
        )
        return {
            "factual": member(asked.picture, asked.question, options, asked.answer),
            "counterfactual": member(picture, asked.question, options, answer),
            "intervention": [dict(change)],
            "label": asked.answer,
            "counterfactual_label": answer,
            "held_fixed": ["question", "options"],
            "scores": {"edit_size": size, "edit_area": float(touched.mean())},
            "hidden": {
                "evidence": None if asked.evidence is None else bits(asked.evidence),
                "touched": bits(touched),
                "record": None
                if asked.scene is None or asked.about is None
                else json.dumps({"scene": asdict(asked.scene), "about": asdict(asked.about)}, sort_keys=True),
            },
        }
