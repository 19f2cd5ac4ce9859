"""Video consistency: an edited clip does not flicker, and what it shows stays what it is from frame to frame."""

from __future__ import annotations

from itertools import pairwise
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.stages import Judgement
from filters.media import MediaFilter, Seen, seen
from filters.options import check_number
from filters.text import stored_scores
from filters.verdicts import Tally

__all__ = ["VideoConsistency"]

_BINS = 8


class VideoConsistency(MediaFilter):
    """Bounds on flicker and on loss of identity in the edited clip, within its edit.

    * ``<alias>_flicker``: mean second difference in time of the counterfactual's claimed pixels, less that of the same
      pixels in the factual, in grey levels: what blinks, and did not before. A single step, such as the edit's own
      beginning, hardly counts: it is the median over frames.
    * ``<alias>_identity``: least likeness of one claimed frame's colours to the next one's, by the intersection of
      their histograms (Swain & Ballard 1991), from 0 to 1.

    Frozen, shuffled and reversed clips are inconsistent on purpose; a recipe with such edits needs wide bounds.

    Parameters
    ----------
    max_flicker : float
    min_identity : float
    field : str, optional
        The clip; the first by default.
    """

    name: ClassVar[str] = "video_consistency"
    thresholds: ClassVar[frozenset[str]] = frozenset({"max_flicker", "min_identity"})

    def __init__(self, *, max_flicker: float = 12.0, min_identity: float = 0.4, field: str | None = None) -> None:
        self.max_flicker = check_number(self.name, "max_flicker", max_flicker)
        self.min_identity = check_number(self.name, "min_identity", min_identity)
        super().__init__(field)

    def judge(self, pairs: pa.Table) -> Judgement:
        flicker, identity = np.full(pairs.num_rows, np.nan), np.full(pairs.num_rows, np.nan)
        for each in seen(pairs, self.field):
            if each.alike and len(each.before) >= 3:
                mask = np.ones(each.before.shape[:3], dtype=bool) if each.mask is None else each.mask
                flicker[each.row], identity[each.row] = _flicker(each, mask), _identity(each.after, mask)
        return self._verdicts(flicker, identity)

    def redecide(self, pairs: pa.Table) -> Judgement | None:
        scores = stored_scores(pairs, self._names())
        return None if scores is None else self._verdicts(*scores)

    def _names(self) -> list[str]:
        return [f"{self.alias}_flicker", f"{self.alias}_identity"]

    def _verdicts(self, flicker: NDArray[np.float64], identity: NDArray[np.float64]) -> Judgement:
        tally = Tally(len(flicker))
        tally.add(np.isnan(flicker), f"{self.alias}: the members are no clips of one size and length")
        tally.add(flicker > self.max_flicker, f"{self.alias}: the edit flickers")
        tally.add(identity < self.min_identity, f"{self.alias}: what is seen changes from frame to frame")
        return Judgement(tally.passed, tally.reasons, dict(zip(self._names(), (flicker, identity), strict=True)))


def _flicker(each: Seen, mask: NDArray[np.bool_]) -> float:
    """Median over frames whose neighbours are claimed as well; 0 where there are none."""
    found = []
    for at in range(1, len(mask) - 1):
        inside = mask[at - 1] & mask[at] & mask[at + 1]
        if inside.any():
            found.append(_bend(each.after, at, inside) - _bend(each.before, at, inside))
    return max(0.0, float(np.median(found))) if found else 0.0


def _bend(frames: NDArray[np.uint8], at: int, inside: NDArray[np.bool_]) -> float:
    before, now, after = (frames[place][inside].astype(np.int16) for place in (at - 1, at, at + 1))
    return float(np.abs(before + after - 2 * now).mean())


def _identity(frames: NDArray[np.uint8], mask: NDArray[np.bool_]) -> float:
    claimed = [_colours(frame[inside]) for frame, inside in zip(frames, mask, strict=True) if inside.any()]
    shared = [float(np.minimum(one, other).sum()) for one, other in pairwise(claimed)]
    return min(shared, default=1.0)


def _colours(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Share of the pixels (n, 3) in each of 8×8×8 colours."""
    codes = (pixels // (256 // _BINS)).astype(np.int64) @ np.array([_BINS * _BINS, _BINS, 1])
    return np.bincount(codes, minlength=_BINS**3) / len(pixels)
