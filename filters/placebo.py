"""Placebo: a pair of media counts only beside a control that changes its pixels as much and its label not at all."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contrafact.errors import RecipeError
from contrafact.stages import Judgement
from filters.columns import column, same
from filters.media import MediaFilter, seen, size_of_change
from filters.options import check_number
from filters.verdicts import Tally

__all__ = ["Placebo"]


class Placebo(MediaFilter):
    """Every pair has a control of its own size, and every control keeps its label.

    The score is the mean change of a control's claimed pixels over that of its pair's: 1 where both change the picture
    as much, and the same number for the control and for its pair. What flips a model under the pair and not under such
    a control is the meaning and not the size; ``contrafact audit`` compares the two.

    Parameters
    ----------
    most : float
        Most times by which one may be larger than the other.
    required : bool
        Reject pairs without a control.
    field : str, optional
        The clip or image; the first by default.

    Raises
    ------
    RecipeError
        Where ``most`` is below 1.
    """

    name: ClassVar[str] = "placebo"

    def __init__(self, *, most: float = 3.0, required: bool = True, field: str | None = None) -> None:
        if check_number(self.name, "most", most) < 1:
            raise RecipeError(f"filter {self.name}: most = {most} lets nothing pass", allowed="1 or more")
        super().__init__(field)
        self.most, self.required = most, required

    def _names(self) -> list[str]:
        return [self.alias]

    def judge(self, pairs: pa.Table) -> Judgement:
        rows = pairs.num_rows
        sizes = np.zeros(rows)
        for each in seen(pairs, self.field):
            sizes[each.row] = size_of_change(each)[0] if each.alike else np.nan
        owner = pc.fill_null(pc.index_in(column(pairs, "control_of"), column(pairs, "pair_id")), -1)
        place = np.asarray(owner.to_numpy(zero_copy_only=False), dtype=np.int64)
        is_control = np.asarray(column(pairs, "control_of").is_valid().to_numpy(zero_copy_only=False), dtype=bool)
        ratio = np.full(rows, np.nan)
        beside = np.flatnonzero(place >= 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio[beside] = sizes[beside] / sizes[place[beside]]
        ratio[place[beside]] = ratio[beside]
        kept = same(column(pairs, "label"), column(pairs, "counterfactual_label"))
        tally = Tally(rows)
        tally.add(is_control & ~kept, f"{self.alias}: the control's label moved")
        tally.add(~is_control & np.isnan(ratio) & self.required, f"{self.alias}: there is no control beside the pair")
        tally.add((ratio > self.most) | (ratio < 1 / self.most), f"{self.alias}: pair and control differ in size")
        return Judgement(tally.passed, tally.reasons, {self.alias: ratio})
