"""One side of the build benchmark, in a process of its own: warm up, build, print seconds and peak memory as JSON."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.dag import EQUATIONS, INTERVENTIONS, NOISE_STD, ROOTS
from benchmarks.harness import peak_memory
from contrafact.pipeline import build, local_mapper
from contrafact.plan import Plan, make_plan
from contrafact.recipe import Recipe, parse_recipe

__all__ = ["dag_recipe"]

_WARM_UP_ROWS = 1000
_FIXED_ROWS = 10
_FIXED_REPEATS = 3


def dag_recipe(rows: int) -> Recipe:
    """The benchmark's ten-variable model as a recipe, with its ``middle`` intervention and the graph filter."""
    variables: dict[str, Any] = {name: {"mechanism": "root", "noise": "normal"} for name in ROOTS}
    for name, equation in EQUATIONS.items():
        noise = {"normal": [0, NOISE_STD]}
        variables[name] = {"mechanism": "additive", "expression": equation.expression, "noise": noise}
    target, value = INTERVENTIONS["middle"]
    generator = {
        "use": "scm",
        "scm": {"name": "dag", "variables": variables},
        "interventions": {"do": {target: value}},
        "label": "x9",
    }
    return parse_recipe({"name": "dag", "rows": rows, "generator": generator, "filters": {"graph": {}}})


def main() -> None:
    """Build ``--rows`` units ``--repeats`` times and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("local", "prefect"), required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--repeats", type=int, default=1)
    asked = parser.parse_args()
    run = _engine(asked.engine)
    _timed(run, _WARM_UP_ROWS)
    # A build of hardly any rows is the fixed part: planning, the card, the manifest and, with Prefect, the flow run.
    fixed = [_timed(run, _FIXED_ROWS) for _ in range(_FIXED_REPEATS)]
    taken = [_timed(run, asked.rows) for _ in range(asked.repeats)]
    peak = peak_memory()
    answer = {
        "seconds": [each[0] for each in taken],
        "cpu": [each[1] for each in taken],
        "kernel": [each[2] for each in taken],
        "fixed_seconds": min(each[0] for each in fixed),
        "fixed_cpu": min(each[1] for each in fixed),
        "fixed_kernel": min(each[2] for each in fixed),
        "peak_mib": peak,
    }
    json.dump(answer, sys.stdout)


def _engine(name: str) -> Callable[[Plan], dict[str, Any]]:
    if name == "local":
        return lambda plan: build(plan, local_mapper(plan.workers))
    from flows.build import build_plan

    return build_plan


def _timed(run: Callable[[Plan], dict[str, Any]], rows: int) -> tuple[float, float, float]:
    """Seconds on the clock, of the processor, and of these in the kernel (page faults, writing)."""
    folder = Path(tempfile.mkdtemp(prefix="contrafact-bench-"))
    try:
        plan = make_plan(dag_recipe(rows), None, folder / "dag")
        begin, cpu, system = time.perf_counter(), time.process_time(), os.times().system
        manifest = run(plan)
        seconds, used, kernel = time.perf_counter() - begin, time.process_time() - cpu, os.times().system - system
        if manifest["accepted"] != rows:
            raise SystemExit(f"{manifest['accepted']} of {rows} pairs were accepted")
        return seconds, used, kernel
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
