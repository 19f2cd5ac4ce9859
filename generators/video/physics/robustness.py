"""How a model's videos hold up when one factor changes: CRONOS's measures as functions on arrays.

CRONOS (arXiv:2605.23699) reads objects and shapes with large encoders (DINOv2, SAM3D, DisMo). The functions here that
would need one use what the simulator gives instead (masks, states), and say so; ``robust_min``, ``robust_max`` and
``sensitivity`` are the paper's own and take the scores of any encoder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "background_stability",
    "motion_similarity",
    "object_stability",
    "physical_plausibility",
    "robust_max",
    "robust_min",
    "sensitivity",
    "shape_stability",
]

_SHARE = 0.05
_BINS = 8


def robust_min(values: ArrayLike, share: float = _SHARE) -> float:
    """Mean of the lowest twentieth of some values (at least one), which one odd frame does not decide.

    Parameters
    ----------
    values : array_like of float, shape (n,)
    share : float
        From above 0 to 1.

    Raises
    ------
    ValueError
        For no values, a value that is none, or a share outside its range.
    """
    return _tail(values, share)


def robust_max(values: ArrayLike, share: float = _SHARE) -> float:
    """Mean of the highest twentieth of some values. Parameters and errors are those of :func:`robust_min`."""
    return -_tail(-np.asarray(values, dtype=np.float64), share)


def _tail(values: ArrayLike, share: float) -> float:
    given = np.asarray(values, dtype=np.float64).reshape(-1)
    if not given.size or np.isnan(given).any():
        raise ValueError("values: one number or more, and no NaN")
    if not 0 < share <= 1:
        raise ValueError(f"share: {share} is not above 0 and at most 1")
    count = max(1, round(share * given.size))
    return float(np.partition(given, count - 1)[:count].mean())


def sensitivity(scores: Mapping[Any, Mapping[Any, float]]) -> float:
    """Mean over groups of (best − worst) among clips that differ in one factor; 0 where the factor does not matter.

    Parameters
    ----------
    scores : mapping of group to mapping of setting to score
        A group is what is the same (a scene, a metric), a setting is a value of the factor. Groups of fewer than two
        settings say nothing and are left out.

    Raises
    ------
    ValueError
        Where no group has two settings.
    """
    ranges = [max(each.values()) - min(each.values()) for each in scores.values() if len(each) > 1]
    if not ranges:
        raise ValueError("scores: no group has two settings to compare")
    return float(np.mean(ranges))


def object_stability(frames: NDArray[np.uint8], masks: NDArray[np.bool_]) -> float:
    """Robust minimum over frames of how alike an object's colours are to those of its first frame.

    In place of DINOv2's features: the cosine between histograms of 8×8×8 colours under the mask.

    Parameters
    ----------
    frames : ndarray of uint8, shape (T, H, W, 3)
    masks : ndarray of bool, shape (T, H, W)
        Where the object is. Frames that do not show it are left out.
    """
    seen = np.flatnonzero(masks.reshape(len(masks), -1).any(axis=1))
    if not len(seen):
        raise ValueError("masks: no frame shows the object")
    first = _histogram(frames[seen[0]][masks[seen[0]]])
    return robust_min([_cosine(_histogram(frames[each][masks[each]]), first) for each in seen])


def background_stability(frames: NDArray[np.uint8], masks: NDArray[np.bool_]) -> float:
    """exp(−50 · robust maximum over frames of the mean squared change of what is background in both frames).

    Parameters
    ----------
    frames : ndarray of uint8, shape (T, H, W, 3)
        Taken as numbers from 0 to 1.
    masks : ndarray of bool, shape (T, H, W)
        Where any object is.
    """
    first, errors = frames[0].astype(np.float64) / 255, []
    for frame, mask in zip(frames[1:], masks[1:], strict=True):
        both = ~(mask | masks[0])
        if both.any():
            errors.append(float(np.square(frame[both] / 255 - first[both]).mean()))
    return float(np.exp(-50 * robust_max(errors))) if errors else 1.0


def shape_stability(masks: NDArray[np.bool_]) -> float:
    """Robust minimum over frames of the overlap of an object's outline with that of its first frame.

    In place of meshes from SAM3D: intersection over union of masks that were moved onto one centre. It falls for an
    object that turns, which meshes would forgive.
    """
    shapes = [each for each in (_centred(mask) for mask in masks) if each is not None]
    if not shapes:
        raise ValueError("masks: no frame shows the object")
    return robust_min([_overlap(each, shapes[0]) for each in shapes])


def motion_similarity(path: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
    """Correlation of two paths' steps, from −1 to 1; 1 where neither moves. In place of DisMo's embeddings.

    Parameters
    ----------
    path, reference : ndarray of float, shape (T, d)
        Positions, in pixels or metres.
    """
    one, other = (np.diff(each, axis=0).reshape(-1) for each in (path, reference))
    if not one.any() and not other.any():
        return 1.0
    return _cosine(one, other)


def physical_plausibility(answers: Sequence[bool], truth: Sequence[bool]) -> float:
    """1 / (1 + number of wrong answers) to yes/no questions on a clip."""
    return 1.0 / (1 + sum(bool(a) != bool(b) for a, b in zip(answers, truth, strict=True)))


def _histogram(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Counts of colours, shape (512,)."""
    bins = (pixels.astype(np.int64) * _BINS) >> 8
    return np.bincount(bins @ np.array([_BINS * _BINS, _BINS, 1]), minlength=_BINS**3).astype(np.float64)


def _cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size else 0.0


def _centred(mask: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """A mask moved so that its centre of mass is the picture's middle; None for an empty one."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return None
    moved = np.zeros((2 * mask.shape[0], 2 * mask.shape[1]), dtype=bool)
    # Not round(), which takes halves to the even number and would shift a moving shape back and forth.
    row, column = int(rows.mean() + 0.5), int(columns.mean() + 0.5)
    moved[rows - row + mask.shape[0], columns - column + mask.shape[1]] = True
    return moved


def _overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())
