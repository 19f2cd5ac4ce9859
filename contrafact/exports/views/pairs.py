"""The pair whole, as it is stored: for copies in one file a split, and for JSON Lines."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa

from contrafact.exports.views.base import View

__all__ = ["Pairs"]


class Pairs(View):
    """Every accepted pair, one row each, in the columns of the record."""

    name: ClassVar[str] = "pairs"
    rows_are: ClassVar[str] = "a pair, as stored"
    library: ClassVar[str] = "anything that reads nested columns"

    def rows(self, pairs: pa.Table) -> pa.Table:
        return pairs
