"""Labelled rows of another distribution: a split of the dataset, or a table of the user's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import DataError, did_you_mean
from contrafact.evaluation.inputs import Inputs
from contrafact.evaluation.reading import Study
from contrafact.record import levels_of
from contrafact.sources import open_source

__all__ = ["Elsewhere", "from_split", "from_table"]

_FEWEST = 20


@dataclass(frozen=True)
class Elsewhere:
    """Rows that nobody was trained on, one label each.

    Attributes
    ----------
    members : pyarrow.StructArray, length n
        With the fields that students see.
    labels : ndarray, shape (n,)
        Codes, or numbers.
    groups : ndarray of int64, shape (n,)
    """

    name: str
    members: pa.Array
    labels: NDArray[Any]
    groups: NDArray[np.int64]


def from_split(study: Study, split: str) -> Elsewhere:
    """Both members of every pair of a split that was kept apart."""
    pairs = study.elsewhere[split]
    pairs = pairs.filter(pairs["control_of"].is_null()).combine_chunks()
    members = pa.concat_arrays([pairs[side].combine_chunks() for side in ("factual", "counterfactual")])
    labels = pa.concat_arrays([pairs[side].combine_chunks() for side in ("label", "counterfactual_label")])
    known = labels.is_valid()
    _, groups = np.unique(pairs["group_id"].to_numpy().astype(str), return_inverse=True)
    kept = known.to_numpy(zero_copy_only=False)
    codes = labels.filter(known).to_numpy(zero_copy_only=False)
    return Elsewhere(split, members.filter(known), _typed(codes, study), np.tile(groups, 2)[kept].astype(np.int64))


def from_table(study: Study, inputs: Inputs, path: str, label: str) -> Elsewhere:
    """Rows of a file or Hugging Face dataset that has the columns that students see, and one of labels.

    Raises
    ------
    DataError
        For a file that cannot be read, a column that is missing or of another kind, a label that the dataset does not
        have, or too few rows.
    """
    source = open_source(path)
    table = source.read(0, source.rows())
    columns = [name for name in table.column_names if name != "unit_id"]
    for name in (*inputs.fields, label):
        if name not in columns:
            fix = (
                "--ood-label names the column of labels"
                if name == label
                else "rename the column, or give other --fields"
            )
            raise DataError(
                f"{path} has no column {name!r}{did_you_mean(name, columns)}", allowed=", ".join(columns), fix=fix
            )
    known = table[label].is_valid()
    table = table.filter(known).combine_chunks()
    if table.num_rows < _FEWEST:
        raise DataError(
            f"{path} has {table.num_rows} labelled rows", allowed=f"{_FEWEST} or more", fix="give more rows"
        )
    kind = study.pairs.schema.field("factual").type
    fields = [kind.field(name) for name in inputs.fields]
    arrays = [_like(table[each.name].combine_chunks(), each, path) for each in fields]
    labels = _labels(table[label].to_pylist(), study, path, label)
    groups = np.arange(table.num_rows, dtype=np.int64)
    return Elsewhere(Path(path).stem, pa.StructArray.from_arrays(arrays, fields=fields), labels, groups)


def _like(column: pa.Array, field: pa.Field, path: str) -> pa.Array:
    """A column as the member of that name is: classes by name or code."""
    levels = levels_of(field)
    try:
        if levels is not None and pa.types.is_string(column.type):
            return pa.array(
                [_code(value, levels, f"{path}, column {field.name!r}") for value in column.to_pylist()], field.type
            )
        if pa.types.is_string(field.type) and not pa.types.is_string(column.type):
            column = column.cast(pa.string())
        return column.cast(field.type)
    except pa.ArrowException:
        raise DataError(
            f"{path}: column {field.name!r} holds {column.type}, and the dataset's holds {field.type}",
            fix="convert it, or give other --fields",
        ) from None


def _labels(values: Sequence[Any], study: Study, path: str, column: str) -> NDArray[Any]:
    levels = study.levels
    if levels is not None:
        where = f"{path}, column {column!r}"
        if all(str(value) in levels for value in values):  # such as stars from 1 to 5: names, though they are numbers
            values = [str(value) for value in values]
        return np.array([_code(value, levels, where) for value in values], dtype=np.int64)
    try:
        return np.array([float(value) for value in values])
    except (TypeError, ValueError):
        raise DataError(f"{path}: column {column!r} holds something else than numbers", allowed="numbers") from None


def _code(value: Any, levels: Sequence[str], where: str) -> int | None:
    """The code of a class given by its name or by its code."""
    if value is None:
        return None
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, int) and 0 <= value < len(levels):
        return value
    name = str(value).strip()
    if name not in levels:
        raise DataError(
            f"{where}: {name!r} is no label of the dataset{did_you_mean(name, levels)}", allowed=", ".join(levels)
        )
    return levels.index(name)


def _typed(labels: NDArray[Any], study: Study) -> NDArray[Any]:
    return np.asarray(labels, dtype=np.float64 if study.levels is None else np.int64)
