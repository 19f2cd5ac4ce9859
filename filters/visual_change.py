"""Visual change: an edit is seen where it says it was, and nowhere else."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.stages import Judgement
from filters.media import MediaFilter, seen, size_of_change
from filters.options import check_number, check_range
from filters.text import stored_scores
from filters.verdicts import Tally

__all__ = ["VisualChange"]


class VisualChange(MediaFilter):
    """Enough change inside the mask, none outside.

    * ``<alias>_inside``: mean change of the pixels that the edit claims, in grey levels of a channel; of all pixels
      where the pairs do not say which.
    * ``<alias>_outside``: largest change of any other pixel.
    * ``<alias>_frames``: share of the frames with any change.

    Parameters
    ----------
    min, max : float
        Bounds of the mean change inside.
    max_outside : float
        Most change outside; 0 asks for equal bits.
    field : str, optional
        The clip or image; the first by default.

    Raises
    ------
    RecipeError
        For pairs without clips or images, or bounds that nothing meets.
    """

    name: ClassVar[str] = "visual_change"
    thresholds: ClassVar[frozenset[str]] = frozenset({"min", "max", "max_outside"})

    def __init__(
        self, *, min: float = 2.0, max: float | None = None, max_outside: float = 0.0, field: str | None = None
    ) -> None:
        check_range(self.name, min, max)
        self.min, self.max = min, np.inf if max is None else max
        self.max_outside = check_number(self.name, "max_outside", max_outside)
        super().__init__(field)

    def judge(self, pairs: pa.Table) -> Judgement:
        scores = np.full((3, pairs.num_rows), np.nan)
        for each in seen(pairs, self.field):
            if each.alike:
                moved = (each.before != each.after).any(axis=(1, 2, 3)).mean()
                scores[:, each.row] = (*size_of_change(each), moved)
        return self._verdicts(*scores)

    def redecide(self, pairs: pa.Table) -> Judgement | None:
        scores = stored_scores(pairs, self._names())
        return None if scores is None else self._verdicts(*scores)

    def _names(self) -> list[str]:
        return [f"{self.alias}_{name}" for name in ("inside", "outside", "frames")]

    def _verdicts(
        self, inside: NDArray[np.float64], outside: NDArray[np.float64], frames: NDArray[np.float64]
    ) -> Judgement:
        tally = Tally(len(inside))
        tally.add(np.isnan(inside), f"{self.alias}: the members are not equally large and long")
        tally.add(outside > self.max_outside, f"{self.alias}: pixels changed outside of what the edit claims")
        tally.add(inside < self.min, f"{self.alias}: the edit can hardly be seen")
        tally.add(inside > self.max, f"{self.alias}: the edit changes too much")
        return Judgement(tally.passed, tally.reasons, dict(zip(self._names(), (inside, outside, frames), strict=True)))
