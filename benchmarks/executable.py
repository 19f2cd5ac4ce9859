"""Executable counterfactuals: verified items a second, and whether every gold answer is what the sandbox gives.

``python -m benchmarks.executable [--units N] [--checked N] [--repeats N]``. An item is a counterfactual question that
was accepted: drawn, run by our interpreter for every hidden value of the domain and for both inputs, run again by
sandboxed CPython for all of these, and written with its interventional twin. Two processes share the units, a shard at
a time; every round draws new ones. Beside the rates stand the share of units that are rejected, and how often a solver
is right who runs the code without abduction. Before anything is timed, gold answers are compared with sandbox calls of
their own, one a hidden value.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from typing import Any

import pyarrow as pa

from benchmarks.harness import Measurement, Seconds, Target, rate, report, run_interleaved
from contrafact.engines import Engines
from contrafact.engines.sandbox import Case, Program, open_sandbox
from contrafact.record import HIDDEN
from contrafact.stages import Context
from contrafact.streams import Streams
from generators.code.executable.families import FAMILIES
from generators.code.executable.generator import ExecutableGenerator
from generators.code.executable.reward import reward

__all__ = ["main"]

CORES = 2
BLOCK = ExecutableGenerator.shard_rows
TARGETS = {
    "if_else: verified items": Target(at_least=2000),
    "gold answers that differ from the sandbox": Target(at_most=0),
}
Rows = list[dict[str, Any]]


@cache
def engines() -> Engines:
    """One sandbox at a time in each process, so that two processes use two cores."""
    return Engines({"sandbox": {"workers": 1}})


def candidates(family: str, start: int, stop: int) -> pa.Table:
    """Candidates of some units, as a shard makes them."""
    generator = ExecutableGenerator(family)
    context = Context(Streams(1, "benchmark"), "recipe", 1, start, engines())
    return generator.generate(generator.source(1).read(start, stop), context)


def items(family: str, start: int) -> int:
    """Items accepted among a block of units."""
    made = candidates(family, start, start + BLOCK)
    accepted: int = made.num_rows - made["counterfactual"].null_count
    return accepted // 2


def timed(pool: ProcessPoolExecutor, family: str, starts: itertools.count[int], units: int) -> Callable[[], Seconds]:
    """A side: new units, given to both processes. Its time is for as many items as there are units."""

    def side() -> Seconds:
        blocks = [next(starts) * BLOCK for _ in range(units // BLOCK)]
        begin = time.perf_counter()
        made = sum(pool.map(items, [family] * len(blocks), blocks))
        return Seconds((time.perf_counter() - begin) * len(blocks) * BLOCK / made)

    return side


def gold_differs(rows: Rows) -> int:
    """Pairs whose answers are not what single sandbox calls give for every hidden value that fits the fact."""
    programs = []
    for row in rows:
        fact, asked = row["factual"], row["counterfactual"]
        name = re.findall(r"^def (\w+)", fact["code"], re.MULTILINE)[-1]
        cases = [Case(name, (json.loads(side["input"]), *each)) for side in (fact, asked) for each in hidden_of(row)]
        programs.append(Program(fact["code"], cases))
    sandbox = open_sandbox({})
    outcomes = sandbox.python_many(programs)
    sandbox.close()
    wrong = 0
    for row, told in zip(rows, outcomes, strict=True):
        values = [json.dumps(each.value) if each.kind == "ok" else each.kind for each in told]
        before, after = values[: len(values) // 2], values[len(values) // 2 :]
        fits = [at for at, value in enumerate(before) if value == row["factual"]["output"]]
        wrong += {after[at] for at in fits} != set(row["counterfactual"]["answers"])
    return wrong


def hidden_of(row: dict[str, Any]) -> list[tuple[int, ...]]:
    """Every hidden value; the told one of an interventional pair."""
    if row["factual"]["mode"] == "interventional":
        return [tuple(json.loads(row[HIDDEN]["values"]).values())]
    spans = json.loads(row["factual"]["domain"]).values()
    return list(itertools.product(*(range(low, high + 1) for low, high in spans)))


def without_abduction(rows: Rows) -> float:
    """Share of counterfactual questions that are answered by running the code for the middle of the domain."""
    sandbox = open_sandbox({})
    programs = []
    for row in rows:
        asked = row["counterfactual"]
        name = re.findall(r"^def (\w+)", asked["code"], re.MULTILINE)[-1]
        middle = [(low + high) // 2 for low, high in json.loads(asked["domain"]).values()]
        programs.append(Program(asked["code"], [Case(name, (json.loads(asked["input"]), *middle))]))
    told = [outcome for (outcome,) in sandbox.python_many(programs)]
    sandbox.close()
    right = [reward(f"Answer: {json.dumps(each.value)}", row) for each, row in zip(told, rows, strict=True)]
    return sum(right) / len(right)


def facts_of(family: str, units: int) -> tuple[list[Measurement], int]:
    """Figures of a family that are no times, and how many golds differ."""
    table = candidates(family, 0, units)
    pairs: Rows = [row for row in table.to_pylist() if row["counterfactual"]]
    asked = [row for row in pairs if row["factual"]["mode"] == "counterfactual"]
    rejected = 1 - len(asked) / units
    return [
        Measurement(f"{family}: units rejected", rejected, "share"),
        Measurement(
            f"{family}: one answer alone",
            sum(len(row["counterfactual"]["answers"]) == 1 for row in asked) / len(asked),
            "share",
        ),
        Measurement(f"{family}: right without abduction", without_abduction(asked), "share"),
    ], gold_differs(pairs)


def main() -> None:
    """Check every gold answer, time, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=4 * BLOCK)
    parser.add_argument("--checked", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rows: list[Measurement] = []
    differ = 0
    for family in FAMILIES:
        figures, wrong = facts_of(family, options.checked)
        rows += figures
        differ += wrong
    rows.insert(0, Measurement("gold answers that differ from the sandbox", differ, "pairs"))
    starts = itertools.count(1000)
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        units = {family: options.units if family == "if_else" else CORES * BLOCK for family in FAMILIES}
        sides = {family: timed(pool, family, starts, count) for family, count in units.items()}
        times = run_interleaved(sides, options.repeats)
    for family, seconds in times.items():
        rows.append(rate(f"{family}: verified items", seconds, units[family] // BLOCK * BLOCK, "items/s"))
    report("executable", rows, TARGETS, settings=vars(options))


if __name__ == "__main__":
    main()
