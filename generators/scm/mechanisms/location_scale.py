"""Location and scale: ``value = location(parents) + scale(parents) * noise``, for noise that grows with a parent."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import ModelError
from generators.scm.functions import FunctionLike, as_function, merged_parents
from generators.scm.mechanisms.additive import unless_all
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.noise import Noise, Normal

__all__ = ["LocationScale"]


class LocationScale(Mechanism):
    """``value = location(parents) + scale(parents) * noise`` (Immer et al. 2023, location-scale noise models, eq. 1).

    Abduction is exact: ``noise = (value - location) / scale``. Where the scale is not positive the value is nan, and
    no fact is possible.

    Parameters
    ----------
    location, scale : str, float or callable
        See :func:`generators.scm.functions.as_function`; the parents are those of both.
    noise : Noise, optional
        Standard normal where it is not given.
    """

    kind = "location_scale"

    def __init__(self, location: FunctionLike, scale: FunctionLike, noise: Noise | None = None) -> None:
        self.location, self.scale = as_function(location), as_function(scale)
        self.parents, self.noise = merged_parents(self.location, self.scale), noise or Normal()
        if not self.scale.parents and not np.all(np.asarray(self.scale({})) > 0):
            raise ModelError(
                f"the scale is {self.scale.spec()!r}, which is never positive, so that there is no value",
                allowed="a scale above 0",
                fix='scale: "exp(...)", say',
            )

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return self.noise.quantile(uniforms)

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        values: NDArray[Any] = self.location(parents) + self._scale(parents) * noise
        return values

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        noise = (values - self.location(parents)) / self._scale(parents)
        return Abduction(noise, exact=True, possible=unless_all(np.isfinite(noise)))

    def spec(self) -> dict[str, Any]:
        return {
            "mechanism": self.kind,
            "location": self.location.spec(),
            "scale": self.scale.spec(),
            "noise": self.noise.spec(),
        }

    def _scale(self, parents: Columns) -> NDArray[Any]:
        scale = self.scale(parents)
        return np.where(scale > 0, scale, np.nan)
