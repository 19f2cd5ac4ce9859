"""What the observed variables tell of a latent one, in closed form, where everything is linear and normal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from contrafact.errors import ModelError
from generators.scm.mechanisms import Linear, Root
from generators.scm.mechanisms.base import Columns, Floats
from generators.scm.model import SCM
from generators.scm.noise import Noise, Normal

__all__ = ["GaussianPosterior", "latent_posterior"]


@dataclass(frozen=True)
class GaussianPosterior:
    """Normal posterior of one latent variable.

    Attributes
    ----------
    mean : ndarray of float64, shape (n,)
    std : float
        The same for every unit: it depends on the model alone.
    """

    mean: Floats
    std: float

    def interval(self, level: float = 0.95) -> tuple[Floats, Floats]:
        """Central credible interval of each unit: lower and upper ends, each of shape (n,)."""
        if not 0 < level < 1:
            raise ModelError(f"an interval of level {level}", allowed="a number between 0 and 1, such as 0.95")
        half = self.std * float(special.ndtri(0.5 + level / 2))
        return self.mean - half, self.mean + half


def latent_posterior(model: SCM, latent: str, facts: Columns) -> GaussianPosterior:
    """``p(latent | everything else)``: the prior, times one normal factor for each child.

    A child ``c = a + sum w x + v U + e`` with ``e ~ N(mu, s^2)`` says ``U ~ N((c - a - sum w x - mu) / v, (s / v)^2)``;
    precisions add, and means are weighted by them (conjugacy of the normal; Bishop 2006, section 2.3.3).

    Parameters
    ----------
    model : SCM
        ``latent`` must be a root, its children linear, and their noise normal. Everything else may be anything.
    facts : mapping of name to ndarray, shape (n,)
        Values of the latent variable's children and of their other parents; the latent column itself is not read.

    Raises
    ------
    ModelError
        For another kind of model, or where facts are missing (a second latent variable, say).
    """
    variable = model.variables.get(latent)
    if variable is None or not isinstance(variable.mechanism, Root):
        raise ModelError(f"{latent!r} is no root variable of {model.name!r}", allowed=", ".join(model.latent))
    prior = _normal(latent, variable.mechanism.noise)
    precision, weighted = prior.std**-2, np.asarray(prior.mean * prior.std**-2)
    for child in model.graph.successors(latent):
        mechanism = model.variables[child].mechanism
        if not isinstance(mechanism, Linear):
            raise ModelError(
                f"{child!r} has a mechanism of kind {mechanism.kind!r}, and the posterior of {latent!r} is in closed "
                "form for linear ones",
                allowed="linear",
            )
        noise = _normal(child, mechanism.noise)
        weight = mechanism.weights[latent]
        precision += (weight / noise.std) ** 2
        weighted = weighted + weight * _residual(mechanism, child, latent, facts, noise.mean) / noise.std**2
    rows = len(next(iter(facts.values())))
    return GaussianPosterior(np.broadcast_to(weighted / precision, (rows,)), float(precision**-0.5))


def _residual(mechanism: Linear, child: str, latent: str, facts: Columns, mean: float) -> Floats:
    others = [name for name in mechanism.weights if name != latent]
    missing = [name for name in (child, *others) if name not in facts]
    if missing:
        raise ModelError(f"the posterior of {latent!r} needs values of {', '.join(missing)}", fix="add them to facts")
    residual: Floats = facts[child] - mechanism.intercept - mean
    for name in others:
        residual = residual - mechanism.weights[name] * facts[name]
    return residual


def _normal(name: str, noise: Noise) -> Normal:
    if not isinstance(noise, Normal):
        raise ModelError(f"the noise of {name!r} is {noise.kind}", allowed="normal noise")
    return noise
