"""From units to candidates: the generator's answer, made into whole records that nothing can drop out of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.errors import PluginError
from contrafact.isolation import attempts
from contrafact.plan import Plan
from contrafact.record import HIDDEN

__all__ = ["constant", "hidden_of", "make_candidates", "pair_ids", "struct"]

_REQUIRED = ("unit_id", "factual", "counterfactual", "intervention", "label", "counterfactual_label")


def make_candidates(plan: Plan, shard: int) -> pa.Table:
    """Candidates of one shard in the plan's working schema, in the order of units.

    A unit that could not be made is a row too: without a counterfactual, and with its reason.
    """
    start, stop = plan.span(shard)
    units = plan.source.read(start, stop)
    name = f"generator {plan.generator.name!r}"

    def generate(rows: pa.Table, offset: int) -> pa.Table:
        return plan.generator.generate(rows, plan.context(start + offset))

    made = attempts(name, generate, units, plan.proof)
    parts = [
        _failure(plan, units["unit_id"][attempt.start].as_py(), attempt.reason)
        if attempt.result is None
        else _completed(plan, attempt.result)
        for attempt in made
    ]
    table = _every_unit(plan, pa.concat_tables(parts).combine_chunks(), units["unit_id"].combine_chunks())
    return table.set_column(0, plan.working_schema.field("pair_id"), pair_ids(table["unit_id"]))


def constant(value: Any, rows: int, kind: pa.DataType) -> pa.Array:
    """``rows`` times one value, of any type, without a Python object a row."""
    return pa.array([value], kind).take(pa.array(np.zeros(rows, dtype=np.int32)))


def pair_ids(units: pa.ChunkedArray) -> pa.Array:
    """``<unit_id>/<ordinal within the unit>``; the rows of one unit follow one another."""
    column = units.combine_chunks() if isinstance(units, pa.ChunkedArray) else units
    ordinals = _ordinals(column)
    digits = pc.cast(pa.array(ordinals), pa.string())
    return pc.binary_join_element_wise(column, digits, "/")


def _starts(units: pa.Array) -> NDArray[np.int64]:
    """Rows at which another unit begins."""
    rows = len(units)
    new = np.ones(rows, dtype=bool)
    new[1:] = pc.not_equal(units.slice(1), units.slice(0, max(rows - 1, 0))).to_numpy(zero_copy_only=False)
    return np.flatnonzero(new)


def _every_unit(plan: Plan, table: pa.Table, units: pa.Array) -> pa.Table:
    """The candidates, with a reject for every unit of which the generator said nothing. Nothing disappears."""
    given = table["unit_id"].combine_chunks()
    begun = given.take(pa.array(_starts(given)))
    if begun.equals(units):
        return table
    place = pc.index_in(given, units)
    order = np.asarray(place.fill_null(-1))
    if place.null_count or (np.diff(order) < 0).any():
        raise PluginError(
            f"generator {plan.generator.name!r} gave units that it was not asked for, or in another order",
            allowed="candidates in the units' order, with their unit_id",
        )
    silent = np.setdiff1d(np.arange(len(units)), order)
    rejects = [_failure(plan, units[int(row)].as_py(), "gave nothing for this unit") for row in silent]
    whole = pa.concat_tables([table, *rejects]).combine_chunks()
    return whole.take(pa.array(np.argsort(np.concatenate([order, silent]), kind="stable")))


def _ordinals(units: pa.Array) -> NDArray[np.int64]:
    rows = len(units)
    starts = _starts(units)
    lengths = np.diff(np.append(starts, rows))
    return np.arange(rows) - np.repeat(starts, lengths)


def _failure(plan: Plan, unit_id: str, reason: str) -> pa.Table:
    text = reason if reason.startswith(plan.generator.name) else f"{plan.generator.name}: {reason}"
    schema = plan.working_schema
    row: dict[str, Any] = {"pair_id": unit_id, "unit_id": unit_id, "group_id": unit_id, **_defaults(plan)}
    row |= {"accepted": False, "reasons": [text]}
    return pa.table({name: pa.array([row.get(name)], schema.field(name).type) for name in schema.names}, schema=schema)


def _completed(plan: Plan, table: pa.Table) -> pa.Table:
    missing = [name for name in _REQUIRED if name not in table.column_names]
    if missing:
        raise PluginError(
            f"generator {plan.generator.name!r} gave no {', '.join(missing)}",
            allowed=f"a table with {', '.join(_REQUIRED)}",
        )
    rows, schema = table.num_rows, plan.working_schema
    defaults = _defaults(plan)
    columns = []
    for column in schema:
        if column.name == "scores":
            columns.append(_scores(plan, table, column.type))
        elif column.name == "provenance":
            columns.append(_provenance(plan, table, column.type))
        elif column.name in table.column_names:
            columns.append(_filled(_as(table[column.name], column), defaults.get(column.name)))
        elif column.name in ("pair_id", "group_id"):
            columns.append(_as(table["unit_id"], column))
        else:
            columns.append(constant(defaults.get(column.name), rows, column.type))
    done = _explained(plan, pa.table(columns, schema=schema))
    made = pc.equal(pc.list_value_length(done["reasons"]), 0)
    return done.set_column(schema.get_field_index("accepted"), schema.field("accepted"), made)


def _explained(plan: Plan, table: pa.Table) -> pa.Table:
    """The table with a reason for every row that has no counterfactual and does not say why."""
    silent = pc.and_(pc.is_null(table["counterfactual"]), pc.equal(pc.list_value_length(table["reasons"]), 0))
    if not pc.any(silent).as_py():
        return table
    position = table.schema.get_field_index("reasons")
    reason = constant([f"{plan.generator.name}: gave no counterfactual"], table.num_rows, pa.list_(pa.string()))
    reasons = pc.if_else(silent.combine_chunks(), reason, table["reasons"].combine_chunks())
    return table.set_column(position, table.schema.field(position), reasons)


def _defaults(plan: Plan) -> dict[str, Any]:
    generator = plan.generator
    return {
        "generator": generator.name,
        "task": generator.task,
        "label_source": generator.label_source,
        "exact": False,
        "intervention": [],
        "held_fixed": [],
        "reasons": [],
        "provenance": plan.provenance,
    }


def _scores(plan: Plan, table: pa.Table, kind: pa.StructType) -> pa.Array:
    rows = table.num_rows
    own = {column.name for column in plan.generator.shape().scores}
    given = table["scores"].combine_chunks() if "scores" in table.column_names else None
    children = [
        given.field(column.name).cast(column.type)
        if given is not None and column.name in own
        else pa.nulls(rows, column.type)
        for column in kind
    ]
    return struct(children, list(kind), rows)


def _provenance(plan: Plan, table: pa.Table, kind: pa.StructType) -> pa.Array:
    """The same for every pair, but for the replies that it stands on, whose they are, and who vouched for its label.

    That is before any filter does: a dataset that is decided again begins there.
    """
    rows = table.num_rows
    children = []
    for column in kind:
        if column.name == "model" and (asked := _asked(plan, table)) is not None:
            name = pa.scalar(plan.engines.llm_name(), column.type)
            children.append(pc.if_else(asked, name, pa.scalar(None, column.type)))
            continue
        given = "label_source" if column.name == "first_source" else column.name
        if given in table.column_names and given in ("request_ids", "cost", "label_source"):
            children.append(_filled(_as(table[given], column), plan.provenance[column.name]))
        else:
            children.append(constant(plan.provenance[column.name], rows, column.type))
    return struct(children, list(kind), rows)


def _asked(plan: Plan, table: pa.Table) -> pa.Array | None:
    """Rows that stand on replies of the recipe's language model; None where the generator names a model of its own."""
    if plan.generator.model_name() is not None or "request_ids" not in table.column_names:
        return None
    replies = pc.list_value_length(table["request_ids"].combine_chunks())
    asked = pc.greater(pc.fill_null(replies, 0), 0)
    return asked if pc.any(asked).as_py() else None


def struct(children: Sequence[pa.Array], fields: Sequence[pa.Field], rows: int) -> pa.Array:
    """A struct array; one without fields has as many rows as it should all the same."""
    if fields:
        return pa.StructArray.from_arrays(children, fields=fields)
    return pa.array([{}] * rows, pa.struct([]))


def _as(column: pa.ChunkedArray, wanted: pa.Field) -> pa.Array:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    try:
        return whole if whole.type == wanted.type else whole.cast(wanted.type)
    except pa.ArrowException as error:
        raise PluginError(
            f"the generator's {wanted.name!r} is {whole.type}, and {wanted.type} was declared: {error}"
        ) from None


def _filled(column: pa.Array, default: Any) -> pa.Array:
    """The column with its default where a row said nothing, as a row that could not be made does."""
    if default is None or not column.null_count:
        return column
    return pc.coalesce(column, constant(default, len(column), column.type))


def hidden_of(table: pa.Table) -> pa.Table | None:
    """The hidden truth as a table of its own (pair_id and the hidden fields), or None."""
    if HIDDEN not in table.column_names:
        return None
    hidden = table[HIDDEN].combine_chunks()
    names = [column.name for column in hidden.type]
    return pa.table([table["pair_id"].combine_chunks(), *hidden.flatten()], names=["pair_id", *names])
