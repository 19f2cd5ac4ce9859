"""Additive noise: ``value = f(parents) + noise``, with any f; linear-Gaussian is the plainest case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import ModelError
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.noise import Noise, Normal

__all__ = ["Linear", "Root"]


class Root(Mechanism):
    """A variable without parents: its value is its noise."""

    kind = "root"

    def __init__(self, noise: Noise | None = None) -> None:
        self.noise = noise or Normal()

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
        return self._mean(parents) + noise

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        return Abduction(values - self._mean(parents), exact=True)

    def spec(self) -> dict[str, Any]:
        return {
            "mechanism": self.kind,
            "weights": self.weights,
            "intercept": self.intercept,
            "noise": self.noise.spec(),
        }

    def _mean(self, parents: Columns) -> NDArray[Any]:
        # Column by column rather than a matrix product: BLAS may round a row differently beside other rows.
        mean: Any = self.intercept
        for name, weight in self.weights.items():
            mean = mean + weight * parents[name]
        return np.asarray(mean)
