"""Training every student of every draw, and tallying what it gets right."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.evaluation.arms import Rows
from contrafact.evaluation.bootstrap import Tally
from contrafact.evaluation.elsewhere import Elsewhere
from contrafact.evaluation.inputs import Inputs
from contrafact.evaluation.measures import HeldOut, class_tallies, number_tallies
from contrafact.evaluation.reading import Study
from contrafact.evaluation.students import Tuning, learned, stacked

__all__ = ["Ready", "Tallies", "tally_all"]

Tallies = dict[str, dict[str, list[Tally | None]]]
"""By arm and measure: one a seed."""


@dataclass(frozen=True)
class Ready:
    """What all students share.

    Attributes
    ----------
    features : tuple
        Of the factual and the counterfactual of every row.
    elsewhere, foreign : sequence
        Rows of other distributions, and their features.
    """

    study: Study
    inputs: Inputs
    features: tuple[Any, Any]
    held: HeldOut
    elsewhere: Sequence[Elsewhere]
    foreign: Sequence[Any]
    tuning: Tuning


def tally_all(ready: Ready, arms: Sequence[Mapping[str, Rows]]) -> Tallies:
    """Train and measure a student for each arm of each draw, as many at a time as there are cores."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # no stubs

    jobs = [(arm, number) for number in range(len(arms)) for arm in arms[0]]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # One thread a student: the order of adding, and with it the last bits, would follow the number of cores.
    workers = 1 if ready.inputs.student == "encoder" else cores
    with threadpool_limits(1), ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(lambda job: _student(ready, arms[job[1]][job[0]], job[1]), jobs))
    told: Tallies = {arm: {} for arm in arms[0]}
    for (arm, _), measures in zip(jobs, found, strict=True):
        for name, tally in measures.items():
            told[arm].setdefault(name, []).append(tally)
    return told


def _student(ready: Ready, rows: Rows, seed: int) -> dict[str, Tally | None]:
    from threadpoolctl import threadpool_limits

    study, held = ready.study, np.flatnonzero(ready.study.held)
    with threadpool_limits(1, user_api="openmp"):  # OpenMP counts by thread, and this is one of its own
        seen = stacked([_taken(ready.features[0], rows.factual), _taken(ready.features[1], rows.counterfactual)])
        labels = np.concatenate([study.labels[rows.factual], study.counterfactual_labels[rows.counterfactual]])
        model = learned(ready.inputs, seen, labels, study.levels, seed, ready.tuning)
        one, other = (model(_taken(each, held)) for each in ready.features)
        tallies = (number_tallies if study.levels is None else class_tallies)(ready.held, one, other)
        measure = "mae" if study.levels is None else "accuracy"
        for each, foreign in zip(ready.elsewhere, ready.foreign, strict=True):
            tallies[f"ood {measure}: {each.name}"] = _foreign(each, model(foreign), classes=study.levels is not None)
    return tallies


def _foreign(rows: Elsewhere, told: NDArray[np.float64], *, classes: bool) -> Tally:
    values = told.argmax(axis=1) == rows.labels if classes else np.abs(told - rows.labels)
    return Tally.of(values.astype(np.float64), rows.groups, int(rows.groups.max()) + 1)


def _taken(features: Any, rows: NDArray[np.int64]) -> Any:
    return [features[row] for row in rows] if isinstance(features, list) else features[rows]
