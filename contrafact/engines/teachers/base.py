"""What stages see of a teacher."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Teacher", "Texts", "softmax"]

Texts = tuple[str, ...]
"""One thing to label: a text, or a premise and its hypothesis."""


class Teacher(ABC):
    """Gives each text a probability for each of its labels.

    Making one is cheap and checks what can be checked; weights are loaded when the first text is scored.

    Attributes
    ----------
    labels : tuple of str
        Its own labels, in the order of its columns.
    fields : int or None
        How many texts it takes at a time; None where it takes any number.
    serial : bool
        Whether only one thread may score at a time.
    """

    labels: tuple[str, ...]
    fields: int | None = None
    serial: ClassVar[bool] = True

    @abstractmethod
    def score(self, texts: Sequence[Texts]) -> NDArray[np.float64]:
        """Probabilities, shape (len(texts), len(labels)), each row summing to 1; NaN in a row that has no answer.

        A row must not depend on its neighbours: which texts meet in one call depends on what was scored before.
        """

    @abstractmethod
    def identity(self) -> Any:
        """JSON-like value that changes when the answers may."""


def softmax(logits: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Softmax of each row of a matrix, in float64."""
    values = np.asarray(logits, dtype=np.float64)
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)
