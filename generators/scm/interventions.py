"""Interventions: what is changed in a model, as a recipe writes it and as a submodel computes it.

A recipe writes one mapping, with one key an operation::

    do: {dose: 2.0, arm: another}      set, whatever the parents say
    shift: {dose: 0.5}                 what the mechanism gives, plus a constant
    scale: {dose: 1.1}                 what the mechanism gives, times a constant
    soft: {dose: {mechanism: ...}}     another mechanism, same noise
    domain: north                      every mechanism that differs in that environment

A value may be a policy, decided for each unit from its facts: ``another`` (another value of the support, uniformly),
``same`` (the fact itself, the null intervention), ``{uniform: [low, high]}``, ``{choice: [a, b]}``, or
``{expression: "1 - dose"}``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import InterventionError, did_you_mean
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.model import SCM
from generators.scm.support import Support

__all__ = ["Action", "Changed", "Intervention", "Operation", "intervene"]

Operation = Literal["do", "shift", "scale", "soft"]
OPERATIONS: tuple[Operation, ...] = ("do", "shift", "scale", "soft")


@dataclass(frozen=True)
class Action:
    """One operation on one variable.

    ``value`` is in memory form: a scalar or an array of shape (n,) for do, a number or array for shift and scale, a
    :class:`Mechanism` for soft.
    """

    variable: str
    operation: Operation
    value: Any


@dataclass(frozen=True)
class Intervention:
    """Several actions at once, after switching to ``domain`` where one is named."""

    actions: tuple[Action, ...] = ()
    domain: str | None = None

    def targets(self, model: SCM) -> frozenset[str]:
        """Variables whose own equation this intervention changes."""
        changed = {action.variable for action in self.actions}
        if self.domain is not None:
            changed |= model.differing(self.domain)
        return frozenset(changed)


def intervene(model: SCM, intervention: Intervention) -> SCM:
    """The submodel: the same variables and noise, with the changed equations in place (Pearl 2009, def. 7.1.2).

    Raises
    ------
    InterventionError
        For an unknown variable, or two actions on one variable.
    """
    base = model if intervention.domain is None else model.in_domain(intervention.domain)
    changes: dict[str, Mechanism] = {}
    for action in intervention.actions:
        check_variable(model, action.variable)
        if action.variable in changes:
            raise InterventionError(
                f"two operations on {action.variable!r} in one intervention",
                allowed="one operation a variable",
                fix="keep one of them, or make two interventions of them",
            )
        changes[action.variable] = _applied(base.variables[action.variable].mechanism, action)
    return base.with_mechanisms(changes)


def check_variable(model: SCM, name: str) -> None:
    """Raise ``InterventionError`` unless the model has that variable."""
    if name not in model.variables:
        raise InterventionError(
            f"no variable {name!r} in {model.name!r}{did_you_mean(name, model.variables)}",
            allowed=", ".join(model.variables),
        )


class Changed(Mechanism):
    """A mechanism under do, shift or scale. It is never abducted or stored: noise comes from the factual model."""

    kind = "changed"
    whole = True  # an operation is checked against the variable's support before it is applied

    def __init__(self, base: Mechanism, operation: Operation, value: Any) -> None:
        self.base, self.operation = base, operation
        self.value = np.asarray(value) if isinstance(value, list | tuple) else value
        self.parents = () if operation == "do" else base.parents
        self.support, self.lanes, self.noise_kind = base.support, base.lanes, base.noise_kind

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return self.base.draw(uniforms)

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        if self.operation == "do":
            return self.value  # a scalar stands for every row
        natural: Any = self.base.predict(parents, noise)
        changed: NDArray[Any] = natural + self.value if self.operation == "shift" else natural * self.value
        return changed

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        raise InterventionError(
            "noise is abducted in the factual model, before an intervention",
            allowed="abduct(model, facts), then predict(intervene(model, ...), noise)",
            fix="abduct with the model that intervene was given",
        )

    def defined(self, parents: Columns, noise: NDArray[Any]) -> NDArray[np.bool_] | None:
        return None if self.operation == "do" else self.base.defined(parents, noise)

    def spec(self) -> dict[str, Any]:
        return {"mechanism": self.kind, "base": self.base.spec()}

    def window(self, name: str, place: slice, rows: int) -> Changed:
        """The same change for some rows out of ``rows``, with their values where each unit has its own.

        Raises
        ------
        InterventionError
            For an array of another length than ``rows``.
        """
        if not isinstance(self.value, np.ndarray) or self.value.ndim == 0:
            return self
        if self.value.shape != (rows,):
            raise InterventionError(
                f"{self.operation} {name} has values of shape {self.value.shape} for {rows} units",
                allowed=f"one value for all, or an array of shape ({rows},)",
                fix="give one value a unit, in the order of the facts",
            )
        return Changed(self.base, self.operation, self.value[place])


def _applied(mechanism: Mechanism, action: Action) -> Mechanism:
    if action.operation != "soft":
        return Changed(mechanism, action.operation, action.value)
    check_same_noise(action.variable, mechanism, action.value)
    return action.value  # type: ignore[no-any-return]


def check_same_noise(name: str, old: Mechanism, new: Mechanism) -> None:
    """A unit keeps its noise when a mechanism is replaced, so the new one must take noise of the old one's kind.

    Raises
    ------
    InterventionError
    """
    if (new.lanes, new.noise_kind) != (old.lanes, old.noise_kind) and new.lanes:
        raise InterventionError(
            f"the new mechanism of {name!r} ({new.kind}) takes {new.noise_kind} noise in {new.lanes} lanes, and the"
            f" unit keeps that of the old one ({old.kind}): {old.noise_kind}, {old.lanes} lanes",
            fix="use a mechanism that takes the same kind of noise, or a deterministic one",
        )


def numeric(support: Support) -> bool:
    """Whether shift and scale mean something for such values."""
    return support.kind in ("real", "integer")


def as_column(value: Any, support: Support, rows: int) -> NDArray[Any]:
    """A scalar or an array as a contiguous column of ``rows`` values in the support's dtype.

    Reals are rounded where the support is of whole numbers.
    """
    if isinstance(value, np.ndarray) and value.shape == (rows,) and value.dtype == support.dtype:
        return np.ascontiguousarray(value)
    if support.kind == "integer" and np.asarray(value).dtype.kind == "f":
        with np.errstate(invalid="ignore"):  # a NaN becomes a number far outside any support
            value = np.rint(value).astype(np.int64)
    return np.ascontiguousarray(np.broadcast_to(np.asarray(value), (rows,)), dtype=support.dtype)
