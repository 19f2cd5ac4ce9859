"""Any function of the parents and a noise, however many noises explain a value: abduction by weighted particles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import ModelError
from generators.scm.functions import FunctionLike, as_function
from generators.scm.mechanisms.additive import unless_all
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.mechanisms.deterministic import in_memory_form, truth_is_told
from generators.scm.noise import Noise, Normal
from generators.scm.support import REAL, Support

__all__ = ["NonInvertible"]

_MEMORY = 2**26  # bytes of temporaries a block of rows may take
_TEMPORARIES = 10  # arrays of (rows, particles) alive at once, besides the parents'
_REACH = 6.0  # bandwidths beyond which a particle counts for nothing


class NonInvertible(Mechanism):
    """``value = f(parents, noise)`` with an f of which no inverse is known.

    Abduction is self-normalised importance sampling from the prior (Owen 2013, *Monte Carlo theory, methods and
    examples*, ch. 9): each of ``particles`` draws of the noise is weighted by a Gaussian kernel on the distance
    between f and the observed value, cut off at six bandwidths, and one is drawn by its weight. It is never exact, and
    prediction gives the observed value back only within about the bandwidth. The effective sample size of a row is
    ``(sum w)**2 / sum w**2`` (Kish 1965); it is 0 where no particle came near, and the nearest one is taken.

    Parameters
    ----------
    function : str or callable
        Reads the parents and ``noise``; called with columns of any length, so it must work element by element.
    noise : Noise, optional
        Standard normal where it is not given.
    particles : int
        Draws a row, from 2. More of them raise the effective sample size; a tolerance brings the value nearer.
    tolerance : float, optional
        The bandwidth. Where it is not given, each row has its own: the distance of its ``max(2, particles // 32)``-th
        nearest particle, but no more than an eighth of the range of its particles' values, so that a value far outside
        what f can give shows as an effective sample size of 0. For a support that is not real, a particle counts only
        where it gives the very value.
    support : Support
        Values that f gives.
    parents : sequence of str, optional
        Where the function does not tell them.

    Raises
    ------
    ModelError
        For a function that does not read ``noise``, under 2 particles, or a tolerance that is not positive.
    """

    kind = "noninvertible"

    def __init__(
        self,
        function: FunctionLike,
        noise: Noise | None = None,
        particles: int = 256,
        tolerance: float | None = None,
        support: Support = REAL,
        parents: Sequence[str] | None = None,
    ) -> None:
        if particles < 2 or particles != int(particles):
            raise ModelError(f"particles = {particles!r} is too few or no count", allowed="a whole number from 2")
        if tolerance is not None and not (tolerance > 0 and np.isfinite(tolerance)):
            raise ModelError(f"tolerance = {tolerance!r} is no bandwidth", allowed="a positive number, or none")
        self.function = as_function(function, parents=parents, extra=["noise"])
        self.parents, self.noise, self.support = self.function.parents, noise or Normal(), support
        self.particles = int(particles)
        self.tolerance = None if tolerance is None else float(tolerance)
        self.auxiliary = self.particles + 1

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return self.noise.quantile(uniforms)

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        return in_memory_form(self.function(parents, noise=noise), self.support)

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        rows = len(values)
        noise, ess, possible = np.empty(rows), np.empty(rows), np.empty(rows, dtype=bool)
        step = max(1, _MEMORY // (8 * self.particles * (_TEMPORARIES + len(self.parents))))
        for start in range(0, rows, step):
            block = slice(start, start + step)
            inside = {name: column[block] for name, column in parents.items()}
            noise[block], ess[block], possible[block] = self._abduct_block(inside, values[block], uniforms[block])
        return Abduction(noise, exact=False, ess=ess, possible=unless_all(possible))

    def defined(self, parents: Columns, noise: NDArray[Any]) -> NDArray[np.bool_] | None:
        if self.support.kind != "boolean":
            return None
        return truth_is_told(self.function(parents, noise=noise), len(noise))

    def spec(self) -> dict[str, Any]:
        spec = {
            "mechanism": self.kind,
            "expression": self.function.spec(),
            "noise": self.noise.spec(),
            "particles": self.particles,
            "tolerance": self.tolerance,
            "support": self.support.spec(),
        }
        return {**spec, "parents": list(self.parents)} if self.function.declared else spec

    def _abduct_block(
        self, parents: Columns, values: NDArray[Any], uniforms: Floats
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        drawn = self.noise.quantile(uniforms[:, : self.particles])
        repeated = {name: np.repeat(column, self.particles) for name, column in parents.items()}
        given = np.broadcast_to(self.function(repeated, noise=drawn.ravel()), (drawn.size,)).reshape(drawn.shape)
        finite = np.isfinite(given)
        made = in_memory_form(given, self.support).astype(np.float64)
        with np.errstate(invalid="ignore", over="ignore"):
            distance = np.where(finite, np.abs(made - values[:, None]), np.inf)
            weights = self._weights(distance, np.where(finite, made, np.nan))
        # Running sums go along a row's own particles, always in one order.
        running = np.cumsum(weights, axis=1)
        total, squares = running[:, -1], np.cumsum(weights**2, axis=1)[:, -1]
        near = total > 0
        ess = np.where(near, total**2 / np.where(near, squares, 1.0), 0.0)
        aim = np.minimum(uniforms[:, self.particles] * total, np.nextafter(total, 0.0))
        place = np.where(near, (running <= aim[:, None]).sum(axis=1), distance.argmin(axis=1))
        return drawn[np.arange(len(values)), place], ess, finite.any(axis=1)

    def _weights(self, distance: Floats, made: Floats) -> Floats:
        if self.support.kind != "real":
            return np.equal(distance, 0).astype(np.float64)
        width = np.full(len(distance), self.tolerance) if self.tolerance else self._bandwidth(distance, made)
        exact = width == 0
        scaled = distance / np.where(exact, 1.0, width)[:, None]
        kernel = np.where(scaled <= _REACH, np.exp(-0.5 * scaled**2), 0.0)
        weights: Floats = np.where(exact[:, None], distance == 0, kernel)
        return weights

    def _bandwidth(self, distance: Floats, made: Floats) -> Floats:
        place = max(2, self.particles // 32) - 1
        nearest = np.partition(distance, place, axis=1)[:, place]
        spread = np.fmax.reduce(made, axis=1) - np.fmin.reduce(made, axis=1)
        return np.where(np.isfinite(spread), np.minimum(nearest, spread / 8), 1.0)
