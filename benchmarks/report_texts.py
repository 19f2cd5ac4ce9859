"""Texts for the benchmark of the report: generated sentences, one word of which changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from contrafact.record import PairShape, class_label
from contrafact.stages import RowFilter, RowGenerator, Source

__all__ = ["Sentences", "Third"]

_WORDS = 30
_SYLLABLES = (
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "ha",
    "ki",
    "lo",
    "mu",
    "ne",
    "pa",
    "ri",
    "so",
    "tu",
    "ve",
    "wi",
    "xa",
    "yo",
)


class _Numbers(Source):
    def __init__(self, units: int) -> None:
        self._units = units

    def rows(self) -> int:
        return self._units

    def read(self, start: int, stop: int) -> pa.Table:
        return pa.table({"unit_id": [f"text-{number:09d}" for number in range(start, stop)]})


class Sentences(RowGenerator):
    """Random words of two and three syllables, which compress worse than a language does."""

    name: ClassVar[str] = "sentences"
    label_source = "construction"
    shard_rows: ClassVar[int] = 10_000

    def __init__(self, units: int) -> None:
        self.units = units

    def source(self, seed: int) -> Source:
        return _Numbers(self.units)

    def shape(self) -> PairShape:
        return PairShape([pa.field("text", pa.string())], class_label("label", ["negative", "positive"]))

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        draws = rng.integers(len(_SYLLABLES), size=(_WORDS, 3))
        words = ["".join(_SYLLABLES[each] for each in row[: 2 + int(row[0]) % 2]) for row in draws]
        place = int(rng.integers(_WORDS))
        changed = [*words[:place], "not", *words[place:]]
        edit = {"variable": "text", "operation": "negation", "before": "", "after": "not", "where": str(place)}
        return {
            "factual": {"text": " ".join(words)}, "counterfactual": {"text": " ".join(changed)},
            "intervention": [edit], "label": place % 2, "counterfactual_label": 1 - place % 2,
        }  # fmt: skip


class Third(RowFilter):
    """Turns every third pair away."""

    name: ClassVar[str] = "third"

    def judge_row(self, pair: Mapping[str, Any]) -> tuple[bool, str, float]:
        score = float(int(pair["unit_id"][-9:]) % 3)
        return score > 0, "is a third one", score
