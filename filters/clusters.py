"""Clusters: near-duplicate units share one group, so that no split comes between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import pyarrow as pa

from contrafact.errors import RecipeError
from contrafact.identity import hash_strings
from contrafact.stages import Generator, Judgement, SetFilter, Sketches
from filters.columns import column, member
from filters.grouping import Components, group_names
from filters.hashing import hash_rows
from filters.options import check_decimals, check_members

__all__ = ["Clusters"]


class Clusters(SetFilter):
    """Units whose chosen facts are equal after rounding share one group, and so one split.

    Rejects nothing and scores nothing. Pairs that shared a ``group_id`` before still do: clusters that have a group in
    common become one. Memory stays flat where a group holds one content, as a group of one unit does; each further
    content of a group is a link that is kept (about 100 bytes).

    Parameters
    ----------
    by : list of str
        Factual members.
    decimals : int, optional
        Round real numbers first; negative for tens.

    Raises
    ------
    RecipeError
        Where ``by`` is empty or names no member, or ``decimals`` is past what a float64 has.
    """

    name: ClassVar[str] = "clusters"
    rows_at_once: ClassVar[int] = 1_000_000

    def __init__(self, *, by: list[str], decimals: int | None = None) -> None:
        check_decimals(self.name, decimals)
        if not by:
            raise RecipeError(
                f"filter {self.name}: by is empty, so that all units would be one cluster",
                allowed="names of factual members",
                fix="name at least one member in by",
            )
        self.by, self.decimals = by, decimals

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        check_members(alias, "by", self.by, generator)

    def regroups(self) -> bool:
        return True

    def score_fields(self) -> Sequence[pa.Field]:
        return ()

    def sketch(self, pairs: pa.Table) -> pa.Table:
        contents = hash_rows([member(pairs, "factual", name) for name in self.by], self.decimals)
        absent = column(pairs, "factual").is_null().to_numpy(zero_copy_only=False)
        groups = hash_strings(column(pairs, "group_id"), "group")
        return pa.table({"content": pa.array(contents, mask=absent), "group": pa.array(groups)})

    def decide(self, sketches: Sketches) -> Iterator[Judgement]:
        components = Components(sketches, self.rows_at_once)
        for sketch in sketches:
            passed = np.ones(sketch.num_rows, dtype=bool)
            yield Judgement(passed, groups=group_names(self.alias, components.of(sketch)))
