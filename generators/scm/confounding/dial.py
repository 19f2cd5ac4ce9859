"""A dial for unobserved confounding: one latent variable that moves both the treatment and the outcome.

::

           U (latent)
          ╱ ╲
         ▼   ▼
         T ─► Y
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contrafact.errors import ModelError
from generators.scm.functions import Function
from generators.scm.interventions import check_variable
from generators.scm.mechanisms import Bernoulli, Linear, Root
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.model import SCM, Variable
from generators.scm.noise import Normal

__all__ = ["Confounded", "check_strength", "linear_confounded", "with_confounder"]


class Confounded(Mechanism):
    """Another mechanism with ``weight * latent`` added: ``value = base(parents, noise) + weight * latent``.

    Abduction takes the addition away again, so it is exact where the base is.
    """

    kind = "confounded"

    def __init__(self, base: Mechanism, latent: str, weight: float) -> None:
        self.base, self.latent, self.weight = base, latent, float(weight)
        self.parents = (*base.parents, latent)
        self.support, self.lanes, self.auxiliary = base.support, base.lanes, base.auxiliary
        self.noise_kind = base.noise_kind

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return self.base.draw(uniforms)

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(self.base.predict(self._own(parents), noise) + self.weight * parents[self.latent])

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        return self.base.abduct(self._own(parents), values - self.weight * parents[self.latent], uniforms)

    def spec(self) -> dict[str, Any]:
        return {"mechanism": self.kind, "base": self.base.spec(), "latent": self.latent, "weight": self.weight}

    def _own(self, parents: Columns) -> dict[str, NDArray[Any]]:
        return {name: parents[name] for name in self.base.parents}


class _ShiftedLogit(Function):
    """``sigmoid(logit(p) + weight * latent)``."""

    def __init__(self, base: Function, latent: str, weight: float) -> None:
        self.base, self.latent, self.weight = base, latent, weight
        self.parents = (*base.parents, latent)

    def __call__(self, columns: Columns, **extra: NDArray[Any]) -> NDArray[Any]:
        # A probability of 0 or 1 has an infinite logit, and stays as it is.
        logit = special.logit(self.base(columns, **extra).astype(np.float64))
        return np.asarray(special.expit(logit + self.weight * columns[self.latent]))

    def spec(self) -> dict[str, Any]:
        return {"logit_of": self.base.spec(), "plus": {self.latent: self.weight}}


def with_confounder(
    model: SCM,
    treatment: str,
    outcome: str,
    strength: float,
    *,
    outcome_strength: float | None = None,
    name: str = "U",
) -> SCM:
    """The model with a latent common cause ``name ~ N(0, 1)`` of treatment and outcome.

    A real variable gets ``strength * U`` added, in its own units; a Bernoulli one gets it added to its logit. At
    strength 0 the variable keeps its mechanism as it was, and U is there without an arrow.

    Parameters
    ----------
    treatment, outcome : str
    strength : float
        Of U on both, at least 0.
    outcome_strength : float, optional
        Of U on the outcome, where it is not ``strength``.
    name : str
        Of the latent variable; must be new.

    Raises
    ------
    ModelError
        For an unknown variable, a name that is taken, a strength that is negative or not finite, or a variable that
        is neither real without bounds nor Bernoulli.
    """
    if name in model.variables:
        raise ModelError(f"{model.name!r} has a variable {name!r} already", fix="name the confounder otherwise: name=")
    if treatment == outcome:
        raise ModelError(f"{treatment!r} cannot be treatment and outcome at once", fix="name two variables")
    strengths = {treatment: strength, outcome: strength if outcome_strength is None else outcome_strength}
    variables = [Variable(name, Root(Normal()), observed=False, description="unobserved confounder")]
    for each in strengths:
        check_variable(model, each)
    for each, variable in model.variables.items():
        weight = check_strength(strengths.get(each, 0.0))
        variables.append(replace(variable, mechanism=_confounded(variable, variable.mechanism, name, weight)))
    domains = {
        domain: {
            each: _confounded(model.variables[each], mechanism, name, strengths.get(each, 0.0))
            for each, mechanism in changes.items()
        }
        for domain, changes in model.domains.items()
    }
    return SCM(model.name, variables, domains)


def linear_confounded(strength: float = 1.0, effect: float = 2.0) -> SCM:
    """A small linear model with an observed confounder X and a latent one U.

    ``T = 0.8 X + strength U + N(0, 1)`` and ``Y = effect T - 1.2 X + strength U + N(0, 1)``. Adjusted for X alone, the
    estimate of the effect is off by ``strength^2 / (strength^2 + 1)``.
    """
    plain = SCM(
        "confounded",
        [
            Variable("X", Root(Normal())),
            Variable("T", Linear({"X": 0.8})),
            Variable("Y", Linear({"T": float(effect), "X": -1.2})),
        ],
    )
    return with_confounder(plain, "T", "Y", strength)


def check_strength(strength: float) -> float:
    """The strength as a float. Raises ``ModelError`` where it is negative or not finite."""
    if not (np.isfinite(strength) and strength >= 0):
        raise ModelError(f"a confounder of strength {strength}", allowed="0 (no confounding) and above")
    return float(strength)


def _confounded(variable: Variable, mechanism: Mechanism, latent: str, weight: float) -> Mechanism:
    if not weight:
        return mechanism
    if isinstance(mechanism, Root):
        return Linear({latent: weight}, noise=mechanism.noise)
    if isinstance(mechanism, Linear):
        return Linear({**mechanism.weights, latent: weight}, mechanism.intercept, mechanism.noise)
    if isinstance(mechanism, Bernoulli):
        return Bernoulli(_ShiftedLogit(mechanism.probability, latent, weight))
    support = variable.support
    if support.kind == "real" and support.lower is None and support.upper is None:
        return Confounded(mechanism, latent, weight)
    raise ModelError(
        f"{variable.name!r} is {support.text()}, and {latent!r} cannot be added to it",
        allowed="a real variable without bounds, or one with a bernoulli mechanism",
        fix="choose another variable, or write the latent variable into its mechanism",
    )
