"""Croissant: the dataset in the vocabulary by which search engines and loaders of MLCommons read datasets.

One record set a configuration, with every field described: what is factual and what counterfactual, what was changed,
who vouches for the label. Version 1.0 of the format (Akhtar et al. 2024, "Croissant: a metadata format for ML-ready
datasets"), with what it calls responsible AI: how the data came about, its limits and biases.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contrafact.publishing.configs import Config, configs_of
from contrafact.publishing.facts import schema_of
from contrafact.publishing.fields import fields_of
from contrafact.publishing.telling import citations_of, inputs_of
from contrafact.recipe import Recipe
from contrafact.store.atomic import digest, write_json
from contrafact.store.layout import RunDirectory

if TYPE_CHECKING:
    from contrafact.card import Home

__all__ = ["CROISSANT", "render_croissant", "write_croissant"]

CROISSANT = "croissant.json"
_PARQUET = "application/x-parquet"
_REPOSITORY = "repo"
_SPDX = {
    "apache-2.0": "Apache-2.0",
    "mit": "MIT",
    "cc0-1.0": "CC0-1.0",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-sa-4.0": "CC-BY-SA-4.0",
    "cc-by-nc-4.0": "CC-BY-NC-4.0",
    "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0",
    "odc-by": "ODC-By-1.0",
    "odbl": "ODbL-1.0",
    "bsd-3-clause": "BSD-3-Clause",
    "gpl-3.0": "GPL-3.0-only",
}
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The terms of Croissant 1.0, whole: readers warn of any that is missing."""


def write_croissant(directory: RunDirectory, manifest: Mapping[str, Any], recipe: Recipe) -> None:
    """Write ``croissant.json`` of a complete dataset."""
    write_json(directory.path / CROISSANT, _document(directory, manifest, recipe, None))


def render_croissant(
    directory: RunDirectory, manifest: Mapping[str, Any], recipe: Recipe, home: Home | None = None
) -> str:
    """The JSON-LD as text, with a line break at the end. Nothing in it depends on when it was made.

    Parameters
    ----------
    home : Home, optional
        The repository whose files are meant; the folder itself unless given.
    """
    found = _document(directory, manifest, recipe, home)
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _document(
    directory: RunDirectory, manifest: Mapping[str, Any], recipe: Recipe, home: Home | None
) -> dict[str, Any]:
    configs = configs_of(directory.path, manifest, hidden=home is None or home.hidden)
    listed = {file["path"]: file for file in manifest["files"]}
    address = None if home is None else home.address
    repository = [] if home is None or home.page is None else [_repository(home.page)]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": manifest["name"],
        "description": recipe.description or "A dataset of counterfactual pairs.",
        **_terms(recipe, manifest, None if home is None else home.page),
        **_responsibility(recipe, manifest),
        "distribution": [
            *repository,
            *(each for config in configs for each in _files(directory.path, config, listed, address)),
        ],
        "recordSet": [each for config in configs if (each := _records(directory.path, config)) is not None],
    }


def _terms(recipe: Recipe, manifest: Mapping[str, Any], page: str | None) -> dict[str, Any]:
    told: dict[str, Any] = {"keywords": ["counterfactual", "contrafact", *recipe.tags]}
    if recipe.licence:
        spdx = _SPDX.get(recipe.licence.lower())
        told["license"] = f"https://spdx.org/licenses/{spdx}" if spdx else recipe.licence
    if page is not None:
        told["url"] = page
    cited = citations_of(recipe, manifest.get("about", {}))
    if cited:
        told["citation"] = cited
    # A version is of the pattern major.minor.patch; the identity is the version that means something here.
    made = f"{manifest['name']}, identity {manifest['identity']}, made by contrafact {manifest['code_version']}"
    return told | {"citeAs": made, "version": "1.0.0", "identifier": manifest["identity"]}


def _responsibility(recipe: Recipe, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """How the data came about, who labelled it, and what is known against it."""
    about = manifest.get("about", {})
    inputs = [f"{each['name']} ({each['licence'] or 'licence not stated'})" for each in inputs_of(recipe, about)]
    witnesses = [f"{source}: {count:,} accepted pairs" for source, count in manifest["label_sources"].items()]
    told = {
        "rai:dataCollection": f"Generated by contrafact {manifest['code_version']} with seed {manifest['seed']}: "
        f"{manifest['proposed']:,} pairs proposed, {manifest['accepted']:,} accepted, {manifest['rejected']:,} rejected"
        f" with reasons. Made from: {'; '.join(inputs) or 'nothing but its recipe'}.",
        "rai:dataAnnotationProtocol": "Every pair names who vouches that its label moved (label_source). "
        + ("; ".join(witnesses) or "No pair was accepted."),
        "rai:dataManipulationProtocol": "Each counterfactual changes its factual as the column intervention says; what"
        " is declared in held_fixed stays.",
    }
    notes = list(about.get("notes", ()))
    return told | ({"rai:dataLimitations": notes} if notes else {})


def _repository(page: str) -> dict[str, Any]:
    """The whole repository, which readers of the Hub's Croissant clone to find files by pattern."""
    return {
        "@type": "cr:FileObject",
        "@id": _REPOSITORY,
        "name": _REPOSITORY,
        "description": "The repository of the dataset.",
        "contentUrl": page,
        "encodingFormat": "git+https",
        # A repository has no hash of its own; where one is demanded the Hub itself names the open question.
        "sha256": "https://github.com/mlcommons/croissant/issues/80",
    }


def _files(
    folder: Path, config: Config, listed: Mapping[str, Mapping[str, Any]], address: str | None
) -> Iterator[dict[str, Any]]:
    """Each file with its hash, and the set of them that the records are read from."""
    for place, size, sha256 in _sizes(folder, config, listed):
        yield {
            "@type": "cr:FileObject",
            "@id": place,
            "name": place,
            "contentUrl": f"{address}/{place}" if address else place,
            "contentSize": f"{size} B",
            "encodingFormat": _PARQUET,
            "sha256": sha256,
        }
    found = {
        "@type": "cr:FileSet",
        "@id": f"{config.name}-files",
        "name": f"{config.name}-files",
        "description": f"Parquet files of the configuration {config.name}.",
        "encodingFormat": _PARQUET,
        "includes": sorted(set(config.files.values())),
    }
    yield found | ({"containedIn": {"@id": _REPOSITORY}} if address else {})


def _sizes(folder: Path, config: Config, listed: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, int, str]]:
    """Name, bytes and hash of each file: as the manifest has them, or of a view, which it does not name, as it is."""
    if config.view:
        for path in config.paths(folder):
            yield path.relative_to(folder).as_posix(), path.stat().st_size, digest(path)
        return
    for pattern in config.files.values():
        for place in sorted(filter(partial(fnmatchcase, pat=pattern), listed)):
            yield place, listed[place]["bytes"], listed[place]["sha256"]


def _records(folder: Path, config: Config) -> dict[str, Any] | None:
    schema = schema_of(config.paths(folder))
    if schema is None:
        return None
    described: dict[str, Any] = {"description": _described(config)}
    if "pair_id" in schema.names and not config.view:
        described["key"] = {"@id": f"{config.name}/pair_id"}
    fields: Sequence[Mapping[str, Any]] = fields_of(schema, config.name, f"{config.name}-files")
    return {"@type": "cr:RecordSet", "@id": config.name, "name": config.name, **described, "field": fields}


def _described(config: Config) -> str:
    splits = ", ".join(config.files)
    if config.view:
        return f"The pairs arranged for other libraries ({config.name}). Splits: {splits}."
    return {
        "pairs": f"Accepted counterfactual pairs, one a record. Splits: {splits}; no group_id crosses a split.",
        "rejected": "Pairs that were turned away, with their reasons.",
        "hidden": "Noise, latent variables and potential outcomes, by pair_id; never an input of a model.",
    }[config.name]
