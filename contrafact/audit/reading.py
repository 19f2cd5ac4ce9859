"""What an audit reads of a finished dataset: accepted pairs, and which of them are controls of which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.controls import beside
from contrafact.errors import RunDirectoryError
from contrafact.identity import hash_strings
from contrafact.record import levels_of
from contrafact.store.layout import RunDirectory, read_manifest
from contrafact.store.parquet import StoredFile, read_parquet

__all__ = ["Audited", "drawn", "numbered", "read_audited", "texts_of"]

_MOST = 20_000


@dataclass(frozen=True)
class Audited:
    """Pairs of a dataset: the accepted ones, or those of which a model was yet to choose.

    Attributes
    ----------
    pairs : pyarrow.Table
        Pairs and controls.
    place : ndarray of int64, shape (n,)
        Row of the pair that each control stands beside; -1 for a pair.
    groups : ndarray of int64, shape (n,)
        Number of each row's group, from 0.
    drops : dict of str to int
        What was left out, by reason.
    """

    directory: RunDirectory
    manifest: Mapping[str, Any]
    pairs: pa.Table
    place: NDArray[np.int64]
    groups: NDArray[np.int64]
    drops: dict[str, int] = field(default_factory=dict)

    @property
    def levels(self) -> tuple[str, ...] | None:
        """Names of the class labels; None for another kind of label."""
        return levels_of(self.pairs.schema.field("label"))

    @property
    def text_fields(self) -> tuple[str, ...]:
        """Members that are text."""
        members = self.pairs.schema.field("factual").type
        return tuple(each.name for each in members if pa.types.is_string(each.type))

    @property
    def targets(self) -> NDArray[np.int64]:
        """Rows that are pairs, not controls."""
        return np.flatnonzero(self.place == -1)

    @property
    def controlled(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of the pairs that have a control, and of their controls."""
        controls = np.flatnonzero(self.place >= 0)
        return self.place[controls], controls

    def column(self, name: str) -> pa.Array:
        """One column as a single chunk."""
        return self.pairs[name].combine_chunks()


def read_audited(path: str | Path, most: int = _MOST) -> Audited:
    """The accepted pairs of a finished run directory.

    Parameters
    ----------
    most : int
        Rows at the most: of a larger dataset whole groups are drawn by a hash of their name.

    Raises
    ------
    RunDirectoryError
        Where there is no finished dataset, a file was changed, or nothing was accepted.
    """
    directory = RunDirectory(Path(path))
    manifest = read_manifest(directory)
    listed = [StoredFile(**spec) for spec in manifest["files"] if spec["path"].startswith("data/")]
    for each in listed:
        if not each.intact(directory.path, deep=True):
            raise RunDirectoryError(
                f"{each.path} in {directory.path} is missing or was changed",
                fix=f"contrafact validate {directory.path} lists the damage",
            )
    if not listed:
        raise RunDirectoryError(f"{directory.path} has no accepted pair to audit", fix="loosen its filters: refilter")
    drops: dict[str, int] = {}
    share = most / max(1, sum(each.rows for each in listed))
    tables = [drawn(read_parquet(directory.path / each.path), share, drops) for each in listed]
    pairs = pa.concat_tables(tables).combine_chunks()
    place, groups = numbered(pairs)
    if (place == -2).any():
        drops["controls whose pair is not among the accepted"] = int((place == -2).sum())
    return Audited(directory, manifest, pairs, place, groups, drops)


def numbered(pairs: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``place`` and ``groups`` of these rows, as :class:`Audited` has them."""
    place = beside(pairs)
    place = np.full(pairs.num_rows, -1, dtype=np.int64) if place is None else place
    groups = pc.rank(pairs["group_id"].combine_chunks(), tiebreaker="dense").to_numpy().astype(np.int64) - 1
    return place, groups


def texts_of(pairs: pa.Table, side: str, fields: Sequence[str]) -> list[tuple[str, ...]]:
    """The texts of one side, row by row; a missing one is empty."""
    members = pairs[side].combine_chunks()
    columns = [members.field(name).fill_null("").to_pylist() for name in fields]
    return list(zip(*columns, strict=True))


def drawn(pairs: pa.Table, share: float, drops: dict[str, int]) -> pa.Table:
    """About ``share`` of these rows, by whole groups; how many were not drawn is added to ``drops``."""
    if share >= 1:
        return pairs
    points = (hash_strings(pairs["group_id"].combine_chunks(), "audit") >> np.uint64(11)).astype(np.float64) * 2.0**-53
    kept = points < share
    reason = "rows of groups that were not drawn: the dataset is larger than an audit reads"
    drops[reason] = drops.get(reason, 0) + int((~kept).sum())
    return pairs.filter(pa.array(kept))
