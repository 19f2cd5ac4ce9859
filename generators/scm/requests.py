"""What a recipe asks for: interventions with policies still in them, decided unit by unit.

See :mod:`generators.scm.interventions` for how a recipe writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import InterventionError, did_you_mean
from contrafact.streams import Streams
from generators.scm.expression import Expression
from generators.scm.interventions import OPERATIONS, Action, Intervention, Operation, as_column, check_variable, numeric
from generators.scm.mechanisms.base import Columns
from generators.scm.model import SCM
from generators.scm.support import Support

__all__ = ["Request", "Wanted", "read_request"]

_POLICIES = ("another", "same")
_POLICY_KEYS = ("uniform", "choice", "expression")


@dataclass(frozen=True)
class Wanted:
    """One operation on one variable as asked for; ``policy`` is None for a constant ``value``."""

    variable: str
    operation: Operation
    value: Any
    policy: str | None = None


@dataclass(frozen=True)
class Request:
    """One intervention as asked for."""

    wanted: tuple[Wanted, ...] = ()
    domain: str | None = None
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def settle(self, model: SCM, facts: Columns, streams: Streams, units: NDArray[np.int64]) -> Intervention:
        """The intervention for some units: policies decided from their facts and their own random numbers."""
        actions = tuple(
            Action(each.variable, each.operation, self._value(each, model, facts, streams, units))
            for each in self.wanted
        )
        return Intervention(actions, self.domain)

    def restore(self, model: SCM, after: Mapping[str, NDArray[Any]]) -> Intervention:
        """The same intervention from a stored record: constants from the recipe, policies from what they gave."""
        actions = tuple(
            Action(each.variable, each.operation, each.value if each.policy is None else after[each.variable])
            for each in self.wanted
        )
        return Intervention(actions, self.domain)

    def _value(self, each: Wanted, model: SCM, facts: Columns, streams: Streams, units: NDArray[np.int64]) -> Any:
        if each.policy is None:
            return each.value
        support, fact = model.variables[each.variable].support, facts[each.variable]
        if each.policy == "same":
            return fact
        if each.policy == "expression":
            return self._computed(each, support, facts, len(units))
        uniforms = unit_uniforms(streams, f"policy:{each.operation}:{each.variable}", units)
        if each.policy == "another":
            return _another(support, fact, uniforms)
        if each.policy == "uniform":
            low, high = each.value
            drawn = low + (high - low) * uniforms
            return np.rint(drawn).astype(np.int64) if support.kind == "integer" else drawn
        return np.asarray(each.value)[(uniforms * len(each.value)).astype(np.int64)]

    def _computed(self, each: Wanted, support: Support, facts: Columns, rows: int) -> NDArray[Any]:
        values = as_column(np.asarray(each.value(facts)).astype(np.float64), Support(), rows)
        column = as_column(values, support, rows) if support.kind != "real" else values
        outside = ~support.contains(column)
        if outside.any():
            raise InterventionError(
                f"the expression {each.value.text!r} gives {each.variable} = {values[outside][0]:g} for some unit",
                allowed=support.text(),
            )
        return column


def read_request(spec: Mapping[str, Any], model: SCM) -> Request:
    """One intervention of a recipe, checked against the model.

    Raises
    ------
    InterventionError
        For an unknown operation, variable or domain, or a value outside its support.
    """
    if not isinstance(spec, Mapping):
        raise InterventionError(f"an intervention is a mapping, and {spec!r} is none", allowed="do: {variable: value}")
    allowed = (*OPERATIONS, "domain")
    for key in spec:
        if key not in allowed:
            raise InterventionError(
                f"unknown operation {key!r}{did_you_mean(str(key), allowed)}", allowed=", ".join(allowed)
            )
    domain = spec.get("domain")
    if domain == "another" and not model.domains:
        raise InterventionError(f"{model.name!r} has a single environment: there is no other", fix="give it domains")
    if domain is not None and domain != "another":
        model.in_domain(str(domain))
    levels = {name: variable.support.levels for name, variable in model.variables.items() if variable.support.levels}
    wanted = tuple(
        _wanted(model, str(name), operation, value, levels)
        for operation in OPERATIONS
        for name, value in _items(spec.get(operation), operation)
    )
    names = [each.variable for each in wanted]
    for name in names:
        if names.count(name) > 1:
            raise InterventionError(f"two operations on {name!r} in one intervention", fix="keep one of them")
    if not wanted and domain is None:
        raise InterventionError("an intervention that changes nothing", allowed=", ".join(allowed))
    return Request(wanted, domain, levels)


def unit_uniforms(streams: Streams, name: str, units: NDArray[np.int64]) -> NDArray[np.float64]:
    """One uniform for each of some units, given by number in rising order."""
    if not len(units):
        return np.empty(0)
    first, last = int(units[0]), int(units[-1])
    return streams.uniforms(name, first, last + 1)[units - first]


def _items(value: Any, operation: str) -> Any:
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        raise InterventionError(
            f"{operation}: {value!r} names no variable", allowed=f"{operation}: {{variable: value}}"
        )
    return value.items()


def _wanted(model: SCM, name: str, operation: Operation, value: Any, levels: Mapping[str, tuple[str, ...]]) -> Wanted:
    check_variable(model, name)
    support = model.variables[name].support
    if operation == "soft":
        if not isinstance(value, Mapping):
            raise InterventionError(
                f"soft: {name} needs a mechanism", fix=f"soft: {{{name}: {{mechanism: linear, …}}}}"
            )
        from generators.scm.readers.spec import mechanism_from_spec

        mechanism = mechanism_from_spec(name, value, levels)
        model.with_mechanisms({name: mechanism})  # its parents exist and make no cycle
        return Wanted(name, operation, mechanism)
    if operation in ("shift", "scale"):
        if not numeric(support):
            raise InterventionError(f"{operation} on {name!r}, which is {support.kind}", fix="use do or soft")
        return _amount(name, operation, value)
    if isinstance(value, str) and value in _POLICIES and value not in support.levels:
        _check_another(name, support, value)
        return Wanted(name, operation, None, value)
    if isinstance(value, Mapping):
        return _policy(name, support, value, levels, model)
    return Wanted(name, operation, support.encode(value, name))


def _amount(name: str, operation: Operation, value: Any) -> Wanted:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise InterventionError(f"{operation}: {name} by {value!r}", allowed="a finite number")
    return Wanted(name, operation, value)


def _check_another(name: str, support: Support, policy: str) -> None:
    if policy == "another" and support.discrete is None and _ends(support) is None:
        raise InterventionError(
            f"'another' value of {name!r} cannot be drawn: it has no bounds",
            fix=f"support: {{lower: …, upper: …}} for {name}, or do: {{{name}: {{uniform: [low, high]}}}}",
        )
    if policy == "another" and support.discrete is not None and len(support.discrete) < 2:
        raise InterventionError(f"{name!r} has one value only: there is no other")


def _policy(
    name: str, support: Support, spec: Mapping[str, Any], levels: Mapping[str, tuple[str, ...]], model: SCM
) -> Wanted:
    if len(spec) != 1 or next(iter(spec)) not in _POLICY_KEYS:
        raise InterventionError(
            f"do: {name} by the policy {dict(spec)!r}", allowed="another, same, " + ", ".join(_POLICY_KEYS)
        )
    policy, value = next(iter(spec.items()))
    if policy == "expression":
        return Wanted(name, "do", Expression(str(value), levels=levels, known=list(model.variables)), policy)
    if not isinstance(value, list | tuple) or not value:
        raise InterventionError(f"do: {name} by {policy} {value!r}", allowed=f"{policy}: a list")
    codes = [support.encode(item, name) for item in value]
    if policy == "uniform" and (len(codes) != 2 or not numeric(support) or not codes[0] < codes[1]):
        raise InterventionError(f"do: {name} uniform on {value!r}", allowed="[low, high] of a numeric variable")
    return Wanted(name, "do", codes, policy)


def _ends(support: Support) -> tuple[float, float] | None:
    if support.lower is not None and support.upper is not None:
        return support.lower, support.upper
    return support.seen


def _another(support: Support, fact: NDArray[Any], uniforms: NDArray[np.float64]) -> NDArray[Any]:
    """Another value than the fact, uniformly: on the support's values, or between its ends."""
    values = support.discrete
    if values is None:
        ends = _ends(support)
        assert ends is not None  # noqa: S101  # checked when the recipe was read
        drawn = ends[0] + (ends[1] - ends[0]) * uniforms
        return np.rint(drawn).astype(np.int64) if support.kind == "integer" else drawn
    place = fact.astype(np.int64) - int(values[0])
    other = (uniforms * (len(values) - 1)).astype(np.int64)
    other += other >= place
    return np.asarray(values)[other]
