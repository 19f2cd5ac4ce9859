"""``contrafact evaluate`` on 10,000 pairs: a table, tokens of texts, and texts embedded anew or from a cache.

``python -m benchmarks.evaluate --pairs 10000``
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.harness import Measurement, Target, report, run_interleaved, spread
from contrafact.evaluation import Settings, evaluate
from contrafact.pipeline import run_local
from contrafact.recipe import load_recipe, parse_recipe

__all__ = ["main"]

PAIRS = 10_000
TABLE, TOKENS = "table of 10 variables, trees", "texts, tokens"
COLD, WARM = "texts, embedded anew", "texts, embeddings kept by a build"
TARGET = Target(at_most=60.0)


def main() -> None:
    """Build a table and a dataset of texts once, then evaluate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        table, texts = folder / "table", folder / "texts"
        recipe, path = load_recipe("scm_additive", [f"rows={2 * asked.pairs}"])
        run_local(recipe, path, table)
        run_local(parse_recipe(_texts(asked.pairs)), None, texts)
        tokens, embedded = (Settings(student=name, most=asked.pairs) for name in ("tokens", "embeddings"))
        cached = {"embeddings": {"cache": str(folder / "vectors.sqlite")}}
        sides: dict[str, Callable[[], object]] = {
            TABLE: lambda: evaluate(table, Settings(most=asked.pairs)),
            TOKENS: lambda: evaluate(texts, tokens),
            COLD: lambda: evaluate(texts, embedded),
            WARM: lambda: evaluate(texts, embedded, cached),
        }
        times = run_interleaved(sides, asked.repeats)
    rows: list[Measurement] = [spread(name, seconds) for name, seconds in times.items()]
    part = np.array(times[COLD]) - np.array(times[WARM])
    rows.append(
        Measurement("embedding alone", float(np.median(part)), "s", float(part.min()), float(part.max()), len(part))
    )
    report("evaluate", rows, dict.fromkeys(sides, TARGET), settings=vars(asked))


def _texts(pairs: int) -> dict[str, object]:
    """The recipe of templated reviews, without what takes no part here."""
    spec = load_recipe("text_template_reviews", [f"rows={pairs}"])[0].spec()
    return {**spec, "filters": {}}


if __name__ == "__main__":
    main()
