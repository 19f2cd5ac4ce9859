"""What one shard's pairs say of the whole: kinds of intervention, moves of labels, witnesses that agree, scores.

Counted while the pairs are in memory and kept in the shard's report, so that completion reads no pair again. Plain
values that JSON holds; :mod:`contrafact.publishing.facts` adds them up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.record import levels_of

__all__ = ["counted", "counts_numbers"]

_WITNESSES = ("oracle", "construction")


def counted(pairs: pa.Table, schema: pa.Schema, accepted: NDArray[np.bool_]) -> dict[str, Any]:
    """Counts of one shard.

    Parameters
    ----------
    pairs : pyarrow.Table
        With ``label``, ``counterfactual_label``, ``intervention``, ``scores`` and ``provenance``.
    schema : pyarrow.Schema
        Of the dataset, whose label column has the names of its classes.
    accepted : ndarray of bool, shape (n,)

    Returns
    -------
    dict
        ``changes`` (of accepted and of rejected pairs, by kind of intervention), ``moves`` (of accepted pairs),
        ``agreed`` (by teacher and witness) and ``scores`` (of accepted pairs).
    """
    columns = ["label", "counterfactual_label", "intervention", "scores", "provenance"]
    seen = pairs.select(columns)
    kept, lost = (seen, seen.slice(0, 0)) if accepted.all() else (seen.filter(accepted), seen.filter(~accepted))
    return {
        "changes": {"accepted": _changes(kept), "rejected": _changes(lost)},
        "moves": _number_moves(kept) if counts_numbers(schema) else _class_moves(kept, schema),
        "agreed": _agreed(seen, schema),
        "scores": _scores(kept),
    }


def counts_numbers(schema: pa.Schema) -> bool:
    """Whether labels are amounts and no classes."""
    kind = schema.field("label").type
    numbers = pa.types.is_floating(kind) or pa.types.is_integer(kind)
    return levels_of(schema.field("label")) is None and numbers


def _changes(pairs: pa.Table) -> dict[str, int]:
    """Pairs by what was done: operation and variable, several joined by ``+``."""
    lists = pairs["intervention"].combine_chunks()
    flat = lists.flatten()
    names = pc.binary_join_element_wise(
        flat.field("operation").fill_null(""), flat.field("variable").fill_null(""), " "
    )
    if not pc.all(pc.equal(pc.list_value_length(lists), 1)).as_py():
        sizes = pc.list_value_length(lists).fill_null(0).to_numpy()
        offsets = np.zeros(len(lists) + 1, dtype=np.int32)
        np.cumsum(sizes, out=offsets[1:])
        names = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), names), " + ")
    found = pc.value_counts(names)
    counts = zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True)
    return {str(name or "nothing"): int(count) for name, count in counts}


def _class_moves(pairs: pa.Table, schema: pa.Schema) -> list[list[Any]]:
    names = levels_of(schema.field("label"))
    moves = ["label", "counterfactual_label"]
    rows = pairs.select(moves).group_by(moves).aggregate([([], "count_all")]).to_pylist()
    return [[*(_name(row[side], names) for side in moves), int(row["count_all"])] for row in rows]


def _number_moves(pairs: pa.Table) -> list[float]:
    """Pairs both of whose labels are finite, the sum of their changes, and of these changes' sizes."""
    change = pc.subtract(pairs["counterfactual_label"].cast(pa.float64()), pairs["label"].cast(pa.float64()))
    change = change.filter(pc.is_finite(change).fill_null(False))
    return [len(change), pc.sum(change).as_py() or 0.0, pc.sum(pc.abs(change)).as_py() or 0.0]


def _scores(pairs: pa.Table) -> dict[str, list[float]]:
    """Of every score that is a number: how many are finite, their sum, the least and the greatest."""
    column, found = pairs["scores"].combine_chunks(), {}
    for each in column.type:
        if not (pa.types.is_floating(each.type) or pa.types.is_integer(each.type)):
            continue
        values = pc.struct_field(column, each.name).cast(pa.float64())
        values = values.filter(pc.fill_null(pc.is_finite(values), False))
        if len(values):
            span = pc.min_max(values).as_py()
            found[each.name] = [len(values), pc.sum(values).as_py(), span["min"], span["max"]]
    return found


def _agreed(pairs: pa.Table, schema: pa.Schema) -> list[list[Any]]:
    """Teacher, witness, pairs that count, and on how many of their factual and counterfactual labels they agree."""
    aliases = [] if levels_of(schema.field("label")) is None else _teachers(pairs.schema)
    if not aliases:
        return []
    sources = pc.struct_field(pairs["provenance"].combine_chunks(), "first_source")
    found = []
    for alias in aliases:
        for witness in _WITNESSES:
            counts = _agreement(pairs, alias, np.asarray(pc.equal(sources, witness).fill_null(False)))
            if counts[0]:
                found.append([alias, witness, *counts])
    return found


def _agreement(pairs: pa.Table, alias: str, among: NDArray[np.bool_]) -> list[int]:
    scores = pairs["scores"].combine_chunks()
    sides = [scores.field(f"{alias}_{side}") for side in ("factual", "counterfactual")]
    labels = [pairs[name].combine_chunks() for name in ("label", "counterfactual_label")]
    there = among.copy()
    for each in (*sides, *labels):
        there &= np.asarray(each.is_valid())
    rows = pa.array(np.flatnonzero(there))
    if not len(rows):
        return [0, 0, 0]
    hits = [int(np.count_nonzero(_likeliest(chances.take(rows)) == label.take(rows).to_numpy()))
            for chances, label in zip(sides, labels, strict=True)]  # fmt: skip
    return [len(rows), *hits]


def _likeliest(chances: pa.ListArray) -> NDArray[np.int64]:
    matrix = chances.flatten().to_numpy(zero_copy_only=False).reshape(len(chances), -1)
    return np.asarray(matrix.argmax(axis=1), dtype=np.int64)


def _teachers(schema: pa.Schema) -> list[str]:
    """Aliases of the filters that stored a probability for each label of both members."""
    kinds: Mapping[str, pa.DataType] = {field.name: field.type for field in schema.field("scores").type}
    chances = pa.list_(pa.float64())
    return [
        alias
        for name, kind in kinds.items()
        if (alias := name.removesuffix("_factual")) != name
        and kind == chances
        and kinds.get(f"{alias}_counterfactual") == chances
    ]


def _name(value: Any, names: tuple[str, ...] | None) -> str:
    if value is None:
        return "none"
    return names[value] if names is not None and 0 <= value < len(names) else str(value)
