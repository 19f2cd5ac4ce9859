"""What a finished dataset's files say of themselves: interventions, moves of the label, and witnesses that agree.

Counted once, when the dataset is complete, and kept in its manifest (``about``), so that cards and reports need not
read every pair again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contrafact.errors import DataError
from contrafact.record import levels_of

__all__ = ["agreements", "interventions", "label_moves", "schema_of"]

_WITNESSES = ("oracle", "construction")
_MOST = 50
_CHANGES = ["intervention.list.element.operation", "intervention.list.element.variable"]


def schema_of(paths: Sequence[Path]) -> pa.Schema | None:
    """Schema of the first file; None where there is no file. Raises ``DataError`` where it is damaged."""
    try:
        return pq.read_schema(paths[0]) if paths else None
    except (OSError, pa.ArrowInvalid):
        raise DataError(
            f"{paths[0].name} in {paths[0].parent} is missing or was changed",
            fix=f"contrafact validate {paths[0].parent.parent} lists the damage",
        ) from None


def interventions(accepted: Iterable[Path], rejected: Iterable[Path]) -> list[dict[str, Any]]:
    """How many pairs each kind of intervention proposed, and how many of them were accepted; the commonest first.

    Returns
    -------
    list of dict
        ``intervention`` (operation and variable, several joined by ``+``), ``proposed`` and ``accepted``; at most 50,
        and then one that holds all others.
    """
    kept, lost = _tally(_changes(accepted)), _tally(_changes(rejected))
    totals = {name: kept.get(name, 0) + lost.get(name, 0) for name in {**kept, **lost}}
    ranked = sorted(totals, key=lambda name: (-totals[name], name))
    rows = [{"intervention": name, "proposed": totals[name], "accepted": kept.get(name, 0)} for name in ranked[:_MOST]]
    if rest := ranked[_MOST:]:
        proposed, there = sum(totals[name] for name in rest), sum(kept.get(name, 0) for name in rest)
        rows.append({"intervention": f"{len(rest)} others", "proposed": proposed, "accepted": there})
    return rows


def label_moves(schema: pa.Schema | None, accepted: Iterable[Path]) -> dict[str, Any]:
    """Where the labels of accepted pairs moved.

    Returns
    -------
    dict
        For classes ``classes``: rows of ``label``, ``counterfactual_label`` and ``pairs``, at most 50, the commonest
        first. For numbers ``mean_change`` and ``mean_absolute_change`` in the label's units, over ``pairs``.
    """
    if schema is None:
        return {}
    column = schema.field("label")
    if levels_of(column) is None and (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        return _number_moves(accepted)
    names = levels_of(column)
    counts: dict[tuple[str, str], int] = {}
    for table in _read(accepted, ["label", "counterfactual_label"]):
        pairs = table.group_by(["label", "counterfactual_label"]).aggregate([([], "count_all")])
        for row in pairs.to_pylist():
            move = (_name(row["label"], names), _name(row["counterfactual_label"], names))
            counts[move] = counts.get(move, 0) + int(row["count_all"])
    ranked = sorted(counts, key=lambda move: (-counts[move], move))[:_MOST]
    keys = ("label", "counterfactual_label", "pairs")
    return {"classes": [dict(zip(keys, (*move, counts[move]), strict=True)) for move in ranked]}


def agreements(schema: pa.Schema | None, paths: Iterable[Path]) -> list[dict[str, Any]]:
    """How often a teacher filter's likeliest label is the one that a stronger witness gave, accepted or not.

    Only pairs count whose label an oracle computed or the construction made true, and about both of whose members the
    teacher gave probabilities.

    Returns
    -------
    list of dict
        ``teacher`` (the filter's alias), ``witness``, ``pairs``, and of these ``factual`` and ``counterfactual``: on
        how many labels of that member the two agree.
    """
    aliases = [] if schema is None or levels_of(schema.field("label")) is None else _teachers(schema)
    found: dict[tuple[str, str], NDArray[np.int64]] = {}
    columns = ["label", "counterfactual_label", "provenance.first_source"]
    columns += [f"scores.{alias}_{side}" for alias in aliases for side in ("factual", "counterfactual")]
    for table in _read(paths if aliases else (), columns):
        sources = pc.struct_field(table["provenance"].combine_chunks(), "first_source")
        for alias in aliases:
            for witness in _WITNESSES:
                counted = _agreed(table, alias, np.asarray(pc.equal(sources, witness).fill_null(False)))
                found[alias, witness] = found.get((alias, witness), np.zeros(3, dtype=np.int64)) + counted
    keys = ("pairs", "factual", "counterfactual")
    return [
        {"teacher": alias, "witness": witness, **dict(zip(keys, counts.tolist(), strict=True))}
        for (alias, witness), counts in found.items()
        if counts[0]
    ]


def _read(paths: Iterable[Path], columns: list[str]) -> Iterator[pa.Table]:
    """Some columns, a row group at a time."""
    for path in paths:
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns=columns)


def _changes(paths: Iterable[Path]) -> Iterator[pa.Array]:
    for table in _read(paths, _CHANGES):
        lists = table["intervention"].combine_chunks()
        flat = lists.flatten()
        names = pc.binary_join_element_wise(
            flat.field("operation").fill_null(""), flat.field("variable").fill_null(""), " "
        )
        if pc.all(pc.equal(pc.list_value_length(lists), 1)).as_py():
            yield names
            continue
        sizes = pc.list_value_length(lists).fill_null(0).to_numpy()
        offsets = np.zeros(len(lists) + 1, dtype=np.int32)
        np.cumsum(sizes, out=offsets[1:])
        yield pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), names), " + ")


def _tally(parts: Iterable[pa.Array]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for part in parts:
        found = pc.value_counts(part)
        for name, count in zip(found.field("values").to_pylist(), found.field("counts").to_pylist(), strict=True):
            label = name or "nothing"
            counts[label] = counts.get(label, 0) + int(count)
    return counts


def _number_moves(accepted: Iterable[Path]) -> dict[str, Any]:
    pairs, total, size = 0, 0.0, 0.0
    for table in _read(accepted, ["label", "counterfactual_label"]):
        change = pc.subtract(table["counterfactual_label"].cast(pa.float64()), table["label"].cast(pa.float64()))
        change = change.filter(pc.is_finite(change).fill_null(False))
        pairs += len(change)
        total += pc.sum(change).as_py() or 0.0
        size += pc.sum(pc.abs(change)).as_py() or 0.0
    return {"pairs": pairs, "mean_change": total / pairs, "mean_absolute_change": size / pairs} if pairs else {}


def _name(value: Any, names: tuple[str, ...] | None) -> str:
    if value is None:
        return "none"
    return names[value] if names is not None and 0 <= value < len(names) else str(value)


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


def _agreed(table: pa.Table, alias: str, among: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pairs that count, and on how many of their factual and counterfactual labels teacher and witness agree."""
    scores = table["scores"].combine_chunks()
    sides = [scores.field(f"{alias}_{side}") for side in ("factual", "counterfactual")]
    labels = [table[name].combine_chunks() for name in ("label", "counterfactual_label")]
    there = among.copy()
    for each in (*sides, *labels):
        there &= np.asarray(each.is_valid())
    rows = pa.array(np.flatnonzero(there))
    if not len(rows):
        return np.zeros(3, dtype=np.int64)
    hits = [np.count_nonzero(_likeliest(chances.take(rows)) == label.take(rows).to_numpy())
            for chances, label in zip(sides, labels, strict=True)]  # fmt: skip
    return np.array([len(rows), *hits], dtype=np.int64)


def _likeliest(chances: pa.ListArray) -> NDArray[np.int64]:
    matrix = chances.flatten().to_numpy(zero_copy_only=False).reshape(len(chances), -1)
    return np.asarray(matrix.argmax(axis=1), dtype=np.int64)
