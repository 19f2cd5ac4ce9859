"""Additive noise: ``value = f(parents) + noise``, with any f; linear-Gaussian is the plainest case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import ModelError
from generators.scm.functions import FunctionLike, as_function
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.noise import Noise, Normal

__all__ = ["Additive", "Linear", "Root", "unless_all"]


class Root(Mechanism):
    """A variable without parents: its value is its noise."""

    kind = "root"

    def __init__(self, noise: Noise | None = None) -> None:
        self.noise = noise or Normal()
        values = getattr(self.noise, "values", None)
        self.whole = values is not None and bool((values == np.rint(values)).all())

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return self.noise.quantile(uniforms)

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        return noise

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        return Abduction(values, exact=True)

    def spec(self) -> dict[str, Any]:
        return {"mechanism": self.kind, "noise": self.noise.spec()}


class Linear(Mechanism):
    """``value = intercept + sum of weight * parent + noise``.

    Abduction is exact: ``noise = value - intercept - sum of weight * parent``.
    """

    kind = "linear"

    def __init__(self, weights: Mapping[str, float], intercept: float = 0.0, noise: Noise | None = None) -> None:
        if not weights:
            raise ModelError("a linear mechanism without weights has no parents", fix="use mechanism: root")
        self.weights = {name: float(weight) for name, weight in weights.items()}
        self.parents = tuple(self.weights)
        self.intercept, self.noise = float(intercept), noise or Normal()

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return self.noise.quantile(uniforms)

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        values = self._mean(parents)
        values += noise
        return values

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        mean = self._mean(parents)
        noise: NDArray[Any] = values - mean
        mean += noise
        return Abduction(noise, exact=True, again=mean)

    def spec(self) -> dict[str, Any]:
        return {
            "mechanism": self.kind,
            "weights": self.weights,
            "intercept": self.intercept,
            "noise": self.noise.spec(),
        }

    def _mean(self, parents: Columns) -> NDArray[Any]:
        # Column by column rather than a matrix product: BLAS may round a row differently beside other rows.
        # Sums go into the first product, which is ours; two buffers serve any number of parents.
        (first, weight), *others = self.weights.items()
        mean: NDArray[Any] = np.multiply(parents[first], weight)
        mean += self.intercept
        term = np.empty_like(mean) if others else mean
        for name, weight in others:
            np.multiply(parents[name], weight, out=term)
            mean += term
        return mean


class Additive(Mechanism):
    """``value = f(parents) + noise`` (Hoyer et al. 2009, "Nonlinear causal discovery with additive noise models").

    Abduction is exact: ``noise = value - f(parents)``. A row where ``f`` has no finite value is not possible.

    Parameters
    ----------
    function : str, float or callable
        See :func:`generators.scm.functions.as_function`.
    noise : Noise, optional
        Standard normal where it is not given.
    parents : sequence of str, optional
        Where the function does not tell them.
    """

    kind = "additive"

    def __init__(
        self, function: FunctionLike, noise: Noise | None = None, parents: Sequence[str] | None = None
    ) -> None:
        self.function = as_function(function, parents=parents)
        self.parents, self.noise = self.function.parents, noise or Normal()

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return self.noise.quantile(uniforms)

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        values: NDArray[Any] = self.function(parents) + noise
        return values

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        mean = self.function(parents)
        noise = values - mean
        return Abduction(noise, exact=True, possible=unless_all(np.isfinite(noise)), again=mean + noise)

    def spec(self) -> dict[str, Any]:
        spec = {"mechanism": self.kind, "expression": self.function.spec(), "noise": self.noise.spec()}
        return {**spec, "parents": list(self.parents)} if self.function.declared else spec


def unless_all(possible: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """The flags, or None where every row is possible."""
    return None if possible.all() else possible
