"""The pair as an Arrow schema: one envelope for every kind of dataset.

``factual`` and ``counterfactual`` are structs of one and the same type, which the generator decides; everything around
them is fixed here. ``hidden`` travels with a pair through the pipeline (noise, latent variables, potential outcomes)
and is written apart from what is observed.

Class labels are stored as integers, as Hugging Face ``ClassLabel`` does, with their names in the field's metadata.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

__all__ = [
    "HIDDEN",
    "INTERVENTION",
    "LABEL_SOURCES",
    "MODEL_ORIGINS",
    "PROVENANCE",
    "PairShape",
    "class_label",
    "features_of",
    "hidden_schema",
    "is_media",
    "levels_of",
    "media_fields",
    "media_kind",
    "pair_schema",
    "with_features",
]

LABEL_SOURCES = ("oracle", "construction", "teacher", "llm")
"""Who says that the label moved, strongest first."""

MODEL_ORIGINS = ("written", "read", "fitted")
"""Where the causal model behind a pair came from: an author, a published network, or estimates from a table."""

INTERVENTION = pa.list_(
    pa.struct(
        [
            ("variable", pa.string()),
            ("operation", pa.string()),
            ("before", pa.string()),
            ("after", pa.string()),
            ("where", pa.string()),
        ]
    )
)
"""What was changed; ``before``, ``after`` and ``where`` are text, numbers in their shortest round-trip form."""

PROVENANCE = pa.struct(
    [
        ("recipe", pa.string()),
        ("code_version", pa.string()),
        ("seed", pa.int64()),
        ("model", pa.string()),
        ("model_origin", pa.string()),
        ("first_source", pa.string()),
        ("request_ids", pa.list_(pa.string())),
        ("cost", pa.float64()),
    ]
)

HIDDEN = "hidden"
_NO_SCORES = [pa.field("none", pa.float64())]  # Parquet has no struct without fields
_LEVELS = b"contrafact.levels"
_MEDIA = b"contrafact.media"
_MEDIA_TYPE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@dataclass(frozen=True)
class PairShape:
    """What one generator's pairs hold inside the common envelope.

    Parameters
    ----------
    members : sequence of pyarrow.Field
        Fields of the ``factual`` and of the ``counterfactual`` struct.
    label : pyarrow.Field
        Type of ``label`` and ``counterfactual_label``: a :func:`class_label`, a float or a string field; its name is
        the name of what is labelled.
    hidden : sequence of pyarrow.Field
        Fields of the truth that is stored apart.
    scores : sequence of pyarrow.Field
        Scores that the generator itself gives (an effective sample size, say).
    """

    members: Sequence[pa.Field]
    label: pa.Field
    hidden: Sequence[pa.Field] = field(default=())
    scores: Sequence[pa.Field] = field(default=())


def class_label(name: str, levels: Sequence[str]) -> pa.Field:
    """An int64 field whose codes stand for ``levels`` (a Hugging Face ``ClassLabel``)."""
    return pa.field(name, pa.int64(), metadata={_LEVELS: json.dumps(list(levels))})


def levels_of(column: pa.Field) -> tuple[str, ...] | None:
    """The names behind a class-label field's codes, or None for any other field."""
    metadata = column.metadata or {}
    return tuple(json.loads(metadata[_LEVELS])) if _LEVELS in metadata else None


def media_fields(name: str, kind: Literal["video", "image"]) -> list[pa.Field]:
    """Two member fields: a clip or image (Hugging Face ``Video`` or ``Image``), and the SHA-256 of its bytes.

    While a pair is worked on, ``bytes`` hold the content, and of ``path`` only the extension counts. Where it lies in
    the end, :mod:`contrafact.store.media` decides.
    """
    return [
        pa.field(name, _MEDIA_TYPE, metadata={_MEDIA: kind}),
        pa.field(f"{name}_sha256", pa.string()),
    ]


def is_media(kind: pa.DataType) -> bool:
    """Whether a type is that of a clip or an image."""
    return bool(kind == _MEDIA_TYPE)


def media_kind(column: pa.Field) -> str | None:
    """``video`` or ``image``; None for a field that is neither, or does not say."""
    return (column.metadata or {}).get(_MEDIA, b"").decode() or None


def pair_schema(shape: PairShape, scores: Sequence[pa.Field] = ()) -> pa.Schema:
    """Schema of the stored pairs: the envelope around a generator's shape, with the filters' scores added."""
    members = pa.struct(list(shape.members))
    label = shape.label
    text = pa.string()
    return pa.schema(
        [
            pa.field("pair_id", text, nullable=False),
            pa.field("unit_id", text, nullable=False),
            pa.field("group_id", text, nullable=False),
            pa.field("generator", text),
            pa.field("task", text),
            pa.field("factual", members),
            pa.field("counterfactual", members),
            pa.field("intervention", INTERVENTION),
            pa.field("label", label.type, metadata=label.metadata),
            pa.field("counterfactual_label", label.type, metadata=label.metadata),
            pa.field("label_source", text),
            pa.field("exact", pa.bool_()),
            pa.field("held_fixed", pa.list_(text)),
            pa.field("scores", pa.struct([*shape.scores, *scores] or _NO_SCORES)),
            pa.field("accepted", pa.bool_()),
            pa.field("reasons", pa.list_(text)),
            pa.field("control_of", text),
            pa.field("provenance", PROVENANCE),
        ]
    )


def hidden_schema(shape: PairShape) -> pa.Schema | None:
    """Schema of the truth stored apart, row by row beside the pairs; None where a generator hides nothing."""
    if not shape.hidden:
        return None
    return pa.schema([pa.field("pair_id", pa.string(), nullable=False), *shape.hidden])


def features_of(schema: pa.Schema) -> dict[str, Any]:
    """The Hugging Face ``Features`` of a schema, as the plain JSON that ``datasets`` reads."""
    return {column.name: _feature(column) for column in schema}


def with_features(schema: pa.Schema) -> pa.Schema:
    """The schema with its Hugging Face features in the metadata, so that ``load_dataset`` knows class labels."""
    return schema.with_metadata({b"huggingface": json.dumps({"info": {"features": features_of(schema)}}).encode()})


def _feature(column: pa.Field) -> Any:
    levels = levels_of(column)
    if levels is not None:
        return {"names": list(levels), "_type": "ClassLabel"}
    kind = column.type
    if (media := media_kind(column)) is not None:
        # Decoded only on demand: a reader of labels needs no decoder, and relative paths must be found first.
        return {"_type": media.capitalize(), "decode": False}
    if pa.types.is_struct(kind):
        return {inner.name: _feature(inner) for inner in kind}
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_field), "_type": "List"}
    return {"dtype": _DTYPES.get(str(kind), str(kind)), "_type": "Value"}


_DTYPES = {"double": "float64", "float": "float32"}
