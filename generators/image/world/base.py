"""What a world is: a causal model, a renderer of one row of its values, and what can be read off the picture again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Field", "Measure", "Picture", "World", "cover", "painted"]

Picture = NDArray[np.uint8]
"""Shape (H, W, 3)."""
Field = NDArray[np.float64]
"""One number a pixel, shape (H, W)."""
Measure = Callable[[Picture], float | None]
"""One variable as the picture shows it; None where it cannot be seen (hidden, or out of the picture)."""


@dataclass(frozen=True)
class World:
    """A causal model with a face.

    Attributes
    ----------
    model : str
        The model, as ``scm:`` of a recipe names it.
    render : callable
        The picture of one row: variable to value, a categorical by its code.
    measures : mapping of variable to callable
        How variables are read off the picture. None of them looks at the values it was drawn from.
    tolerance : mapping of variable to float
        How far a reading may be from the value, in the variable's units.
    circular : mapping of variable to float
        Period of the variables that go round.
    """

    model: str
    render: Callable[[Mapping[str, Any]], Picture]
    measures: Mapping[str, Measure] = field(default_factory=dict)
    tolerance: Mapping[str, float] = field(default_factory=dict)
    circular: Mapping[str, float] = field(default_factory=dict)

    def away(self, name: str, value: float, reading: float) -> float:
        """How far a reading is from a value."""
        period = self.circular.get(name)
        gap = abs(reading - value)
        return gap if period is None else min(gap % period, -gap % period)


def cover(distance: Field, soft: float = 1.0) -> Field:
    """Share of each pixel that a shape covers, from the signed distance to its rim (in pixels, inside below 0)."""
    return np.asarray(np.clip(0.5 - distance / soft, 0.0, 1.0))


def painted(picture: NDArray[np.float64], colour: NDArray[np.float64] | tuple[float, ...], share: Field) -> None:
    """Lay a colour (3,) or a picture (H, W, 3) over a picture, in place, by share (H, W)."""
    picture += share[..., None] * (np.asarray(colour, dtype=np.float64) - picture)
