"""Duplicates: different units that are one and the same observation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from contrafact.errors import DataError, RecipeError
from contrafact.identity import hash_strings
from contrafact.record import HIDDEN
from contrafact.stages import Generator, Judgement, SetFilter, Sketches
from filters.columns import column, made, member
from filters.grouping import Components, group_names
from filters.hashing import hash_rows
from filters.options import check_choice, check_decimals, check_members
from filters.partitions import Bits, Firsts, alive, batches, parts_of

__all__ = ["Duplicates"]


class Duplicates(SetFilter):
    """Different units with equal facts: the first in the order of units stays.

    Units are compared with units: a pair is never a duplicate of its own counterfactual, nor of another pair of its
    unit. The score is 1 for a pair of a repeated unit, else 0. Facts are compared by a 64-bit hash.

    Memory does not grow with the rows but for one bit each: the hash space is decided part by part, and every part
    reads the sketches once. ``mode: group`` also keeps links between groups, as
    :class:`filters.clusters.Clusters` does.

    Parameters
    ----------
    of : {'factual', 'unit'}
        Compare what is observed, or the observation together with its hidden truth (noise, latent variables), so that
        two draws which only look alike both stay.
    decimals : int, optional
        Round real numbers first; negative for tens.
    columns : list of str, optional
        Factual members to compare; all by default.
    mode : {'drop', 'group'}
        Reject the later unit, or keep both under one ``group_id``, so that no split comes between them.

    Raises
    ------
    RecipeError
        Where an option has no such choice, ``columns`` names no member, or ``decimals`` is past what a float64 has.
    """

    name: ClassVar[str] = "duplicates"
    rows_at_once: ClassVar[int] = 1_000_000

    def __init__(
        self,
        *,
        of: Literal["factual", "unit"] = "factual",
        decimals: int | None = None,
        columns: list[str] | None = None,
        mode: Literal["drop", "group"] = "drop",
    ) -> None:
        check_choice(self.name, "of", of, ("factual", "unit"))
        check_choice(self.name, "mode", mode, ("drop", "group"))
        check_decimals(self.name, decimals)
        if columns is not None and not columns:
            raise RecipeError(
                f"filter {self.name}: columns is empty, so that all units would be equal",
                allowed="names of factual members",
                fix="leave columns out to compare all of them",
            )
        self.of, self.decimals, self.columns, self.mode = of, decimals, columns, mode
        self._compared: list[str] = []

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        self._compared = list(self.columns or check_members(alias, "columns", [], generator))
        check_members(alias, "columns", self._compared, generator)

    def regroups(self) -> bool:
        return self.mode == "group"

    def sketch(self, pairs: pa.Table) -> pa.Table:
        compared = [member(pairs, "factual", name) for name in self._compared]
        contents = hash_rows([*compared, *self._hidden(pairs)], self.decimals)
        columns = {
            "content": pa.array(contents, mask=~made(pairs)),
            "unit": pa.array(hash_strings(column(pairs, "unit_id"), "unit")),
        }
        if self.mode == "group":
            columns["group"] = pa.array(hash_strings(column(pairs, "group_id"), "group"))
        return pa.table(columns)

    def decide(self, sketches: Sketches) -> Iterator[Judgement]:
        repeated = self._repeated(sketches)
        components = Components(sketches, self.rows_at_once) if self.mode == "group" else None
        start = 0
        for sketch in sketches:
            twice = repeated.get(start, start + sketch.num_rows)
            start += sketch.num_rows
            judged = alive(sketch) & column(sketch, "content").is_valid().to_numpy(zero_copy_only=False)
            groups = group_names(self.alias, components.of(sketch)) if components else None
            passed = ~twice if components is None else np.ones(len(twice), dtype=bool)
            scores = {self.alias: np.where(judged, twice.astype(np.float64), np.nan)}
            yield Judgement(passed, f"{self.alias}: another unit with the same facts came before", scores, groups)

    def _hidden(self, pairs: pa.Table) -> list[pa.Array]:
        assert self.generator is not None  # noqa: S101  # bind comes before sketching
        if self.of == "factual" or not self.generator.shape().hidden:
            return []
        if HIDDEN not in pairs.column_names:
            raise DataError(
                f"filter {self.alias}: of: unit compares the hidden truth, and these pairs come without it",
                allowed=f"pairs with their {HIDDEN!r} column",
                fix="use of: factual",
            )
        return [column(pairs, HIDDEN)]

    def _repeated(self, sketches: Sketches) -> Bits:
        """One bit a pair: whether another unit came first with the same content."""
        repeated = Bits(sketches.rows)
        parts = parts_of(sketches.rows, self.rows_at_once)
        for part in range(parts):
            firsts = Firsts()
            for batch in batches(sketches, ("content", "unit"), part, parts, self.rows_at_once):
                later = firsts.take(batch.keys, batch.values) != batch.values
                repeated.set(batch.positions[later])
        return repeated
