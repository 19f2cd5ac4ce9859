"""Columns of pairs as NumPy arrays, and what it means for two of them to be equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = [
    "Changes",
    "changes_of",
    "column",
    "controls",
    "is_numeric",
    "made",
    "member",
    "numbers",
    "same",
    "segment_sums",
]

Side = Literal["factual", "counterfactual"]


@dataclass(frozen=True)
class Changes:
    """The interventions of n pairs laid end to end, one entry for each variable that was acted on.

    Attributes
    ----------
    row : ndarray of int64
        Which pair each entry belongs to; never decreasing.
    variable, operation, after : pyarrow.Array of string
    """

    row: NDArray[np.int64]
    variable: pa.Array
    operation: pa.Array
    after: pa.Array


def column(pairs: pa.Table, name: str) -> pa.Array:
    """One column as a single chunk."""
    whole = pairs.column(name)
    return whole.chunk(0) if whole.num_chunks == 1 else whole.combine_chunks()


def member(pairs: pa.Table, side: Side, name: str) -> pa.Array:
    """One field of the ``factual`` or ``counterfactual`` struct, null where the struct is null."""
    return pc.struct_field(column(pairs, side), name)


def made(pairs: pa.Table) -> NDArray[np.bool_]:
    """Where both members of a pair are there; elsewhere it has failed and carries its reason already."""
    both = pc.and_(column(pairs, "factual").is_valid(), column(pairs, "counterfactual").is_valid())
    return np.asarray(both.to_numpy(zero_copy_only=False), dtype=bool)


def controls(pairs: pa.Table) -> NDArray[np.bool_]:
    """Where a pair is a control: it claims that its label stays, whatever a recipe wants of the others."""
    if "control_of" not in pairs.column_names:
        return np.zeros(pairs.num_rows, dtype=bool)
    return np.asarray(column(pairs, "control_of").is_valid().to_numpy(zero_copy_only=False), dtype=bool)


def is_numeric(kind: pa.DataType) -> bool:
    """Whether values of this type have a distance: integers, floats and booleans."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def numbers(array: pa.Array) -> NDArray[np.float64]:
    """A numeric or boolean column as float64, NaN where it is null. Shape (n,)."""
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.float64)


def changes_of(pairs: pa.Table) -> Changes:
    """Flatten the ``intervention`` column."""
    lists = column(pairs, "intervention")
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    items = lists.flatten()
    parts = (pc.struct_field(items, name) for name in ("variable", "operation", "after"))
    return Changes(np.repeat(np.arange(len(lists)), lengths), *parts)


def same(left: pa.Array, right: pa.Array) -> NDArray[np.bool_]:
    """Whether two columns of one type agree, row by row: floats bit for bit, NaN equal to NaN, null to null.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    kind = left.type
    if left.null_count or right.null_count:
        absent, missing = _nulls(left), _nulls(right)
        equal = absent & missing
        both = ~(absent | missing)
        keep = pa.array(both)
        equal[both] = same(left.filter(keep), right.filter(keep))
        return np.asarray(equal, dtype=bool)
    if pa.types.is_floating(kind):
        return _same_floats(left.to_numpy(), right.to_numpy())
    if pa.types.is_struct(kind):
        children = (same(pc.struct_field(left, [i]), pc.struct_field(right, [i])) for i in range(kind.num_fields))
        return np.asarray(np.logical_and.reduce([np.ones(len(left), dtype=bool), *children]), dtype=bool)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _same_lists(left, right)
    return np.asarray(pc.equal(left, right).to_numpy(zero_copy_only=False), dtype=bool)


def segment_sums(values: NDArray[Any], lengths: NDArray[Any]) -> NDArray[Any]:
    """Sums of consecutive runs of the given lengths, some of which may be zero; unsigned integers wrap around."""
    ends = np.cumsum(lengths)
    running = np.concatenate([np.zeros(1, dtype=values.dtype), np.cumsum(values, dtype=values.dtype)])
    return np.asarray(running[ends] - running[ends - lengths])


def _nulls(array: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False), dtype=bool)


def _same_floats(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.bool_]:
    words = np.dtype(f"u{left.dtype.itemsize}")
    equal = left.view(words) == right.view(words)
    return np.asarray(equal if equal.all() else equal | (np.isnan(left) & np.isnan(right)), dtype=bool)


def _same_lists(left: pa.Array, right: pa.Array) -> NDArray[np.bool_]:
    lengths = pc.list_value_length(left).to_numpy()
    equal = np.asarray(lengths == pc.list_value_length(right).to_numpy(), dtype=bool)
    keep = pa.array(equal)
    items = same(left.filter(keep).flatten(), right.filter(keep).flatten())
    equal[equal] = segment_sums((~items).astype(np.int64), lengths[equal]) == 0
    return np.asarray(equal, dtype=bool)
