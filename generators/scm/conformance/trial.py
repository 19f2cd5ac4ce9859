"""Units to try a model on, with every mechanism watched: what it raises, what it returns, and what it writes into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import ContrafactError
from contrafact.streams import Streams
from generators.scm.conformance.explain import CAUSES, Cause
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.model import SCM
from generators.scm.operations import Posterior, abduct

__all__ = ["METHODS", "Broken", "Trial", "Watched", "close", "differs", "gap"]

_CLOSE = 1e-6
METHODS = ("draw", "predict", "abduct")


class Broken(Exception):  # noqa: N818 - a finding that never leaves the checks, not an error
    """A mechanism raised, or answered with something that is no column."""

    def __init__(self, variable: str, what: str, cause: str) -> None:
        super().__init__(what)
        self.variable, self.what, self.cause = variable, what, cause


class Watched(Mechanism):
    """Another mechanism, called on copies of its inputs so that what it writes into them is seen and does no harm."""

    kind = "watched"

    def __init__(self, name: str, base: Mechanism) -> None:
        self.name, self.base = name, base
        self.parents, self.support, self.lanes, self.auxiliary = base.parents, base.support, base.lanes, base.auxiliary
        self.whole = base.whole
        self.written: set[str] = set()

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        noise = np.asarray(self._run("draw", uniforms=uniforms))
        self._expect("draw", "noise", noise.shape, uniforms.shape)
        return noise

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        values = np.asarray(self._run("predict", parents=parents, noise=noise))
        if values.ndim:
            self._expect("predict", "values", values.shape, (len(noise),))
        if values.dtype.kind not in "biuf":
            raise Broken(self.name, f"predict returned {values.dtype} instead of numbers or codes", "shape")
        return values

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        answer = self._run("abduct", parents=parents, values=values, uniforms=uniforms)
        if not isinstance(answer, Abduction):
            raise Broken(self.name, f"abduct returned {type(answer).__name__} instead of an Abduction", "shape")
        rows = len(values)
        self._expect("abduct", "noise", np.shape(answer.noise), (rows,) if self.lanes == 1 else (rows, self.lanes))
        for part in ("possible", "ess"):
            if getattr(answer, part) is not None:
                self._expect("abduct", part, np.shape(getattr(answer, part)), (rows,))
        return answer

    def spec(self) -> dict[str, Any]:
        return self.base.spec()

    def _run(self, method: str, **inputs: Any) -> Any:
        copies = {name: _copied(value) for name, value in inputs.items()}
        try:
            with np.errstate(all="ignore"):
                answer = getattr(self.base, method)(*copies.values())
        except Exception as error:
            text = error.what if isinstance(error, ContrafactError) else str(error)
            raise Broken(self.name, f"{method} raised {type(error).__name__}: {text}", "raises") from error
        for name, value in inputs.items():
            self.written.update(f"{part} in {method}" for part in _written(name, value, copies[name]))
        return answer

    def _expect(self, method: str, what: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
        if shape != wanted:
            raise Broken(self.name, f"{method} returned {what} of shape {shape} instead of {wanted}", "shape")


@dataclass
class Trial:
    """Sampled units of a watched model.

    Attributes
    ----------
    model : SCM
        With every mechanism :class:`Watched`.
    facts, noise : mapping of name to ndarray, shape (n,)
    raw : mapping of name to ndarray
        What predict returned, before it was brought to the support's dtype.
    causes : mapping of name to Cause
        What the checks of single mechanisms have found so far, to explain what the checks of whole worlds find.
    """

    model: SCM
    streams: Streams
    units: int
    facts: dict[str, NDArray[Any]] = field(default_factory=dict)
    noise: dict[str, NDArray[Any]] = field(default_factory=dict)
    raw: dict[str, NDArray[Any]] = field(default_factory=dict)
    causes: dict[str, Cause] = field(default_factory=dict)

    def mechanism(self, name: str) -> Watched:
        mechanism = self.model.variables[name].mechanism
        assert isinstance(mechanism, Watched)  # noqa: S101 - a trial is only made of watched models
        return mechanism

    def parents(self, name: str, rows: Any = slice(None), world: Columns | None = None) -> dict[str, NDArray[Any]]:
        columns = self.facts if world is None else world
        return {parent: np.ascontiguousarray(columns[parent][rows]) for parent in self.mechanism(name).parents}

    def uniforms(self, name: str, purpose: str, width: int) -> Floats:
        """The uniforms that the operations would use for these units; shape (n, 0) for no width."""
        if not width:
            return np.empty((self.units, 0))
        return self.streams.uniforms(f"{purpose}:{name}", 0, self.units, width)

    def call(self, name: str, method: str, rows: Any = slice(None)) -> NDArray[Any]:
        """One method of one mechanism on some of the units: noise, values, or recovered noise."""
        mechanism = self.mechanism(name)
        if method == "draw":
            return mechanism.draw(np.ascontiguousarray(self.uniforms(name, "noise", mechanism.lanes)[rows]))
        parents, noise = self.parents(name, rows), np.ascontiguousarray(self.noise[name][rows])
        if method == "predict":
            values = mechanism.predict(parents, noise)
            return values if values.ndim else np.full(len(noise), values)
        return self.abduction(name, rows).noise

    def abduction(self, name: str, rows: Any = slice(None), purpose: str = "abduct") -> Abduction:
        mechanism = self.mechanism(name)
        uniforms = np.ascontiguousarray(self.uniforms(name, purpose, mechanism.auxiliary)[rows])
        return mechanism.abduct(self.parents(name, rows), np.ascontiguousarray(self.facts[name][rows]), uniforms)

    @cached_property
    def posterior(self) -> Posterior:
        """Noise recovered from the facts of the whole model."""
        return abduct(self.model, self.facts, self.streams)

    def cause(self, key: str, name: str) -> Cause:
        return CAUSES[key].at(name, self.mechanism(name).parents)

    def known_cause(self, name: str, otherwise: str = "unknown") -> Cause:
        """The cause found in the mechanism alone, else a general one."""
        return self.causes.get(name) or self.cause(otherwise, name)


def differs(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.bool_]:
    """Rows in which two columns differ in any bit (in any lane). Shape (n,)."""
    if left.shape != right.shape or left.dtype != right.dtype:
        return np.ones(len(left), dtype=bool)
    if left.dtype == np.float64:
        # NaN equals itself here, so that a mechanism that gives NaN is told once, by the support check.
        left, right = np.ascontiguousarray(left).view(np.uint64), np.ascontiguousarray(right).view(np.uint64)
    unequal: NDArray[np.bool_] = left != right
    return unequal if unequal.ndim == 1 else np.asarray(unequal.any(axis=1))


def close(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.bool_]:
    """Rows in which two columns agree: exactly for codes, else to a millionth of the column's size. Shape (n,)."""
    if right.dtype.kind != "f":
        equal = np.asarray(left == right)
    else:
        finite = np.abs(right[np.isfinite(right)])
        scale = float(finite.max()) if finite.size else 1.0
        equal = np.isclose(left, right, rtol=_CLOSE, atol=_CLOSE * scale, equal_nan=True)
    return equal if equal.ndim == 1 else np.asarray(equal.all(axis=1))


def gap(left: NDArray[Any], right: NDArray[Any]) -> str:
    """How far two columns are apart, in words."""
    if left.shape != right.shape:
        return f"of shape {left.shape} instead of {right.shape}"
    moved = int(np.count_nonzero(differs(left, right)))
    where = f"in {moved} of {len(left)} units"
    if left.dtype.kind != "f" or not moved:
        return f"different {where}"
    with np.errstate(invalid="ignore"):
        size = np.abs(left - right)
    return f"off by up to {np.nanmax(size):.3g} {where}" if np.isfinite(size).any() else f"not a number {where}"


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: column.copy() for name, column in value.items()}
    return value.copy()


def _written(name: str, before: Any, after: Any) -> list[str]:
    if isinstance(before, Mapping):
        return [parent for parent in before if parent not in after or differs(before[parent], after[parent]).any()]
    return [name] if differs(before, after).any() else []
