"""Datasets whose truth is known: a cause that the label follows, and a shortcut that only facts have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from contrafact.record import PairShape, class_label
from contrafact.stages import RowGenerator, Source
from tests.core.toys import Numbers

LABELS = ("bad", "good")
WORDS = [f"{first}{second}" for first in "bdfgklmnprst" for second in ("am", "eb", "ic", "od", "up")]
GOOD, BAD = WORDS[::2], WORDS[1::2]
FILLER = ("the", "place", "was", "we", "went", "there", "again", "and", "it", "then")


class Shortcut(RowGenerator):
    """Texts with one word that the label follows and a topic that goes along with it in nine facts of ten.

    Parameters
    ----------
    null : bool
        Labels are exchanged within every other pair.
    moves : bool
        Whether the edit changes the word that the label follows, or the topic.
    """

    name = "shortcut"
    shard_rows = 500

    def __init__(self, null: bool = False, moves: bool = True, controls: bool = True, count: int = 400) -> None:
        self.null, self.moves, self.controls, self.count = null, moves, controls, count

    def source(self, seed: int) -> Source:
        return Numbers(self.count)

    def shape(self) -> PairShape:
        return PairShape(
            [pa.field("text", pa.string()), class_label("topic", ("sea", "hill"))], class_label("mark", LABELS)
        )

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        label, topic = int(rng.integers(2)), 0
        topic = label if rng.random() < 0.9 else 1 - label
        words = [str(word) for word in rng.choice(FILLER, size=6)]
        lists = (BAD, GOOD)
        own, other, same = (str(rng.choice(lists[each])) for each in (label, 1 - label, label))
        exchanged = self.null and bool(rng.random() < 0.5)

        def member(word: str, place: int) -> dict[str, Any]:
            return {"text": " ".join([*words[:3], word, *words[3:], ("sea", "hill")[place]]), "topic": place}

        moved = member(other, topic) if self.moves else member(own, 1 - topic)
        claimed = 1 - label if self.moves else label
        labels = (claimed, label) if exchanged else (label, claimed)
        change = {"variable": "word" if self.moves else "topic", "operation": "swap", "before": own, "after": other}
        pair = {
            "factual": member(own, topic),
            "counterfactual": moved,
            "intervention": [change],
            "label": labels[0],
            "counterfactual_label": labels[1],
        }
        yield pair
        if self.controls:
            yield {
                **pair,
                "counterfactual": member(same, topic),
                "counterfactual_label": labels[0],
                "control_of": f"{unit['unit_id']}/0",
            }


class Cells(RowGenerator):
    """A table: the label follows a cause that ``reading`` shows badly, and ``proxy`` well in facts; set, it stays.

    Parameters
    ----------
    pairs : int
        Pairs of each unit.
    """

    name = "cells"
    shard_rows = 500
    numeric = False

    def __init__(self, count: int = 300, pairs: int = 1) -> None:
        self.count, self.pairs = count, pairs

    def source(self, seed: int) -> Source:
        return Numbers(self.count)

    def shape(self) -> PairShape:
        members = [pa.field(name, pa.float64()) for name in ("reading", "proxy", "outcome")]
        own = pa.field("value", pa.float64()) if self.numeric else class_label("mark", LABELS)
        return PairShape([*members, class_label("side", ("left", "right"))], own)

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        cause, blur = float(rng.normal()), 0.7 * float(rng.normal())
        proxy, side = cause + 0.1 * float(rng.normal()), int(rng.integers(2))
        for _ in range(self.pairs):
            other = -cause * float(rng.uniform(0.5, 1.5))
            told = [2 * value if self.numeric else float(value > 0) for value in (cause, other)]
            members = [
                {"reading": value + blur, "proxy": proxy, "outcome": outcome, "side": side}
                for value, outcome in zip((cause, other), told, strict=True)
            ]
            labels = told if self.numeric else [int(value) for value in told]
            yield {
                "factual": members[0],
                "counterfactual": members[1],
                "intervention": [{"variable": "cause", "operation": "do", "before": str(cause), "after": str(other)}],
                "label": labels[0],
                "counterfactual_label": labels[1],
            }


class Values(Cells):
    """The same with a number for a label."""

    name = "values"
    numeric = True


class OneSided(Shortcut):
    """Pairs that all have one and the same label."""

    name = "one_sided"

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        for pair in super().make(unit, rng):
            yield {**pair, "label": 1, "counterfactual_label": 1}


class Answers(Cells):
    """The same with a text for a label."""

    name = "answers"

    def shape(self) -> PairShape:
        whole = super().shape()
        return PairShape(whole.members, pa.field("answer", pa.string()))

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterator[Mapping[str, Any]]:
        for pair in super().make(unit, rng):
            yield {**pair, **{name: LABELS[pair[name]] for name in ("label", "counterfactual_label")}}


def dataset(out: Path, name: str = "Shortcut", **options: Any) -> Path:
    """A finished dataset of one of these."""
    more: dict[str, Any] = {key: options.pop(key) for key in ("splits", "filters", "seed") if key in options}
    count = options.get("count", 400 if name in ("Shortcut", "OneSided") else 300)
    generator = {"use": f"tests.evaluation.toys:{name}", **options}
    run_local(parse_recipe({"name": name.lower(), "rows": count, "generator": generator, **more}), None, out)
    return out
