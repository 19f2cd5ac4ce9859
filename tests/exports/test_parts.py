"""Parts of an export: templates, verifiers, and where a file may be cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from contrafact.errors import DataError
from contrafact.exports import reading, reward
from contrafact.exports.forms import form_of
from contrafact.exports.reading import _cuts, open_dataset, stretches
from contrafact.exports.rewards import VERIFIERS, exact, load_verifier
from contrafact.exports.templates import read_template, texts_of_column
from contrafact.exports.writing import write_rows
from contrafact.record import PairShape, class_label, pair_schema
from tests.exports.toys import dataset


@pytest.mark.parametrize(
    ("response", "right"),
    [
        ("safe", 1),
        ("Safe.", 1),
        ("The guard is there, so that nothing gets in.\nAnswer: **safe**", 1),
        ("It looks vulnerable at first.\nFinal answer: safe", 1),
        ("The answer is safe.", 1),
        ("so \\boxed{safe}", 1),
        ("\\boxed{\\text{safe}}", 1),
        ('{"answer": "safe"}', 1),
        ("vulnerable", 0),
        ("safe or vulnerable", 0),
        ("Answer: safe\nAnswer: vulnerable", 0),
        ("unsafe", 0),
        ("", 0),
        ("\n\n", 0),
        ("{" * 5000, 0),
    ],
)
def test_a_final_answer_is_compared(response: str, right: int) -> None:
    assert exact(response, "safe") == right


def test_a_reward_function_of_trl_looks_the_verifier_up() -> None:
    rows = {
        "verifier": ["contrafact.exports.rewards:exact", "generators.code.executable.reward:verify"],
        "reference": ["safe", "[7, 9]"],
    }
    chat = [[{"role": "assistant", "content": text}] for text in ("safe", "Answer: 9, 7")]
    assert reward(["safe", "Answer: 9, 7"], **rows, prompts=["", ""]) == [1.0, 1.0]
    assert reward(chat, **rows) == [1.0, 1.0]
    assert reward(["vulnerable", "Answer: 7"], **rows) == [0.0, 0.0]


@pytest.mark.parametrize(
    "path",
    [
        "os:system",
        "contrafact.exports.rewards:none",
        "generators.nothing:here",
        "exact",
        "contrafact.exports.rewards:importlib.import_module",
        "contrafact.store.media:remove_stray_media",
        "contrafact.exports.rewards:reward",
    ],
)
def test_a_dataset_names_no_code_of_its_own(path: str) -> None:
    with pytest.raises(DataError, match="verifier"):
        load_verifier(path)


def test_every_verifier_that_is_listed_is_there() -> None:
    for path in VERIFIERS:
        assert load_verifier(path)("nothing", '["something"]') == 0.0


def test_a_template_is_text_and_names_alone() -> None:
    template = read_template("a {text}{other.text}\\n{{x}}", "--prompt")
    assert template.fields == ("text", "other.text")
    assert template.filled({"text": ["1", "2"], "other.text": ["3", "4"]}, 2) == ["a 13\n{x}", "a 24\n{x}"]
    assert read_template("<{text}\n>{text}", "--prompt").filled({"text": ["x\n"]}, 1) == ["<x\n>x\n"]
    assert read_template("", "--prompt").filled({}, 2) == ["", ""]
    assert read_template("just words", "--prompt").filled({}, 2) == ["just words"] * 2
    assert read_template("{hours-per-week}", "--prompt").fields == ("hours-per-week",)


def test_values_stand_in_a_text_in_their_shortest_form() -> None:
    assert texts_of_column(pa.array([0.1, None, 3.0]), None, "x") == ["0.1", "", "3.0"]
    assert texts_of_column(pa.array([True, False]), None, "x") == ["true", "false"]
    assert texts_of_column(pa.array([[1, 2], [], None]), None, "x") == ["1, 2", "", ""]
    assert texts_of_column(pa.array([1, 0, None]), ("no", "yes"), "x") == ["yes", "no", ""]
    with pytest.raises(DataError, match="names none of"):
        texts_of_column(pa.array([2]), ("no", "yes"), "x")
    with pytest.raises(DataError, match="cannot stand in a text"):
        texts_of_column(pa.array([b"png"]), None, "x")


def test_a_form_is_told_by_the_members() -> None:
    def form(*names: str, levels: tuple[str, ...] = ("no", "yes")) -> str:
        members = [pa.field(name, pa.string()) for name in names]
        return form_of(pair_schema(PairShape(members, class_label("label", levels)))).content

    assert form("premise", "hypothesis") == "{premise}\n{hypothesis}"
    assert form("code", "language", "cwe", levels=("safe", "vulnerable")) == "{code}"
    assert form("summary") == "{summary}"
    assert form("one", "two") == ""
    assert form() == ""


def test_a_file_is_cut_where_every_control_stays_with_its_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_ROWS", 2)
    place = np.array([-1, -1, 0, -1, -1, -1, 4, 3, -1, -1])
    cuts = list(_cuts(place))
    assert [start for start, _ in cuts] == [0, 3, 8]
    assert [stop for _, stop in cuts] == [3, 8, 10]
    for start, stop in cuts:
        inside = place[start:stop]
        assert ((inside == -1) | ((inside >= start) & (inside < stop))).all()
    assert list(_cuts(np.array([-1, -1, -1, 0]))) == [(0, 4)]


def test_stretches_are_all_pairs_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_dataset(dataset(tmp_path / "made"))
    whole = pa.concat_tables(stretches(opened, "train"))
    monkeypatch.setattr(reading, "_ROWS", 7)
    parts = list(stretches(opened, "train"))
    assert len(parts) > 5
    assert pa.concat_tables(parts).equals(whole)
    for part in parts:
        owners = {each for each in part["control_of"].to_pylist() if each}
        assert owners <= set(part["pair_id"].to_pylist())


def test_row_groups_do_not_follow_how_rows_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contrafact.exports.writing._GROUP_ROWS", 10)
    table = pa.table({"n": list(range(35))})
    pieces = [table.slice(start, 5) for start in range(0, 35, 5)]
    told = write_rows(iter(pieces), tmp_path / "a.parquet", "parquet", tmp_path)
    assert told is not None
    assert told.rows == 35
    assert told.intact(tmp_path, deep=True)
    assert write_rows(iter([table.slice(0, 0)]), tmp_path / "b.parquet", "parquet", tmp_path) is None
    assert not (tmp_path / "b.parquet").exists()
