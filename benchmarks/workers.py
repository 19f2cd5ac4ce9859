"""Two workers beside one on builds that keep the processor busy. ``python -m benchmarks.workers``.

Whole builds, their start included: what a user gains by ``--workers 2``. ``structural`` works row by row in Python,
``linear`` in NumPy and Arrow; each runs on threads and on processes. The ceiling is what the machine itself gives to
two processes that share nothing: two builds of half the size at once beside one of the whole.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from functools import partial
from typing import Any

from benchmarks.environment import REPOSITORY
from benchmarks.harness import Measurement, Seconds, Target, ratio, report, run_interleaved, spread
from benchmarks.shards import timed_build

__all__ = ["main"]

RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "structural": ("text_structural_cv", {"rows": 40_000, "shard_rows": 1000}),
    "linear": ("scm_linear", {"rows": 4_000_000, "shard_rows": 100_000}),
}
TARGETS = {"structural, 2 processes / 1 worker": Target(at_least=1.8)}
_SPIN = "sum(i * i for i in range(40_000_000))"


def main() -> None:
    """Time every engine in turn, then the machine, and print it all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    rows: list[Measurement] = [_ceiling(asked.repeats)]
    for name, (recipe, settings) in RECIPES.items():

        def side(engine: str, workers: int, recipe: str = recipe, settings: dict[str, Any] = settings) -> Seconds:
            return Seconds(
                timed_build(recipe, f"--workers={workers}", f"--engine={engine}", settings=settings)["seconds"]
            )

        times = run_interleaved(
            {
                "one": partial(side, "threads", 1),
                "threads": partial(side, "threads", 2),
                "processes": partial(side, "processes", 2),
            },
            asked.repeats,
            warmups=0,
        )
        rows += [spread(f"{name}, 1 worker", times["one"])]
        rows += [
            ratio(f"{name}, 2 {engine} / 1 worker", times["one"], times[engine]) for engine in ("threads", "processes")
        ]
    report("workers", rows, TARGETS, settings={"recipes": {name: each[1] for name, each in RECIPES.items()}})


def _ceiling(repeats: int) -> Measurement:
    """How many times faster two processes that share nothing are than one, on this machine, now."""

    def alone() -> None:
        for _ in range(2):
            _spin().wait()

    def together() -> None:
        both = [_spin(), _spin()]
        for each in both:
            each.wait()

    times = run_interleaved({"alone": alone, "together": together}, repeats, warmups=0)
    return ratio("ceiling: two processes that share nothing / one", times["alone"], times["together"])


def _spin() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _SPIN], cwd=REPOSITORY)


if __name__ == "__main__":
    main()
