"""How long a finished dataset of 100,000 text pairs takes to be decided again: ``python -m benchmarks.refiltering``.

The pairs and the teacher's probabilities are made up, since none of them is made again: what is timed is reading,
deciding from stored scores, and writing a dataset of the same size.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.harness import Measurement, Target, rate, report, run_interleaved, spread
from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from contrafact.record import INTERVENTION, PairShape, class_label
from contrafact.refiltering import refilter
from contrafact.stages import Context, Generator, Source

__all__ = ["Lines", "made_up", "main"]

PAIRS = 100_000
ROW, STAGED = "refilter, another threshold", "refilter, another threshold, with a set filter"
TARGET = Target(at_most=5.0)
LABELS = ("negative", "neutral", "positive")


class _Numbers(Source):
    def __init__(self, count: int) -> None:
        self.count = count

    def rows(self) -> int:
        return self.count

    def read(self, start: int, stop: int) -> pa.Table:
        return pa.table({"unit_id": [f"line-{number:09d}" for number in range(start, stop)]})


class Lines(Generator):
    """Sentences of twelve words, one of which is swapped."""

    name = "lines"
    shard_rows = 10_000

    def __init__(self, count: int = PAIRS) -> None:
        self.count = count

    def source(self, seed: int) -> Source:
        return _Numbers(self.count)

    def shape(self) -> PairShape:
        return PairShape([pa.field("text", pa.string())], class_label("label", LABELS))

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        numbers = range(context.start, context.start + units.num_rows)
        texts = [f"line {number} says that the long and winding road was {{}} today" for number in numbers]
        labels = (context.streams.uniforms("label", numbers.start, numbers.stop) * 3).astype(np.int64)
        change = [{"variable": "text", "operation": "swap", "before": "dull", "after": "fine", "where": "word 11"}]
        sides = {
            side: pa.StructArray.from_arrays([pa.array([text.format(word) for text in texts])], ["text"])
            for side, word in (("factual", "dull"), ("counterfactual", "fine"))
        }
        return pa.table(
            {
                "unit_id": units["unit_id"],
                **sides,
                "intervention": pa.array([change] * units.num_rows, INTERVENTION),
                "label": labels,
                "counterfactual_label": (labels + 1) % 3,
            }
        )


def made_up(texts: Sequence[str]) -> np.ndarray[Any, Any]:
    """Probabilities from the text's bytes alone."""
    powers = np.exp(np.array([[hash_of(text, label) for label in range(3)] for text in texts]))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def hash_of(text: str, label: int) -> float:
    """A number from 0 to 3 that looks random."""
    number = int.from_bytes(text.encode()[-40:], "little") * (2 * label + 3)
    return (number * 2654435761 % 2**32) / 2**32 * 3


def main() -> None:
    """Build once, then decide again and again, with one threshold and the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        plain, staged = (Path(scratch) / name for name in ("plain", "staged"))
        run_local(_recipe(asked.pairs, {}), None, plain)
        run_local(_recipe(asked.pairs, {"duplicates": {}}), None, staged)
        levels: Iterator[float] = cycle((0.3, 0.2))
        sides = {
            ROW: lambda: refilter(plain, [f"filters.teacher.min={next(levels)}"]),
            STAGED: lambda: refilter(staged, [f"filters.teacher.min={next(levels)}"]),
        }
        times = run_interleaved(sides, asked.repeats)
    rows: list[Measurement] = [spread(name, seconds) for name, seconds in times.items()]
    rows.append(rate("refilter, rate", times[ROW], asked.pairs, "pairs/s"))
    report("refiltering", rows, {ROW: TARGET, STAGED: TARGET}, settings=vars(asked))


def _recipe(pairs: int, more: dict[str, Any]) -> Any:
    teacher = {"model": {"function": "benchmarks/refiltering.py:made_up"}, "min": 0.25}
    generator = {"use": "benchmarks.refiltering:Lines", "count": pairs}
    filters = {"label_flip": {"want": "flip"}, "teacher": teacher, **more}
    return parse_recipe({"name": "lines", "rows": pairs, "generator": generator, "filters": filters})


if __name__ == "__main__":
    main()
