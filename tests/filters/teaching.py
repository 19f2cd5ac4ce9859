"""A text generator and teachers that are plain arithmetic, for tests of what is around them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from contrafact.errors import RowError
from contrafact.record import PairShape, class_label
from contrafact.stages import RowGenerator, Source
from contrafact.streams import Streams

LABELS = ("negative", "neutral", "positive")
WORDS = ("bad", "good", "plain")


class Sentences(Source):
    """So many sentences of a few words."""

    def __init__(self, count: int, numbered: bool) -> None:
        self.count, self.numbered = count, numbered

    def rows(self) -> int:
        return self.count

    def identity(self) -> Any:
        return [self.count, self.numbered]

    def read(self, start: int, stop: int) -> pa.Table:
        # Ids that say nothing of the order: a permutation of the numbers.
        ids = [f"s{number}" if self.numbered else f"{number * 7919 % 10007:05d}x" for number in range(start, stop)]
        return pa.table({"unit_id": ids, "number": range(start, stop)})


class Swaps(RowGenerator):
    """Swaps the last of some words for another, one pair for each; one unit in ten cannot be made."""

    name = "swaps"
    shard_rows = 50
    label_source = "llm"

    def __init__(self, count: int = 200, numbered: bool = True) -> None:
        self.count, self.numbered = count, numbered

    def source(self, seed: int) -> Source:
        return Sentences(self.count, self.numbered)

    def shape(self) -> PairShape:
        return PairShape([pa.field("text", pa.string())], class_label("label", LABELS))

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        number = unit["number"]
        if number % 10 == 3:
            raise RowError("nothing to swap")
        stem = f"a {number % 40}"
        for step in (1, 2):
            before, after = WORDS[number % 3], WORDS[(number + step) % 3]
            label, other = int(rng.integers(3)), int(rng.integers(3))
            yield {
                "factual": {"text": f"{stem} {before}"},
                "counterfactual": {"text": f"{stem} {after}"},
                "intervention": [{"variable": "text", "operation": "edit", "before": before, "after": after}],
                "label": label,
                "counterfactual_label": other,
            }


class Vouched(Swaps):
    """Swaps that say of each pair who vouches for its label."""

    name = "vouched"
    label_source = "construction"

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        for pair in super().make(unit, rng):
            yield {**pair, "label_source": ("construction", "teacher", "llm")[unit["number"] % 3]}


CALLS: list[str] = []
"""Every text that :func:`noisy` was asked about."""


def noisy(texts: Sequence[Any]) -> np.ndarray:
    """Probabilities that follow from a hash of the text."""
    CALLS.extend(map(str, texts))
    powers = np.exp([Streams(0, str(text)).uniforms("teacher", 0, 3) * 3 for text in texts])
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def sure(texts: Sequence[str]) -> np.ndarray:
    """What the last word says, with 0.8."""
    rows = np.full((len(texts), 3), 0.1)
    for row, text in enumerate(texts):
        rows[row, ("bad", "plain", "good").index(text.rsplit(" ", 1)[-1])] = 0.8
    return rows


class Rewrites(RowGenerator):
    """Changes the last word of each text of a source."""

    name = "rewrites"
    shard_rows = 20

    def __init__(self, labels: Sequence[str] = LABELS) -> None:
        self.labels = labels

    def shape(self) -> PairShape:
        return PairShape([pa.field("text", pa.string())], class_label("label", self.labels))

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Mapping[str, Any]:
        stem, _, before = unit["text"].rpartition(" ")
        return {
            "factual": {"text": unit["text"]},
            "counterfactual": {"text": f"{stem} good"},
            "intervention": [{"variable": "text", "operation": "edit", "before": before, "after": "good"}],
            "label": 0,
            "counterfactual_label": len(self.labels) - 1,
        }
