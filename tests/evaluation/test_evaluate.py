"""Whole evaluations of datasets whose truth is known: what must be found, and what must not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contrafact.errors import DataError, RecipeError, RunDirectoryError
from contrafact.evaluation import Settings, evaluate, write_evaluation
from contrafact.evaluation.writing import gains, measure_rows, verdict_of
from contrafact.validation import validate
from tests.core.builds import built, toy, tree
from tests.evaluation.toys import dataset

QUICK = Settings(seeds=3, draws=500, student="tokens")
TREES = Settings(seeds=3, draws=500)
SPLITS = {"train": 0.6, "test": 0.4}


@pytest.fixture(scope="module")
def shortcut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("evaluation") / "shortcut", splits=SPLITS)


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("evaluation") / "cells", "Cells", splits=SPLITS)


def measures(found: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each for each in found["measures"]}


def test_pairs_that_break_a_shortcut_help_and_placebos_do_not(shortcut: Path) -> None:
    found = evaluate(shortcut, QUICK)
    told = measures(found)
    for name in ("net pair accuracy", "counterfactual accuracy", "sensitivity", "worst-group accuracy"):
        assert gains(told[name]) == 1, name
        assert told[name]["gain"]["low"] > 0.1, name
    pair = {arm: each["value"] for arm, each in told["pair accuracy"]["arms"].items()}
    assert pair["pairs"] > pair["controls"] + 0.1
    assert found["rows"]["pairs"] == found["rows"]["more facts"] > found["rows"]["facts"]
    assert found["student"] == "tokens"
    assert found["inputs"]["fields"] == ["text"]
    for each in found["measures"]:
        for figure in each["arms"].values():
            assert figure["low"] <= figure["value"] <= figure["high"], each["name"]


def test_a_null_dataset_shows_no_gain(tmp_path: Path) -> None:
    found = evaluate(dataset(tmp_path / "null", null=True, splits=SPLITS), QUICK)
    told = measures(found)
    for each in found["measures"]:
        if each["name"] != "invariance":
            assert not each["judged"] or each["gain"]["low"] <= 0 <= each["gain"]["high"], each
    # Students of pairs tell members apart, so that by chance they get more pairs right, and as many reversed.
    assert told["pair accuracy"]["gain"]["low"] > 0
    assert gains(told["pair accuracy"]) == 0
    assert not [line for line in verdict_of(found) if line.startswith("✓")]


def test_labels_that_are_shuffled_here_show_no_gain_either(shortcut: Path, cells: Path) -> None:
    for folder, settings in ((shortcut, QUICK), (cells, TREES)):
        found = evaluate(folder, Settings(**{**vars(settings), "null": True}))
        for name in ("accuracy", "net pair accuracy", "sensitivity", "worst-group accuracy"):
            each = measures(found)[name]
            assert each["gain"]["low"] <= 0 <= each["gain"]["high"], (folder.name, name, each["gain"])


def test_a_table_is_seen_without_what_its_label_is_read_from(cells: Path) -> None:
    found = evaluate(cells, TREES)
    assert found["student"] == "trees"
    assert found["inputs"] == {"fields": ["reading", "proxy", "side"], "left_out": ["outcome"]}
    assert gains(measures(found)["net pair accuracy"]) == 1
    assert any("outcome, which the label is read from" in note for note in found["notes"])
    assert any("no pair has a control" in note for note in found["notes"])
    assert set(found["rows"]) == {"facts", "more facts", "pairs"}


def test_a_numeric_label_is_regressed(tmp_path: Path) -> None:
    found = evaluate(dataset(tmp_path / "values", "Values", splits=SPLITS), TREES)
    told = measures(found)
    assert set(told) == {"r2", "mae", "effect error", "effect direction", "worst-group mae"}
    assert told["effect error"]["better"] == "less"
    assert told["effect error"]["gain"]["high"] < -1
    assert gains(told["worst-group mae"]) == 1
    assert told["r2"]["arms"]["facts"]["value"] > 0.8
    _, rows = measure_rows(found)
    assert [row[0] for row in rows if row[0].endswith("↓")] == ["mae ↓", "effect error ↓", "worst-group mae ↓"]


def test_units_with_several_pairs_cost_as_much_as_facts(tmp_path: Path) -> None:
    found = evaluate(dataset(tmp_path / "several", "Cells", pairs=3, count=200, splits=SPLITS), TREES)
    assert found["rows"]["pairs"] == found["rows"]["more facts"]


def test_edits_that_move_no_label_have_no_sensitivity_and_an_invariance(tmp_path: Path) -> None:
    found = evaluate(dataset(tmp_path / "topics", moves=False, splits=SPLITS), QUICK)
    told = measures(found)
    assert "sensitivity" not in told
    assert gains(told["invariance"]) == 1
    assert any("no label of a held-out pair moves" in note for note in found["notes"])


def test_the_same_settings_give_the_same_figures(shortcut: Path) -> None:
    once, again = (evaluate(shortcut, QUICK) for _ in range(2))
    assert once == again
    other = evaluate(shortcut, Settings(**{**vars(QUICK), "seed": 1}))
    assert other["measures"] != once["measures"]


def test_what_is_written_lies_beside_the_dataset_and_is_no_part_of_it(tmp_path: Path) -> None:
    out = dataset(tmp_path / "made", count=200, splits=SPLITS)
    before = tree(out)
    found = evaluate(out, QUICK)
    path = write_evaluation(found, out)
    after = tree(out)
    assert json.loads(after.pop(path.name))["measures"] == found["measures"]
    assert after == before
    assert validate(out).passed
    null = write_evaluation({**found, "settings": {**found["settings"], "null": True}}, out)
    assert null.name != path.name


def test_one_split_is_divided_by_groups(tmp_path: Path) -> None:
    found = evaluate(dataset(tmp_path / "whole", splits={"all": 1.0}), QUICK)
    assert 80 < found["held_out"]["pairs"] < 160
    assert any("were held out" in note for note in found["notes"])


def test_a_larger_dataset_is_drawn_from(shortcut: Path) -> None:
    found = evaluate(shortcut, Settings(**{**vars(QUICK), "most": 300}))
    assert found["held_out"]["pairs"] < 100
    assert any("not drawn" in note for note in found["notes"])


def test_a_named_column_makes_the_groups(shortcut: Path) -> None:
    found = evaluate(shortcut, Settings(**{**vars(QUICK), "group": "topic"}))
    assert {each["group"] for each in found["groups"]} == {"sea", "hill"}
    assert {each["group"] for each in evaluate(shortcut, QUICK)["groups"]} == {"bad, word", "good, word"}


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"student": "token"}, "did you mean 'tokens'"),
        ({"student": "trees"}, None),
        ({"student": "trees", "fields": ("text",)}, "sees numbers and classes"),
        ({"student": "tokens", "fields": ("topic",)}, "sees text"),
        ({"fields": ("txt",)}, "did you mean 'text'"),
        ({"group": "topics"}, "did you mean 'topic'"),
        ({"group": "text"}, "values"),
        ({"seeds": 1}, "--seeds is 1"),
        ({"draws": 5}, "--draws is 5"),
        ({"student": "encoder"}, "--base"),
        ({"base": "somewhere"}, "--base names an encoder"),
        ({"ood": ("train", "test")}, "names every split"),
    ],
)
def test_a_setting_that_cannot_be_used_says_what_is_allowed(
    shortcut: Path, settings: dict[str, Any], what: str | None
) -> None:
    chosen = Settings(**{"seeds": 2, "draws": 100, "student": "tokens", **settings})
    if what is None:
        assert evaluate(shortcut, chosen)["inputs"]["fields"] == ["topic"]
        return
    with pytest.raises(RecipeError, match=what) as caught:
        evaluate(shortcut, chosen)
    assert caught.value.allowed or caught.value.fix


def test_data_that_nothing_can_be_learned_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"one label only \(good\)"):
        evaluate(dataset(tmp_path / "one", "OneSided", splits=SPLITS), QUICK)
    with pytest.raises(DataError, match="too few") as few:
        evaluate(dataset(tmp_path / "few", count=30, splits=SPLITS), QUICK)
    assert few.value.allowed == "40 to train on and 20 held out"
    with pytest.raises(RunDirectoryError, match=r"no manifest\.json"):
        evaluate(tmp_path, QUICK)
    with pytest.raises(RunDirectoryError, match="is a file"):
        evaluate(tmp_path / "few" / "README.md", QUICK)
    built(toy(rows=400), tmp_path / "numbers")
    with pytest.raises(RecipeError, match="no member"):
        evaluate(tmp_path / "numbers", Settings(fields=("text",)))


def test_texts_for_labels_are_refused(tmp_path: Path) -> None:
    out = dataset(tmp_path / "answers", "Answers", splits=SPLITS)
    with pytest.raises(DataError, match=r"labels of .* are string") as caught:
        evaluate(out, TREES)
    assert "contrafact export" in str(caught.value.fix)


def test_a_file_that_was_changed_is_told_of(tmp_path: Path) -> None:
    out = dataset(tmp_path / "made", count=200, splits=SPLITS)
    path = next((out / "data").glob("train-*.parquet"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RunDirectoryError, match="was changed"):
        evaluate(out, QUICK)
