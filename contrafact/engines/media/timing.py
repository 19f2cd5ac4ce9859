"""When frames are shown: whether they last equally long, and which one is on at an instant."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

__all__ = ["constant_rate", "durations", "held", "is_variable"]

_DENOMINATOR = 1001 * 60  # enough for 30000/1001 and its like
_JITTER = 0.1


def constant_rate(ticks: Sequence[int], tick: Fraction, told: Fraction | None) -> Fraction:
    """Frames a second: what the container tells where the frames agree with it, else their average.

    Parameters
    ----------
    ticks : sequence of int, ascending
        When frames begin, in units of ``tick`` seconds.
    """
    if len(ticks) < 2 or ticks[-1] == ticks[0]:
        return told or Fraction(25)
    measured = Fraction(len(ticks) - 1, 1) / ((ticks[-1] - ticks[0]) * tick)
    if told and abs(measured / told - 1) < Fraction(1, 50):
        return told
    return measured.limit_denominator(_DENOMINATOR)


def durations(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds from each frame to the next; one zero where there is no next."""
    return np.diff(times) if len(times) > 1 else np.zeros(1)


def is_variable(ticks: Sequence[int], tick: Fraction) -> bool:
    """Whether a frame lasts over a tenth longer or shorter than the middle one, beyond the clock's own rounding."""
    lasting = np.diff(np.asarray(ticks, dtype=np.float64)) * float(tick)
    if not len(lasting):
        return False
    middle = float(np.median(lasting))
    return bool((np.abs(lasting - middle) > max(_JITTER * middle, 1.5 * float(tick))).any())


def held(times: NDArray[np.float64], rate: Fraction) -> NDArray[np.int64]:
    """Which frame is on at each instant k / rate, up to the last frame's beginning (sample and hold).

    Returns
    -------
    ndarray of int64, ascending
        Positions in ``times``; a short frame may be left out and a long one repeated.
    """
    instants = np.arange(int(np.floor(times[-1] * float(rate) + 1e-6)) + 1) / float(rate)
    return np.searchsorted(times, instants + 1e-6, side="right") - 1
