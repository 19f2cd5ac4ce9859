"""Exogenous noise: a distribution given by its quantile function, so that one uniform decides one unit's noise.

Quantiles and parameters are those of Johnson, Kotz & Balakrishnan, *Continuous Univariate Distributions* (1994-95).
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from contrafact.errors import ModelError, did_you_mean

__all__ = [
    "NOISES",
    "Empirical",
    "Exponential",
    "Gamma",
    "Gumbel",
    "Laplace",
    "LogNormal",
    "Logistic",
    "Noise",
    "Normal",
    "StudentT",
    "Uniform",
]

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

    @staticmethod
    def of(spec: Noise | str | Mapping[str, Any]) -> Noise:
        """Noise from what a recipe writes: ``normal``, ``{normal: [0, 2]}`` or ``{normal: {std: 2}}``.

        Raises
        ------
        ModelError
            For an unknown kind, or parameters that the kind does not have or cannot have.
        """
        if isinstance(spec, Noise):
            return spec
        kind, given = _kind_and_parameters(spec)
        if kind not in NOISES:
            raise ModelError(f"unknown noise {kind!r}{did_you_mean(kind, NOISES)}", allowed=", ".join(NOISES))
        known = inspect.signature(NOISES[kind]).parameters
        wrong = [name for name in given if name not in known] if isinstance(given, Mapping) else []
        if wrong or len(given) > len(known):
            what = f"{wrong[0]!r}{did_you_mean(str(wrong[0]), known)}" if wrong else f"{len(given)} of them"
            raise ModelError(f"noise {kind} has other parameters than {what}", allowed=", ".join(known))
        try:
            return NOISES[kind](**given) if isinstance(given, Mapping) else NOISES[kind](*given)
        except TypeError:
            raise ModelError(f"noise {kind} lacks a parameter", allowed=f"{kind}: [{', '.join(known)}]") from None


class Normal(Noise):
    """Normal with mean and standard deviation."""

    kind = "normal"

    def __init__(self, mean: float = 0.0, std: float = 1.0) -> None:
        self.mean, self.std = _number("mean", mean), _positive("std", std)

    def quantile(self, uniforms: Floats) -> Floats:
        return _placed(special.ndtri(uniforms), self.mean, self.std)

    def spec(self) -> dict[str, Any]:
        return {self.kind: [self.mean, self.std]}


class Uniform(Noise):
    """Uniform between two ends."""

    kind = "uniform"

    def __init__(self, low: float = 0.0, high: float = 1.0) -> None:
        self.low, self.high = _number("low", low), _number("high", high)
        if not self.low < self.high:
            raise ModelError(
                f"uniform noise from {low} to {high} is empty",
                allowed="two numbers, the lower one first",
                fix=f"uniform: [{self.high:g}, {self.low:g}]" if self.high < self.low else "uniform: [0, 1]",
            )

    def quantile(self, uniforms: Floats) -> Floats:
        return self.low + (self.high - self.low) * uniforms

    def spec(self) -> dict[str, Any]:
        return {self.kind: [self.low, self.high]}


class Laplace(Noise):
    """Laplace (double exponential) with location and scale; its variance is ``2 * scale**2``."""

    kind = "laplace"

    def __init__(self, loc: float = 0.0, scale: float = 1.0) -> None:
        self.loc, self.scale = _number("loc", loc), _positive("scale", scale)

    def quantile(self, uniforms: Floats) -> Floats:
        centred = uniforms - 0.5
        # log(2u) on the left and -log(2(1-u)) on the right, each from the tail's own small number.
        tail = np.log(2 * np.minimum(uniforms, 1 - uniforms))
        return _placed(-np.sign(centred) * tail, self.loc, self.scale)

    def spec(self) -> dict[str, Any]:
        return {self.kind: [self.loc, self.scale]}


class Logistic(Noise):
    """Logistic with location and scale; its variance is ``(pi * scale)**2 / 3``."""

    kind = "logistic"

    def __init__(self, loc: float = 0.0, scale: float = 1.0) -> None:
        self.loc, self.scale = _number("loc", loc), _positive("scale", scale)

    def quantile(self, uniforms: Floats) -> Floats:
        return _placed(special.logit(uniforms), self.loc, self.scale)

    def spec(self) -> dict[str, Any]:
        return {self.kind: [self.loc, self.scale]}


class Gumbel(Noise):
    """Gumbel (of maxima) with location and scale; its mean is ``loc + 0.5772 * scale``."""

    kind = "gumbel"

    def __init__(self, loc: float = 0.0, scale: float = 1.0) -> None:
        self.loc, self.scale = _number("loc", loc), _positive("scale", scale)

    def quantile(self, uniforms: Floats) -> Floats:
        return _placed(-np.log(-np.log(uniforms)), self.loc, self.scale)

    def spec(self) -> dict[str, Any]:
        return {self.kind: [self.loc, self.scale]}


class Exponential(Noise):
    """Exponential with its scale, which is the mean."""

    kind = "exponential"

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = _positive("scale", scale)

    def quantile(self, uniforms: Floats) -> Floats:
        return -self.scale * np.log1p(-uniforms)

    def spec(self) -> dict[str, Any]:
        return {self.kind: [self.scale]}


class StudentT(Noise):
    """Student's t with degrees of freedom, location and scale."""

    kind = "student_t"

    def __init__(self, df: float, loc: float = 0.0, scale: float = 1.0) -> None:
        self.df, self.loc, self.scale = _positive("df", df), _number("loc", loc), _positive("scale", scale)

    def quantile(self, uniforms: Floats) -> Floats:
        return _placed(special.stdtrit(self.df, uniforms), self.loc, self.scale)

    def spec(self) -> dict[str, Any]:
        return {self.kind: [self.df, self.loc, self.scale]}


class Gamma(Noise):
    """Gamma with shape and scale; its mean is ``shape * scale``."""

    kind = "gamma"

    def __init__(self, shape: float, scale: float = 1.0) -> None:
        self.shape, self.scale = _positive("shape", shape), _positive("scale", scale)

    def quantile(self, uniforms: Floats) -> Floats:
        return _placed(special.gammaincinv(self.shape, uniforms), 0.0, self.scale)

    def spec(self) -> dict[str, Any]:
        return {self.kind: [self.shape, self.scale]}


class LogNormal(Noise):
    """Exponential of a normal, with that normal's mean and standard deviation."""

    kind = "lognormal"

    def __init__(self, mean: float = 0.0, std: float = 1.0) -> None:
        self.mean, self.std = _number("mean", mean), _positive("std", std)

    def quantile(self, uniforms: Floats) -> Floats:
        return np.exp(_placed(special.ndtri(uniforms), self.mean, self.std))

    def spec(self) -> dict[str, Any]:
        return {self.kind: [self.mean, self.std]}


class Empirical(Noise):
    """The empirical distribution of kept values (a fitted model's residuals, say).

    The quantile of u is the value at place ``floor(u * n)`` of the sorted values: each of the n is equally likely.

    Parameters
    ----------
    values : array_like, shape (n,)
        Finite numbers, at least one, in any order.
    """

    kind = "empirical"

    def __init__(self, values: ArrayLike) -> None:
        try:
            self.values: Floats = np.sort(np.asarray(values, dtype=np.float64).ravel())
        except (TypeError, ValueError):
            raise ModelError("empirical noise is made of numbers, and not all values are", allowed="numbers") from None
        if not len(self.values) or not np.isfinite(self.values).all():
            missing = int((~np.isfinite(self.values)).sum())
            raise ModelError(
                f"empirical noise of {len(self.values)} values, {missing} of them not finite",
                allowed="one finite value or more",
                fix="drop the missing values first",
            )

    def quantile(self, uniforms: Floats) -> Floats:
        count = len(self.values)
        places = np.minimum((uniforms * count).astype(np.int64), count - 1)
        return self.values[places]

    def spec(self) -> dict[str, Any]:
        return {self.kind: {"values": self.values.tolist()}}


NOISES: dict[str, type[Noise]] = {
    each.kind: each
    for each in (Normal, Uniform, Laplace, Logistic, Gumbel, Exponential, StudentT, Gamma, LogNormal, Empirical)
}
"""Every kind of noise by its name in recipes."""


def _kind_and_parameters(spec: Any) -> tuple[str, Mapping[str, Any] | Sequence[Any]]:
    if isinstance(spec, str):
        return spec, []
    if not isinstance(spec, Mapping) or len(spec) != 1:
        raise ModelError(
            f"noise {spec!r} is not one kind with its parameters",
            allowed="normal, {normal: [0, 2]} or {normal: {std: 2}}",
            fix="name one kind of noise",
        )
    ((kind, given),) = spec.items()
    if kind == Empirical.kind and isinstance(given, list | tuple | np.ndarray):
        return kind, [given]
    if given is None:
        return str(kind), []
    return str(kind), given if isinstance(given, Mapping | list | tuple) else [given]


def _placed(standard: Floats, loc: float, scale: float) -> Floats:
    standard *= scale
    standard += loc
    return standard


def _number(name: str, value: Any) -> float:
    try:
        # YAML 1.1 reads 1e-3 as a text, so texts that are numbers pass.
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not np.isfinite(number):
        raise ModelError(
            f"noise {name} = {value!r} is not a finite number", allowed="a finite number", fix=f"{name}: 1"
        )
    return number


def _positive(name: str, value: Any) -> float:
    number = _number(name, value)
    if number <= 0:
        raise ModelError(
            f"noise {name} = {value!r} must be a positive, finite number", allowed="a number above 0", fix=f"{name}: 1"
        )
    return number
