"""Hypothesis strategies shared by the tests of causal models: random graphs, models over them, interventions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from generators.scm.interventions import Action, Intervention, numeric
from generators.scm.mechanisms import (
    Additive,
    Bernoulli,
    Boolean,
    Categorical,
    Deterministic,
    Discrete,
    Linear,
    LocationScale,
    Mechanism,
    Monotone,
    NonInvertible,
    Root,
)
from generators.scm.model import SCM, Variable
from generators.scm.noise import Exponential, Laplace, Noise, Normal, Uniform
from generators.scm.support import Support

__all__ = ["dags", "interventions", "models", "noises"]

LEVELS = ("low", "middle", "high")
EXACT = ("linear", "additive", "location_scale", "monotone", "boolean", "deterministic")
POSTERIOR = ("categorical", "discrete", "bernoulli", "noninvertible")

weights = st.integers(-20, 20).map(lambda number: number / 10)


@st.composite
def dags(draw: st.DrawFn, least: int = 2, most: int = 8) -> dict[str, tuple[str, ...]]:
    """Parents of each variable, at most three; ``v0`` has none."""
    graph: dict[str, tuple[str, ...]] = {}
    for i in range(draw(st.integers(least, most))):
        earlier = [f"v{j}" for j in range(i)]
        graph[f"v{i}"] = tuple(draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3))) if earlier else ()
    return graph


def noises() -> st.SearchStrategy[Noise]:
    """A few distributions of real noise."""
    return st.sampled_from([Normal(0, 1), Normal(1, 0.5), Uniform(-1, 2), Laplace(0, 1), Exponential(1)])


@st.composite
def models(draw: st.DrawFn, least: int = 2, most: int = 8, exact: bool = False) -> SCM:
    """A model over a random graph, each variable with a mechanism of a random kind."""
    variables = []
    for name, parents in draw(dags(least, most)).items():
        kinds = [*EXACT, *([] if exact else POSTERIOR)]
        if not parents:
            kinds = ["root", *(kind for kind in kinds if kind not in ("linear", "deterministic"))]
        mechanism = _MAKERS[draw(st.sampled_from(kinds))](draw, parents)
        variables.append(Variable(name, mechanism, observed=draw(st.integers(0, 9)) > 0))
    return SCM("random", variables)


@st.composite
def interventions(draw: st.DrawFn, model: SCM, rows: int, most: int = 3) -> Intervention:
    """One to three operations at once, with one value for all units or one for each."""
    names = draw(st.lists(st.sampled_from(model.order), unique=True, min_size=1, max_size=most))
    return Intervention(tuple(_action(draw, model.variables[name], rows) for name in names))


def _action(draw: st.DrawFn, variable: Variable, rows: int) -> Action:
    support, mechanism = variable.support, variable.mechanism
    operations = ["do", "do each"]
    operations += ["shift", "scale"] if numeric(support) else []
    operations += ["soft"] if support.kind == "real" and mechanism.lanes == 1 else []
    operation = draw(st.sampled_from(operations))
    if operation == "soft":
        return Action(variable.name, "soft", Root())
    if operation in ("shift", "scale"):
        return Action(variable.name, operation, draw(st.integers(-3, 3)))  # type: ignore[arg-type]
    count = rows if operation == "do each" else 1
    values = draw(st.lists(_values(support), min_size=count, max_size=count))
    return Action(variable.name, "do", np.array(values, dtype=support.dtype) if count == rows else values[0])


def _values(support: Support) -> st.SearchStrategy[Any]:
    return st.sampled_from(support.discrete) if support.discrete else st.integers(-8, 8).map(lambda number: number / 4)


def _score(draw: st.DrawFn, parents: tuple[str, ...]) -> str:
    # Bounded, so that no chain of variables overflows.
    return " + ".join([repr(draw(weights)), *(f"({draw(weights)!r})*tanh({parent})" for parent in parents)])


def _linear(draw: st.DrawFn, parents: tuple[str, ...]) -> Mechanism:
    return Linear({parent: draw(weights) for parent in parents}, draw(weights), draw(noises()))


def _monotone(draw: st.DrawFn, parents: tuple[str, ...]) -> Mechanism:
    score = _score(draw, parents)
    return Monotone(f"({score}) + exp(noise)", f"log(value - ({score}))", draw(noises()))


def _location_scale(draw: st.DrawFn, parents: tuple[str, ...]) -> Mechanism:
    return LocationScale(_score(draw, parents), f"exp({_score(draw, parents)})", draw(noises()))


def _categorical(draw: st.DrawFn, parents: tuple[str, ...]) -> Mechanism:
    return Categorical(LEVELS, logits={level: _score(draw, parents) for level in LEVELS})


def _discrete(draw: st.DrawFn, parents: tuple[str, ...]) -> Mechanism:
    return Discrete(values=(0, 1, 4), probabilities={value: f"exp({_score(draw, parents)})" for value in (0, 1, 4)})


def _boolean(draw: st.DrawFn, parents: tuple[str, ...]) -> Mechanism:
    return Boolean(f"{_score(draw, parents)} > 0", draw(st.sampled_from([0.0, 0.1, 0.5])))


def _noninvertible(draw: st.DrawFn, parents: tuple[str, ...]) -> Mechanism:
    return NonInvertible(f"square(noise) + {_score(draw, parents)}", draw(noises()), particles=64)


_MAKERS: Mapping[str, Callable[[st.DrawFn, tuple[str, ...]], Mechanism]] = {
    "root": lambda draw, parents: Root(draw(noises())),
    "linear": _linear,
    "additive": lambda draw, parents: Additive(_score(draw, parents), draw(noises())),
    "location_scale": _location_scale,
    "monotone": _monotone,
    "boolean": _boolean,
    "deterministic": lambda draw, parents: Deterministic(_score(draw, parents)),
    "categorical": _categorical,
    "discrete": _discrete,
    "bernoulli": lambda draw, parents: Bernoulli(f"sigmoid({_score(draw, parents)})"),
    "noninvertible": _noninvertible,
}
