"""Mechanisms: how a variable comes out of its parents and its own noise, and back."""

from __future__ import annotations

from generators.scm.mechanisms.additive import Additive, Linear, Root
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.mechanisms.boolean import Bernoulli, Boolean
from generators.scm.mechanisms.categorical import Categorical
from generators.scm.mechanisms.deterministic import Deterministic
from generators.scm.mechanisms.discrete import Discrete
from generators.scm.mechanisms.location_scale import LocationScale
from generators.scm.mechanisms.monotone import Monotone
from generators.scm.mechanisms.noninvertible import NonInvertible

__all__ = [
    "MECHANISMS",
    "Abduction",
    "Additive",
    "Bernoulli",
    "Boolean",
    "Categorical",
    "Columns",
    "Deterministic",
    "Discrete",
    "Floats",
    "Linear",
    "LocationScale",
    "Mechanism",
    "Monotone",
    "NonInvertible",
    "Root",
]

MECHANISMS: dict[str, type[Mechanism]] = {
    each.kind: each
    for each in (
        Root,
        Linear,
        Additive,
        LocationScale,
        Monotone,
        Categorical,
        Discrete,
        Boolean,
        Bernoulli,
        Deterministic,
        NonInvertible,
    )
}
"""Every mechanism by its name in recipes."""
