"""p values of many tests, corrected for there being many."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["CORRECTIONS", "Correction", "corrected"]

Correction = Literal["holm", "bh"]
CORRECTIONS = ("holm", "bh")


def corrected(values: NDArray[np.float64], method: Correction) -> NDArray[np.float64]:
    """Adjusted p values, along the last axis; NaN stays NaN and is no test.

    Parameters
    ----------
    values : ndarray of float64, shape (..., m)
    method : {'holm', 'bh'}
        ``holm`` holds the chance of any false positive (Holm 1979), ``bh`` the share of false ones among the positives
        (Benjamini and Hochberg 1995).

    Returns
    -------
    ndarray of float64, shape (..., m)
    """
    values = np.asarray(values, dtype=np.float64)
    tests = np.count_nonzero(~np.isnan(values), axis=-1, keepdims=True)
    order = np.argsort(values, axis=-1, kind="stable")  # NaN comes last
    ranked = np.take_along_axis(values, order, axis=-1)
    rank = np.arange(1, values.shape[-1] + 1)
    if method == "holm":
        steps = np.fmax.accumulate(ranked * np.maximum(tests - rank + 1, 1), axis=-1)
    else:
        steps = np.fmin.accumulate((ranked * tests / rank)[..., ::-1], axis=-1)[..., ::-1]
    adjusted = np.empty_like(values)
    np.put_along_axis(adjusted, order, np.where(np.isnan(ranked), np.nan, np.minimum(steps, 1.0)), axis=-1)
    return adjusted
