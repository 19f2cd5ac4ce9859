"""``contrafact audit`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.core.controlled import dataset
from tests.flows.commands import contrafact

ROOT = Path(__file__).parent.parent.parent
QUICK = ("--draws", 100, "--runs", 100)


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("audit") / "leaking", leak=True, count=120)


def test_an_audit_prints_writes_and_ends_well(leaking: Path, capsys: pytest.CaptureFixture[str]) -> None:
    teacher = ("--teacher", "tests/core/controlled.py:by_length", "--folder", ROOT)
    outcome = contrafact(capsys, "audit", leaking, *teacher, *QUICK, "--correction", "bh")
    assert outcome.code == 0, outcome
    for words in ("120 pairs and 120 controls", "Effect of the edits", "arms exchanged", "planted", "found"):
        assert words in outcome.text, words
    stored = json.loads((leaking / "audit.json").read_text(encoding="utf-8"))
    assert stored["settings"]["correction"] == "bh"
    assert (leaking / "audit.md").read_text(encoding="utf-8").startswith("# Audit of phrases")
    assert contrafact(capsys, "validate", leaking).code == 0
    asked = contrafact(capsys, "audit", leaking, *teacher, *QUICK, "--fail-on", "no-effect")
    assert asked.code == 0, asked


def test_it_fails_only_when_asked(leaking: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert contrafact(capsys, "audit", leaking, *QUICK).code == 0
    failed = contrafact(capsys, "audit", leaking, *QUICK, "--fail-on", "shortcut,no-effect")
    assert failed.code == 1
    assert "✗ shortcut" in failed.text
    assert "✗ no-effect" in failed.text  # without a model there is none to be seen


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--alpha", "2"], "alpha is 2.0"),
        (["--fail-on", "shortcuts"], "did you mean 'shortcut'"),
        (["--teacher", "nowhere.py:model"], "nowhere.py"),
        (["--teacher", "{pipe: x}"], "a teacher is of one kind"),
        (["--set", "filters.teacher.min=0"], "sets no engine of the teacher"),
        (["--set", "engines.llm=x"], "sets no engine of the teacher"),
        (["--teacher", "llm", "--set", "engines.llm.nonsense=1"], "nonsense"),
    ],
)
def test_a_mistake_is_one_message(
    arguments: list[str], said: str, leaking: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = contrafact(capsys, "audit", leaking, *QUICK, *arguments)
    assert outcome.code != 0
    assert said in outcome.text
    assert "Traceback" not in outcome.text


def test_no_effect_fails_where_the_rejects_are_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dice = f"{ROOT}/tests/core/controlled.py:by_dice"
    folder = dataset(tmp_path / "chosen", count=200, filters={"teacher": {"model": dice}})
    for path in (folder / "rejected").iterdir():
        path.unlink()
    failed = contrafact(capsys, "audit", folder, *QUICK, "--fail-on", "no-effect")
    assert failed.code == 1
    assert "selected by the same model: no test" in failed.text
    assert "✗ no-effect" in failed.text
    told = json.loads((folder / "audit.json").read_text(encoding="utf-8"))["models"][0]
    assert {each["significant"] for each in told["effects"]} == {None}
