"""What each student is trained on: the same facts, with nothing, more facts, counterfactuals or placebos added."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contrafact.evaluation.reading import Study

__all__ = ["ARMS", "Rows", "draw_arms", "unit_rows"]

ARMS = {
    "facts": "factual rows",
    "more facts": "as many more factual rows as there are counterfactuals",
    "pairs": "the same factual rows and their counterfactuals",
    "controls": "the same factual rows and their controls (edits of the same size that change nothing)",
}
"""The arms, and what each is trained on."""


@dataclass(frozen=True)
class Rows:
    """Members to train on, by row of the study's pairs.

    Attributes
    ----------
    factual, counterfactual : ndarray of int64
        Rows whose factual, and whose counterfactual, is taken.
    """

    factual: NDArray[np.int64]
    counterfactual: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.factual) + len(self.counterfactual)


def unit_rows(study: Study, rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The first of these rows for each unit: a unit's factual counts once, however many pairs it has."""
    places = np.flatnonzero(rows)
    units = study.pairs["unit_id"].combine_chunks().take(places).to_numpy(zero_copy_only=False)
    _, first = np.unique(units.astype(str), return_index=True)
    return places[np.sort(first)]


def draw_arms(study: Study, rng: np.random.Generator) -> dict[str, Rows]:
    """Rows of every arm, drawn anew.

    Groups are put in random order and cut in two, A and B, so that B has as many facts as A has counterfactuals: the
    arms *more facts* (facts of A and B) and *pairs* (facts and counterfactuals of A) then cost the same number of
    labelled rows, as original and revised rows do in Kaushik, Hovy and Lipton (2020). Where B has fewer, as many
    counterfactuals are left out.

    Returns
    -------
    dict
        By the names of :data:`ARMS`; without ``controls`` where no pair has one.
    """
    targets = study.targets & ~study.held
    units = unit_rows(study, targets)
    order = rng.permutation(int(study.groups.max()) + 1)
    counts = np.bincount(study.groups[units], minlength=len(order))
    pairs = int(targets.sum())
    share = len(units) / (len(units) + pairs)
    filled = np.cumsum(counts[order])
    cut = int(np.searchsorted(filled, share * len(units)))
    first = np.zeros(len(order), dtype=bool)
    first[order[: cut + 1]] = True
    in_first = first[study.groups]
    base, others = units[in_first[units]], units[~in_first[units]]
    edited = np.flatnonzero(targets & in_first)
    size = min(len(edited), len(others))
    none = np.empty(0, dtype=np.int64)
    arms = {
        "facts": Rows(base, none),
        "more facts": Rows(np.concatenate([base, _some(others, size, rng)]), none),
        "pairs": Rows(base, _some(edited, size, rng)),
    }
    placebos = np.flatnonzero((study.place >= 0) & ~study.held & in_first)
    if len(placebos):
        arms["controls"] = Rows(base, _some(placebos, size, rng))
    return arms


def _some(rows: NDArray[np.int64], size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """At most ``size`` of the rows, in their order."""
    return rows if len(rows) <= size else np.sort(rng.choice(rows, size, replace=False))
