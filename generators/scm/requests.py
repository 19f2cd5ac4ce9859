"""What a recipe asks for: interventions with policies still in them, decided unit by unit.

See :mod:`generators.scm.interventions` for how a recipe writes them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import InterventionError, did_you_mean
from contrafact.streams import Streams
from generators.scm.expression import Expression
from generators.scm.interventions import (
    OPERATIONS,
    Action,
    Intervention,
    Operation,
    as_column,
    check_variable,
    intervene,
    numeric,
)
from generators.scm.mechanisms.base import Columns
from generators.scm.model import BASE, SCM
from generators.scm.support import REAL, Support

__all__ = ["Request", "Settled", "Wanted", "read_request"]

_POLICIES = ("another", "same")
_POLICY_KEYS = ("uniform", "choice", "expression")
_LARGEST = 2.0**63  # from here on a whole number is no int64


@dataclass(frozen=True)
class Wanted:
    """One operation on one variable as asked for; ``policy`` is None for a constant ``value``."""

    variable: str
    operation: Operation
    value: Any
    policy: str | None = None


@dataclass(frozen=True)
class Settled:
    """The intervention for some units, policies decided.

    Attributes
    ----------
    refused : mapping of name to ndarray of bool, shape (n,)
        Units for which a policy gave a variable a value that it cannot have. They are given their fact instead, so that
        nothing else goes wrong, and have no counterfactual.
    """

    intervention: Intervention
    refused: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One intervention as asked for."""

    wanted: tuple[Wanted, ...] = ()
    domain: str | None = None
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def settle(self, model: SCM, facts: Columns, streams: Streams, units: NDArray[np.int64]) -> Settled:
        """The intervention for some units: policies decided from their facts and their own random numbers."""
        actions, refused = [], {}
        for each in self.wanted:
            value = self._value(each, model, facts, streams, units)
            if each.policy == "expression":
                value, outside = _fitted(value, model.variables[each.variable].support, facts[each.variable])
                if outside.any():
                    refused[each.variable] = outside
            actions.append(Action(each.variable, each.operation, value))
        return Settled(Intervention(tuple(actions), self.domain), refused)

    def check(self, model: SCM) -> None:
        """Raise ``ContrafactError`` where the operations together make no model: a cycle, noise of another kind."""
        actions = tuple(Action(each.variable, each.operation, each.value) for each in self.wanted)
        everywhere = self.domain == "another"
        targets = [BASE, *model.origin.domains] if everywhere else [self.domain]
        for target in targets:
            intervene(model, Intervention(actions, target))

    def restore(self, model: SCM, asked: Mapping[str, NDArray[Any]]) -> Intervention:
        """The same intervention from a stored record: constants from the recipe, policies from what they gave."""
        actions = tuple(
            Action(each.variable, each.operation, each.value if each.policy is None else asked[each.variable])
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
            return as_column(np.asarray(each.value(facts)).astype(np.float64), REAL, len(units))
        uniforms = unit_uniforms(streams, f"policy:{each.operation}:{each.variable}", units)
        if each.policy == "another":
            return _another(support, fact, uniforms)
        if each.policy == "uniform":
            low, high = each.value
            if support.values:
                inside = [number for number in support.values if low <= number <= high]
                return np.asarray(inside)[(uniforms * len(inside)).astype(np.int64)]
            if support.kind == "integer":
                return low + (uniforms * (high - low + 1)).astype(np.int64)
            return low + (high - low) * uniforms
        return np.asarray(each.value)[(uniforms * len(each.value)).astype(np.int64)]


def read_request(spec: Mapping[str, Any], model: SCM) -> Request:
    """One intervention of a recipe, checked against the model.

    Raises
    ------
    InterventionError
        For an unknown operation, variable or domain, or a value outside its support.
    """
    if not isinstance(spec, Mapping):
        raise InterventionError(
            f"an intervention is a mapping, and {spec!r} is none",
            allowed=", ".join((*OPERATIONS, "domain")),
            fix="interventions: [{do: {variable: value}}]",
        )
    allowed = (*OPERATIONS, "domain")
    for key in spec:
        if key not in allowed:
            raise InterventionError(
                f"unknown operation {key!r}{did_you_mean(str(key), allowed)}", allowed=", ".join(allowed)
            )
    domain = spec.get("domain")
    if domain == "another" and not model.domains:
        raise InterventionError(
            f"{model.name!r} has a single environment: there is no other",
            allowed="domain: another, for models with domains",
            fix="give the model domains, or intervene with do, shift, scale or soft",
        )
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
            raise InterventionError(
                f"two operations on {name!r} in one intervention",
                allowed="one operation a variable",
                fix="keep one of them, or write two interventions: [{do: ...}, {shift: ...}]",
            )
    if not wanted and domain is None:
        raise InterventionError(
            "an intervention that changes nothing", allowed=", ".join(allowed), fix="do: {variable: another}"
        )
    request = Request(wanted, domain, levels)
    request.check(model)
    return request


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
            f"{operation}: {value!r} names no variable",
            allowed=f"{operation}: {{variable: value}}",
            fix=f"say of which variable: {operation}: {{dose: {value!r}}}",
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

        return Wanted(name, operation, mechanism_from_spec(name, value, levels, support=support))
    if operation in ("shift", "scale"):
        if not numeric(support):
            raise InterventionError(
                f"{operation} on {name!r}, which is {support.kind}",
                allowed="real and integer variables",
                fix=f"do: {{{name}: another}}, or soft",
            )
        return _amount(name, operation, value, support)
    if isinstance(value, str) and value in _POLICIES and value not in support.levels:
        _check_another(name, support, value)
        return Wanted(name, operation, None, value)
    if isinstance(value, Mapping):
        return _policy(name, support, value, levels, model)
    return Wanted(name, operation, support.encode(value, name))


def _amount(name: str, operation: Operation, value: Any, support: Support) -> Wanted:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise InterventionError(
            f"{operation}: {name} by {value!r}", allowed="a finite number", fix=f"{operation}: {{{name}: 1}}"
        )
    if support.kind != "integer":
        return Wanted(name, operation, float(value))
    if not float(value).is_integer() or abs(value) >= _LARGEST:
        raise InterventionError(
            f"{operation}: {name} by {value!r}, and {name} is of whole numbers",
            allowed="a whole number",
            fix=f'{operation}: {{{name}: {round(value) or 1}}}, or do: {{{name}: {{expression: "round(…)"}}}}',
        )
    return Wanted(name, operation, int(value))


def _check_another(name: str, support: Support, policy: str) -> None:
    if policy == "another" and support.discrete is None and _ends(support) is None:
        raise InterventionError(
            f"'another' value of {name!r} cannot be drawn: it has no bounds",
            allowed="levels, true and false, or numbers between two bounds",
            fix=f"support: {{lower: …, upper: …}} for {name}, or do: {{{name}: {{uniform: [low, high]}}}}",
        )
    if policy == "another" and _only_value(support):
        raise InterventionError(
            f"{name!r} has one value only: there is no other",
            allowed="variables of two values and more",
            fix="act on another variable, or widen its support",
        )


def _policy(
    name: str, support: Support, spec: Mapping[str, Any], levels: Mapping[str, tuple[str, ...]], model: SCM
) -> Wanted:
    if len(spec) != 1 or next(iter(spec)) not in _POLICY_KEYS:
        raise InterventionError(
            f"do: {name} by the policy {dict(spec)!r}",
            allowed="another, same, " + ", ".join(_POLICY_KEYS),
            fix=f"do: {{{name}: {{choice: [...]}}}}",
        )
    policy, value = next(iter(spec.items()))
    if policy == "expression":
        return Wanted(name, "do", _formula(name, str(value), levels, model), policy)
    if not isinstance(value, list | tuple) or not value:
        raise InterventionError(
            f"do: {name} by {policy} {value!r}",
            allowed=f"{policy}: a list of values",
            fix=f"do: {{{name}: {{{policy}: [{value or '…'}, …]}}}}",
        )
    codes = [support.encode(item, name) for item in value]
    if policy == "uniform" and (len(codes) != 2 or not numeric(support) or not codes[0] < codes[1]):
        raise InterventionError(
            f"do: {name} uniform on {value!r}",
            allowed="[low, high] of a numeric variable, low under high",
            fix=f"do: {{{name}: {{{'uniform: [0, 1]' if numeric(support) else 'choice: [...]'}}}}}",
        )
    return Wanted(name, "do", codes, policy)


def _ends(support: Support) -> tuple[float, float] | None:
    if support.lower is not None and support.upper is not None:
        return support.lower, support.upper
    return support.seen


def _formula(name: str, text: str, levels: Mapping[str, tuple[str, ...]], model: SCM) -> Expression:
    formula = Expression(text, levels=levels, known=list(model.variables))
    latent = [each for each in formula.names if each in model.latent]
    if latent:
        raise InterventionError(
            f"the value {text!r} of {name} reads {latent[0]!r}, which is latent: it would show in the record",
            allowed=", ".join(model.observed),
            fix="compute it from observed variables",
        )
    return formula


def _fitted(
    values: NDArray[np.float64], support: Support, fact: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Computed numbers in memory form, and where they are outside the support; there the fact stands for them."""
    outside = ~np.isfinite(values)
    if support.kind != "real":
        outside |= (np.abs(values) >= _LARGEST) | (values != np.rint(values))
    if support.kind == "boolean":
        outside |= (values != 0) & (values != 1)
    column = np.where(outside, fact, values).astype(support.dtype)
    outside |= ~support.contains(column)
    return np.where(outside, fact, column), outside


def _another(support: Support, fact: NDArray[Any], uniforms: NDArray[np.float64]) -> NDArray[Any]:
    """Another value than the fact, uniformly: among the support's values, or between its ends.

    Among n values of which the fact is one, a draw from the n - 1 others: places from the fact's own on move up by one.
    A fact that is not among them is no reason to leave a place out.
    """
    listed = support.discrete
    if listed is None and support.kind == "real":
        low, high = _real_ends(support)
        return low + (high - low) * uniforms
    if listed is None:
        first, last = (int(each) for each in _whole_ends(support))
        count, place = last - first + 1, fact - first
        among = (place >= 0) & (place < count)
    else:
        first, count = 0, len(listed)
        place = np.searchsorted(np.asarray(listed), fact)
        among = np.asarray(listed)[np.minimum(place, count - 1)] == fact
    other = (uniforms * (count - among)).astype(np.int64)
    other += among & (other >= place)
    return first + other if listed is None else np.asarray(listed)[other]


def _only_value(support: Support) -> bool:
    if support.discrete is not None:
        return len(support.discrete) < 2
    low, high = _real_ends(support) if support.kind == "real" else _whole_ends(support)
    return low >= high


def _real_ends(support: Support) -> tuple[float, float]:
    ends = _ends(support)
    assert ends is not None  # noqa: S101  # checked when the recipe was read
    return ends


def _whole_ends(support: Support) -> tuple[int, int]:
    low, high = _real_ends(support)
    return math.ceil(low), math.floor(high)
