"""Groups for worst-group measures: label and intervention by default, or a column that is named."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.errors import RecipeError, did_you_mean
from contrafact.exports.templates import texts_of_column
from contrafact.record import levels_of

__all__ = ["LEAST", "Grouping", "grouping_of"]

LEAST = 10
"""Members of a group below which its accuracy says nothing."""

_MOST = 50
_ENVELOPE = ("task", "generator", "label_source", "operation", "variable")

Grouping = tuple[list[str], tuple[NDArray[np.int64], NDArray[np.int64]], list[str]]
"""Names of groups; the number of each row's factual and counterfactual; names of groups too small to count."""


def grouping_of(pairs: pa.Table, column: str | None) -> Grouping:
    """The groups of both members of each pair.

    Parameters
    ----------
    column : str, optional
        A member that has few values, ``task``, ``generator``, ``label_source``, or ``variable`` or ``operation`` of the
        intervention. By default a member's own label and the variable that its pair changes.

    Raises
    ------
    RecipeError
        For a column that is not there, or has too many values to be groups.
    """
    sides = _default(pairs) if column is None else _named(pairs, column)
    names, numbers = np.unique(np.concatenate(sides), return_inverse=True)
    if column is not None and len(names) > _MOST:
        raise RecipeError(f"--group {column}: it has {len(names)} values", allowed=f"at most {_MOST}")
    counts = np.bincount(numbers, minlength=len(names))
    small = counts < LEAST
    order = np.cumsum(~small) - 1
    placed = np.where(small[numbers], -1, order[numbers])
    kept = [str(name) for name, out in zip(names, small, strict=True) if not out]
    left = [str(name) for name, out in zip(names, small, strict=True) if out]
    return kept, (placed[: pairs.num_rows], placed[pairs.num_rows :]), left


def _default(pairs: pa.Table) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    variable = _intervened(pairs, "variable")
    levels = levels_of(pairs.schema.field("label"))
    if levels is None:
        return variable, variable
    one, other = (
        np.array([f"{label}, {what}" for label, what in zip(_texts(pairs[name], levels), variable, strict=True)])
        for name in ("label", "counterfactual_label")
    )
    return one, other


def _named(pairs: pa.Table, column: str) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    kind = pairs.schema.field("factual").type
    members = [each.name for each in kind]
    if column in members:
        field = kind.field(column)
        sides = (
            pairs[side].combine_chunks().flatten()[members.index(column)] for side in ("factual", "counterfactual")
        )
        one, other = (np.array(texts_of_column(side, levels_of(field), column)) for side in sides)
        return one, other
    if column in ("operation", "variable"):
        values = _intervened(pairs, column)
        return values, values
    if column in _ENVELOPE:
        values = np.array(_texts(pairs[column], None))
        return values, values
    known = [*members, *_ENVELOPE]
    raise RecipeError(f"--group: there is no column {column!r}{did_you_mean(column, known)}", allowed=", ".join(known))


def _intervened(pairs: pa.Table, what: str) -> NDArray[np.str_]:
    """Names of all that a pair's interventions changed, or did."""
    lists = pairs["intervention"].combine_chunks()
    values = pc.fill_null(lists.flatten().field(what), "").to_pylist()
    ends = np.cumsum(pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)).astype(np.int64)
    starts = np.concatenate([[0], ends[:-1]])
    return np.array([" + ".join(values[start:stop]) for start, stop in zip(starts, ends, strict=True)], dtype=str)


def _texts(column: pa.ChunkedArray, levels: Sequence[str] | None) -> list[str]:
    return texts_of_column(column.combine_chunks(), levels, "label")
