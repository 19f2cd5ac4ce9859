"""Worlds: one model and one set of noise, read in several ways.

========== ==========================================================================================
factual    what is, given the noise
single     what would be, given the same noise and an intervention
twin       both at once, sharing the noise (Balke & Pearl 1994)
many       the fact and several interventions, still on one noise
========== ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray

from generators.scm.interventions import Intervention
from generators.scm.mechanisms.base import Columns
from generators.scm.model import SCM
from generators.scm.operations import intervene, predict

__all__ = ["factual", "many", "single", "twin"]

World = dict[str, NDArray[Any]]
Noise = Mapping[str, NDArray[Any]]


def factual(model: SCM, noise: Noise, rows: int) -> World:
    """Columns of the unchanged model."""
    return predict(model, noise, rows)


def single(
    model: SCM,
    noise: Noise,
    rows: int,
    intervention: Intervention,
    facts: Columns | None = None,
    *,
    keep_unmoved: bool = False,
) -> World:
    """Columns under one intervention. With ``facts``, only what lies downstream is computed.

    ``keep_unmoved`` is for abducted noise; see :func:`generators.scm.operations.predict`.
    """
    submodel = intervene(model, intervention)
    targets = intervention.targets(model)
    return predict(submodel, noise, rows, facts=facts, changed=targets, keep_unmoved=keep_unmoved, factual=model)


def twin(model: SCM, noise: Noise, rows: int, intervention: Intervention) -> tuple[World, World]:
    """The factual and the counterfactual world on the same noise."""
    facts = factual(model, noise, rows)
    return facts, single(model, noise, rows, intervention, facts)


def many(model: SCM, noise: Noise, rows: int, interventions: Iterable[Intervention]) -> tuple[World, list[World]]:
    """The factual world and one world for each intervention."""
    facts = factual(model, noise, rows)
    return facts, [single(model, noise, rows, each, facts) for each in interventions]
