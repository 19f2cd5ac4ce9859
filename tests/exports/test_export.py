"""Exports: what a row holds, where it is put, and that the dataset stays as it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contrafact.errors import DataError, RecipeError, RunDirectoryError
from contrafact.exports import VIEWS, Options, export
from contrafact.exports import running as export_running
from contrafact.validation import validate
from tests.core.builds import stored, tree
from tests.core.controlled import LABELS
from tests.exports.toys import SPLITS, dataset
from tests.flows.commands import contrafact

TEXT_VIEWS = [view for view in VIEWS if view not in ("pairs", "rlvr")]


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("built") / "phrases")


@pytest.fixture
def phrases(built_once: Path, tmp_path: Path) -> Path:
    shutil.copytree(built_once, tmp_path / "phrases")
    return tmp_path / "phrases"


def rows_of(folder: Path, split: str | None = None) -> list[dict[str, Any]]:
    files = sorted(folder.glob(f"{split or '*'}.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def loaded(folder: Path, config: str) -> datasets.DatasetDict:
    return datasets.load_dataset(str(folder), config)


@pytest.mark.parametrize("view", TEXT_VIEWS)
def test_a_view_is_a_config_of_the_dataset(phrases: Path, view: str) -> None:
    before = tree(phrases)
    told = export(phrases, view)
    found = loaded(phrases, view)
    assert {split: rows.num_rows for split, rows in found.items()} == told["splits"]
    assert set(found) == set(SPLITS)
    assert loaded(phrases, "pairs")["train"].num_rows + loaded(phrases, "pairs")["test"].num_rows == 240
    after = tree(phrases)
    told_of = {"README.md", "croissant.json"}  # they name the configs
    assert {path: after[path] for path in before if path not in told_of} == {
        path: content for path, content in before.items() if path not in told_of
    }
    assert validate(phrases).passed
    assert json.loads(after[f"exports/{view}/export.json"])["dataset"]["name"] == "toy"


def test_the_same_config_made_otherwise_is_not_read_from_a_cache(phrases: Path) -> None:
    for chat in (False, True):
        export(phrases, "sft", options=Options(chat=chat))
        assert isinstance(loaded(phrases, "sft")["train"][0]["prompt"], list) is chat


def test_several_views_and_names_stand_beside_one_another(phrases: Path) -> None:
    export(phrases, "flat")
    export(phrases, "preference", config="likes", options=Options(chosen="good", prompt="Praise it."))
    export(phrases, "flat")
    assert set(datasets.get_dataset_config_names(str(phrases))) == {"pairs", "flat", "likes"}
    assert loaded(phrases, "likes")["train"].column_names[:3] == ["prompt", "chosen", "rejected"]


@pytest.mark.parametrize("view", ["flat", "preference", "triplet", "sft"])
def test_the_same_dataset_gives_the_same_bytes(phrases: Path, tmp_path: Path, view: str) -> None:
    for out in ("once", "again"):
        export(phrases, view, out=tmp_path / out)
    assert tree(tmp_path / "once") == tree(tmp_path / "again")


def test_flat_has_each_member_once_and_pairs_stay_together(phrases: Path) -> None:
    export(phrases, "flat")
    pairs = {pair["pair_id"]: pair for pair in stored(phrases).to_pylist()}
    seen: dict[str, set[str]] = {}
    for split in SPLITS:
        rows = rows_of(phrases / "exports" / "flat", split)
        seen[split] = {row["group_id"] for row in rows}
        for row in rows:
            side = "factual" if row["role"] == "factual" else "counterfactual"
            assert row["text"] == pairs[row["pair_id"]][side]["text"]
            assert row["label"] == pairs[row["pair_id"]]["label" if side == "factual" else "counterfactual_label"]
        roles = [(row["pair_id"], row["role"]) for row in rows if row["role"] != "control"]
        assert [role for _, role in roles] == ["factual", "counterfactual"] * (len(roles) // 2)
        assert all(one[0] == other[0] for one, other in zip(roles[::2], roles[1::2], strict=True))
    assert not seen["train"] & seen["test"]
    found = loaded(phrases, "flat")
    assert found["train"].features["label"].names == list(LABELS)
    assert sum(map(len, found.values())) == 3 * 120  # a control's factual is its pair's


def test_a_member_that_is_called_like_a_column_keeps_its_values(tmp_path: Path) -> None:
    out = dataset(tmp_path / "readings", "Readings")
    export(out, "flat")
    row = rows_of(out / "exports" / "flat")[2]
    pair = stored(out).to_pylist()[1]
    assert (row["label_"], row["label"], row["marks"]) == (
        pair["factual"]["label"], pair["label"], pair["factual"]["marks"],
    )  # fmt: skip


def test_preferences_hold_each_member_against_the_other(tmp_path: Path) -> None:
    out = dataset(tmp_path / "premises", "Premises")
    told = export(out, "preference")
    rows = rows_of(out / "exports" / "preference")
    alike = told["left_out"]["members that are asked about in the same words"]  # the word that was drawn was the same
    assert 0 < alike < 20
    assert len(rows) == 2 * 120 - alike
    assert told["left_out"]["controls: both answers are the same"] == 120
    for one, other in zip(rows[::2], rows[1::2], strict=True):
        assert (one["chosen"], one["rejected"]) == (other["rejected"], other["chosen"])
        assert one["prompt"] != other["prompt"]
        assert "entailment, neutral, contradiction" in one["prompt"]
        assert one["prompt"].endswith("\n")  # a completion follows at once


def test_code_prefers_its_safe_side(tmp_path: Path) -> None:
    out = dataset(tmp_path / "sources", "Sources")
    export(out, "preference")
    rows = rows_of(out / "exports" / "preference")
    assert len(rows) == 120
    for row in rows:
        assert "quote" in row["chosen"]
        assert "quote" not in row["rejected"]
        assert row["rejected"] in row["prompt"]
        assert "python function has the weakness CWE-" in row["prompt"]


def test_a_label_that_is_preferred_chooses_the_member(phrases: Path) -> None:
    told = export(phrases, "preference", options=Options(chosen="good", prompt="Say {label} {{things}}:", chat=True))
    rows = rows_of(phrases / "exports" / "preference")
    assert len(rows) == 120 - told["left_out"]["rows whose responses are the same"] > 100
    pairs = {pair["pair_id"]: pair for pair in stored(phrases).to_pylist()}
    for row in rows:
        pair = pairs[row["pair_id"]]
        assert row["prompt"] == [{"role": "user", "content": "Say good {things}:"}]
        assert row["chosen"][0]["content"] == pair[row["role"]]["text"]
        assert LABELS[pair["label" if row["role"] == "factual" else "counterfactual_label"]] == "good"
    assert told["settings"]["chosen"] == "good"


def test_triplets_hold_the_fact_its_control_and_its_counterfactual(phrases: Path) -> None:
    export(phrases, "triplet")
    rows = rows_of(phrases / "exports" / "triplet")
    found = [tuple(row) for row in ((each["anchor"], each["positive"], each["negative"]) for each in rows)]
    everything = stored(phrases).to_pylist()
    controls = {pair["control_of"]: pair for pair in everything if pair["control_of"]}
    wanted = [
        (pair["factual"]["text"], controls[pair["pair_id"]]["counterfactual"]["text"], pair["counterfactual"]["text"])
        for pair in everything
        if not pair["control_of"]
    ]
    assert sorted(found) == sorted(each for each in wanted if each[0] != each[2])
    assert list(rows[0]) == ["anchor", "positive", "negative"]


def test_sft_asks_about_every_member(phrases: Path) -> None:
    export(phrases, "sft", options=Options(prompt="{text}\\nMark:", response=" {label}"))
    rows = rows_of(phrases / "exports" / "sft")
    assert len(rows) == 3 * 120
    assert all(row["prompt"].endswith("\nMark:") and row["completion"] in (" bad", " good") for row in rows)


def test_only_truths_are_verified(phrases: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no truth to verify against"):
        export(phrases, "rlvr")
    out = dataset(tmp_path / "sources", "Sources")
    export(out, "rlvr")
    row = rows_of(out / "exports" / "rlvr")[0]
    assert row["verifier"] == "contrafact.exports.rewards:exact"
    assert row["reference"] == ("safe" if "quote" in row["question"] else "vulnerable")


def test_json_lines_have_names_of_classes_and_no_number_that_is_none(tmp_path: Path, phrases: Path) -> None:
    export(phrases, "flat", out=tmp_path / "lines", kind="jsonl")
    found = datasets.load_dataset("json", data_files=str(tmp_path / "lines" / "train.jsonl"), split="train")
    assert set(found["label"]) == set(LABELS)
    out = dataset(tmp_path / "readings", "Readings")
    export(out, "pairs", out=tmp_path / "numbers", kind="jsonl")
    lines = [line for file in (tmp_path / "numbers").glob("*.jsonl") for line in file.read_text().splitlines()]
    pairs = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert len(pairs) == 120
    assert [pair["label"] for pair in pairs if pair["unit_id"] == "n0"] == [None]


def test_pairs_elsewhere_are_the_rows_as_stored(phrases: Path, tmp_path: Path) -> None:
    export(phrases, "pairs", out=tmp_path / "copy", splits=["train"])
    assert [path.name for path in sorted((tmp_path / "copy").iterdir())] == ["export.json", "train.parquet"]
    files = [pq.read_table(path) for path in sorted((phrases / "data").glob("train-*.parquet"))]
    assert pq.read_table(tmp_path / "copy" / "train.parquet").equals(pa.concat_tables(files))


def test_a_card_that_somebody_changed_keeps_the_changes(phrases: Path) -> None:
    card = phrases / "README.md"
    card.write_text(card.read_text(encoding="utf-8").replace("# toy", "# My own words"), encoding="utf-8")
    export(phrases, "flat")
    assert "# My own words" in card.read_text(encoding="utf-8")
    assert loaded(phrases, "flat")["train"].num_rows > 0
    card.write_text("no header at all\n", encoding="utf-8")
    export(phrases, "sft")
    assert card.read_text(encoding="utf-8").endswith("no header at all\n")
    assert loaded(phrases, "sft")["train"].num_rows > 0


def test_an_export_that_fails_leaves_the_last_one(phrases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export(phrases, "flat")
    before = tree(phrases)

    def stopped(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(export_running, "write_rows", stopped)
    with pytest.raises(KeyboardInterrupt):
        export(phrases, "flat")
    assert tree(phrases) == before


def test_an_export_elsewhere_is_replaced_and_nothing_else_is(phrases: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export(phrases, "flat", out=out)
    export(phrases, "triplet", out=out)
    assert "anchor" in pq.read_schema(out / "train.parquet").names
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    for folder, what in (("mine", "not empty"), ("phrases", "inside the dataset"), ("phrases/x", "inside the dataset")):
        with pytest.raises(RunDirectoryError, match=what):
            export(phrases, "flat", out=tmp_path / folder)
    with pytest.raises(RunDirectoryError, match="is a file"):
        export(phrases, "flat", out=tmp_path / "mine" / "thesis.txt")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("view", "options", "what"),
    [
        ("flats", {}, "did you mean 'flat'"),
        ("pairs", {}, "default config is its pairs already"),
        ("flat", {"config": "rejected"}, "is a config of every dataset"),
        ("flat", {"config": "a/b"}, "is no name"),
        ("flat", {"kind": "csv"}, "no format is called 'csv'"),
        ("flat", {"kind": "jsonl"}, "a config of the dataset is Parquet"),
        ("flat", {"splits": ["trian"]}, "did you mean 'train'"),
        ("flat", {"options": Options(prompt="{text}")}, "does nothing with --prompt"),
        ("sft", {"options": Options(prompt="{texts}")}, "did you mean 'text'"),
        ("sft", {"options": Options(prompt="{text")}, "is no template"),
        ("sft", {"options": Options(prompt="{text.__class__!r}")}, "names between braces"),
        ("sft", {"options": Options(prompt="{text:>9}")}, "names between braces"),
        ("sft", {"options": Options(prompt="{}")}, "names between braces"),
        ("preference", {"options": Options(chosen="fine")}, "'fine' is no label"),
    ],
)
def test_an_option_that_cannot_be_used_says_what_is_allowed(
    phrases: Path, view: str, options: dict[str, Any], what: str
) -> None:
    before = tree(phrases)
    with pytest.raises(RecipeError, match=what) as caught:
        export(phrases, view, **options)
    assert caught.value.allowed or caught.value.fix
    assert tree(phrases) == before


def test_a_dataset_that_cannot_give_a_view_says_why(phrases: Path, tmp_path: Path) -> None:
    readings = dataset(tmp_path / "readings", "Readings")
    alone = dataset(tmp_path / "alone", controls=False)
    for folder, view, options, what in (
        (readings, "sft", Options(), "nothing to ask"),
        (readings, "triplet", Options(), "what is to be embedded is not known"),
        (readings, "sft", Options(prompt="{ok}"), "its labels are no classes"),
        (readings, "preference", Options(chosen="good"), "its labels are no classes"),
        (phrases, "preference", Options(chosen="good"), "what asks for good is not known"),
        (alone, "triplet", Options(), "no pair has a control"),
    ):
        before = tree(folder)
        with pytest.raises(DataError, match=what) as caught:
            export(folder, view, options=options)
        assert caught.value.fix, what
        assert tree(folder) == before
    told = export(readings, "sft", options=Options(prompt="{marks} {factual.label}?", response="{ok}"))
    assert sum(told["splits"].values()) == 240


def test_what_leaves_no_row_is_refused(tmp_path: Path) -> None:
    out = dataset(tmp_path / "same", "tests.evaluation.toys:OneSided", controls=False)
    before = tree(out)
    with pytest.raises(DataError, match=r"not one row came of its pairs \(240 members whose pair has one label"):
        export(out, "preference")
    assert tree(out) == before
    assert not (out / "exports").exists()


def test_a_folder_that_is_no_finished_dataset_is_refused(phrases: Path, tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match=r"no manifest\.json"):
        export(tmp_path, "flat")
    path = next((phrases / "data").glob("train-*.parquet"))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RunDirectoryError, match="was changed"):
        export(phrases, "flat")
    rejected = dataset(tmp_path / "none", filters={"label_flip": {"want": "keep"}}, controls=False)
    with pytest.raises(RunDirectoryError, match="no accepted pair"):
        export(rejected, "flat")


def test_the_command_shows_a_row_and_how_to_load_it(phrases: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = contrafact(capsys, "export", phrases, "--as", "preference", "--chat", "--splits", "train")
    assert done.code == 0, done
    for words in ("train", "left out: ", "The first row:", "chosen", f'load_dataset("{phrases}", "preference")'):
        assert words in " ".join(done.out.split()), words
    wrong = contrafact(capsys, "export", phrases, "--as", "dpo")
    assert wrong.code == 2
    assert "allowed: pairs, flat, preference" in wrong.text
