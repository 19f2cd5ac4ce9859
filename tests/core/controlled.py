"""Toy pairs with controls, and toy datasets for audits whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from contrafact.record import PairShape, class_label
from contrafact.stages import RowGenerator, Source
from tests.core.toys import Numbers, Parity

LABELS = ("bad", "good")
WORDS = [f"{first}{second}" for first in "bdfgklmn" for second in ("am", "eb", "ic", "od")]


class Controlled(Parity):
    """Adds one to a number, and two beside it, which leaves its parity."""

    name = "controlled"

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        pair = next(super().make(unit, rng))
        yield pair
        number = unit["number"]
        yield {
            **pair,
            "counterfactual": {"number": number + 2},
            "intervention": [{**pair["intervention"][0], "after": str(number + 2)}],
            "counterfactual_label": pair["label"],
            "control_of": f"{unit['unit_id']}/0",
        }


class Phrases(RowGenerator):
    """Nonsense whose label nothing tells: one word becomes another, and a control exchanges one too.

    Parameters
    ----------
    leak : bool
        Texts whose counterfactual is ``good`` get longer.
    """

    name = "phrases"
    shard_rows = 200

    def __init__(self, leak: bool = False, controls: bool = True, count: int = 300) -> None:
        self.leak, self.controls, self.count = leak, controls, count

    def source(self, seed: int) -> Source:
        return Numbers(self.count)

    def shape(self) -> PairShape:
        return PairShape([pa.field("text", pa.string())], class_label("mark", LABELS))

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        words = [str(word) for word in rng.choice(WORDS, size=8)]
        label = int(rng.integers(2))
        for role in ("edit", "control")[: 1 + self.controls]:
            place, new = int(rng.integers(8)), str(rng.choice(WORDS))
            after = [*words[:place], new, *words[place + 1 :]]
            claimed = 1 - label if role == "edit" else label
            after += ["padding"] * 3 if self.leak and claimed == 1 and role == "edit" else []
            yield {
                "factual": {"text": " ".join(words)},
                "counterfactual": {"text": " ".join(after)},
                "intervention": [{"variable": "text", "operation": role, "before": words[place], "after": new}],
                "label": label,
                "counterfactual_label": claimed,
                "control_of": None if role == "edit" else f"{unit['unit_id']}/0",
            }


def dataset(out: Path, **options: Any) -> Path:
    """A finished dataset of :class:`Phrases`."""
    more = {"filters": options.pop("filters", {})}
    rows = options.get("count", 300)
    spec: dict[str, Any] = {"name": "phrases", "rows": rows, "generator": {"use": PHRASES, **options}}
    run_local(parse_recipe({**spec, **more}), None, out)
    return out


PHRASES = "tests.core.controlled:Phrases"
CONTROLLED = "tests.core.controlled:Controlled"


def by_letters(texts: list[str]) -> np.ndarray:
    """A model that knows nothing of edits: it counts letters."""
    good = np.array([0.2 + 0.6 * (sum(map(ord, text)) * 37 % 97) / 96 for text in texts])
    return np.column_stack([1 - good, good])


def by_dice(texts: list[str]) -> np.ndarray:
    """A model that casts dice, the same ones for a text whenever it is asked."""
    good = np.array([(blake2b(text.encode(), digest_size=2).digest()[0] + 0.5) / 256 for text in texts])
    return np.column_stack([1 - good, good])


def by_length(texts: list[str]) -> np.ndarray:
    """A model that likes long texts."""
    good = np.array([0.9 if "padding" in text else 0.3 for text in texts])
    return np.column_stack([1 - good, good])
