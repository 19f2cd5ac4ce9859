"""How good a classifier is on texts it has not seen, and how far its probabilities can be believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.engines.teachers.base import softmax

__all__ = ["best_temperature", "calibration_error", "measures_of", "negative_log_likelihood", "wilson"]

BINS = 15
_Z = 1.959963984540054  # 97.5 % quantile of the normal distribution
_LOG_TEMPERATURES = (-3.0, 4.0)


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927; Brown, Cai and DasGupta 2001, eq. 4)."""
    share, square = hits / trials, _Z**2
    centre = (share + square / (2 * trials)) / (1 + square / trials)
    half = _Z * math.sqrt(share * (1 - share) / trials + square / (4 * trials**2)) / (1 + square / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


def calibration_error(chances: NDArray[np.float64], codes: NDArray[np.int64], bins: int = BINS) -> float:
    """Expected calibration error of the most probable label (Guo et al. 2017, eq. 3).

    Bins of equal width on (0, 1], each closed above: the mean gap between confidence and accuracy, weighted by size.

    Parameters
    ----------
    chances : ndarray of float64, shape (n, k)
    codes : ndarray of int64, shape (n,)
        The true labels.
    """
    confidence, hit = chances.max(axis=1), chances.argmax(axis=1) == codes
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gaps = np.bincount(place, weights=hit - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(codes))


def negative_log_likelihood(chances: NDArray[np.float64], codes: NDArray[np.int64]) -> float:
    """Mean −log p of the true label, in nats."""
    return float(-np.log(np.maximum(chances[np.arange(len(codes)), codes], np.finfo(np.float64).tiny)).mean())


def best_temperature(logits: NDArray[np.float64], codes: NDArray[np.int64]) -> float:
    """The temperature T at which ``softmax(logits / T)`` has the least loss (Guo et al. 2017, section 4.2).

    Targets are smoothed as if each label had been seen once more, spread over all rows (as Platt 1999, section 2.2,
    does for two): a few texts without a mistake would otherwise make the teacher boundlessly sure.
    """
    from scipy.optimize import minimize_scalar

    rows, size = logits.shape
    targets = (np.eye(size)[codes] * rows + 1.0) / (rows + size)

    def loss(log_temperature: float) -> float:
        chances = softmax(logits / math.exp(log_temperature))
        return float(-(targets * np.log(np.maximum(chances, np.finfo(np.float64).tiny))).sum() / rows)

    found = minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded", options={"xatol": 1e-6})
    return float(math.exp(found.x))


def measures_of(
    logits: NDArray[np.float64], codes: NDArray[np.int64], labels: Sequence[str], temperature: float
) -> dict[str, Any]:
    """Everything that is printed and stored of a teacher: shares from 0 to 1, counts as integers.

    ``accuracy`` has its Wilson interval and that of always answering the commonest label beside it; ``confusion`` has a
    row for each true label. Temperature moves no answer, only how sure it is.
    """
    raw, calibrated = softmax(logits), softmax(logits / temperature)
    answers = raw.argmax(axis=1)
    size = len(labels)
    confusion = np.bincount(codes * size + answers, minlength=size * size).reshape(size, size)
    hits = int(np.trace(confusion))
    return {
        "rows": len(codes),
        "accuracy": hits / len(codes),
        "accuracy_interval": list(wilson(hits, len(codes))),
        "commonest_label": int(confusion.sum(axis=1).max()) / len(codes),
        "macro_f1": float(np.mean([each["f1"] for each in _by_label(confusion, labels).values()])),
        "by_label": _by_label(confusion, labels),
        "confusion": confusion.tolist(),
        "ece_before": calibration_error(raw, codes),
        "ece": calibration_error(calibrated, codes),
        "loss_before": negative_log_likelihood(raw, codes),
        "loss": negative_log_likelihood(calibrated, codes),
    }


def _by_label(confusion: NDArray[np.int64], labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = {}
    for place, label in enumerate(labels):
        hit, true, said = int(confusion[place, place]), int(confusion[place].sum()), int(confusion[:, place].sum())
        told[label] = {
            "rows": true,
            "precision": hit / said if said else 0.0,
            "recall": hit / true if true else 0.0,
            "f1": 2 * hit / (true + said) if true + said else 0.0,
        }
    return told
