"""Which corrupted view moves a model most: ROMA's worst view (arXiv:2605.09262), from any model's log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax

__all__ = ["token_divergence", "worst_view"]


def token_divergence(clean: ArrayLike, view: ArrayLike) -> float:
    """Mean over tokens of KL(clean ‖ view), in nats.

    Parameters
    ----------
    clean, view : array_like of float, shape (tokens, vocabulary)
        Log-probabilities (or logits) of each token of the answer that was given for the clean picture, under the clean
        picture and under the view (teacher forcing).

    Raises
    ------
    ValueError
        For shapes that differ, no tokens, or a value that is none.
    """
    one, other = _checked(clean), _checked(view)
    if one.shape != other.shape:
        raise ValueError(f"log-probabilities of {one.shape} and {other.shape}: both must be of the same tokens")
    first, second = log_softmax(one, axis=-1), log_softmax(other, axis=-1)
    chance = np.exp(first)
    # A token that cannot be (log-probability of minus infinity) adds nothing under the clean picture.
    gap = np.where(chance > 0, first - second, 0.0)
    return float((chance * gap).sum(axis=-1).mean())


def worst_view(clean: ArrayLike, views: Sequence[ArrayLike]) -> tuple[int, NDArray[np.float64]]:
    """The number of the view of the largest :func:`token_divergence` (the first of equals), and all divergences.

    Parameters
    ----------
    clean : array_like of float, shape (tokens, vocabulary)
    views : sequence of array_like of the same shape

    Raises
    ------
    ValueError
        For no views, or what :func:`token_divergence` refuses.
    """
    if not len(views):
        raise ValueError("there is no view to choose from")
    moved = np.array([token_divergence(clean, each) for each in views])
    return int(moved.argmax()), moved


def _checked(given: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(given, dtype=np.float64)
    if values.ndim != 2 or not values.size or np.isnan(values).any():
        raise ValueError(f"log-probabilities of shape {values.shape}: (tokens, vocabulary), one token or more, no NaN")
    return values
