"""Any function that is one-to-one in its noise, given together with its inverse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generators.scm.functions import FunctionLike, as_function, settled_parents
from generators.scm.mechanisms.additive import unless_all
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.noise import Noise, Normal

__all__ = ["Monotone"]

_RELATIVE = 1e-6
_ABSOLUTE = 1e-12


class Monotone(Mechanism):
    """``value = f(parents, noise)``, with ``noise = inverse(parents, value)``.

    A strictly monotone f makes counterfactuals identifiable (Nasr-Esfahany et al. 2023, bijective causal models).
    Abduction is exact. A row where ``f(parents, inverse(parents, value))`` is not the value, within 1e-6 of it, is not
    possible: either f cannot give that value, or the inverse is not f's.

    Parameters
    ----------
    function : str or callable
        Reads the parents and ``noise``.
    inverse : str or callable
        Reads the parents and ``value``.
    noise : Noise, optional
        Standard normal where it is not given.
    parents : sequence of str, optional
        Where there are more than the two functions read.
    """

    kind = "monotone"

    def __init__(
        self,
        function: FunctionLike,
        inverse: FunctionLike,
        noise: Noise | None = None,
        parents: Sequence[str] | None = None,
    ) -> None:
        self.function, self.inverse = as_function(function, extra=["noise"]), as_function(inverse, extra=["value"])
        self.parents, self.noise = settled_parents(parents, self.function, self.inverse), noise or Normal()
        self._declared = parents is not None

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return self.noise.quantile(uniforms)

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        return self.function(parents, noise=noise)

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        noise = np.broadcast_to(self.inverse(parents, value=values), values.shape)
        with np.errstate(invalid="ignore"):
            gap = np.abs(self.function(parents, noise=noise) - values)
            near = gap <= _RELATIVE * np.abs(values) + _ABSOLUTE
        return Abduction(noise, exact=True, possible=unless_all(near & np.isfinite(noise)))

    def spec(self) -> dict[str, Any]:
        spec = {
            "mechanism": self.kind,
            "function": self.function.spec(),
            "inverse": self.inverse.spec(),
            "noise": self.noise.spec(),
        }
        return {**spec, "parents": list(self.parents)} if self._declared else spec
