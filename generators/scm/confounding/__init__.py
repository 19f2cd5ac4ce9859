"""Unobserved confounding with a dial, treatment effects with both potential outcomes, and how to score estimates."""

from __future__ import annotations

from generators.scm.confounding.dial import Confounded, linear_confounded, with_confounder
from generators.scm.confounding.effects import ate_error, interval_coverage, naive_effect, sqrt_pehe
from generators.scm.confounding.ihdp import ihdp_like
from generators.scm.confounding.posterior import GaussianPosterior, latent_posterior

__all__ = [
    "Confounded",
    "GaussianPosterior",
    "ate_error",
    "ihdp_like",
    "interval_coverage",
    "latent_posterior",
    "linear_confounded",
    "naive_effect",
    "sqrt_pehe",
    "with_confounder",
]
