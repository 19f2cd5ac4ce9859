"""Counterfactuals of a ten-variable additive-noise model from facts, against DoWhy gcm and against bare NumPy.

``python -m benchmarks.counterfactuals [--rows N] [--repeats N]``. All sides start from the same observed columns and
end with all counterfactual columns. Their answers are compared before anything is timed; then every round times each
side once, and a ratio is the median over rounds.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.dag import EQUATIONS, INTERVENTIONS, NOISE_STD, ORDER, ROOTS, draw_facts
from benchmarks.dowhy_side import DoWhy
from benchmarks.handwritten import abduct_all, descendants, only_descendants
from benchmarks.harness import Measurement, Target, machine_facts, rate, ratio, report, run_interleaved
from contrafact.streams import Streams
from generators.scm.counterfactual import BLOCK_ROWS, counterfactual
from generators.scm.interventions import Action, Intervention
from generators.scm.mechanisms.additive import Additive, Root
from generators.scm.model import SCM, Variable
from generators.scm.noise import Normal
from generators.scm.operations import abduct
from generators.scm.worlds import single

__all__ = ["main", "model"]

TOLERANCE = 1e-9
SHARD_ROWS = 125_000
TIMES_DOWHY = Target(at_least=10)
TIMES_HAND = Target(at_least=0.8)

World = dict[str, NDArray[np.float64]]
Sides = Mapping[str, Callable[[], Any]]


def model(*, expressions: bool) -> SCM:
    """The table's model, with its equations as expressions of a recipe or as NumPy functions."""
    noise = Normal(0, NOISE_STD)
    variables = [Variable(name, Root(Normal())) for name in ROOTS]
    for name, (parents, function, text) in EQUATIONS.items():
        mechanism = Additive(text, noise) if expressions else Additive(function, noise, parents)
        variables.append(Variable(name, mechanism))
    return SCM("benchmark", variables)


def main() -> None:
    """Compare, time and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    facts = draw_facts(options.rows)
    measured: list[Measurement] = []
    targets: dict[str, Target] = {}
    largest = 0.0
    with DoWhy(facts) as dowhy, ThreadPoolExecutor(os.cpu_count()) as pool:
        for label, (variable, value) in INTERVENTIONS.items():
            wanted = {variable: ("do", value)}
            sides = _sides(facts, variable, value, pool)
            largest = max(largest, _largest_difference(dowhy.answer(wanted), sides))
            timed: Sides = {"DoWhy": lambda wanted=wanted: dowhy.time(wanted), **sides}  # type: ignore[misc]
            times = run_interleaved(timed, options.repeats)
            measured += [rate(f"{label}: {side}", seconds, options.rows) for side, seconds in times.items()]
            measured += _ratios(label, times, targets)
        machine = machine_facts(dowhy=dowhy.version)
    settings = {
        "rows": options.rows,
        "repeats": options.repeats,
        "block_rows": BLOCK_ROWS,
        "largest_difference": largest,
        "interventions": {label: _described(*each) for label, each in INTERVENTIONS.items()},
    }
    report("counterfactuals", measured, targets, settings=settings, facts=machine)


def _sides(facts: World, variable: str, value: float, pool: ThreadPoolExecutor) -> Sides:
    functions, expressions = model(expressions=False), model(expressions=True)
    change = Intervention((Action(variable, "do", value),))
    rows, streams = len(facts[variable]), Streams(0)

    def steps() -> World:
        noise = abduct(functions, facts, streams).noise
        return single(functions, noise, rows, change, facts, keep_unmoved=True)

    def threads() -> list[World]:
        return list(pool.map(shard, range(0, rows, SHARD_ROWS)))

    def shard(start: int) -> World:
        part = {name: column[start : start + SHARD_ROWS] for name, column in facts.items()}
        return counterfactual(functions, part, change, start=start, keep_noise=False)[0]

    return {
        "NumPy, all noise": lambda: abduct_all(facts, variable, value),
        "NumPy, descendants only": lambda: only_descendants(facts, variable, value),
        "ours, functions": lambda: counterfactual(functions, facts, change, keep_noise=False)[0],
        "ours, expressions": lambda: counterfactual(expressions, facts, change, keep_noise=False)[0],
        "ours, noise kept": lambda: counterfactual(functions, facts, change)[0],
        "ours, one thread": lambda: counterfactual(functions, facts, change, keep_noise=False, workers=1)[0],
        "ours, in three steps": steps,
        f"ours, shards on {os.cpu_count()} threads": threads,
    }


def _largest_difference(dowhy: World, sides: Sides) -> float:
    largest = 0.0
    for side, compute in sides.items():
        answer = compute()
        world = answer if isinstance(answer, dict) else _joined(answer)
        difference = max(float(np.abs(world[name] - dowhy[name]).max()) for name in ORDER)
        if not difference <= TOLERANCE:
            raise SystemExit(f"{side} and DoWhy differ by {difference:g}, which is over {TOLERANCE:g}")
        largest = max(largest, difference)
    return largest


def _joined(worlds: list[World]) -> World:
    return {name: np.concatenate([world[name] for world in worlds]) for name in ORDER}


def _ratios(label: str, times: Mapping[str, list[float]], targets: dict[str, Target]) -> list[Measurement]:
    rows = []
    for side in ("ours, functions", "ours, expressions"):
        for other in ("DoWhy", "NumPy, all noise", "NumPy, descendants only"):
            name = f"{label}: {side} / {other}"
            rows.append(ratio(name, times[other], times[side]))
            targets[name] = TIMES_DOWHY if other == "DoWhy" else TIMES_HAND
    # What any side could reach that evaluates these functions twice with NumPy: the ceiling of the ratios to DoWhy.
    ceiling = ("NumPy, all noise", "NumPy, descendants only", "ours, one thread")
    rows += [ratio(f"{label}: {name} / DoWhy", times["DoWhy"], times[name]) for name in ceiling]
    return [*rows, ratio(f"{label}: one call / three steps", times["ours, in three steps"], times["ours, functions"])]


def _described(variable: str, value: float) -> str:
    return f"do({variable} = {value:g}), {len(descendants(variable))} variables follow"


if __name__ == "__main__":
    main()
