"""Treatment-effect models under the names that recipes use."""

from __future__ import annotations

from generators.scm.confounding import ihdp_like, linear_confounded
from generators.scm.model import SCM

__all__ = ["confounded", "ihdp_a", "ihdp_b"]


def confounded(strength: float = 1.0, effect: float = 2.0) -> SCM:
    """A small linear model with a latent confounder.

    Options: see :func:`linear_confounded`.
    """
    return linear_confounded(strength, effect)


def ihdp_a(strength: float = 0.0, seed: int = 0) -> SCM:
    """Response surface A, a constant effect of 4, on synthesised covariates.

    Options: see :func:`ihdp_like`.
    """
    return ihdp_like("A", strength, seed)


def ihdp_b(strength: float = 0.0, seed: int = 0) -> SCM:
    """Response surface B, an effect that differs between units, on synthesised covariates.

    Options: see :func:`ihdp_like`.
    """
    return ihdp_like("B", strength, seed)
