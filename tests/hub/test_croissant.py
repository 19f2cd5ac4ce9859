"""Croissant that its own library takes, and reads the records by."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contrafact.publishing.fields import fields_of
from contrafact.publishing.pushing import Settings, push
from contrafact.recipe import parse_recipe
from contrafact.record import with_features
from tests.core.builds import built
from tests.hub.server import LoopbackHub

# The library's own calls of rdflib and pandas are out of date.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def opened(path: Path | dict[str, Any]) -> Any:
    import mlcroissant

    found = mlcroissant.Dataset(jsonld=path)
    assert not found.metadata.issues.errors
    return found


def records(found: Any, name: str, count: int = 3) -> list[dict[str, Any]]:
    return list(itertools.islice(found.records(name), count))


def test_the_library_reads_every_configuration(drug: Path) -> None:
    found = opened(drug / "croissant.json")
    assert [each.id for each in found.metadata.record_sets] == ["pairs", "rejected", "hidden"]
    # A date would make the same dataset another file every day.
    assert all("datePublished" in warning for warning in found.metadata.issues.warnings)
    first = pq.read_table(min((drug / "data").glob("test-*"))).to_pylist()[0]
    by_id = {each["pairs/pair_id"].decode(): each for each in found.records("pairs")}
    assert len(by_id) == json.loads((drug / "manifest.json").read_text(encoding="utf-8"))["accepted"]
    same = by_id[first["pair_id"]]
    assert same["pairs/factual"]["pairs/factual/dose"] == first["factual"]["dose"]
    assert same["pairs/counterfactual"]["pairs/counterfactual/dose"] == first["counterfactual"]["dose"]
    assert same["pairs/label"] == first["label"]
    assert len(records(found, "rejected")) == 3
    assert len(records(found, "hidden")) == 3


def test_fields_say_what_is_counterfactual(drug: Path) -> None:
    told = json.loads((drug / "croissant.json").read_text(encoding="utf-8"))
    [pairs] = [each for each in told["recordSet"] if each["@id"] == "pairs"]
    by_name = {each["name"]: each for each in pairs["field"]}
    assert "as they would have been after the intervention" in by_name["counterfactual"]["description"]
    inner = {each["name"]: each for each in by_name["counterfactual"]["subField"]}
    assert inner["arm"]["description"] == "arm, as it would have been. 0 = low, 1 = high."
    assert "0 = sick, 1 = well" in by_name["label"]["description"]
    assert "Who vouches" in by_name["label_source"]["description"]
    assert {each["name"] for each in by_name["intervention"]["subField"]} == {
        "variable", "operation", "before", "after", "where",
    }  # fmt: skip
    assert told["license"] == "https://spdx.org/licenses/Apache-2.0"
    assert f"identity {told['identifier']}" in told["citeAs"]
    assert "trial (CC-BY-4.0)" in told["rai:dataCollection"]


def test_what_is_pushed_has_the_hubs_addresses_and_the_files_hashes(hub: LoopbackHub, drug: Path) -> None:
    import hashlib

    import httpx

    push(drug, "newcomer/drug", Settings(private=False))
    url = f"{hub.url}/datasets/newcomer/drug/resolve/main"
    told = httpx.get(f"{url}/croissant.json").json()
    opened(told)
    repository, *files = [each for each in told["distribution"] if each["@type"] == "cr:FileObject"]
    assert repository["contentUrl"] == f"{hub.url}/datasets/newcomer/drug" == told["url"]
    assert len(files) > 5
    for each in files:
        assert each["contentUrl"] == f"{url}/{each['name']}"
        content = httpx.get(each["contentUrl"], follow_redirects=True).content
        assert hashlib.sha256(content).hexdigest() == each["sha256"]
        assert each["contentSize"] == f"{len(content)} B"


def test_a_dataset_without_accepted_pairs_is_valid_too(tmp_path: Path) -> None:
    recipe = {"name": "none", "rows": 10, "generator": "tests.core.toys:Parity",
              "filters": {"small": {"use": "tests.core.toys:Small", "below": 0}}}  # fmt: skip
    built(parse_recipe(recipe), tmp_path / "none")
    found = opened(tmp_path / "none" / "croissant.json")
    assert [each.id for each in found.metadata.record_sets] == ["rejected"]
    assert len(records(found, "rejected")) == 3


def test_media_and_awkward_names_have_their_types() -> None:
    picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema([("factual", pa.struct([("image", picture), ("p44/42", pa.float64())]))])
    features = {"factual": {"image": {"_type": "Image"}, "p44/42": {"dtype": "float64", "_type": "Value"}}}
    schema = with_features(schema).with_metadata({b"huggingface": json.dumps({"info": {"features": features}})})
    [field] = fields_of(schema, "pairs", "pairs-files")
    image, other = field["subField"]
    assert image["dataType"] == "sc:ImageObject"
    assert image["source"]["transform"] == {"jsonPath": "image.bytes"}
    assert other["source"]["transform"] == {"jsonPath": "'p44/42'"}
