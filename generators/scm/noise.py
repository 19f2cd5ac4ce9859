"""Exogenous noise: a distribution given by its quantile function, so that one uniform decides one unit's noise."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contrafact.errors import ModelError

__all__ = ["Noise", "Normal", "Uniform"]

Floats = NDArray[np.float64]


class Noise(ABC):
    """A real-valued noise distribution."""

    kind: ClassVar[str]

    @abstractmethod
    def quantile(self, uniforms: Floats) -> Floats:
        """Inverse distribution function, element by element. Uniforms lie strictly between 0 and 1."""

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """``{kind: parameters}``: what a recipe would write."""


class Normal(Noise):
    """Normal with mean and standard deviation."""

    kind = "normal"

    def __init__(self, mean: float = 0.0, std: float = 1.0) -> None:
        _positive("std", std)
        self.mean, self.std = float(mean), float(std)

    def quantile(self, uniforms: Floats) -> Floats:
        values: Floats = special.ndtri(uniforms)
        values *= self.std
        values += self.mean
        return values

    def spec(self) -> dict[str, Any]:
        return {self.kind: [self.mean, self.std]}


class Uniform(Noise):
    """Uniform between two ends."""

    kind = "uniform"

    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        if not low < high:
            raise ModelError(f"uniform noise from {low} to {high} is empty", fix="give the lower end first")
        self.low, self.high = float(low), float(high)

    def quantile(self, uniforms: Floats) -> Floats:
        return self.low + (self.high - self.low) * uniforms

    def spec(self) -> dict[str, Any]:
        return {self.kind: [self.low, self.high]}


def _positive(name: str, value: float) -> None:
    if not value > 0 or not np.isfinite(value):
        raise ModelError(f"noise {name} = {value} must be a positive, finite number")
