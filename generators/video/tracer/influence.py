"""What an edit changed, against what it could have changed: the influence map as a check."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

__all__ = ["influence_map", "unexplained"]


def influence_map(factual: NDArray[np.uint8], counterfactual: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """By how much each pixel differs between two clips: the largest difference of a channel, shape (T, H, W).

    Raises
    ------
    ValueError
        For clips of different shapes.
    """
    if factual.shape != counterfactual.shape:
        raise ValueError(f"clips of {factual.shape} and {counterfactual.shape}: both must be of one shape")
    return np.asarray(np.abs(factual.astype(np.int16) - counterfactual.astype(np.int16)).max(axis=-1), dtype=np.uint8)


def unexplained(
    influence: NDArray[np.uint8],
    masks: Iterable[NDArray[np.bool_]],
    *,
    least: int = 1,
    margin: int = 0,
) -> NDArray[np.int64]:
    """Pixels of each frame that changed although no object that could have been reached is near; shape (T,).

    Parameters
    ----------
    influence : ndarray of uint8, shape (T, H, W)
    masks : iterable of ndarray of bool, each of shape (T, H, W)
        Where reachable objects are, in either clip, from the moment at which they can be reached.
    least : int
        Differences below are none.
    margin : int
        Pixels around a mask that may change with it (a soft shadow, a smoothed edge).
    """
    allowed = np.zeros(influence.shape, dtype=bool)
    for each in masks:
        allowed |= each
    for _ in range(margin):
        allowed = _grown(allowed)
    return np.asarray(((influence >= least) & ~allowed).sum(axis=(1, 2)), dtype=np.int64)


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """One pixel larger in the four directions."""
    wide = mask.copy()
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    wide[:, :, 1:] |= mask[:, :, :-1]
    wide[:, :, :-1] |= mask[:, :, 1:]
    return wide
