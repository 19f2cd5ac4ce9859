"""What is held out and is in the training split all the same, counted by content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contrafact.overlap import content_hashes, overlap_of, training_split, write_contents
from contrafact.pipeline import run_local
from contrafact.recipe import parse_recipe
from contrafact.record import INTERVENTION

SPLITS = ["train", "validation", "test"]


def pairs(members: list[Any], others: list[Any] | None = None, operation: str = "do") -> pa.Table:
    """Pairs whose members are given; of ids and verdicts the hash knows nothing."""
    change = [{"variable": "x", "operation": operation, "before": None, "after": None, "where": None}]
    columns = {"factual": pa.array(members), "counterfactual": pa.array(others or members)}
    return pa.table({**columns, "intervention": pa.array([change] * len(members), INTERVENTION)})


@pytest.mark.parametrize(
    "members",
    [
        [
            {"a": 1.0, "b": 2.0},
            {"a": 2.0, "b": 1.0},
            {"a": 0.5, "b": 0.25},
            {"a": 0.25, "b": 0.5},
            {"a": None, "b": 1.0},
        ],
        [{"a": 0}, {"a": 1}, {"a": -1}, {"a": 2**40}, {"a": None}],
        [{"a": True, "b": False}, {"a": False, "b": True}, {"a": True, "b": True}, {"a": False, "b": False}],
        [{"a": "he ran"}, {"a": "she ran"}, {"a": ""}, {"a": None}],
        [{"a": [1, 2]}, {"a": [2, 1]}, {"a": [1]}, {"a": []}, {"a": [1, 2, 0]}, {"a": [0, 1, 2]}],
        [{"a": {"b": "x", "c": 1}}, {"a": {"b": "y", "c": 1}}, {"a": {"b": "x", "c": 2}}],
        [{"a": b"\x00"}, {"a": b"\x00\x00"}, {"a": b"\xff\xfe"}],
    ],
)
def test_equal_contents_have_equal_hashes_and_others_have_others(members: list[Any]) -> None:
    twice = content_hashes(pairs(members + members))
    assert len(set(twice.tolist())) == len(members)
    np.testing.assert_array_equal(twice[: len(members)], twice[len(members) :])
    # A chunked and sliced table says the same.
    cut = pa.concat_tables([pairs(members).slice(1), pairs(members).slice(0, 1)])
    np.testing.assert_array_equal(content_hashes(cut), np.roll(twice[: len(members)], -1))


def test_the_other_member_and_the_operation_count_and_zeros_are_one_value() -> None:
    facts = [{"a": 0.0}]
    hashes = [
        content_hashes(pairs(facts, [{"a": 1.0}]))[0],
        content_hashes(pairs(facts, [{"a": 2.0}]))[0],
        content_hashes(pairs(facts, [{"a": 1.0}], "shift"))[0],
    ]
    assert len(set(hashes)) == 3
    assert content_hashes(pairs([{"a": -0.0}], [{"a": 1.0}]))[0] == hashes[0]


def test_a_million_pairs_of_round_numbers_do_not_collide() -> None:
    grid = np.arange(1000) / 8
    columns = {"a": np.repeat(grid, 1000), "b": np.tile(grid, 1000)}
    struct = pa.StructArray.from_arrays([pa.array(each) for each in columns.values()], names=list(columns))
    change = pa.array([[]], INTERVENTION).take(pa.array(np.zeros(10**6, dtype=np.int32)))
    table = pa.table({"factual": struct, "counterfactual": struct, "intervention": change})
    assert len(np.unique(content_hashes(table))) == 10**6


@pytest.mark.parametrize("at_once", [10**6, 7])
def test_doubles_are_counted_over_shards_and_parts_of_the_hash_space(at_once: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values, places = rng.integers(0, 60, 300), rng.integers(0, 4, 300)
    paths = []
    for shard in range(3):
        rows = slice(100 * shard, 100 * shard + 100)
        paths.append(tmp_path / "contents" / f"{shard}")
        write_contents(paths[-1], pairs([{"a": int(each)} for each in values[rows]]), places[rows], 3)
    seen = set(values[places == 0].tolist())
    wanted = {
        name: {
            "pairs": int((places == split).sum()),
            "in_train": sum(each in seen for each in values[places == split].tolist()),
        }
        for split, name in ((1, "validation"), (2, "test"))
    }
    assert overlap_of(paths, SPLITS, at_once) == {"train": "train", "held_out": wanted}


def test_one_split_has_nothing_to_compare(tmp_path: Path) -> None:
    write_contents(tmp_path / "a", pairs([{"a": 1}]), np.array([0]), 1)
    assert overlap_of([tmp_path / "a"], ["train"]) == {}
    write_contents(tmp_path / "b", pairs([{"a": 1}]), np.array([3]), 3)  # rejected
    assert overlap_of([tmp_path / "b"], SPLITS) == {}
    assert overlap_of([], SPLITS) == {}


def test_the_training_split_is_the_one_of_that_name_or_the_first() -> None:
    assert training_split(["test", "train"]) == "train"
    assert training_split(["fit", "held"]) == "fit"


COIN: dict[str, Any] = {
    "name": "coin",
    "rows": 500,
    "shard_rows": 120,
    "generator": {
        "use": "scm",
        "scm": {"variables": {"a": {"mechanism": "bernoulli", "probability": "0.5"}}},
        "interventions": {"do": {"a": "another"}},
        "label": "a",
    },
}


def test_manifest_and_card_tell_how_much_of_a_small_world_is_held_out_in_vain(tmp_path: Path) -> None:
    manifest = run_local(parse_recipe(COIN), None, tmp_path)
    held = manifest["overlap"]["held_out"]
    assert held["test"] == {"pairs": manifest["splits"]["test"], "in_train": manifest["splits"]["test"]}
    assert json.loads((tmp_path / "manifest.json").read_text())["overlap"] == manifest["overlap"]
    card = " ".join((tmp_path / "README.md").read_text(encoding="utf-8").split())
    count = manifest["splits"]["test"]
    assert f"also be in `train`, word for word: {manifest['splits']['validation']} of" in card
    assert f"{count} of {count} pairs (100.0 %) of `test`." in card
    assert not (tmp_path / ".work").exists()


def test_groups_by_content_leave_no_overlap(tmp_path: Path) -> None:
    recipe = json.loads(json.dumps(COIN))
    variables = recipe["generator"]["scm"]["variables"]
    for name in "bcdefgh":
        variables[name] = {"mechanism": "bernoulli", "probability": "0.5"}
    recipe["filters"] = {"duplicates": {"mode": "group"}}
    manifest = run_local(parse_recipe(recipe), None, tmp_path)
    assert min(manifest["splits"].values()) > 0
    assert {each["in_train"] for each in manifest["overlap"]["held_out"].values()} == {0}
    read = [pq.read_table(path) for path in sorted((tmp_path / "data").glob("*.parquet"))]
    facts = [{json.dumps(fact) for fact in table["factual"].to_pylist()} for table in read]
    assert len(set().union(*facts)) > 100


def test_without_held_out_pairs_the_card_says_nothing_of_them(tmp_path: Path) -> None:
    manifest = run_local(parse_recipe({**COIN, "splits": {"all": 1.0}}), None, tmp_path)
    assert manifest["overlap"] == {}
    assert "word for word" not in (tmp_path / "README.md").read_text(encoding="utf-8")
