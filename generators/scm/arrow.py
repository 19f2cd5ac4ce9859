"""Columns of a causal model as Arrow, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from generators.scm.model import SCM
from generators.scm.support import Support

__all__ = ["columns_of", "encoded", "noise_fields", "struct_of", "texts", "values_of_texts"]


def encoded(values: NDArray[Any]) -> pa.Array:
    """A column as Arrow: (n,) as it is, (n, lanes) as a list a row."""
    if values.ndim == 1:
        return pa.array(values)
    rows, lanes = values.shape
    offsets = pa.array(np.arange(0, (rows + 1) * lanes, lanes, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(values).reshape(-1)))


def columns_of(struct: pa.StructArray | pa.ChunkedArray) -> dict[str, NDArray[Any]]:
    """Columns of a struct, lists of equal length as (n, lanes)."""
    whole = struct.combine_chunks() if isinstance(struct, pa.ChunkedArray) else struct
    return {column.name: _decoded(child) for column, child in zip(whole.type, whole.flatten(), strict=True)}


def struct_of(
    columns: Mapping[str, NDArray[Any]],
    fields: Sequence[pa.Field],
    missing: Mapping[str, NDArray[np.bool_]] | None = None,
) -> pa.StructArray:
    """Columns as one struct with the given fields; null in the ``missing`` cells."""
    children = []
    for each in fields:
        gone = missing.get(each.name) if missing else None
        column = encoded(columns[each.name]) if gone is None else pa.array(columns[each.name], mask=gone)
        children.append(column.cast(each.type))
    return pa.StructArray.from_arrays(children, fields=fields)


def noise_fields(model: SCM) -> list[pa.Field]:
    """One field a variable with noise of its own; (n, lanes) noise is a list."""
    fields = []
    for name, variable in model.variables.items():
        lanes = variable.mechanism.lanes
        if lanes:
            probe = variable.mechanism.draw(np.full((1,) if lanes == 1 else (1, lanes), 0.5))
            fields.append(pa.field(name, encoded(probe).type))
    return fields


def texts(values: NDArray[Any], support: Support, missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """Values as text: a level's name, true or false, or a number in its shortest round-trip form."""
    column = pa.array(values, mask=missing)
    if support.kind == "categorical":
        return pa.array(support.levels, pa.string()).take(column)
    return pc.cast(column, pa.string())


def values_of_texts(column: pa.Array, support: Support) -> NDArray[Any]:
    """What :func:`texts` wrote, in memory form."""
    if support.kind == "categorical":
        codes = pc.index_in(column, pa.array(support.levels, pa.string()))
        return np.asarray(codes.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)
    kind = {"real": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_()}[support.kind]
    return np.asarray(pc.cast(column, kind).to_numpy(zero_copy_only=False), dtype=support.dtype)


def interleaved(tables: Sequence[pa.Table], rows: Sequence[NDArray[np.int64]]) -> pa.Table:
    """Tables as one, their rows in the order of ``rows`` (and, among equals, of the tables).

    A column that only some of them have (``reasons``) is null in the rows of the others.
    """
    if len(tables) == 1:
        return tables[0]
    order = np.argsort(np.concatenate(rows), kind="stable")
    return pa.concat_tables(tables, promote_options="default").combine_chunks().take(pa.array(order))


def subset(columns: Mapping[str, NDArray[Any]], rows: NDArray[np.int64] | None) -> dict[str, NDArray[Any]]:
    """Some rows of every column; all of them, uncopied, for None."""
    return dict(columns) if rows is None else {name: values[rows] for name, values in columns.items()}


def only(columns: Mapping[str, NDArray[Any]], names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Some of the columns, in the order of ``names``."""
    return {name: columns[name] for name in names}


def _decoded(child: pa.Array) -> NDArray[Any]:
    if pa.types.is_list(child.type):
        lanes = child.value_lengths()[0].as_py() if len(child) else 0
        return np.asarray(child.flatten().to_numpy(zero_copy_only=False)).reshape(len(child), lanes)
    return np.asarray(child.to_numpy(zero_copy_only=False))
