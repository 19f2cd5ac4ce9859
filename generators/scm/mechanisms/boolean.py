"""Booleans: a formula that is flipped now and then, or one uniform against a probability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import ModelError
from generators.scm.functions import FunctionLike, as_function
from generators.scm.mechanisms.additive import unless_all
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.mechanisms.deterministic import truth_is_told
from generators.scm.support import BOOLEAN

__all__ = ["Bernoulli", "Boolean"]


class Boolean(Mechanism):
    """``value = f(parents) XOR (uniform < flip)``; the noise is whether the unit is flipped.

    Abduction is exact: the unit was flipped where the value is not ``f(parents)``. With a flip of 0 such a fact is not
    possible, with a flip of 1 its contrary is not, and none is where f is nan.

    Parameters
    ----------
    function : str, float or callable
        A number is true unless it is 0.
    flip : float
        Probability in [0, 1] that a unit's value is the contrary of f.
    parents : sequence of str, optional
        Where the function does not tell them.
    """

    kind = "boolean"
    noise_kind = "flip"
    support = BOOLEAN

    def __init__(self, function: FunctionLike, flip: float = 0.0, parents: Sequence[str] | None = None) -> None:
        if not 0 <= flip <= 1:
            raise ModelError(f"flip = {flip!r} is no probability", allowed="a number in [0, 1]")
        self.function, self.flip = as_function(function, parents=parents), float(flip)
        self.parents = self.function.parents

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return uniforms < self.flip

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        values: NDArray[Any] = np.logical_xor(self.function(parents), noise)
        return values

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        plain = self.function(parents)
        flipped = np.logical_xor(plain, values)
        possible = ~np.isnan(plain) & (flipped if self.flip == 1 else ~flipped | (self.flip > 0))
        return Abduction(flipped, exact=True, possible=unless_all(possible))

    def defined(self, parents: Columns, noise: NDArray[Any]) -> NDArray[np.bool_]:
        return truth_is_told(self.function(parents), len(noise))

    def spec(self) -> dict[str, Any]:
        spec = {"mechanism": self.kind, "expression": self.function.spec(), "flip": self.flip}
        return {**spec, "parents": list(self.parents)} if self.function.declared else spec


class Bernoulli(Mechanism):
    """``value = uniform < p(parents)``: the inverse distribution function of a Bernoulli variable.

    Abduction draws the uniform from the side of p where the value puts it (Pearl 2009, sec. 1.4.4), so it is not
    exact. A p under 0 counts as 0 and one over 1 as 1; where it is nan there is no value. A fact is possible only where
    p is a probability that allows it.

    Parameters
    ----------
    probability : str, float or callable
        ``"sigmoid(0.3*age - 2)"`` makes it a logistic regression.
    parents : sequence of str, optional
        Where the function does not tell them.
    """

    kind = "bernoulli"
    noise_kind = "uniform"
    support = BOOLEAN
    auxiliary = 1

    def __init__(self, probability: FunctionLike, parents: Sequence[str] | None = None) -> None:
        self.probability = as_function(probability, parents=parents)
        self.parents = self.probability.parents

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return uniforms

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        return noise < self.probability(parents)

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        given = self.probability(parents).astype(np.float64)
        edge = np.clip(np.nan_to_num(given), 0.0, 1.0)
        # Rounding may take a draw to the open end of its side: p itself below, 1 above.
        below = np.minimum(edge * uniforms, np.nextafter(edge, 0.0))
        above = np.clip(edge + (1 - edge) * uniforms, edge, np.nextafter(1.0, 0.0))
        possible = (given >= 0) & (given <= 1) & np.where(values, edge > 0, edge < 1)
        noise = np.where(possible, np.where(values, below, above), uniforms)
        return Abduction(noise, exact=False, possible=unless_all(possible))

    def defined(self, parents: Columns, noise: NDArray[Any]) -> NDArray[np.bool_]:
        return truth_is_told(self.probability(parents), len(noise))

    def spec(self) -> dict[str, Any]:
        spec = {"mechanism": self.kind, "probability": self.probability.spec()}
        return {**spec, "parents": list(self.parents)} if self.probability.declared else spec
