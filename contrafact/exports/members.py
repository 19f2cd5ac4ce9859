"""Pairs taken apart into members, one row each, with the members of a pair beside one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.exports.templates import Template, texts_of_column
from contrafact.record import levels_of

__all__ = ["CONTROL", "ROLES", "field_names", "filled", "members_of", "same_label"]

CONTROL = "control"
ROLES = ("factual", "counterfactual", CONTROL)
_SIDES = ("other", *ROLES[:2])
_KEPT = ("pair_id", "unit_id", "group_id", "generator", "task", "label_source", "exact", "control_of")


def members_of(pairs: pa.Table) -> pa.Table:
    """One row a member: a pair's factual, then its counterfactual; of a control its paraphrase alone.

    A control's factual is its pair's own, which has its row already.

    Returns
    -------
    pyarrow.Table
        ``pair_id``, ``unit_id``, ``group_id``, ``generator``, ``task``, ``label_source``, ``exact``, ``control_of``,
        ``role``, ``own`` and ``other`` (structs of members), ``label`` and ``other_label``, ``factual`` and
        ``counterfactual``.
    """
    control = pairs["control_of"].combine_chunks().is_valid().to_numpy(zero_copy_only=False)
    count = pairs.num_rows
    sides = np.stack([np.arange(count), np.arange(count) + count], axis=1)  # places in factuals + counterfactuals
    wanted = np.stack([~control, np.ones(count, dtype=bool)], axis=1)
    places, rows = sides[wanted], np.repeat(np.arange(count)[:, None], 2, axis=1)[wanted]
    mirrored = np.where(places < count, places + count, places - count)
    factual, counterfactual = (pairs[side].combine_chunks() for side in ROLES[:2])
    both = pa.concat_arrays([factual, counterfactual])
    labels = pa.concat_arrays([pairs[name].combine_chunks() for name in ("label", "counterfactual_label")])
    role = np.where(places < count, 0, np.where(control[rows], 2, 1))
    kept = pairs.select(list(_KEPT)).take(pa.array(rows))
    field = pairs.schema.field("label")
    columns = {
        "role": pa.array(ROLES).take(pa.array(role)),
        "own": both.take(pa.array(places)),
        "other": both.take(pa.array(mirrored)),
        **{side: pairs[side].combine_chunks().take(pa.array(rows)) for side in ROLES[:2]},
    }
    for name, column in columns.items():
        inner = pairs.schema.field("factual").type if name != "role" else pa.string()
        kept = kept.append_column(pa.field(name, inner), column)
    for name, taken in (("label", places), ("other_label", mirrored)):
        kept = kept.append_column(field.with_name(name), labels.take(pa.array(taken)))
    return kept


def field_names(schema: pa.Schema) -> Sequence[str]:
    """What a template may ask for, of pairs with this schema."""
    names = [each.name for each in schema.field("factual").type]
    sides = [f"{side}.{name}" for side in _SIDES for name in names]
    return [*names, "label", "labels", "other.label", *sides]


def filled(template: Template, members: pa.Table) -> list[str]:
    """The template's text for each of :func:`members_of`'s rows."""
    columns = {name: _column(name, members) for name in dict.fromkeys(template.fields)}
    return template.filled(columns, members.num_rows)


def _column(name: str, members: pa.Table) -> list[str]:
    level = levels_of(members.schema.field("label"))
    if name == "labels":
        return [", ".join(level or ())] * members.num_rows
    if name in ("label", "other.label"):
        stored = "label" if name == "label" else "other_label"
        return texts_of_column(members[stored].combine_chunks(), level, name)
    side, inner = _place(name, members.schema.field("own").type)
    kind = members.schema.field(side).type
    # A missing member is no struct: flatten takes its null for the fields' own.
    column = members[side].combine_chunks().flatten()[kind.get_field_index(inner)]
    return texts_of_column(column, levels_of(kind.field(inner)), name)


def _place(name: str, kind: pa.StructType) -> tuple[str, str]:
    """Which struct a name is in, and under which name there."""
    prefix, dot, inner = name.partition(".")
    return (prefix, inner) if dot and prefix in _SIDES and kind.get_field_index(name) < 0 else ("own", name)


def same_label(members: pa.Table) -> NDArray[np.bool_]:
    """Rows whose label the other member of the pair has too, or where either is missing."""
    equal = pc.fill_null(pc.equal(members["label"], members["other_label"]), True)
    return np.asarray(equal.to_numpy(), dtype=bool)
