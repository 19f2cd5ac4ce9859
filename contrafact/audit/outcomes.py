"""What a model makes of pairs and controls: its probabilities before, under the target edit, under the control."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.audit.reading import Audited, texts_of
from contrafact.engines.teachers import Remembering

__all__ = ["Outcomes", "asked_chances", "outcomes_of", "stored_chances", "stored_outcomes"]

_SIDES = ("factual", "counterfactual")


@dataclass(frozen=True)
class Outcomes:
    """Probabilities of k labels for n pairs that have a control.

    Attributes
    ----------
    model : str
        Alias of the teacher filter that stored them, or the teacher that was asked.
    fact, target, control : ndarray of float64, shape (n, k)
    label, claimed : ndarray of int64, shape (n,)
        The label that a pair has, and the one that its edit is to bring about.
    groups : ndarray of int64, shape (n,)
        From 0, without a gap.
    family : ndarray of object, shape (n,)
        Operation of the target edit.
    silent : int
        Pairs that are left out since the model gave no answer about one of their texts.
    selected : bool
        The model chose these pairs itself, so that no test of them means anything.
    """

    model: str
    fact: NDArray[np.float64]
    target: NDArray[np.float64]
    control: NDArray[np.float64]
    label: NDArray[np.int64]
    claimed: NDArray[np.int64]
    groups: NDArray[np.int64]
    family: NDArray[np.object_]
    silent: int = 0
    selected: bool = False

    def __len__(self) -> int:
        return len(self.fact)


def stored_outcomes(data: Audited, alias: str) -> Outcomes:
    """Outcomes from the probabilities that a teacher filter stored with the pairs."""
    return outcomes_of(data, alias, *stored_chances(data, alias))


def stored_chances(data: Audited, alias: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Stored probabilities of the factual and the counterfactual, each of shape (n, k); NaN where there is none."""
    scores = data.column("scores")
    fact, other = (_matrix(scores.field(f"{alias}_{side}"), len(data.levels or ())) for side in _SIDES)
    return fact, other


def asked_chances(
    data: Audited, teacher: Remembering, fields: tuple[str, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probabilities by a teacher that is asked now, each of shape (n, k); NaN for pairs without a control."""
    rows = np.concatenate(data.controlled)
    texts = [texts_of(data.pairs.take(pa.array(rows)), side, fields) for side in _SIDES]
    answers = np.split(teacher.score([*texts[0], *texts[1]]), 2)
    sides = []
    for answer in answers:
        whole = np.full((data.pairs.num_rows, answer.shape[1]), np.nan)
        whole[rows] = answer
        sides.append(whole)
    return sides[0], sides[1]


def outcomes_of(data: Audited, model: str, fact: NDArray[np.float64], other: NDArray[np.float64]) -> Outcomes:
    """Outcomes of the pairs that have a control, from probabilities of every row, each of shape (n, k)."""
    pairs, controls = data.controlled
    answered = ~np.isnan(np.hstack([fact[pairs], other[pairs], other[controls]])).any(axis=1)
    before, after = (np.asarray(data.column(name).fill_null(-1)) for name in ("label", "counterfactual_label"))
    answered &= (before[pairs] >= 0) & (after[pairs] >= 0)
    kept, beside = pairs[answered], controls[answered]
    _, groups = np.unique(data.groups[kept], return_inverse=True)
    changes = data.column("intervention").take(pa.array(kept)).to_pylist()
    family = np.array([each[0]["operation"] if each else "none" for each in changes], dtype=object)
    silent = int((~answered).sum())
    return Outcomes(
        model, fact[kept], other[kept], other[beside], before[kept], after[kept], groups, family, silent
    )  # fmt: skip


def _matrix(lists: pa.Array, width: int) -> NDArray[np.float64]:
    """Stored lists as rows of a matrix; NaN where there is none."""
    whole = np.full((len(lists), width), np.nan)
    there = lists.is_valid().to_numpy(zero_copy_only=False)
    whole[there] = lists.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    return whole
