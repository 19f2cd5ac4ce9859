"""Structural causal models: what an author needs to write one, and the four operations on it."""

from __future__ import annotations

from generators.scm.interventions import Action, Intervention, intervene
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
from generators.scm.noise import (
    Empirical,
    Exponential,
    Gamma,
    Gumbel,
    Laplace,
    Logistic,
    LogNormal,
    Noise,
    Normal,
    StudentT,
    Uniform,
)
from generators.scm.operations import Posterior, abduct, predict, sample
from generators.scm.support import BOOLEAN, INTEGER, REAL, Support

__all__ = [
    "BOOLEAN",
    "INTEGER",
    "REAL",
    "SCM",
    "Action",
    "Additive",
    "Bernoulli",
    "Boolean",
    "Categorical",
    "Deterministic",
    "Discrete",
    "Empirical",
    "Exponential",
    "Gamma",
    "Gumbel",
    "Intervention",
    "Laplace",
    "Linear",
    "LocationScale",
    "LogNormal",
    "Logistic",
    "Mechanism",
    "Monotone",
    "Noise",
    "NonInvertible",
    "Normal",
    "Posterior",
    "Root",
    "StudentT",
    "Support",
    "Uniform",
    "Variable",
    "abduct",
    "intervene",
    "predict",
    "sample",
]
