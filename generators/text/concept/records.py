"""The record of a pair of texts that differ in one concept: its members are the text and the value of every concept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.record import PairShape, class_label, pair_schema
from generators.text.concept.concepts import Concept

__all__ = ["LLM_SCORES", "MATCHING_SCORES", "members", "reject", "row", "shape_of", "stretch", "table_schema"]

MATCHING_SCORES = (
    pa.field("match_cosine", pa.float64()),
    pa.field("match_rank", pa.int64()),
    pa.field("matches", pa.int64()),
    pa.field("broken", pa.int64()),
)
"""Cosine of the two texts; place among the unit's matches, from 1; how many it has; confounders that differ."""

LLM_SCORES = (
    pa.field("changed_share", pa.float64()),
    pa.field("broken", pa.int64()),
    pa.field("target_read", pa.bool_()),
)
"""Share of the words that changed; confounders that differ; whether a reader found the target (null: nobody read)."""


def shape_of(concepts: Sequence[Concept], field: str, label: Concept, scores: Sequence[pa.Field]) -> PairShape:
    """Members: the text, and each concept as a class label."""
    values = [class_label(each.name, each.values) for each in concepts]
    return PairShape([pa.field(field, pa.string()), *values], class_label("label", label.values), (), scores)


def table_schema(shape: PairShape) -> pa.Schema:
    """Schema of what the generator gives: the core adds the rest."""
    left = {"pair_id", "generator", "task", "accepted", "provenance"}
    extra = [pa.field("request_ids", pa.list_(pa.string())), pa.field("cost", pa.float64())]
    return pa.schema([*(column for column in pair_schema(shape) if column.name not in left), *extra])


def members(concepts: Sequence[Concept], field: str, text: str, codes: NDArray[np.int64]) -> dict[str, Any]:
    """A side of a pair; a concept of which nobody knows the value (code -1) is null."""
    values = (None if code < 0 else int(code) for code in codes)
    return {field: text, **dict(zip((each.name for each in concepts), values, strict=True))}


def row(
    unit: tuple[str, str],
    sides: tuple[Mapping[str, Any], Mapping[str, Any]],
    change: tuple[Concept, int, str],
    held: Sequence[str],
    where: Mapping[str, Any],
    **columns: Any,
) -> dict[str, Any]:
    """A candidate.

    Parameters
    ----------
    unit : tuple of str
        Its id and its group.
    change : tuple
        The concept, the code that it is to get, and what was done: ``match`` or ``rewrite``.
    held : sequence of str
        Confounders; only those whose values are known and equal go into ``held_fixed``.
    """
    concept, target, operation = change
    factual, counterfactual = sides
    done = {
        "variable": concept.name,
        "operation": operation,
        "before": concept.values[factual[concept.name]],
        "after": concept.values[target],
        "where": json.dumps(dict(where), ensure_ascii=False),
    }
    return {
        "unit_id": unit[0],
        "group_id": unit[1],
        "factual": dict(factual),
        "counterfactual": dict(counterfactual),
        "intervention": [done],
        "held_fixed": [name for name in held if factual[name] is not None and factual[name] == counterfactual[name]],
        "exact": False,
        "reasons": [],
        "request_ids": [],
        "cost": 0.0,
        **columns,
    }


def reject(unit: tuple[str, str], reason: str, **columns: Any) -> dict[str, Any]:
    """A unit without a pair, and why."""
    return {
        "unit_id": unit[0], "group_id": unit[1], "reasons": [reason], "request_ids": [], "cost": 0.0, **columns
    }  # fmt: skip


def stretch(before: str, after: str) -> dict[str, int]:
    """Where the first text differs: ``start`` and ``stop`` of all between what both begin and end with."""
    most = min(len(before), len(after))
    start = next((place for place in range(most) if before[place] != after[place]), most)
    end = next((place for place in range(most - start) if before[-1 - place] != after[-1 - place]), most - start)
    return {"start": start, "stop": len(before) - end}
