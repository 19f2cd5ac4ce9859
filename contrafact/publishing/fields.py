"""Columns as Croissant fields: nested as they are stored, each said in words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from contrafact.record import levels_of

__all__ = ["fields_of"]

_WORDS = {
    "pair_id": "Name of the pair: its unit's id and a number within the unit.",
    "unit_id": "The factual observation that the pair starts from; the same in every run.",
    "group_id": "What may not cross a split: pairs that share it are related.",
    "generator": "Which generator made the pair.",
    "task": "What the pair is for.",
    "factual": "The members as they are.",
    "counterfactual": "The same members as they would have been after the intervention; null where there is no pair.",
    "intervention": "What was changed, one entry a variable.",
    "variable": "What was changed.",
    "operation": "How it was changed: do, shift, soft, edit, mask, swap …",
    "before": "Its value before, as text.",
    "after": "Its value after, as text; null for a latent variable.",
    "where": "Where: a span, a mask or a time; null for models.",
    "label": "What is predicted, of the factual.",
    "counterfactual_label": "What is predicted, of the counterfactual.",
    "label_source": "Who vouches that the label moved: oracle (computed), construction (true by the template), teacher"
    " (a model's probability) or llm (only asserted).",
    "exact": "True only where the exogenous noise is known or was uniquely recovered.",
    "held_fixed": "Members declared unchanged by the intervention.",
    "scores": "What filters measured, a field each.",
    "accepted": "Whether every filter let the pair pass.",
    "reasons": "Why not, each beginning with the filter's name; empty for accepted pairs.",
    "control_of": "For a control, a meaning-preserving edit: the pair that it controls. Null otherwise.",
    "provenance": "Recipe, version, seed, model and cost behind the pair.",
    "noise": "Exogenous noise of each variable: with it the counterfactual is computed and not guessed.",
    "latent": "Latent variables as they are.",
    "counterfactual_latent": "Latent variables as they would have been.",
    "request": "Position of the intervention in the recipe's list.",
    "requested": "The value that each intervention was to set, before anything was computed.",
}
_TYPES = (
    (pa.types.is_boolean, "sc:Boolean"),
    (pa.types.is_integer, "sc:Integer"),
    (pa.types.is_floating, "sc:Float"),
)


_MEDIA = {"Image": "sc:ImageObject", "Video": "sc:VideoObject", "Audio": "sc:AudioObject"}


def fields_of(schema: pa.Schema, records: str, files: str) -> list[dict[str, Any]]:
    """A field for each column of a record set.

    Parameters
    ----------
    records, files : str
        Ids of the record set and of the file set that it is read from.
    """
    features = _features(schema)
    return [_field(column, [column.name], records, files, features.get(column.name)) for column in schema]


def _features(schema: pa.Schema) -> Mapping[str, Any]:
    """The Hugging Face features that the file itself declares."""
    told = (schema.metadata or {}).get(b"huggingface")
    found = json.loads(told)["info"]["features"] if told else {}
    return found if isinstance(found, Mapping) else {}


def _field(
    column: pa.Field, place: Sequence[str], records: str, files: str, feature: Any, *, inside: str = ""
) -> dict[str, Any]:
    """One column or member. ``place`` is its way from the top, ``inside`` the member that it belongs to."""
    kind = column.type
    repeated = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    inner = kind.value_type if repeated else kind
    found: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": "/".join([records, *place]),
        "name": column.name,
        "description": _words(column, inside),
    }
    if repeated:
        found["repeated"] = True
    kinds = feature if isinstance(feature, Mapping) else {}
    if kinds.get("_type") in _MEDIA:
        return found | {"dataType": _MEDIA[kinds["_type"]], "source": _source([*place, "bytes"], files)}
    if pa.types.is_struct(inner) and inner.num_fields and len(place) < 2:
        side = inside or (column.name if column.name in ("factual", "counterfactual", "scores", "noise") else "")
        below = kinds.get("feature", kinds) if repeated else kinds
        found["subField"] = [
            _field(each, [*place, each.name], records, files, below.get(each.name), inside=side) for each in inner
        ]
        return found
    return found | {"dataType": _type(inner), "source": _source(place, files)}


def _words(column: pa.Field, inside: str) -> str:
    levels = levels_of(column)
    codes = "" if levels is None else " " + ", ".join(f"{code} = {name}" for code, name in enumerate(levels)) + "."
    if inside in ("factual", "counterfactual"):
        when = "as it is" if inside == "factual" else "as it would have been"
        return f"{column.name}, {when}.{codes}"
    if inside:
        return f"{column.name}.{codes}" if inside != "scores" else f"Score {column.name}."
    return _WORDS.get(column.name, f"{column.name}.") + codes


def _source(place: Sequence[str], files: str) -> dict[str, Any]:
    source: dict[str, Any] = {"fileSet": {"@id": files}, "extract": {"column": place[0]}}
    if len(place) > 1:
        source["transform"] = {"jsonPath": ".".join(_quoted(each) for each in place[1:])}
    return source


def _quoted(name: str) -> str:
    if name.isidentifier() and name.isascii() and name not in ("where", "wherenot", "parent"):  # words of JSONPath
        return name
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _type(kind: pa.DataType) -> str:
    return next((name for fits, name in _TYPES if fits(kind)), "sc:Text")
