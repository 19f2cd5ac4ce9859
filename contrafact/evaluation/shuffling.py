"""A null dataset: labels shuffled within pairs, so that the edit says nothing of which member has which label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from contrafact.evaluation.reading import Study

__all__ = ["shuffled"]


def shuffled(study: Study, rng: np.random.Generator) -> Study:
    """The study with the two labels of every other pair exchanged, drawn by ``rng``. A control has its fact's label."""
    exchanged = rng.random(len(study.labels)) < 0.5
    exchanged &= study.targets
    labels = np.where(exchanged, study.counterfactual_labels, study.labels)
    others = np.where(exchanged, study.labels, study.counterfactual_labels)
    controls = np.flatnonzero(study.place >= 0)
    labels[controls] = labels[study.place[controls]]
    others[controls] = labels[controls]
    return replace(study, labels=labels, counterfactual_labels=others)
