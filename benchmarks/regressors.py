"""The same comparison with the mechanisms that DoWhy brings along: ``python -m benchmarks.regressors``.

:mod:`benchmarks.counterfactuals` hands DoWhy bare NumPy functions. Here DoWhy fits its own linear and polynomial
regressors on the ten-variable graph, as its users do, and this project computes counterfactuals from the very same
coefficients. Fitting is not timed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from benchmarks.dag import INTERVENTIONS, ORDER, ROOTS, draw_facts
from benchmarks.dowhy_side import DoWhy
from benchmarks.harness import Measurement, Seconds, Target, machine_facts, rate, ratio, report, run_interleaved
from generators.scm.counterfactual import counterfactual
from generators.scm.interventions import Action, Intervention
from generators.scm.mechanisms.additive import Additive, Linear, Root
from generators.scm.mechanisms.base import Mechanism
from generators.scm.model import SCM, Variable

__all__ = ["main", "model"]

TOLERANCE = 1e-9
TARGET = Target(at_least=10)

Sides = Mapping[str, Callable[[], object]]


def model(kind: str, coefficients: Mapping[str, Mapping[str, Any]]) -> SCM:
    """The model with DoWhy's coefficients: linear mechanisms, or polynomials written as expressions."""
    build = _linear if kind == "linear" else _polynomial
    variables = [Variable(name, Root()) for name in ROOTS]
    variables += [Variable(name, build(fitted)) for name, fitted in coefficients.items()]
    return SCM(kind, variables)


def main() -> None:
    """Compare, time and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    facts = draw_facts(options.rows)
    measured: list[Measurement] = []
    targets: dict[str, Target] = {}
    largest, version = 0.0, ""
    for kind in ("linear", "polynomial"):
        with DoWhy(facts, kind) as dowhy:
            ours, version = model(kind, dowhy.coefficients), dowhy.version
            for label, (variable, value) in INTERVENTIONS.items():
                change = Intervention((Action(variable, "do", value),))
                largest = max(largest, _difference(ours, facts, change, dowhy))

                def theirs(dowhy: DoWhy = dowhy, variable: str = variable, value: float = value) -> Seconds:
                    return dowhy.time({variable: ("do", value)})

                def here(workers: int | None, ours: SCM = ours, change: Intervention = change) -> object:
                    return counterfactual(ours, facts, change, keep_noise=False, workers=workers)

                sides: Sides = {"DoWhy": theirs, "ours": partial(here, None), "ours, one thread": partial(here, 1)}
                times = run_interleaved(sides, options.repeats)
                name = f"{kind}, {label}"
                measured += [rate(f"{name}: {side}", seconds, options.rows) for side, seconds in times.items()]
                measured.append(ratio(f"{name}: ours / DoWhy", times["DoWhy"], times["ours"]))
                targets[measured[-1].name] = TARGET
                one = ratio(f"{name}: ours, one thread / DoWhy", times["DoWhy"], times["ours, one thread"])
                measured.append(one)
    settings = {"rows": options.rows, "repeats": options.repeats, "largest_relative_difference": largest}
    report("regressors", measured, targets, settings=settings, facts=machine_facts(dowhy=version))


def _linear(fitted: Mapping[str, Any]) -> Mechanism:
    return Linear(dict(zip(fitted["parents"], fitted["weights"], strict=True)), fitted["intercept"])


def _polynomial(fitted: Mapping[str, Any]) -> Mechanism:
    terms = [repr(fitted["intercept"])]
    for weight, powers in zip(fitted["weights"], fitted["powers"], strict=True):
        factors = [name for name, power in zip(fitted["parents"], powers, strict=True) for _ in range(power)]
        terms.append(" * ".join([repr(weight), *factors]))
    return Additive(" + ".join(terms))


def _difference(ours: SCM, facts: Mapping[str, Any], change: Intervention, dowhy: DoWhy) -> float:
    action = change.actions[0]
    theirs = dowhy.answer({action.variable: ("do", action.value)})
    here = counterfactual(ours, facts, change, keep_noise=False)[0]
    # Relative above 1: a fitted polynomial sends some rows far out, where a double has fewer decimals.
    scaled = [np.abs(here[name] - theirs[name]) / np.maximum(1.0, np.abs(theirs[name])) for name in ORDER]
    largest = max(float(column.max()) for column in scaled)
    if not largest <= TOLERANCE:
        raise SystemExit(f"DoWhy and this project differ by {largest:g}, which is over {TOLERANCE:g}")
    return largest


if __name__ == "__main__":
    main()
