"""A structural causal model: variables in a directed acyclic graph, each with one mechanism and its own noise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import networkx as nx

from contrafact.errors import ModelError, did_you_mean
from contrafact.identity import identity_of
from generators.scm.mechanisms.base import Mechanism
from generators.scm.mechanisms.probability import ConditionalTable
from generators.scm.support import Support

__all__ = ["BASE", "DOMAIN", "SCM", "Variable"]

BASE = "base"
"""Name of the environment that a model is in when no domain is named."""

DOMAIN = "domain"
"""Name under which a pair tells a unit's environment: a cause of every variable whose mechanism differs somewhere."""


@dataclass(frozen=True)
class Variable:
    """One node of the graph.

    Parameters
    ----------
    name : str
    mechanism : Mechanism
    support : Support, optional
        Narrower or better named values than the mechanism's own.
    observed : bool
        False for a latent variable: it is never shown among the facts, only in the hidden truth.
    """

    name: str
    mechanism: Mechanism
    support: Support = field(default=None)  # type: ignore[assignment]
    observed: bool = True
    description: str = ""

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ModelError(f"{self.name!r} is no variable name", allowed="letters, digits and _, not a digit first")
        if self.support is None:
            object.__setattr__(self, "support", self.mechanism.support)
        _check_whole(self, self.mechanism)

    def spec(self) -> dict[str, Any]:
        """What a recipe would write under this variable's name."""
        spec: dict[str, Any] = {**self.mechanism.spec(), "support": self.support.spec()}
        return spec if self.observed else {**spec, "observed": False}


class SCM:
    """A structural causal model.

    Compose one from variables, or subclass and name mechanisms as class attributes::

        class Clinic(SCM):
            age = Root(Normal(50, 12))
            dose = Linear({"age": 0.02}, noise=Normal(0, 0.5))

    Parameters
    ----------
    name : str
    variables : iterable of Variable
        In any order; kept in topological order.
    domains : mapping of name to {variable: mechanism}
        Environments that differ from this one in some mechanisms.

    Raises
    ------
    ModelError
        For a cycle, an unknown parent, a name used twice, or a domain that changes an unknown variable.
    """

    _declared: tuple[Variable, ...] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own: dict[str, Variable] = {variable.name: variable for variable in cls._declared}
        for name, value in vars(cls).items():
            if isinstance(value, Mechanism):
                own[name] = Variable(name, value)
            elif isinstance(value, Variable):
                own[name] = replace(value, name=name)
        cls._declared = tuple(own.values())

    def __init__(
        self,
        name: str | None = None,
        variables: Iterable[Variable] | None = None,
        domains: Mapping[str, Mapping[str, Mechanism]] | None = None,
    ) -> None:
        self.name = name or type(self).__name__.lower()
        given = tuple(self._declared if variables is None else variables)
        if not given:
            raise ModelError(
                f"the model {self.name!r} has no variables",
                allowed="mechanisms as class attributes, or a list of Variable",
                fix="name at least one variable: age = Root(Normal(50, 12))",
            )
        names = [variable.name for variable in given]
        twice = sorted({each for each in names if names.count(each) > 1})
        if twice:
            raise ModelError(
                f"variables named twice in {self.name!r}: {', '.join(twice)}",
                allowed="a name of its own for each variable",
                fix=f"rename or remove one {twice[0]!r}",
            )
        by_name = {variable.name: variable for variable in given}
        self.graph = _graph(self.name, by_name)
        self.variables: dict[str, Variable] = {each: by_name[each] for each in _order(self.graph, names)}
        self.domains = {domain: dict(changes) for domain, changes in (domains or {}).items()}
        self.origin: SCM = self  # the model whose domains these are, also after moving into one of them
        self._check_tables()
        self._check_domains()
        self._teach_levels()

    @property
    def order(self) -> tuple[str, ...]:
        """Names in topological order; among equals, in the order given."""
        return tuple(self.variables)

    @property
    def observed(self) -> tuple[str, ...]:
        return tuple(name for name, variable in self.variables.items() if variable.observed)

    @property
    def latent(self) -> tuple[str, ...]:
        return tuple(name for name, variable in self.variables.items() if not variable.observed)

    def descendants(self, names: Iterable[str]) -> frozenset[str]:
        """Everything downstream of ``names``, without ``names`` unless one is downstream of another."""
        return frozenset().union(*(nx.descendants(self.graph, name) for name in names))

    def with_mechanisms(self, changes: Mapping[str, Mechanism], name: str | None = None) -> SCM:
        """The same model with some mechanisms replaced (and their arrows with them)."""
        variables = [
            replace(variable, mechanism=changes.get(each, variable.mechanism))
            for each, variable in self.variables.items()
        ]
        return SCM(name or self.name, variables, self.domains)

    def in_domain(self, domain: str) -> SCM:
        """The model as it is in another environment.

        Raises
        ------
        ModelError
            Where there is no such domain.
        """
        origin = self.origin
        if domain != BASE and domain not in origin.domains:
            raise ModelError(
                f"no domain {domain!r} in {origin.name!r}{did_you_mean(domain, origin.domains)}",
                allowed=", ".join([BASE, *origin.domains]),
                fix=f"name one of these, or give the model domains={{{domain!r}: {{...}}}}",
            )
        if domain == BASE:
            return origin
        moved = origin.with_mechanisms(origin.domains[domain], name=f"{origin.name}@{domain}")
        moved.origin = origin
        return moved

    def differing(self, domain: str) -> frozenset[str]:
        """Variables whose mechanism is another one in ``domain`` than here."""
        there = self.in_domain(domain).variables
        return frozenset(
            name for name, variable in self.variables.items() if there[name].mechanism is not variable.mechanism
        )

    def spec(self) -> dict[str, Any]:
        """The whole model as a recipe would write it."""
        return {
            "name": self.name,
            "variables": {name: variable.spec() for name, variable in self.variables.items()},
            "domains": {
                domain: {name: mechanism.spec() for name, mechanism in changes.items()}
                for domain, changes in self.domains.items()
            },
        }

    @cached_property
    def identity(self) -> str:
        """Hash of the model: equal exactly where every mechanism, noise and support is equal."""
        return identity_of(self.spec())

    def _mechanisms(self) -> list[tuple[str, Mechanism]]:
        """Every mechanism with its variable, those of the domains too."""
        found = [(name, each.mechanism) for name, each in self.variables.items()]
        for changes in self.domains.values():
            found += [(name, each) for name, each in changes.items() if name in self.variables]
        return found

    def _teach_levels(self) -> None:
        """Tell Python functions which levels their categorical parents have."""
        levels = {name: each.support.levels for name, each in self.variables.items() if each.support.levels}
        if levels:
            for _, mechanism in self._mechanisms():
                for function in mechanism.formulas():
                    function.learn(levels)

    def _check_tables(self) -> None:
        supports = {name: variable.support for name, variable in self.variables.items()}
        for name, mechanism in self._mechanisms():
            table = getattr(mechanism, "table", None)
            if isinstance(table, ConditionalTable) and supports.keys() >= set(table.parents):
                try:
                    table.check(supports)
                except ModelError as error:
                    raise ModelError(f"{name}: {error.what}", allowed=error.allowed, fix=error.fix) from None

    def _check_domains(self) -> None:
        if BASE in self.domains:
            raise ModelError(
                f"a domain cannot be called {BASE!r}: that is the model without any domain",
                allowed="any other name",
                fix=f"rename the domain {BASE!r}, or write its mechanisms into the model itself",
            )
        for domain, changes in self.domains.items():
            for name, mechanism in changes.items():
                if name not in self.variables:
                    raise ModelError(
                        f"domain {domain!r} changes {name!r}, which is no variable of {self.name!r}"
                        f"{did_you_mean(name, self.variables)}",
                        allowed=", ".join(self.variables),
                    )
                here = self.variables[name].mechanism
                _check_whole(self.variables[name], mechanism)
                if (mechanism.lanes, mechanism.noise_kind) != (here.lanes, here.noise_kind):
                    raise ModelError(
                        f"domain {domain!r} gives {name!r} noise of another kind: the same unit could not have both",
                        fix="use a mechanism that takes the same kind of noise as the one it replaces",
                    )


def _check_whole(variable: Variable, mechanism: Mechanism) -> None:
    """Raise ``ModelError`` where a mechanism's real values would be rounded to an integer variable's."""
    if variable.support.kind == "integer" and mechanism.support.kind == "real" and not mechanism.whole:
        raise ModelError(
            f"{variable.name!r} has integer values, and a {mechanism.kind} mechanism gives real ones: rounded, they"
            " would not tell the noise any more",
            allowed="for whole numbers: discrete, or deterministic and noninvertible with that support",
            fix=f"a support of real values for {variable.name}, or another mechanism",
        )


def _graph(model: str, variables: Mapping[str, Variable]) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(variables)
    for name, variable in variables.items():
        for parent in variable.mechanism.parents:
            if parent not in variables:
                raise ModelError(
                    f"{name!r} in {model!r} has an unknown parent {parent!r}{did_you_mean(parent, variables)}",
                    allowed=", ".join(variables),
                    fix=f"add a variable {parent}, or take {parent} out of the mechanism of {name}",
                )
            graph.add_edge(parent, name)
    return graph


def _order(graph: nx.DiGraph, names: list[str]) -> list[str]:
    place = {name: position for position, name in enumerate(names)}
    try:
        return list(nx.lexicographical_topological_sort(graph, key=place.__getitem__))
    except nx.NetworkXUnfeasible:
        loop = [edge[0] for edge in nx.find_cycle(graph)]
        raise ModelError(
            f"the graph has a cycle: {' -> '.join([*loop, loop[0]])}",
            allowed="a directed acyclic graph",
            fix="remove one of these arrows",
        ) from None
