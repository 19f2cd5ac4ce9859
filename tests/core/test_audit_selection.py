"""An audit of pairs that the audited model chose itself, and what an audit borrows of the dataset: nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contrafact.audit import Settings, audit, markdown_of
from contrafact.audit.outcomes import stored_outcomes
from contrafact.audit.reading import read_audited
from contrafact.audit.unselected import SELECTED, unselected
from contrafact.errors import UserError
from tests.core.controlled import dataset

QUICK = Settings(draws=200, runs=200)
ROOT = Path(__file__).parent.parent.parent
DICE = f"{ROOT}/tests/core/controlled.py:by_dice"
FILTERS = {
    "teacher": {"model": DICE},
    "balance": {"by": "label"},
    "duplicates": {},
}


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("audit") / "chosen", count=600, filters=FILTERS)


def effects(found: dict[str, Any]) -> list[dict[str, Any]]:
    assert len(found["models"]) == 1, found["notes"]
    return [each for each in found["models"][0]["effects"] if each["family"] == "all"]


def test_a_model_of_dice_that_chose_the_pairs_has_no_effect_on_them(chosen: Path) -> None:
    accepted = stored_outcomes(read_audited(chosen), "teacher")
    flips = accepted.fact.argmax(axis=1) != accepted.target.argmax(axis=1)
    stays = accepted.fact.argmax(axis=1) == accepted.control.argmax(axis=1)
    assert flips.mean() - (~stays).mean() > 0.4  # what its own verdicts left looks like understanding
    found = audit(chosen, QUICK)
    assert [each for each in effects(found) if each["significant"]] == []
    assert all(abs(each["difference"]) < 0.1 for each in effects(found))
    assert found["models"][0]["pairs"] == 600  # set filters judged what was left, and are taken back too
    assert any("before any model chose" in note for note in found["notes"])
    assert found["counts"]["pairs"] < 300  # shortcuts are those of the dataset itself


def test_asking_the_same_model_again_is_no_way_round(chosen: Path) -> None:
    stored, asked = audit(chosen, QUICK), audit(chosen, QUICK, teacher=DICE, folder=ROOT)
    assert asked["models"] == stored["models"]
    assert any("answers as the teacher filter teacher did" in note for note in asked["notes"])


def test_of_rejects_that_are_gone_nothing_is_tested(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "kept", filters={"teacher": {"model": DICE}})
    for path in (folder / "rejected").iterdir():
        path.unlink()
    assert unselected(read_audited(folder), ["teacher"], 20_000) is None
    found = audit(folder, QUICK)
    assert [each["significant"] for each in effects(found)] == [None] * len(effects(found))
    assert found["models"][0]["aa"] is None
    assert any(SELECTED in note for note in found["notes"])
    assert SELECTED.capitalize() in markdown_of(found)


def test_a_filter_that_turns_nothing_away_chooses_nothing(tmp_path: Path) -> None:
    lenient = {"teacher": {"model": DICE, "min": -1, "max_drift": 1}}
    data = read_audited(dataset(tmp_path / "all", count=40, filters=lenient))
    assert unselected(data, ["teacher"], 20_000) is data


def test_a_part_is_read_by_whole_groups(chosen: Path) -> None:
    rows = unselected(read_audited(chosen), ["teacher"], 600)
    assert rows is not None
    assert 400 < rows.pairs.num_rows < 800
    assert np.array_equal(np.bincount(rows.groups), np.full(rows.groups.max() + 1, 2))


def test_the_engines_of_a_dataset_are_never_borrowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = dataset(tmp_path / "bait", count=40)
    recipe = folder / "recipe.yaml"
    bait = "engines: {llm: {base_url: http://127.0.0.1:9/v1, model: bait, api_key_env: A_SECRET}}\n"
    recipe.write_text(recipe.read_text(encoding="utf-8") + bait, encoding="utf-8")
    seen: list[Any] = []

    def opened(settings: Any, **_: Any) -> Any:
        seen.append(settings)
        raise UserError("opened")

    monkeypatch.setattr("contrafact.engines.llm.open_llm", opened)
    for engines in (None, {"llm": {"model": "mine"}}):
        with pytest.raises(UserError, match="opened"):
            audit(folder, QUICK, teacher="llm", engines=engines)
    assert seen == [{}, {"model": "mine"}]
