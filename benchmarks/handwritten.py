"""The same counterfactual as one would write it by hand in NumPy for this one model: the baseline to be measured by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from benchmarks.dag import EQUATIONS, ROOTS

__all__ = ["abduct_all", "descendants", "only_descendants"]

Columns = Mapping[str, NDArray[np.float64]]


def abduct_all(facts: Columns, variable: str, value: float) -> dict[str, NDArray[np.float64]]:
    """Noise of every variable, then every descendant of the changed one. Columns of shape (n,)."""
    noise = {name: facts[name] for name in ROOTS}
    for name, (parents, function, _) in EQUATIONS.items():
        noise[name] = facts[name] - function(*[facts[parent] for parent in parents])
    follows = descendants(variable)
    values = dict(facts)
    values[variable] = np.full(len(facts[variable]), value)
    for name, (parents, function, _) in EQUATIONS.items():
        if name in follows:
            values[name] = function(*[values[parent] for parent in parents]) + noise[name]
    return values


def only_descendants(facts: Columns, variable: str, value: float) -> dict[str, NDArray[np.float64]]:
    """Noise of the descendants alone, since nothing else is recomputed: the stronger baseline."""
    follows = descendants(variable)
    values = dict(facts)
    values[variable] = np.full(len(facts[variable]), value)
    for name, (parents, function, _) in EQUATIONS.items():
        if name in follows:
            noise = facts[name] - function(*[facts[parent] for parent in parents])
            values[name] = function(*[values[parent] for parent in parents]) + noise
    return values


def descendants(variable: str) -> set[str]:
    """Everything downstream of a variable, read off the table in its topological order."""
    reached = {variable}
    for name, equation in EQUATIONS.items():
        if reached.intersection(equation.parents):
            reached.add(name)
    return reached - {variable}
