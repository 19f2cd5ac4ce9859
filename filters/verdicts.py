"""How several rules make one verdict: violations are counted, and the first one is the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tally"]


class Tally:
    """Violations of n pairs.

    Attributes
    ----------
    count : ndarray of int64, shape (n,)
    """

    def __init__(self, rows: int) -> None:
        self.count = np.zeros(rows, dtype=np.int64)
        self._first = np.zeros(rows, dtype=np.int64)
        self._texts = [""]

    def add(self, violated: NDArray[np.bool_], text: str) -> None:
        """Count a violation in the marked rows; ``text`` is the reason of those that had none yet."""
        if violated.any():
            self._first[violated & (self.count == 0)] = len(self._texts)
            self._texts.append(text)
            self.count += violated

    @property
    def passed(self) -> NDArray[np.bool_]:
        """Rows without a violation."""
        return np.asarray(self.count == 0, dtype=bool)

    @property
    def reasons(self) -> NDArray[Any]:
        """The first violation of each row, an empty text where there is none."""
        return np.array(self._texts, dtype=object)[self._first]
