from __future__ import annotations

import json

import pyarrow as pa

from contrafact.record import (
    PairShape,
    class_label,
    features_of,
    hidden_schema,
    levels_of,
    pair_schema,
    with_features,
)

SHAPE = PairShape(
    [pa.field("x", pa.float64()), class_label("arm", ["low", "high"])],
    class_label("outcome", ["bad", "good"]),
    [pa.field("noise", pa.struct([("x", pa.float64())]))],
    [pa.field("ess", pa.float64())],
)
ENVELOPE = [
    "pair_id",
    "unit_id",
    "group_id",
    "generator",
    "task",
    "factual",
    "counterfactual",
    "intervention",
    "label",
    "counterfactual_label",
    "label_source",
    "exact",
    "held_fixed",
    "scores",
    "accepted",
    "reasons",
    "control_of",
    "provenance",
]


def test_every_dataset_has_one_envelope() -> None:
    assert pair_schema(SHAPE).names == ENVELOPE
    assert pair_schema(PairShape([pa.field("text", pa.string())], pa.field("s", pa.string()))).names == ENVELOPE


def test_both_members_share_one_type() -> None:
    schema = pair_schema(SHAPE)
    assert schema.field("factual").type == schema.field("counterfactual").type
    assert schema.field("label").type == schema.field("counterfactual_label").type


def test_filters_scores_stand_after_the_generators_own() -> None:
    schema = pair_schema(SHAPE, [pa.field("graph", pa.float64())])
    assert [column.name for column in schema.field("scores").type] == ["ess", "graph"]


def test_the_hidden_truth_is_no_column_of_the_pairs() -> None:
    assert "hidden" not in pair_schema(SHAPE).names
    hidden = hidden_schema(SHAPE)
    assert hidden is not None
    assert hidden.names == ["pair_id", "noise"]
    assert hidden_schema(PairShape([], pa.field("y", pa.float64()))) is None


def test_levels_stay_with_their_field_also_inside_a_struct() -> None:
    schema = pair_schema(SHAPE)
    assert levels_of(schema.field("label")) == ("bad", "good")
    assert levels_of(schema.field("factual").type.field("arm")) == ("low", "high")
    assert levels_of(schema.field("exact")) is None


def test_hugging_face_reads_the_features_that_are_written() -> None:
    from datasets import ClassLabel, Features

    schema = with_features(pair_schema(SHAPE))
    features = Features.from_arrow_schema(schema)
    assert features["label"] == ClassLabel(names=["bad", "good"])
    assert features["factual"]["arm"] == ClassLabel(names=["low", "high"])
    assert features.arrow_schema.remove_metadata().names == ENVELOPE
    assert features.arrow_schema.field("intervention").type == schema.field("intervention").type
    info = json.loads(schema.metadata[b"huggingface"])
    assert info["info"]["features"] == features_of(schema)
