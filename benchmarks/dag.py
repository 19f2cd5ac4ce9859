r"""The ten-variable model that all sides of the benchmark compute: a table of parents, function and expression.

Imported by this project's interpreter and by DoWhy's, so NumPy is all it needs. Every equation has additive noise::

    x0   x1                x2 = tanh(x0) + x1/2
     \  /                  x3, x4, x5, x6 from x1 and x2
      x2 -> x3, x4 -> x5 -> x6 -> x7 -> x8 -> x9
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["EQUATIONS", "INTERVENTIONS", "NOISE_STD", "ORDER", "ROOTS", "Equation", "draw_facts"]

Column = NDArray[np.float64]


class Equation(NamedTuple):
    """``variable = function(parents) + noise``, once as a NumPy function and once as a recipe would write it."""

    parents: tuple[str, ...]
    function: Callable[..., Column]
    expression: str


ROOTS = ("x0", "x1")
NOISE_STD = 0.5
EQUATIONS: dict[str, Equation] = {
    "x2": Equation(("x0", "x1"), lambda x0, x1: np.tanh(x0) + 0.5 * x1, "tanh(x0) + 0.5 * x1"),
    "x3": Equation(("x1", "x2"), lambda x1, x2: 0.4 * np.square(x2) - 0.3 * x1, "0.4 * square(x2) - 0.3 * x1"),
    "x4": Equation(("x2",), lambda x2: np.sqrt(1.0 + np.square(x2)), "sqrt(1 + square(x2))"),
    "x5": Equation(("x3", "x4"), lambda x3, x4: x3 / (1.0 + np.square(x4)), "x3 / (1 + square(x4))"),
    "x6": Equation(("x2", "x5"), lambda x2, x5: np.tanh(x5 - 0.5 * x2), "tanh(x5 - 0.5 * x2)"),
    "x7": Equation(("x3", "x4", "x6"), lambda x3, x4, x6: 0.6 * x6 * x4 - 0.2 * x3, "0.6 * x6 * x4 - 0.2 * x3"),
    "x8": Equation(
        ("x6", "x7"), lambda x6, x7: np.exp(-0.5 * np.square(x7)) + 0.3 * x6, "exp(-0.5 * square(x7)) + 0.3 * x6"
    ),
    "x9": Equation(("x0", "x5", "x8"), lambda x0, x5, x8: np.tanh(x8) + 0.1 * x0 * x5, "tanh(x8) + 0.1 * x0 * x5"),
}
ORDER = (*ROOTS, *EQUATIONS)

INTERVENTIONS: dict[str, tuple[str, float]] = {
    "root": ("x0", 1.0),  # 8 of the other 9 variables follow
    "middle": ("x2", 1.5),  # 7 follow
    "late": ("x6", -0.5),  # 3 follow
}


def draw_facts(rows: int, seed: int = 0) -> dict[str, Column]:
    """Observed values, each a column of ``rows`` float64, drawn from the model itself. The noise is thrown away."""
    rng: Any = np.random.default_rng(seed)
    facts: dict[str, Column] = {name: rng.standard_normal(rows) for name in ROOTS}
    for name, (parents, function, _) in EQUATIONS.items():
        facts[name] = function(*[facts[parent] for parent in parents]) + NOISE_STD * rng.standard_normal(rows)
    return facts
