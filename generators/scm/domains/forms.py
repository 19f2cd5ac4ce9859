"""From a causal model to the matrices behind it, and to its canonical form."""

from __future__ import annotations

import numpy as np

from contrafact.errors import ModelError
from generators.scm.domains.latent import ILD, LatentDomains
from generators.scm.mechanisms import Linear, Root
from generators.scm.mechanisms.base import Mechanism
from generators.scm.model import BASE, SCM
from generators.scm.noise import Noise

__all__ = ["canonical", "matrices_of"]


def canonical(model: SCM) -> ILD:
    """The equivalent model in which only the last k latent variables depend on the domain.

    Every domain counterfactual of the observed variables is preserved (Zhou et al. 2024). The model given is not
    touched, so that both forms can be used side by side.

    Parameters
    ----------
    model : SCM
        An :class:`ILD`, or a model with domains whose mechanisms are all ``root`` or ``linear``.

    Returns
    -------
    ILD
        Latent variables ``u0 ... u(m-1)``, of which the first m - k are their own noise; the variables observed before
        are observed still, under their names.

    Raises
    ------
    ModelError
        For a model without domains, or with other mechanisms.
    """
    return ILD(f"{model.name}_canonical", matrices_of(model).canonical())


def matrices_of(model: SCM) -> LatentDomains:
    """The maps ``h = L_d e + b_d`` of a linear model with domains.

    Raises
    ------
    ModelError
        As :func:`canonical`.
    """
    if isinstance(model, ILD):
        return model.matrices
    if not model.domains:
        raise ModelError(f"{model.name!r} has a single environment, hence no canonical form", fix="give it domains")
    names = model.order
    L, b = [], []
    for domain in (BASE, *model.domains):
        here = model.in_domain(domain)
        weights, intercepts = np.zeros((len(names), len(names))), np.zeros(len(names))
        for row, name in enumerate(names):
            mechanism = _linear(name, here.variables[name].mechanism)
            if isinstance(mechanism, Linear):
                intercepts[row] = mechanism.intercept
                for parent, weight in mechanism.weights.items():
                    weights[row, names.index(parent)] = weight
        L.append(np.linalg.inv(np.eye(len(names)) - weights))
        b.append(L[-1] @ intercepts)
    noises: list[Noise] = [_linear(name, model.variables[name].mechanism).noise for name in names]
    latents = [f"u{i}" for i in range(len(names))]
    return LatentDomains(
        np.stack(L), np.stack(b), noises=noises, observed=names, latents=latents, others=tuple(model.domains)
    )


def _linear(name: str, mechanism: Mechanism) -> Root | Linear:
    if not isinstance(mechanism, Root | Linear):
        raise ModelError(
            f"{name!r} has a mechanism of kind {mechanism.kind!r}, and a canonical form is known for linear models",
            allowed="root, linear, or an ILD made of matrices",
        )
    return mechanism
