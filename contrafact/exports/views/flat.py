"""One row a member, members' fields as columns: for scikit-learn, pandas and classifiers of one text."""

from __future__ import annotations

from typing import ClassVar

import pyarrow as pa

from contrafact.exports.members import members_of
from contrafact.exports.views.base import View

__all__ = ["Flat"]

_BEFORE = ("pair_id", "unit_id", "group_id", "role")
_AFTER = ("label", "label_source", "exact", "generator", "task", "control_of")


class Flat(View):
    """A pair's factual and counterfactual in two rows, a control's paraphrase in one.

    A member called like a column of the row gets ``_`` behind its name.
    """

    name: ClassVar[str] = "flat"
    rows_are: ClassVar[str] = "one member of a pair, with its role"
    library: ClassVar[str] = "pandas, scikit-learn, transformers"

    def rows(self, pairs: pa.Table) -> pa.Table:
        members = members_of(pairs)
        kind = members.schema.field("own").type
        inner = members["own"].combine_chunks().flatten()
        fields = [members.schema.field(name) for name in _BEFORE]
        columns = [members[name] for name in _BEFORE]
        for place, each in enumerate(kind):
            name = f"{each.name}_" if each.name in (*_BEFORE, *_AFTER) else each.name
            fields.append(each.with_name(name))
            columns.append(inner[place])
        fields += [members.schema.field(name) for name in _AFTER]
        columns += [members[name] for name in _AFTER]
        return pa.Table.from_arrays(columns, schema=pa.schema(fields))
