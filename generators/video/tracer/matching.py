"""A predictor without weights: each patch of frame 2 came from somewhere near in frame 1.

Candidate displacements of a patch are scored by what frame 2 shows of it and its neighbours. The prediction is the
mixture of what frame 1 has at all candidates, said as a distribution over grey levels (the tokens), so that a bump in
frame 1 moves the distribution of exactly those patches that are likely to have come from there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BlockMatching"]

_LEVELS = 32


class BlockMatching:
    """Block matching as a probabilistic predictor.

    Parameters
    ----------
    patch : int
        Edge of a patch in pixels.
    reach : int
        Largest displacement in pixels.
    context : int
        Pixels around a patch that are compared too.
    temperature : float
        Of the softmax over candidates, in squared grey levels from 0 to 1 a pixel. Lower is surer.
    """

    def __init__(self, patch: int = 8, reach: int = 12, context: int = 4, temperature: float = 2e-4) -> None:
        self.patch, self.reach, self.context, self.temperature = patch, reach, context, temperature

    def logits(
        self, frame_1: NDArray[np.uint8], frame_2: NDArray[np.uint8], shown: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Log-probabilities over 32 grey levels for each patch, shape (rows, columns, 32).

        A patch that is shown is matched itself; another takes the displacements of the nearest one that is, and where
        none is shown everything stays where it is.
        """
        weights = _borrowed(self.weights(frame_1, frame_2), shown, self._displacements().index((0, 0)))
        counts = self._counted(_grey(frame_1))
        rows, columns = weights.shape[:2]
        top = np.arange(rows)[:, None] * self.patch + self.reach
        left = np.arange(columns)[None, :] * self.patch + self.reach
        levels = np.full((rows, columns, _LEVELS), 1e-4)
        for number, (down, right) in enumerate(self._displacements()):
            low, high = top + down, top + down + self.patch
            near, far = left + right, left + right + self.patch
            inside = counts[high, far] - counts[low, far] - counts[high, near] + counts[low, near]
            levels += weights[:, :, number, None] * inside / self.patch**2
        return np.asarray(np.log(levels / levels.sum(axis=2, keepdims=True)))

    def _counted(self, grey: NDArray[np.float64]) -> NDArray[np.float32]:
        """Pixels of each grey level above and left of each place, the edge repeated as far as a patch may come from."""
        wide = np.pad(np.minimum((grey * _LEVELS).astype(np.int64), _LEVELS - 1), self.reach, mode="edge")
        counts = np.zeros((wide.shape[0] + 1, wide.shape[1] + 1, _LEVELS), dtype=np.float32)
        counts[1:, 1:] = np.eye(_LEVELS, dtype=np.float32)[wide].cumsum(axis=0).cumsum(axis=1)
        return counts

    def decode(self, logits: NDArray[np.float64], frame_1: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The most likely picture: the mean grey level of each patch, shape (H, W, 3), from 0 to 255."""
        probability = np.exp(logits - logits.max(axis=2, keepdims=True))
        probability /= probability.sum(axis=2, keepdims=True)
        mean = probability @ ((np.arange(_LEVELS) + 0.5) / _LEVELS * 255)
        grey = np.repeat(np.repeat(mean, self.patch, axis=0), self.patch, axis=1)
        return np.asarray(grey[:, :, None].repeat(3, axis=2))

    def flow(self, frame_1: NDArray[np.uint8], frame_2: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Displacement of each patch of frame 2 from frame 1: right and down in pixels, shape (rows, columns, 2)."""
        best = self.weights(frame_1, frame_2).argmax(axis=2)
        moves = np.array([(-right, -down) for down, right in self._displacements()], dtype=np.float64)
        return np.asarray(moves[best])

    def weights(self, frame_1: NDArray[np.uint8], frame_2: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Probability of each candidate displacement, shape (rows, columns, candidates)."""
        one, two = _grey(frame_1), _grey(frame_2)
        costs = []
        for down, right in self._displacements():
            error = np.square(_shifted(one, down, right) - two)
            costs.append(self._window(error) + 1e-9 * (abs(down) + abs(right)))
        cost = np.stack(costs, axis=2) / self.temperature
        weight = np.exp(cost.min(axis=2, keepdims=True) - cost)
        return np.asarray(weight / weight.sum(axis=2, keepdims=True))

    def _window(self, error: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean error over each patch and what is around it."""
        height, width = error.shape
        total = np.zeros((height + 1, width + 1))
        total[1:, 1:] = error.cumsum(axis=0).cumsum(axis=1)
        top = np.arange(0, height, self.patch)
        left = np.arange(0, width, self.patch)
        low_row, high_row = np.maximum(top - self.context, 0), np.minimum(top + self.patch + self.context, height)
        low_column = np.maximum(left - self.context, 0)
        high_column = np.minimum(left + self.patch + self.context, width)
        area = (high_row - low_row)[:, None] * (high_column - low_column)[None, :]
        inside = (
            total[np.ix_(high_row, high_column)]
            - total[np.ix_(low_row, high_column)]
            - total[np.ix_(high_row, low_column)]
            + total[np.ix_(low_row, low_column)]
        )
        return np.asarray(inside / area)

    def _displacements(self) -> list[tuple[int, int]]:
        """Where in frame 1, seen from its place in frame 2, a patch may have come from: down and right."""
        steps = range(-self.reach, self.reach + 1)
        return [(down, right) for down in steps for right in steps]


def _borrowed(weights: NDArray[np.float64], shown: NDArray[np.bool_], still: int) -> NDArray[np.float64]:
    """Each patch's displacements where it is shown, else those of the nearest patch that is."""
    if shown.all():
        return weights
    known = np.argwhere(shown)
    if not len(known):
        alone = np.zeros_like(weights)
        alone[:, :, still] = 1.0
        return alone
    rows, columns = np.mgrid[: shown.shape[0], : shown.shape[1]]
    distance = (rows[:, :, None] - known[:, 0]) ** 2 + (columns[:, :, None] - known[:, 1]) ** 2
    nearest = known[distance.argmin(axis=2)]
    return np.asarray(weights[nearest[:, :, 0], nearest[:, :, 1]])


def _grey(frame: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.asarray(frame.astype(np.float64).mean(axis=2) / 255)


def _shifted(picture: NDArray[np.float64], down: int, right: int) -> NDArray[np.float64]:
    """``picture[row + down, column + right]``, its edge repeated."""
    height, width = picture.shape
    rows = np.clip(np.arange(height) + down, 0, height - 1)
    columns = np.clip(np.arange(width) + right, 0, width - 1)
    return picture[np.ix_(rows, columns)]
