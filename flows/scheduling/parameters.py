"""A recipe as a form: what the Prefect UI shows, and checks, before a run is begun by hand."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from contrafact.recipe import Recipe

__all__ = ["RecipeForm"]

_MEANINGS = {
    "name": "Name of the dataset",
    "description": "One or two sentences for the dataset's card",
    "seed": "Seed of every random number; the same seed gives the same bytes",
    "rows": "Make so many units (either this or accept)",
    "accept": "Go on until so many pairs are accepted (either this or rows)",
    "max_units": "With accept: end after so many units, whatever was accepted",
    "shard_rows": "Units in a shard, the step of work and of resume; the generator's own number unless given",
    "source": "Where units come from, unless the generator makes them",
    "generator": "The generator (use) and its options",
    "filters": "Filters by name, in the order in which they judge, each with its options",
    "splits": "Shares of the splits; they sum to 1",
    "engines": "Settings of the language model, the embedder and the sandbox; keys and tokens never stand here",
    "media": "Where clips and images lie: beside the Parquet as files, or inside it",
    "inputs": "What it is made from, with source and licence",
    "output": "Folder instead of outputs/NAME; scheduled runs have their own way of naming folders",
    "workers": "Shards at a time; all cores unless given",
    "licence": "Licence of the dataset",
    "citations": "What to cite",
    "tags": "Tags for the dataset's card",
}


def _described(schema: dict[str, Any]) -> None:
    for place, (key, shown) in enumerate(schema.get("properties", {}).items()):
        shown.setdefault("description", _MEANINGS.get(key, ""))
        shown["position"] = place


class RecipeForm(Recipe):
    """One dataset, key by key."""

    model_config = ConfigDict(json_schema_extra=_described)
