"""The run directory is a dataset as it stands, for everything that reads Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from contrafact.publishing.showing import exact_meaning
from contrafact.recipe import parse_recipe
from tests.core.builds import DRUG, EVERY_OTHER, SMALL, built, toy, tree


@pytest.fixture(scope="module")
def drug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("card") / "drug"
    built(parse_recipe(DRUG), out)
    return out


@pytest.fixture(scope="module")
def manifest(drug: Path) -> dict[str, Any]:
    import json

    found: dict[str, Any] = json.loads((drug / "manifest.json").read_text(encoding="utf-8"))
    return found


def test_load_dataset_reads_the_three_configurations(drug: Path, manifest: dict[str, Any], tmp_path: Path) -> None:
    from datasets import ClassLabel, get_dataset_config_names, load_dataset

    assert get_dataset_config_names(str(drug)) == ["pairs", "rejected", "hidden"]
    pairs = load_dataset(str(drug), cache_dir=tmp_path)
    assert {split: rows.num_rows for split, rows in pairs.items()} == manifest["splits"]
    features = pairs["train"].features
    assert features["label"] == features["counterfactual_label"] == ClassLabel(names=["sick", "well"])
    assert features["factual"]["arm"] == ClassLabel(names=["low", "high"])
    first = pairs["train"][0]
    assert first["accepted"] is True
    assert first["reasons"] == []
    assert first["label"] != first["counterfactual_label"]
    assert features["label"].int2str(first["label"]) == ("well" if first["factual"]["dose"] > 1 else "sick")

    rejected = load_dataset(str(drug), "rejected", cache_dir=tmp_path)
    assert {split: rows.num_rows for split, rows in rejected.items()} == {"rejected": manifest["rejected"]}
    assert all(rejected["rejected"]["reasons"])

    hidden = load_dataset(str(drug), "hidden", cache_dir=tmp_path)
    assert {split: rows.num_rows for split, rows in hidden.items()} == {
        **manifest["splits"],
        "rejected": manifest["rejected"],
    }
    for split, rows in pairs.items():
        assert hidden[split]["pair_id"][:] == rows["pair_id"][:]
    fields = {"pair_id", "noise", "request", "requested", "latent", "counterfactual_latent"}
    assert set(hidden["train"].features) == fields


def test_what_is_hidden_is_not_among_the_pairs(drug: Path) -> None:
    import pyarrow.parquet as pq

    for path in drug.glob("data/*.parquet"):
        schema = pq.read_schema(path)
        assert "hidden" not in schema.names
        assert [field.name for field in schema.field("factual").type] == ["arm", "dose"]


def test_pandas_polars_and_duckdb_read_it(drug: Path, manifest: dict[str, Any]) -> None:
    import duckdb
    import pandas as pd
    import polars as pl

    count = manifest["splits"]["train"]
    frame = pd.read_parquet(drug / "data" / "train-00000.parquet")
    assert len(frame) == count
    assert set(frame["label"]) == {0, 1}
    assert set(frame["factual"][0]) == {"arm", "dose"}

    lazy = pl.read_parquet(drug / "data" / "train-*.parquet")
    assert lazy.height == count
    assert lazy["factual"].struct.field("dose").to_list() == [pair["dose"] for pair in frame["factual"]]
    assert lazy["intervention"].list.len().unique().to_list() == [1]

    query = "SELECT count(*), sum(factual.dose), max(len(intervention)) FROM read_parquet(?)"
    [(rows, total, longest)] = duckdb.connect().execute(query, [f"{drug}/data/*.parquet"]).fetchall()
    assert rows == manifest["accepted"]
    assert longest == 1
    whole = pl.read_parquet(drug / "data" / "*.parquet")
    assert total == pytest.approx(whole["factual"].struct.field("dose").sum())


def test_the_card_says_who_vouches_and_what_was_turned_away(drug: Path, manifest: dict[str, Any]) -> None:
    text = (drug / "README.md").read_text(encoding="utf-8")
    header = yaml.safe_load(text.split("---")[1])
    assert header["pretty_name"] == "drug"
    assert header["license"] == "apache-2.0"
    assert header["tags"] == ["counterfactual", "contrafact", "health: yes"]
    assert header["size_categories"] == ["n<1K"]
    for words in (
        "A drug: with a colon, and 'quotes'.",
        f"| `oracle` | {manifest['accepted']} |",
        f"{manifest['proposed']} pairs proposed",
        f"{manifest['rejected']} rejected",
        "| label_flip | 600 |",
        "arm → dose",
        "Pearl (2009), Causality",
        "class label: sick, well",
    ):
        assert words in text, words


@pytest.mark.parametrize(
    ("keys", "options", "configs"),
    [
        ({"splits": {"train": 1}}, {}, ["pairs"]),
        ({"filters": {"small": {**SMALL, "below": 0}}}, {}, ["rejected"]),
        ({"splits": {"train": 1, "test": 0}, "filters": {"turn": EVERY_OTHER}}, {}, ["pairs", "rejected"]),
        ({"rows": 1}, {}, ["pairs"]),
    ],
)
def test_the_card_names_no_file_that_is_not_there(
    keys: dict[str, Any], options: dict[str, Any], configs: list[str], tmp_path: Path
) -> None:
    from datasets import get_dataset_config_names, load_dataset

    manifest = built(toy(options, **keys), tmp_path / "toy")
    assert get_dataset_config_names(str(tmp_path / "toy")) == configs
    found = load_dataset(str(tmp_path / "toy"), cache_dir=tmp_path / "cache")
    wanted = {split: count for split, count in manifest["splits"].items() if count}
    assert {split: rows.num_rows for split, rows in found.items()} == (wanted or {"rejected": manifest["rejected"]})


def test_reasons_with_bars_and_lines_keep_their_table(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(
        "from contrafact.errors import RowError\nfrom tests.core.toys import Parity\n"
        "class Odd(Parity):\n    name = 'odd'\n    def make(self, unit, rng):\n"
        "        if unit['number'] % 2:\n            raise RowError('a | bar')\n"
        "        yield from super().make(unit, rng)\n",
        encoding="utf-8",
    )
    recipe = parse_recipe({"name": "odd", "rows": 10, "generator": f"{tmp_path}/odd.py:Odd"})
    built(recipe, tmp_path / "out")
    assert "| odd: a \\| bar | 5 |" in tree(tmp_path / "out")["README.md"].decode()


@pytest.mark.parametrize(
    ("sources", "about", "told"),
    [
        ({"construction": 9, "oracle": 1}, {}, "true by the way they were made"),
        ({"oracle": 9}, {"graph": None}, "a program computed both sides"),
        ({"oracle": 9}, {"graph": {"nodes": ["x"], "edges": []}}, "the noise is known or was uniquely recovered"),
        ({"llm": 3}, {}, "nothing hidden had to be guessed"),
        ({}, {}, "nothing hidden had to be guessed"),
    ],
)
def test_exact_speaks_of_noise_only_where_a_causal_model_stands_behind_the_pairs(
    sources: dict[str, int], about: dict[str, Any], told: str
) -> None:
    assert told in exact_meaning({"label_sources": sources, "about": about})
