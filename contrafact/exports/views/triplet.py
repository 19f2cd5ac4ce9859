"""Anchor, positive, negative: for contrastive training of sentence embedders."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contrafact.controls import beside
from contrafact.exports.members import filled, members_of
from contrafact.exports.views.base import Dataset, Options, View, template_of
from contrafact.exports.views.conversing import with_identifiers

__all__ = ["Triplet"]


class Triplet(View):
    """The factual, a control of it (the same meaning in other words) and the counterfactual (another meaning).

    Both edits are of one size, so that an embedder trained on them cannot go by how much changed. The columns are those
    that sentence-transformers' ``TripletLoss`` and ``MultipleNegativesRankingLoss`` take in this order, and no other:
    its trainer takes every column for an input. A pair with several controls gives several rows.
    """

    name: ClassVar[str] = "triplet"
    options: ClassVar[frozenset[str]] = frozenset({"text", "ids"})
    rows_are: ClassVar[str] = "a factual (anchor), its control (positive) and its counterfactual (negative)"
    library: ClassVar[str] = "sentence-transformers"

    def __init__(self, dataset: Dataset, options: Options) -> None:
        super().__init__(dataset, options)
        self.text = template_of(self, options.text, dataset.form.content, "text", "what is to be embedded is not known")
        if not _controls(dataset):
            raise self.refuse(
                "no pair has a control, so that nothing is a positive",
                "build it with controls (generator: {control: rules} for text), or export another view",
            )

    def told(self) -> dict[str, Any]:
        return {"text": self.text.text}

    def rows(self, pairs: pa.Table) -> pa.Table:
        place = beside(pairs)
        if place is None:
            place = np.full(pairs.num_rows, -1, dtype=np.int64)
        controls = np.flatnonzero(place >= 0)
        order = controls[np.argsort(place[controls], kind="stable")]
        owners = place[order]
        uncontrolled = int((place == -1).sum()) - len(np.unique(owners))
        self.leave_out("pairs without a control", uncontrolled)
        pair, control = (_members(pairs, rows) for rows in (owners, order))
        anchor, negative = (filled(self.text, pair[role]) for role in ("factual", "counterfactual"))
        positive = filled(self.text, control["counterfactual"])
        moved = np.array([one != other for one, other in zip(anchor, negative, strict=True)], dtype=bool)
        self.leave_out("pairs whose texts are the same", int((~moved).sum()))
        columns = {"anchor": pa.array(anchor), "positive": pa.array(positive), "negative": pa.array(negative)}
        columns = {name: column.cast(pa.string()) for name, column in columns.items()}
        return with_identifiers(self, columns, pair["factual"], default=False).filter(pa.array(moved))


def _members(pairs: pa.Table, rows: np.ndarray[Any, Any]) -> dict[str, pa.Table]:
    """Members of some rows, by role; controls are taken for pairs, so that both of their sides are there."""
    taken = pairs.take(pa.array(rows, pa.int64()))
    place = taken.schema.get_field_index("control_of")
    taken = taken.set_column(place, taken.schema.field(place), pa.nulls(taken.num_rows, pa.string()))
    members = members_of(taken)
    return {role: members.filter(pc.equal(members["role"], role)) for role in ("factual", "counterfactual")}


def _controls(dataset: Dataset) -> bool:
    """Whether any accepted row is a control; reads one column."""
    import pyarrow.parquet as pq

    paths = (dataset.path / each.path for files in dataset.files.values() for each in files)
    return any(
        pq.ParquetFile(path).read(columns=["control_of"])["control_of"].null_count < rows
        for path, rows in ((path, pq.ParquetFile(path).metadata.num_rows) for path in paths)
    )
