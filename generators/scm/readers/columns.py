"""A real table as columns in memory form: what each column is, and what happens to its missing cells."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.errors import DataError, did_you_mean
from contrafact.record import levels_of
from generators.scm.readers.names import identifiers
from generators.scm.support import BOOLEAN, Support

__all__ = ["LEVELS_AT_MOST", "MISSING", "POLICIES", "RealTable", "read_columns"]

LEVELS_AT_MOST = 50
"""A text column with more different values than this is taken for an id or free text, and refused."""

_NUMBERS_ASTRAY = 5
"""Different numbers from which a text column that also holds a word or two is taken for numbers gone astray."""

MISSING = "missing"
"""The level that ``missing: model`` adds, and the ending of the variable that ``missing: indicator`` adds."""

POLICIES = ("fail", "drop", "model", "indicator")
_NUMBERS = "numbers, booleans or text"


@dataclass(frozen=True)
class RealTable:
    """Columns of a table in the memory form of their supports.

    Attributes
    ----------
    columns : mapping of name to ndarray, shape (n,)
    supports : mapping of name to Support
    indicators : mapping of name to ndarray of bool, shape (n,)
        Where a real column had no value and now holds its median, for the columns that asked for that.
    kept : ndarray of int64, shape (n,)
        Position of each row in the table that was given.
    notes : tuple of str
        What was done to the data, in words.
    """

    columns: Mapping[str, NDArray[Any]]
    supports: Mapping[str, Support]
    indicators: Mapping[str, NDArray[np.bool_]]
    kept: NDArray[np.int64]
    notes: tuple[str, ...] = field(default=())


def read_columns(
    table: pa.Table,
    names: Collection[str],
    *,
    missing: str = "fail",
    policies: Mapping[str, str] | None = None,
    categorical: Collection[str] = (),
    numeric: Collection[str] = (),
) -> RealTable:
    """The named columns of a table, checked and encoded.

    Booleans stay booleans, and whole numbers that are 0 and 1 become such; other whole numbers are int64, other numbers
    float64, and text becomes codes of its sorted levels. A null, and a NaN in a column of floats, is a missing cell.

    Parameters
    ----------
    missing : {'fail', 'drop', 'model', 'indicator'}
        ``fail`` raises; ``drop`` leaves the row out; ``model`` makes ``missing`` a level of a categorical or boolean
        column and refuses real ones; ``indicator`` does the same but puts the median into real cells and reports
        where, so that an indicator variable can carry what is known: that the value was not.
    policies : mapping of column to policy, optional
        Where a column goes its own way.
    categorical : collection of str
        Columns of whole numbers to be read as categories.
    numeric : collection of str
        Columns of whole numbers that stay numbers where they are 0 and 1.

    Raises
    ------
    DataError
        For a column that is not there or cannot be used, missing cells that the policy does not allow, infinite
        values, or no rows.
    """
    if not table.num_rows:
        raise DataError("the table has no rows", fix="give a table with rows; check what was filtered out before")
    found = {name: _find(table, name) for name in names}
    policy = {name: (policies or {}).get(name, missing) for name in names}
    empty = {name: _empty_cells(name, column) for name, (_, column) in found.items()}
    _refuse(empty, policy)
    kept = _kept_rows(empty, policy, table.num_rows)
    notes = [f"{table.num_rows - len(kept):,} of {table.num_rows:,} rows dropped for missing cells"]
    columns, supports, indicators = {}, {}, {}
    for name, (field_, column) in found.items():
        rows = column.take(pa.array(kept)) if len(kept) < table.num_rows else column
        hollow = empty[name][kept]
        if name not in (*categorical, *numeric) and _is_zero_one(field_, column):
            rows = rows.cast(pa.bool_())
            notes.append(f"{name}: 0 and 1 are read as false and true")
        columns[name], supports[name] = _encode(name, field_, rows, hollow, policy[name], name in categorical)
        if hollow.any() and supports[name].kind in ("real", "integer"):
            indicators[name] = hollow
            notes.append(f"{name}: {hollow.sum():,} missing cells hold the median; {name}_{MISSING} says where")
        elif hollow.any():
            notes.append(f"{name}: {hollow.sum():,} missing cells are the level {MISSING!r}")
    return RealTable(columns, supports, indicators, kept, tuple(notes if len(kept) < table.num_rows else notes[1:]))


def _find(table: pa.Table, name: str) -> tuple[pa.Field, pa.ChunkedArray]:
    plain = {new: old for old, new in identifiers(table.column_names).items()}
    if name not in plain:
        raise DataError(
            f"the graph has a node {name!r}, and the table no such column{did_you_mean(name, plain)}",
            allowed=", ".join(plain),
            fix="rename the node or the column, or take the node out of the graph",
        )
    if table.column_names.count(plain[name]) > 1:
        raise DataError(f"the table has two columns named {plain[name]!r}", fix="rename one of them")
    return table.schema.field(plain[name]), table[plain[name]]


def _empty_cells(name: str, column: pa.ChunkedArray) -> NDArray[np.bool_]:
    kind = column.type
    if pa.types.is_null(kind) or column.null_count == len(column):
        raise DataError(f"column {name!r} has no values at all", fix="take it out of the graph")
    hollow = pc.is_null(column, nan_is_null=pa.types.is_floating(kind)).to_numpy()
    if hollow.all():
        raise DataError(f"column {name!r} has no values at all", fix="take it out of the graph")
    return np.asarray(hollow, dtype=bool)


def _refuse(empty: Mapping[str, NDArray[np.bool_]], policy: Mapping[str, str]) -> None:
    for name, chosen in policy.items():
        if chosen not in POLICIES:
            raise DataError(
                f"{chosen!r} is no way to treat missing cells of {name!r}{did_you_mean(str(chosen), POLICIES)}",
                allowed=", ".join(POLICIES),
            )
    refused = {name: int(cells.sum()) for name, cells in empty.items() if policy[name] == "fail" and cells.any()}
    if refused:
        rows = np.any([empty[name] for name in refused], axis=0).sum()
        raise DataError(
            f"missing cells in {', '.join(f'{name} ({count:,} rows)' for name, count in refused.items())}; "
            f"{rows:,} rows of {len(next(iter(empty.values()))):,} in all",
            allowed="missing: drop (leave such rows out), model (a level of its own) or indicator",
            fix="missing: drop",
        )


def _kept_rows(empty: Mapping[str, NDArray[np.bool_]], policy: Mapping[str, str], rows: int) -> NDArray[np.int64]:
    whole = np.ones(rows, dtype=bool)
    for name, cells in empty.items():
        if policy[name] == "drop":
            whole &= ~cells
    if not whole.any():
        raise DataError(
            f"every one of the {rows:,} rows has a missing cell, so that missing: drop leaves none",
            fix="missing: model, or take the emptiest column out of the graph",
        )
    return np.flatnonzero(whole)


def _encode(
    name: str, field_: pa.Field, column: pa.ChunkedArray, hollow: NDArray[np.bool_], policy: str, as_levels: bool
) -> tuple[NDArray[Any], Support]:
    kind, named = column.type, levels_of(field_)
    if named is not None and pa.types.is_integer(kind):
        labels = pa.array(named)
        return _codes(name, labels.take(column.combine_chunks()), hollow, labels.to_pylist())
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
        ordered = column.unify_dictionaries().chunk(0).dictionary.to_pylist() if kind.ordered else None
        return _codes(name, column.cast(kind.value_type), hollow, ordered)
    if pa.types.is_boolean(kind):
        return _codes(name, column.cast(pa.string()), hollow, None) if hollow.any() else (column.to_numpy(), BOOLEAN)
    if _is_text(kind):
        if not as_levels:
            _refuse_astray(name, column)
        return _codes(name, column, hollow, None)
    if pa.types.is_integer(kind):
        if as_levels:
            distinct = sorted(pc.unique(column.drop_null()).to_pylist())
            return _codes(name, column.cast(pa.string()), hollow, [str(each) for each in distinct])
        return _numbers(name, column, hollow, policy, whole=not hollow.any())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers(name, column, hollow, policy, whole=False)
    raise DataError(
        f"column {name!r} has type {kind}, which no mechanism reads", allowed=_NUMBERS, fix="cast it, or leave it out"
    )


def _is_zero_one(field_: pa.Field, column: pa.ChunkedArray) -> bool:
    """Whether whole numbers without names of their own are 0 and 1, and both occur."""
    if not pa.types.is_integer(column.type) or levels_of(field_) is not None:
        return False
    return sorted(pc.unique(column.drop_null()).to_pylist()) == [0, 1]


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _numbers(
    name: str, column: pa.ChunkedArray, hollow: NDArray[np.bool_], policy: str, *, whole: bool
) -> tuple[NDArray[Any], Support]:
    if whole:
        try:
            values = column.cast(pa.int64()).to_numpy()
        except pa.ArrowInvalid as error:
            raise DataError(f"column {name!r} has whole numbers beyond 64 bits: {error}", fix="cast it") from None
        return values, Support("integer", seen=(float(values.min()), float(values.max())))
    if hollow.any() and policy == "model":
        raise DataError(
            f"{name!r} is a column of numbers with {hollow.sum():,} missing cells, and a number cannot be 'missing'",
            allowed="missing: drop, or indicator (the median in those cells, and a variable that says where)",
            fix=f"variables: {{{name}: {{missing: indicator}}}}",
        )
    reals = np.array(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
    endless = int(np.isinf(reals).sum())
    if endless:
        raise DataError(f"column {name!r} has {endless:,} infinite values", allowed="finite numbers")
    if hollow.any():
        reals[hollow] = np.median(reals[~hollow])
    return reals, Support(seen=(float(reals.min()), float(reals.max())))


def _codes(
    name: str, column: Any, hollow: NDArray[np.bool_], levels: list[str] | None
) -> tuple[NDArray[np.int64], Support]:
    found = sorted(pc.unique(column.drop_null()).to_pylist())
    if len(found) > LEVELS_AT_MOST:
        raise DataError(
            f"column {name!r} is text with {len(found):,} different values{_numeric_share(column)}",
            allowed=f"numbers, or text with at most {LEVELS_AT_MOST} levels",
            fix="cast it to numbers, group its values, or take it out of the graph",
        )
    order = [*(level for level in (levels or found) if level in set(found))]
    if hollow.any():
        if MISSING in order:
            raise DataError(f"column {name!r} has missing cells, and a level {MISSING!r} already", fix="missing: drop")
        order.append(MISSING)
        column = pc.fill_null(column, MISSING)
    codes = pc.index_in(column, pa.array(order, type=column.type)).to_numpy(zero_copy_only=False)
    return np.asarray(codes, dtype=np.int64), Support("categorical", levels=tuple(order))


def _refuse_astray(name: str, column: Any) -> None:
    """A word among numbers makes a file's column text, and every number of it would be a level."""
    found = pc.unique(column.drop_null()).to_pylist()
    odd = [text for text in found if not _reads_as_number(text)]
    if not odd or len(found) - len(odd) < max(_NUMBERS_ASTRAY, len(odd) + 1):
        return
    row = pc.index(column, pa.scalar(odd[0], column.type)).as_py() + 1
    raise DataError(
        f"column {name!r} holds {odd[0]!r} among numbers, in row {row:,}{_numeric_share(column)}",
        allowed="numbers alone, or levels that are declared",
        fix=f"mend that cell (empty is missing), or say that they are levels: variables: {{{name}: {{kind: counts}}}}",
    )


def _numeric_share(column: Any) -> str:
    """What a person should know who meant a text column to hold numbers."""
    texts = column.drop_null().to_pylist()
    odd = [text for text in texts if not _reads_as_number(text)]
    if not texts or len(odd) == len(texts):
        return ""
    return f"; {len(texts) - len(odd):,} of {len(texts):,} read as numbers" + (f", {odd[0]!r} does not" if odd else "")


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
