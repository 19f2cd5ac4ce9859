"""Effectiveness by measurement: what the reader finds in the texts, against what the model says they should tell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.record import HIDDEN, INTERVENTION
from generators.text.structural.grounding import GROUNDING, Grounding
from generators.text.structural.writing import Written

if TYPE_CHECKING:
    from generators.text.structural.generator import StructuralGenerator

__all__ = ["TEXT", "changed_by", "checked"]

TEXT = "text"
"""The member that holds the text."""


class Sides(Protocol):
    """The values that each candidate's texts should tell, and the grounding of its unit."""

    @property
    def grounding(self) -> Sequence[Grounding]: ...

    @property
    def before(self) -> Sequence[Mapping[str, str] | None]: ...

    @property
    def after(self) -> Sequence[Mapping[str, str] | None]: ...


def checked(
    table: pa.Table,
    generator: StructuralGenerator,
    sides: Sides,
    before: Sequence[Written | None],
    after: Sequence[Written | None],
) -> pa.Table:
    """The model's candidates with their texts, grounding, recall, requests and reasons."""
    right = _right(generator, (sides.before, sides.after), (before, after))
    given = table["reasons"].to_pylist() if "reasons" in table.column_names else [None] * table.num_rows
    reasons = [
        [*(said or ()), *_reasons(generator, changed_by(changes, sides, row), row, two, right)]
        for row, (said, changes, two) in enumerate(
            zip(given, table["intervention"].to_pylist(), zip(before, after, strict=True), strict=True)
        )
    ]
    members = {
        "factual": _with_text(table["factual"].combine_chunks(), before, generator),
        "counterfactual": _lost(_with_text(table["counterfactual"].combine_chunks(), after, generator), before, after),
    }
    columns = {
        **{name: table[name] for name in table.column_names},
        **members,
        "intervention": _placed(table["intervention"].to_pylist(), generator, sides),
        "scores": _scores(table["scores"].combine_chunks(), right, generator),
        HIDDEN: _hidden(table[HIDDEN].combine_chunks(), sides.grounding, generator),
        "reasons": pa.array(reasons, pa.list_(pa.string())),
        "request_ids": pa.array([_ids(*two) for two in zip(before, after, strict=True)], pa.list_(pa.string())),
        "cost": pa.array(
            [sum(each.cost for each in two if each) for two in zip(before, after, strict=True)], pa.float64()
        ),
    }
    return pa.table(columns)


def _placed(given: Sequence[list[dict[str, Any]]], generator: StructuralGenerator, sides: Sides) -> pa.Array:
    """The interventions with the places of the factual text that speak of what was changed.

    Only of texts whose wording is the grammar's: where a model speaks of what, nobody knows.
    """
    if generator.realiser == "grammar":
        for changes, values, grounding in zip(given, sides.before, sides.grounding, strict=True):
            for each in changes:
                if values is not None and each["variable"] in values:
                    spans = generator.setting.spans(each["variable"], values, grounding)
                    each["where"] = json.dumps({"field": TEXT, "spans": spans})
    return pa.array(given, INTERVENTION)


def _right(
    generator: StructuralGenerator,
    sides: Sequence[Sequence[Mapping[str, str] | None]],
    texts: Sequence[Sequence[Written | None]],
) -> dict[str, NDArray[np.float64]]:
    """By concept, for the two texts of each pair: 1 where the reader finds the concept's value, else 0. Shape (2, n).

    NaN where there is no text.
    """
    names = list(generator.setting.concepts)
    found = np.full((len(names), len(texts), len(texts[0])), np.nan)
    for place, (side, written) in enumerate(zip(sides, texts, strict=True)):
        for row, (values, text) in enumerate(zip(side, written, strict=True)):
            if values is not None and text is not None and text.text is not None:
                read = generator.setting.read(text.text)
                found[:, place, row] = [read[name] == values[name] for name in names]
    return dict(zip(names, found, strict=True))


def changed_by(changes: Sequence[Mapping[str, Any]], sides: Sides, row: int) -> set[str]:
    """What was intervened on, and the concepts that followed: an intervention on the untold shows in these alone."""
    before, after = sides.before[row] or {}, sides.after[row] or {}
    return {each["variable"] for each in changes} | {name for name in before if before[name] != after.get(name)}


def _reasons(
    generator: StructuralGenerator,
    changed: set[str],
    row: int,
    texts: tuple[Written | None, Written | None],
    right: Mapping[str, NDArray[np.float64]],
) -> list[str]:
    failures = [each.failure for each in texts if each is not None and each.text is None]
    if failures:
        return [f"{generator.name}: {failures[0]}"]
    if any(each is None for each in texts):
        return []  # the model said why
    wanted = [name for name in right if name in changed or name in generator.demanded]
    return [
        f"{generator.name}: {name} cannot be read back from the {side} text"
        for name in wanted
        for place, side in enumerate(("factual", "counterfactual"))
        if not right[name][place, row]
    ]


def _with_text(
    struct: pa.StructArray, texts: Sequence[Written | None], generator: StructuralGenerator
) -> pa.StructArray:
    fields = list(generator.shape().members)
    children = [pc.struct_field(struct, field.name) for field in fields[:-1]]
    children.append(pa.array([None if each is None else each.text for each in texts], pa.string()))
    return pa.StructArray.from_arrays(children, fields=fields, mask=pc.is_null(struct))


def _lost(struct: pa.StructArray, before: Sequence[Written | None], after: Sequence[Written | None]) -> pa.Array:
    """Without a text on either side there is no pair."""
    gone = pa.array([any(each is None or each.text is None for each in two) for two in zip(before, after, strict=True)])
    return pc.if_else(gone, pa.scalar(None, struct.type), struct)


def _scores(
    given: pa.StructArray, right: Mapping[str, NDArray[np.float64]], generator: StructuralGenerator
) -> pa.Array:
    recall = {f"recall_{name}": each.mean(axis=0) for name, each in right.items()}
    recall["concept_recall"] = np.mean(list(recall.values()), axis=0)
    fields = list(generator.shape().scores)
    read = {name: pa.array(each, pa.float64(), from_pandas=True) for name, each in recall.items()}
    known = {**_fields(given), **read}
    children = [known.get(field.name, pa.nulls(len(given), field.type)) for field in fields]
    return pa.StructArray.from_arrays(children, fields=fields)


def _hidden(given: pa.StructArray, grounding: Sequence[Grounding], generator: StructuralGenerator) -> pa.Array:
    fields = list(generator.shape().hidden)
    rows: list[dict[str, Any]] = [vars(each) for each in grounding]
    known = {**_fields(given), GROUNDING: pa.array(rows, generator.grounding.type)}
    children = [known.get(field.name, pa.nulls(len(given), field.type)) for field in fields]
    return pa.StructArray.from_arrays(children, fields=fields)


def _fields(struct: pa.StructArray) -> dict[str, pa.Array]:
    return {field.name: pc.struct_field(struct, field.name) for field in struct.type}


def _ids(*texts: Written | None) -> list[str]:
    return list(dict.fromkeys(each for text in texts if text is not None for each in text.request_ids))
