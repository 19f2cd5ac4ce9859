"""Mutations of real functions: what became of the candidates, and whether pairs run again.

``python -m benchmarks.mutation [--accept N] [--recipe NAME]``: the standard library, or another recipe, such
as ``code_mutation_c``. Builds the recipe, then executes every pair again from its record (``validate``), and prints the
share of candidates by outcome. Times depend on the machine; shares do not.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from benchmarks.harness import Measurement, Target, report
from contrafact.pipeline import run_local
from contrafact.recipe import load_recipe
from contrafact.validation import Validation, validate

__all__ = ["main"]

ACCEPTED, AGAIN, OTHERWISE = (
    "pairs that a witness tells apart",
    "of all pairs, executed again",
    "that came out otherwise",
)
TARGETS = {ACCEPTED: Target(at_least=1000), AGAIN: Target(at_least=1.0), OTHERWISE: Target(at_most=0)}


def main() -> None:
    """Build, execute again and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="code_mutation_stdlib")
    parser.add_argument("--accept", type=int)
    options = parser.parse_args()
    recipe, path = load_recipe(options.recipe, accept=options.accept)
    with tempfile.TemporaryDirectory() as name:
        out = Path(name) / "mutation"
        began = time.perf_counter()
        run_local(recipe, path, out)
        built = time.perf_counter()
        found = validate(out, path.parent)
        again = time.perf_counter()
        pairs = list(candidates(out))
    benchmark = "mutation" if options.recipe == "code_mutation_stdlib" else options.recipe.removeprefix("code_")
    report(benchmark, rows(pairs, found, built - began, again - built), TARGETS, settings=vars(options))


def candidates(out: Path) -> Iterator[dict[str, Any]]:
    """Every proposed pair; those beyond the quota were proposed as well."""
    for path in sorted([*(out / "data").glob("*.parquet"), *(out / "rejected").glob("*.parquet")]):
        yield from pq.read_table(path).to_pylist()


def rows(pairs: list[dict[str, Any]], found: Validation, build: float, again: float) -> list[Measurement]:
    """The figures: how many there are of each kind, and how long they took."""
    tried = [pair for pair in pairs if pair["intervention"]]
    apart = [pair for pair in pairs if pair["accepted"] and pair["counterfactual_label"] == 1]
    made = [pair for pair in pairs if pair["counterfactual"] is not None]
    outcomes = Counter(outcome(pair) for pair in tried)
    kinds = Counter(pair["intervention"][0]["operation"] for pair in apart)
    units = {pair["unit_id"] for pair in pairs}
    used = {pair["unit_id"] for pair in tried}
    return [
        Measurement(ACCEPTED, len(apart), "pairs"),
        Measurement("controls, alike on all inputs tried", sum(p["accepted"] for p in made) - len(apart), "pairs"),
        Measurement(AGAIN, found.recomputed / max(1, len(made)), "share"),
        Measurement(OTHERWISE, len(found.problems), "problems"),
        Measurement("functions whose inputs were found", len(used) / max(1, len(units)), f"share of {len(units)}"),
        *(
            Measurement(f"candidates: {name}", count / len(tried), f"share of {len(tried)}")
            for name, count in outcomes.most_common()
        ),
        *(
            Measurement(f"told apart: {name}", count / len(apart), f"share of {len(apart)}")
            for name, count in kinds.most_common()
        ),
        Measurement("candidates built", len(tried) / build, "candidates/s"),
        Measurement("pairs executed again", found.recomputed / again, "pairs/s"),
    ]


def outcome(pair: dict[str, Any]) -> str:
    """What became of one candidate, in a few words."""
    if pair["counterfactual"] is None:
        return str(pair["reasons"][0]).partition(": ")[2]
    if pair["counterfactual_label"] == 0:
        return "alike on all inputs tried"
    ended = pair["counterfactual"]["ended"].partition(" ")[0]
    return {"ok": "another answer", "timeout": "never ends", "sanitizer": "faults"}.get(ended, "crashes")


if __name__ == "__main__":
    main()
