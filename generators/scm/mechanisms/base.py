"""The contract of a mechanism: how a variable comes out of its parents and its own noise, and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from generators.scm.functions import Function
from generators.scm.support import REAL, Support

__all__ = ["Abduction", "Columns", "Floats", "Mechanism"]

Floats = NDArray[np.float64]
Columns = Mapping[str, NDArray[Any]]
"""Columns by variable name, all of one length n, each in the memory form of its support."""


@dataclass(frozen=True)
class Abduction:
    """Noise recovered from observed values.

    Attributes
    ----------
    noise : ndarray, shape (n,) or (n, lanes)
    exact : bool
        True where the noise is the only one that explains the value; False where it is a draw from its posterior.
    ess : ndarray of float64, shape (n,), optional
        Effective sample size of the draw, where it came from weighted samples.
    possible : ndarray of bool, shape (n,), optional
        False where no noise explains the value (a deterministic mechanism that disagrees, a probability of zero).
    again : ndarray of float64, shape (n,), optional
        Bit for bit what ``predict`` gives for the same parents and this noise, from a mechanism that has it at hand;
        computed where it is not given.
    """

    noise: NDArray[Any]
    exact: bool
    ess: Floats | None = None
    possible: NDArray[np.bool_] | None = None
    again: Floats | None = None


class Mechanism(ABC):
    """One structural equation ``value = f(parents, noise)``, over whole columns.

    Implementations work element by element (no sum over rows, no BLAS), so that a row's value does not depend on the
    rows beside it.

    Attributes
    ----------
    kind : str
        Name in recipes.
    parents : tuple of str
    support : Support
        What values can come out.
    lanes : int
        Uniforms that one unit's noise takes: 0 for a deterministic mechanism, k for k Gumbel lanes.
    noise_kind : str
        What the noise is, for mechanisms that replace each other: ``real``, ``uniform``, ``flip`` or ``gumbel``.
    auxiliary : int
        Uniforms that abduction takes a unit, where it must draw from a posterior; 0 where noise is unique.
    whole : bool
        Whether all values are whole numbers although the support is real, so that an integer variable may have them.
    """

    kind: ClassVar[str]
    parents: tuple[str, ...] = ()
    support: Support = REAL
    lanes: int = 1
    noise_kind: str = "real"
    auxiliary: int = 0
    whole: bool = False

    @abstractmethod
    def draw(self, uniforms: Floats) -> NDArray[Any]:
        """Noise from its prior. ``uniforms``: shape (n,) for one lane, else (n, lanes); the noise has that shape."""

    @abstractmethod
    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        """Values, shape (n,) or a scalar that stands for every row."""

    @abstractmethod
    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        """Noise under which ``predict(parents, noise)`` is ``values``.

        ``uniforms`` has shape (n,) for ``auxiliary`` 1, (n, auxiliary) above, and is empty for 0.
        """

    @abstractmethod
    def spec(self) -> dict[str, Any]:
        """``{"mechanism": kind, ...}``: what a recipe would write, and what the model's identity is made of."""

    def defined(self, parents: Columns, noise: NDArray[Any]) -> NDArray[np.bool_] | None:
        """Rows that have a value at all, shape (n,), where the value itself cannot tell; None where it can.

        A real that does not exist is NaN, and a code is negative; True and False have no third form.
        """
        return None

    def formulas(self) -> Iterator[Function]:
        """The formulas that this mechanism holds as attributes, by themselves or in tuples."""
        for value in vars(self).values():
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, Function):
                    yield each
