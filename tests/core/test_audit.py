"""Whole audits of small datasets: effects, shortcuts, what is skipped, and what is left on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import datasets
import pytest

from contrafact.audit import Settings, audit, markdown_of, write_audit
from contrafact.errors import RecipeError, RunDirectoryError
from contrafact.validation import validate
from tests.core.builds import built, toy, tree
from tests.core.controlled import dataset

QUICK = Settings(draws=200, runs=200)
LETTERS = "tests/core/controlled.py:by_letters"
LENGTH = "tests/core/controlled.py:by_length"
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("audit") / "clean")


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("audit") / "leaking", leak=True)


def shortcuts(found: dict[str, Any]) -> dict[tuple[str, str], Any]:
    return {(each["view"], each["tells"]): each for each in found["shortcuts"]}


def test_a_clean_dataset_is_not_flagged(clean: Path) -> None:
    found = shortcuts(audit(clean, QUICK))
    tried = {key: each for key, each in found.items() if "skipped" not in each}
    assert set(tried) == {(view, tells) for view in ("length", "words", "style") for tells in ("label", "member")}
    assert [key for key, each in tried.items() if each["found"]] == []
    for each in tried.values():
        assert each["low"] <= each["accuracy"] <= each["high"]
        assert each["p_corrected"] >= each["p"]
    assert "one text" in found["edited text alone", "label"]["skipped"]


def test_a_planted_shortcut_is_found(leaking: Path) -> None:
    found = shortcuts(audit(leaking, QUICK))
    for view in ("length", "words", "style"):
        assert found[view, "label"]["found"], view
        assert found[view, "label"]["accuracy"] > 0.9
    assert found["length", "member"]["found"]


def test_a_model_that_reacts_to_any_edit_shows_no_effect_and_one_that_reads_does(clean: Path, leaking: Path) -> None:
    idle = audit(clean, QUICK, teacher=LETTERS, folder=ROOT)["models"][0]
    assert idle["pairs"] == 300
    assert not any(each["significant"] for each in idle["effects"])
    assert idle["effects"][0]["target"] > 0.2  # it does react, to both
    reader = audit(leaking, QUICK, teacher=LENGTH, folder=ROOT)["models"][0]
    counter = next(each for each in reader["effects"] if each["measure"] == "counter")
    assert counter["significant"]
    assert counter["low"] > 0
    assert counter["control"] == 0


def test_what_cannot_be_said_is_said(tmp_path: Path, clean: Path) -> None:
    alone = audit(dataset(tmp_path / "alone", controls=False), QUICK, teacher=LETTERS, folder=ROOT)
    assert alone["models"] == []
    assert any("no pair has a control" in note for note in alone["notes"])
    assert any("--teacher" in note for note in audit(clean, QUICK)["notes"])
    few = audit(dataset(tmp_path / "few", count=8), QUICK, teacher=LETTERS, folder=ROOT)
    assert any("too few to test" in note for note in few["notes"])
    assert all("skipped" in each for each in few["shortcuts"])


def test_numbers_have_their_own_shortcut(tmp_path: Path) -> None:
    built(toy(rows=60), tmp_path)
    found = shortcuts(audit(tmp_path, QUICK))
    assert "computed from these columns" in found["values", "label"]["skipped"]
    assert "accuracy" in found["values", "member"]
    assert "no text" in found["words", "label"]["skipped"]


def test_a_larger_dataset_is_read_in_part_and_says_so(clean: Path) -> None:
    found = audit(clean, Settings(draws=100, runs=100, most=300))
    left = next(iter(found["drops"].values()))
    assert found["counts"]["pairs"] == found["counts"]["controls"]  # whole groups
    assert found["counts"]["pairs"] * 2 + left == 600
    assert 200 < left < 400


def test_what_is_written_breaks_nothing_and_is_the_same_again(leaking: Path, tmp_path: Path) -> None:
    before = tree(leaking)
    found = audit(leaking, QUICK, teacher=LENGTH, folder=ROOT)
    assert found == audit(leaking, QUICK, teacher=LENGTH, folder=ROOT)
    write_audit(found, leaking)
    after = tree(leaking)
    assert {path for path in after if path not in before} == {"audit.json", "audit.md"}
    assert all(after[path] == content for path, content in before.items())
    stored = json.loads(after["audit.json"])
    assert stored["dataset"]["identity"] == found["dataset"]["identity"]
    assert stored["counts"] == found["counts"]
    assert validate(leaking).problems == []
    assert datasets.load_dataset(str(leaking), cache_dir=str(tmp_path))["train"].num_rows > 0
    text = markdown_of(found)
    assert "| length | label |" in text
    assert "A/A runs" in text


def test_bad_settings_and_folders_are_one_message(clean: Path, tmp_path: Path) -> None:
    for wrong, said in (
        ({"alpha": 1.5}, "alpha is 1.5"),
        ({"correction": "hom"}, "did you mean 'holm'"),
        ({"runs": 3}, "runs is 3"),
    ):
        with pytest.raises(RecipeError, match=said):
            audit(clean, Settings(**wrong))
    with pytest.raises(RunDirectoryError, match="no run directory"):
        audit(tmp_path, QUICK)
    with pytest.raises(RecipeError, match="txt is a text of these pairs"):
        audit(clean, QUICK, teacher=LETTERS, fields=("txt",), folder=ROOT)


def test_a_file_that_was_changed_is_not_audited(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "changed", count=20)
    path = next((folder / "data").glob("*.parquet"))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(RunDirectoryError, match="was changed"):
        audit(folder, QUICK)
