"""Small datasets of every kind that an export meets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from contrafact.record import PairShape, class_label
from tests.core.controlled import Phrases

SPLITS = {"train": 0.7, "test": 0.3}
RELATIONS = ("entailment", "neutral", "contradiction")


class Premises(Phrases):
    """Two texts with a relation; the second changes."""

    name = "premises"

    def shape(self) -> PairShape:
        texts = [pa.field(name, pa.string()) for name in ("premise", "hypothesis")]
        return PairShape(texts, class_label("relation", RELATIONS))

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        for pair in super().make(unit, rng):
            sides = {
                side: {"premise": f"It was said: {unit['number']}.", "hypothesis": pair[side]["text"]}
                for side in ("factual", "counterfactual")
            }
            yield {**pair, **sides}


class Sources(Phrases):
    """Functions with and without a guard; ``None`` for what was not told."""

    name = "sources"
    label_source = "oracle"

    def shape(self) -> PairShape:
        members = [pa.field("code", pa.string()), class_label("language", ("c", "python")), pa.field("cwe", pa.int64())]
        return PairShape(members, class_label("label", ("safe", "vulnerable")))

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        number = int(unit["number"])
        safe, other = (
            {"code": f"def f{number}(x):\n    {body}\n", "language": 1, "cwe": 78 if number % 2 else None}
            for body in ("return quote(x)", "return x")
        )
        flipped = number % 3 == 0
        yield {
            "factual": other if flipped else safe,
            "counterfactual": safe if flipped else other,
            "intervention": [{"variable": "code", "operation": "edit", "before": "quote(x)", "after": "x"}],
            "label": int(flipped),
            "counterfactual_label": int(not flipped),
        }


class Readings(Phrases):
    """Numbers, lists and a member that is called like a column of a flat row."""

    name = "readings"

    def shape(self) -> PairShape:
        members = [pa.field("label", pa.float64()), pa.field("marks", pa.list_(pa.int64())), pa.field("ok", pa.bool_())]
        return PairShape(members, pa.field("value", pa.float64()))

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        number = int(unit["number"])
        sides = [{"label": step / 4, "marks": [number, step], "ok": bool(step % 2)} for step in (number, number + 1)]
        yield {
            "factual": sides[0],
            "counterfactual": sides[1],
            "intervention": [{"variable": "label", "operation": "shift"}],
            "label": float("nan") if number == 0 else float(number),
            "counterfactual_label": float(number + 1),
        }


def dataset(out: Path, use: str = "tests.core.controlled:Phrases", **options: Any) -> Path:
    """A finished dataset of one of these, in several shards and two splits."""
    count = options.setdefault("count", 120)
    more = {"filters": options.pop("filters", {}), "splits": options.pop("splits", SPLITS), "shard_rows": 50}
    use = use if ":" in use else f"tests.exports.toys:{use}"
    run_local(parse_recipe({"name": "toy", "rows": count, "generator": {"use": use, **options}, **more}), None, out)
    return out
