"""Controls among pairs: a control is kept only where the pair that it stands beside is.

Pair filters judge controls as they judge pairs, by the label that each claims. Set filters look at pairs alone: what is
a duplicate, too much of a class or not diverse enough is the pair, and its control goes with it, into the same group.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.judging import Funnel, with_reasons
from contrafact.stages import Judgement

__all__ = ["ALONE", "STEP", "beside", "following", "kept_with_pairs", "without_orphans"]

STEP = "control"
"""The step of the funnel."""

_NONE, _LOST = -1, -2
ALONE = f"{STEP}: its pair was rejected"
"""Why a control is rejected that nothing was wrong with."""


def beside(pairs: pa.Table) -> NDArray[np.int64] | None:
    """Row of the pair that each control stands beside; None where there is no control.

    Returns
    -------
    ndarray of int64, shape (n,), or None
        -1 for a row that is no control, -2 for a control whose pair is not among these.
    """
    owner = pairs["control_of"].combine_chunks()
    if owner.null_count == len(owner):
        return None
    place = pc.fill_null(pc.index_in(owner, pairs["pair_id"].combine_chunks()), _LOST)
    return np.where(owner.is_valid().to_numpy(zero_copy_only=False), place.to_numpy(zero_copy_only=False), _NONE)


def kept_with_pairs(alive: NDArray[np.bool_], place: NDArray[np.int64] | None) -> NDArray[np.bool_]:
    """``alive`` without the controls whose pair is not."""
    if place is None:
        return alive
    with_pair = np.where(place >= 0, alive[np.maximum(place, 0)], place == _NONE)
    return np.asarray(alive & with_pair, dtype=bool)


def without_orphans(pairs: pa.Table, funnel: Funnel) -> pa.Table:
    """The pairs, with controls rejected whose pair was."""
    place = beside(pairs)
    if place is None:
        return pairs
    alive = pairs["accepted"].to_numpy()
    kept = kept_with_pairs(alive, place)
    funnel.count(STEP, int(alive.sum()), int((alive & ~kept).sum()))
    pairs = with_reasons(pairs, [(alive & ~kept, ALONE)])
    position = pairs.schema.get_field_index("accepted")
    return pairs.set_column(position, pairs.schema.field("accepted"), pa.array(kept))


def following(judgement: Judgement, place: NDArray[np.int64]) -> Judgement:
    """A set filter's judgement with every control let through, in the group of its pair."""
    own = place == _NONE
    groups = judgement.groups
    if groups is not None:
        groups = groups.take(pa.array(np.where(place >= 0, place, np.arange(len(place)))))
    return replace(judgement, passed=np.asarray(judgement.passed, dtype=bool) | ~own, groups=groups)
