"""Going on with a build that was nine tenths done. ``python -m benchmarks.resume``.

A build is stopped when 90 % of its shards are finished; the same command then ends it. The hashes of what is there are
checked again. Both sides include the start of a process and the completion.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import Measurement, Target, report
from benchmarks.shards import timed_build

__all__ = ["main"]

RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "linear": ("scm_linear", {"rows": 10_000_000, "shard_rows": 100_000}),
    "structural": ("text_structural_cv", {"rows": 20_000, "shard_rows": 500}),
}
TARGETS = {f"{name}, resumed at 90 % / whole": Target(at_most=0.15) for name in RECIPES}


def main() -> None:
    """Build, stop, go on; once for each recipe and repetition."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    rows: list[Measurement] = []
    for name, (recipe, settings) in RECIPES.items():
        found = [_once(recipe, settings) for _ in range(asked.repeats)]
        shares = sorted(resumed / whole for whole, resumed in found)
        middle = shares[len(shares) // 2]
        rows.append(Measurement(f"{name}, whole", sorted(whole for whole, _ in found)[len(found) // 2], "s"))
        rows.append(Measurement(f"{name}, resumed at 90 % / whole", middle, "x", shares[0], shares[-1], len(shares)))
    report("resume", rows, TARGETS, settings={name: each[1] for name, each in RECIPES.items()})


def _once(recipe: str, settings: dict[str, Any]) -> tuple[float, float]:
    """Seconds of a whole build, and of one that was 90 % done."""
    with tempfile.TemporaryDirectory(prefix="contrafact-bench-") as folder:
        out = Path(folder) / "set"
        whole = _seconds(recipe, settings)
        timed_build(recipe, f"--out={out}", "--stop-after=0.9", settings=settings)
        return whole, _seconds(recipe, settings, f"--out={out}")


def _seconds(recipe: str, settings: dict[str, Any], *options: str) -> float:
    began = time.perf_counter()
    timed_build(recipe, *options, settings=settings)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
