"""Which split a pair goes to: decided by its group alone, so that no group can cross a split."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.identity import hash_strings

__all__ = ["assign_splits"]


def assign_splits(groups: pa.Array, shares: Mapping[str, float], seed: int) -> NDArray[np.int64]:
    """Position in ``shares`` of each group's split.

    A hash of (seed, group) is a point on [0, 1) and the shares cut that interval; nothing depends on the other
    groups, so a dataset that grows never moves a pair from one split to another.

    Returns
    -------
    ndarray of int64, shape (len(groups),)
    """
    points = (hash_strings(groups, f"split:{seed}") >> np.uint64(11)).astype(np.float64) * 2.0**-53
    ends = np.cumsum(list(shares.values()))
    ends[-1] = np.inf  # rounding in the sum must not leave a gap at the end
    return np.searchsorted(ends, points, side="right")
