"""A variable that is a function of its parents and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.scm.functions import FunctionLike, as_function
from generators.scm.mechanisms.additive import unless_all
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.support import BOOLEAN, REAL, Support

__all__ = ["Deterministic", "in_memory_form", "truth_is_told"]

_RELATIVE = 1e-9


class Deterministic(Mechanism):
    """``value = f(parents)``, without noise.

    Abduction is exact, for there is nothing to recover. A fact that is not ``f(parents)`` (within 1e-9 of it, for
    reals) is not possible.

    Parameters
    ----------
    function : str, float or callable
        See :func:`generators.scm.functions.as_function`.
    support : Support, optional
        Whole numbers and codes are rounded to the nearest. Where it is not given: boolean for an expression that is
        one (a comparison, say), else real.
    parents : sequence of str, optional
        Where the function does not tell them.
    """

    kind = "deterministic"
    lanes = 0

    def __init__(
        self, function: FunctionLike, support: Support | None = None, parents: Sequence[str] | None = None
    ) -> None:
        self.function = as_function(function, parents=parents)
        self.parents = self.function.parents
        self.support = support or (BOOLEAN if self.function.boolean else REAL)

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return uniforms

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        return in_memory_form(self.function(parents), self.support)

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        implied = in_memory_form(self.function(parents), self.support)
        agree = implied == values
        if self.support.kind == "real":
            with np.errstate(invalid="ignore"):
                agree |= np.abs(implied - values) <= _RELATIVE * np.abs(values)
        possible = np.broadcast_to(agree, values.shape)
        return Abduction(np.empty((len(values), 0)), exact=True, possible=unless_all(possible))

    def defined(self, parents: Columns, noise: NDArray[Any]) -> NDArray[np.bool_] | None:
        return truth_is_told(self.function(parents), len(noise)) if self.support.kind == "boolean" else None

    def spec(self) -> dict[str, Any]:
        spec = {"mechanism": self.kind, "expression": self.function.spec(), "support": self.support.spec()}
        return {**spec, "parents": list(self.parents)} if self.function.declared else spec


def truth_is_told(values: NDArray[Any], rows: int) -> NDArray[np.bool_]:
    """Rows in which a number decides between true and false: those where it is not nan. Shape (rows,)."""
    told = np.ones(rows, dtype=bool) if values.dtype.kind != "f" else np.broadcast_to(~np.isnan(values), (rows,))
    return np.asarray(told)


def in_memory_form(values: NDArray[Any], support: Support) -> NDArray[Any]:
    """A function's values in the support's dtype; what rounds to no whole number becomes the lowest int64."""
    if support.kind == "boolean":
        truth: NDArray[np.bool_] = np.not_equal(values, 0)
        return truth
    if support.kind == "real" or values.dtype == np.int64:
        return values.astype(support.dtype, copy=False)
    with np.errstate(invalid="ignore"):
        rounded = np.rint(values.astype(np.float64))
        return np.where(np.abs(rounded) < 2.0**63, rounded, -(2.0**63)).astype(np.int64)
