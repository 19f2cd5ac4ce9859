"""KL-tracing: a white bump on a point, two predictions, and where their distributions part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_softmax

__all__ = ["Predictor", "Traced", "bumped", "endpoint_error", "trace"]

AMPLITUDE, SIGMA = 255.0, 2.0
"""Of the bump: levels of each channel, and pixels (section 3 of the paper)."""
_FAINT = 0.02


class Predictor(Protocol):
    """What can be traced: a model that tells, for each patch of frame 2, a distribution over what may be there.

    Attributes
    ----------
    patch : int
        Edge of a patch in pixels.
    """

    patch: int

    def logits(
        self, frame_1: NDArray[np.uint8], frame_2: NDArray[np.uint8], shown: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Unnormalised log-probabilities, shape (rows, columns, tokens), the same tokens in every call.

        Parameters
        ----------
        frame_1, frame_2 : ndarray of uint8, shape (H, W, 3)
        shown : ndarray of bool, shape (rows, columns)
            Patches of frame 2 that may be looked at; the others are to be predicted.
        """
        ...


@dataclass(frozen=True)
class Traced:
    """Where a point went.

    Attributes
    ----------
    point : tuple of float
        Column and row in frame 2, in pixels: the centre of mass of the divergence around its peak.
    divergence : ndarray of float64, shape (rows, columns)
        Of each patch, in nats (or mean absolute difference of colour, with ``by="colour"``).
    occluded : bool
        Whether the peak is so low that the point is not to be seen in frame 2.
    """

    point: tuple[float, float]
    divergence: NDArray[np.float64]
    occluded: bool


def trace(
    predictor: Predictor,
    frame_1: NDArray[np.uint8],
    frame_2: NDArray[np.uint8],
    point: tuple[float, float],
    *,
    masks: int = 5,
    share: float = 0.1,
    seed: int = 0,
    by: Literal["kl", "colour"] = "kl",
    faint: float = _FAINT,
) -> Traced:
    """Find a point of frame 1 in frame 2.

    Parameters
    ----------
    point : tuple of float
        Column and row in frame 1, in pixels.
    masks : int
        How many random reveals of frame 2 the divergence is averaged over (the paper's "5MM").
    share : float
        Of frame 2's patches in a reveal. A large model wants few, lest it copy; a matcher may see all (1).
    seed : int
        Decides the reveals; the same reveal serves both predictions.
    by : str
        ``kl``: divergence of the predicted distributions; ``colour``: difference of the predicted pictures, for
        predictors that also have ``decode(logits, frame_1)`` to (H, W, 3).
    faint : float
        Peak below which the point counts as out of sight.

    Raises
    ------
    ValueError
        For frames of different sizes, a point outside them, or a size that patches do not divide.
    """
    _check(predictor, frame_1, frame_2, point)
    rows, columns = frame_1.shape[0] // predictor.patch, frame_1.shape[1] // predictor.patch
    touched, rng = bumped(frame_1, point), np.random.Generator(np.random.Philox(seed))
    total = np.zeros((rows, columns))
    for _ in range(masks):
        shown = rng.random((rows, columns)) < share
        before = predictor.logits(frame_1, frame_2, shown)
        after = predictor.logits(touched, frame_2, shown)
        if by == "kl":
            total += divergence(before, after)
        else:
            decode = predictor.decode  # type: ignore[attr-defined]
            total += _patchwise(np.abs(decode(before, frame_1) - decode(after, touched)).mean(axis=2), predictor.patch)
    mean = total / masks
    return Traced(_peak(mean, predictor.patch), mean, bool(mean.max() < faint))


def bumped(frame: NDArray[np.uint8], point: tuple[float, float]) -> NDArray[np.uint8]:
    """A frame with a white Gaussian bump on a point (column, row): amplitude 255, σ = 2 px."""
    rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]]
    square = (columns - point[0]) ** 2 + (rows - point[1]) ** 2
    bump = AMPLITUDE * np.exp(-square / (2 * SIGMA**2))
    return np.asarray(np.clip(np.rint(frame + bump[:, :, None]), 0, 255), dtype=np.uint8)


def divergence(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """KL(softmax(one) ‖ softmax(other)) along the last axis, in nats."""
    first, second = log_softmax(one, axis=-1), log_softmax(other, axis=-1)
    return np.asarray((np.exp(first) * (first - second)).sum(axis=-1))


def endpoint_error(found: ArrayLike, true: ArrayLike) -> float:
    """Mean distance in pixels between points (n, 2), or between flows (H, W, 2)."""
    gap = np.asarray(found, dtype=np.float64) - np.asarray(true, dtype=np.float64)
    return float(np.linalg.norm(gap, axis=-1).mean())


def _peak(mean: NDArray[np.float64], patch: int) -> tuple[float, float]:
    """Column and row of the highest patch, moved toward its neighbours by their share (half a patch at the most)."""
    row, column = np.unravel_index(int(mean.argmax()), mean.shape)
    low_row, low_column = max(row - 1, 0), max(column - 1, 0)
    near = mean[low_row : row + 2, low_column : column + 2]
    weight = near / near.sum() if near.sum() > 0 else np.full(near.shape, 1 / near.size)
    rows, columns = np.mgrid[low_row : low_row + near.shape[0], low_column : low_column + near.shape[1]]
    centre_row = float(np.clip((weight * rows).sum(), row - 0.5, row + 0.5))
    centre_column = float(np.clip((weight * columns).sum(), column - 0.5, column + 0.5))
    return (centre_column + 0.5) * patch - 0.5, (centre_row + 0.5) * patch - 0.5


def _patchwise(picture: NDArray[np.float64], patch: int) -> NDArray[np.float64]:
    """Mean over each patch."""
    rows, columns = picture.shape[0] // patch, picture.shape[1] // patch
    return np.asarray(picture.reshape(rows, patch, columns, patch).mean(axis=(1, 3)))


def _check(
    predictor: Predictor, frame_1: NDArray[np.uint8], frame_2: NDArray[np.uint8], point: tuple[float, float]
) -> None:
    height, width = frame_1.shape[:2]
    if frame_1.shape != frame_2.shape:
        raise ValueError(f"frames of {frame_1.shape} and {frame_2.shape}: both must be of one size")
    if height % predictor.patch or width % predictor.patch:
        raise ValueError(f"a frame of {width}×{height} is not made of patches of {predictor.patch} pixels")
    if not (0 <= point[0] < width and 0 <= point[1] < height):
        raise ValueError(f"the point {point} lies outside the frame of {width}×{height}")
