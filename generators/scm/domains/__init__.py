"""Domains: one model in several environments, and what a unit of one would have been in another."""

from __future__ import annotations

from generators.scm.domains.counterfactual import domain_counterfactual
from generators.scm.domains.forms import canonical, matrices_of
from generators.scm.domains.latent import ILD, LatentDomains
from generators.scm.domains.metrics import (
    Edit,
    composition,
    counterfactual_error,
    effectiveness,
    preservation,
    reversibility,
)
from generators.scm.domains.simulator import ild_model

__all__ = [
    "ILD",
    "Edit",
    "LatentDomains",
    "canonical",
    "composition",
    "counterfactual_error",
    "domain_counterfactual",
    "effectiveness",
    "ild_model",
    "matrices_of",
    "preservation",
    "reversibility",
]
