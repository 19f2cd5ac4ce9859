"""One build in a process of its own, for benchmarks of engines: seconds, processor time and peak memory as JSON."""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.harness import peak_memory
from contrafact.pipeline import Mapper, build, local_mapper
from contrafact.plan import Plan, make_plan
from contrafact.recipe import load_recipe
from flows.engines import open_engine

__all__ = ["main"]


class _EnoughError(Exception):
    """The share of shards that was asked for is done."""


def main() -> None:
    """Build ``--recipe`` into ``--out`` (a temporary folder unless given) and print what it took."""
    began = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--engine", default="threads")
    parser.add_argument("--prefect", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--stop-after", type=float, help="give up when this share of the shards is finished")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="contrafact-bench-"))
    try:
        recipe, path = load_recipe(asked.recipe, asked.set, workers=asked.workers)
        plan = make_plan(recipe, path, asked.out or folder / "set")
        json.dump(_timed(plan, asked, began), sys.stdout)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _timed(plan: Plan, asked: argparse.Namespace, began: float) -> dict[str, Any]:
    first: list[float] = []
    reports = 0

    def watch(stage: str, report: dict[str, Any]) -> None:
        nonlocal reports
        first.append(time.perf_counter()) if not first else None
        reports += 1
        if asked.stop_after and reports >= asked.stop_after * plan.shards * (2 if plan.staged else 1):
            raise _EnoughError

    start = time.perf_counter()
    manifest: dict[str, Any] | None = None
    with open_engine(plan, asked.engine) as engine, contextlib.suppress(_EnoughError):
        manifest = _run(plan, engine.over, asked)(watch, engine)
    seconds = time.perf_counter() - start
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "seconds": seconds,
        "first_report": (first[0] if first else time.perf_counter()) - began,
        "cpu": sum(each.ru_utime + each.ru_stime for each in (own, others)),
        "peak_mib": peak_memory(),
        "shards": plan.shards,
        "pairs": manifest["proposed"] if manifest else None,
        "accepted": manifest["accepted"] if manifest else None,
        "bytes": sum(file["bytes"] for file in manifest["files"]) if manifest else None,
        "files": len(manifest["files"]) if manifest else None,
        "requests": (manifest.get("usage") or {}).get("requests", 0) if manifest else None,
    }


def _run(plan: Plan, over: Callable[[Mapper], Mapper], asked: argparse.Namespace) -> Callable[..., dict[str, Any]]:
    if asked.prefect:
        from flows.build import build_plan

        return lambda watch, engine: build_plan(plan, watch, engine=engine)
    return lambda watch, engine: build(plan, over(local_mapper(plan.workers)), watch)


if __name__ == "__main__":
    main()
