"""Writes DoWhy's answers for the agreement test: ``python -m benchmarks.dowhy_fixture``.

The test itself needs no DoWhy. It is run again here whenever the model of :mod:`benchmarks.dag` changes; the benchmark
makes the same comparison live, on many more rows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.dag import EQUATIONS, ROOTS, draw_facts
from benchmarks.dowhy_side import DoWhy
from benchmarks.environment import REPOSITORY

__all__ = ["CASES", "FIXTURE", "main"]

FIXTURE = REPOSITORY / "tests" / "scm" / "data" / "dowhy_counterfactuals.npz"
ROWS = 60
SEED = 20
CASES: dict[str, dict[str, tuple[str, float]]] = {
    "nothing": {},
    "do a root": {"x0": ("do", 1.0)},
    "do in the middle": {"x2": ("do", 1.5)},
    "do the last": {"x9": ("do", 0.0)},
    "do two, one below the other": {"x2": ("do", -1.0), "x6": ("do", 0.25)},
    "shift a root": {"x1": ("shift", 0.7)},
    "shift in the middle": {"x4": ("shift", -0.3)},
    "scale in the middle": {"x5": ("scale", 1.75)},
    "all three": {"x3": ("shift", 0.5), "x4": ("scale", 0.8), "x6": ("do", -0.5)},
}


def main(path: Path = FIXTURE) -> None:
    """Ask DoWhy for every case on the same few facts, and keep facts, answers, equations and versions."""
    facts = draw_facts(ROWS, SEED)
    arrays: dict[str, Any] = {f"facts/{name}": column for name, column in facts.items()}
    with DoWhy(facts) as dowhy:
        for case, interventions in CASES.items():
            answer = dowhy.answer(interventions)
            arrays.update({f"{case}/{name}": column for name, column in answer.items()})
        versions = {"dowhy": dowhy.version, "numpy": np.__version__}
    about = {
        "roots": ROOTS,
        "equations": {name: [equation.parents, equation.expression] for name, equation in EQUATIONS.items()},
        "cases": CASES,
        "versions": versions,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, about=np.array(json.dumps(about)), **arrays)
    print(f"{path.relative_to(REPOSITORY)}: {len(CASES)} cases, DoWhy {versions['dowhy']}")


if __name__ == "__main__":
    main()
