"""Exactness: only pairs whose noise was known or uniquely recovered."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contrafact.stages import Judgement, PairFilter
from filters.columns import column

__all__ = ["Exact"]


class Exact(PairFilter):
    """Abduction was exact: the noise is known or uniquely recovered.

    The score is 1 for an exact pair, else 0. A pair that does not say counts as not exact.
    """

    name: ClassVar[str] = "exact"

    def judge(self, pairs: pa.Table) -> Judgement:
        known = pc.fill_null(column(pairs, "exact"), fill_value=False)
        passed = np.asarray(known.to_numpy(zero_copy_only=False), dtype=bool)
        reason = f"{self.alias}: the noise was not uniquely recovered"
        return Judgement(passed, reason, {self.alias: passed.astype(np.float64)})
