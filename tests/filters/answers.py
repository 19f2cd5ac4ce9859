"""Functions that answer as no teacher should."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def short(texts: Sequence[str]) -> np.ndarray:
    return np.full((len(texts), 2), 0.5)


def large(texts: Sequence[str]) -> np.ndarray:
    return np.full((len(texts), 3), 0.5)


def below(texts: Sequence[str]) -> np.ndarray:
    return np.tile([1.5, -0.25, -0.25], (len(texts), 1))


def silent(texts: Sequence[str]) -> np.ndarray:
    return np.full((len(texts), 3), np.nan)
