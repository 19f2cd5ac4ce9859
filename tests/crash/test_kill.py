"""Killed anywhere, the same command finishes the job: the same bytes, and no shard made twice that was finished."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.core.builds import EVERY_OTHER, SMALL, tree

ROOT = Path(__file__).parent.parent.parent
RECORDED = "tests.crash.toys:Recorded"
WORKERS = 2
COMMON: dict[str, Any] = {"name": "toy", "shard_rows": 10, "generator": {"use": RECORDED, "fail_every": 7}}
RECIPES: dict[str, dict[str, Any]] = {
    "pair filter": {**COMMON, "rows": 25, "filters": {"small": SMALL}},
    "set filter": {**COMMON, "rows": 25, "filters": {"small": SMALL, "every_other": EVERY_OTHER}},
    "quota": {**COMMON, "accept": 14, "max_units": 60, "filters": {"small": SMALL}},
    "quota with a set filter": {
        **COMMON,
        "accept": 9,
        "max_units": 60,
        "filters": {"small": SMALL, "every_other": EVERY_OTHER},
    },
}


MEDIA: dict[str, Any] = {
    "name": "pictures",
    "rows": 2,
    "shard_rows": 1,
    "media": "beside",
    "generator": {"use": "degrade", "corruptions": ["jpeg", "low_contrast"], "severities": [1, 5]},
}


def drive(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Outcomes of some cases, from a driver process of their own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.driver"],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=240,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    outcomes: list[dict[str, Any]] = json.loads(done.stdout)
    return outcomes


def boundaries(count: int) -> list[tuple[int, str]]:
    return [(at, when) for at in range(1, count + 1) for when in ("before", "after")]


@pytest.mark.long(bounded=3, full=1)
@pytest.mark.parametrize("kind", RECIPES)
def test_a_build_killed_at_any_file_ends_in_the_same_bytes(kind: str, amount: int, tmp_path: Path) -> None:
    recipe, whole = RECIPES[kind], tmp_path / "whole"
    [undisturbed] = drive([{"recipe": recipe, "out": str(whole)}])
    assert undisturbed["exit"] == 0
    expected = tree(whole)
    assert "manifest.json" in expected
    # No file gets to its place by any way but the one at which the children die.
    assert set(expected) <= set(undisturbed["replaced"])
    assert not any("/.tmp-" in path or path.startswith((".tmp-", ".work")) for path in expected)

    cases: list[dict[str, Any]] = []
    places = boundaries(len(undisturbed["replaced"]))[::amount]
    for at, when in places:
        case: dict[str, Any] = {"recipe": recipe, "out": str(tmp_path / f"{at}-{when}"), "at": at, "when": when}
        cases += [case, {**case, "at": None}]
    outcomes = drive(cases)

    assert len(outcomes) == 2 * len(places)
    for case, killed, resumed in zip(cases[::2], outcomes[::2], outcomes[1::2], strict=True):
        where = f"{kind}, killed {case['when']} file {case['at']}"
        assert killed["killed"], where
        assert len(killed["replaced"]) == case["at"] - (case["when"] == "before"), where
        assert resumed["exit"] == 0, where
        assert tree(Path(case["out"])) == expected, where
        _check_paid_once(where, undisturbed, killed, resumed)


def _check_paid_once(where: str, undisturbed: dict[str, Any], killed: dict[str, Any], resumed: dict[str, Any]) -> None:
    again = {start // 10 for start in resumed["calls"]}
    if "manifest.json" in killed["replaced"]:
        assert not resumed["calls"], f"{where}: the dataset was complete"
    assert not again & set(killed["done"]), f"{where}: shards whose candidates were complete were made again"
    calls = Counter(killed["calls"] + resumed["calls"])
    assert set(calls) == set(undisturbed["calls"]), where
    # Only what was in flight is made twice, and never more than the workers had in hand.
    assert sum(calls.values()) - len(calls) <= WORKERS, where
    assert max(calls.values()) <= 2, where


def test_a_last_file_cut_to_half_is_made_again(tmp_path: Path) -> None:
    recipe, whole = RECIPES["quota with a set filter"], tmp_path / "whole"
    [undisturbed] = drive([{"recipe": recipe, "out": str(whole)}])
    expected = tree(whole)
    cases: list[dict[str, Any]] = []
    for at in range(1, len(undisturbed["replaced"]) + 1):
        case: dict[str, Any] = {
            "recipe": recipe,
            "out": str(tmp_path / str(at)),
            "at": at,
            "when": "after",
            "truncate": True,
        }
        cases += [case, {"recipe": recipe, "out": case["out"]}]
    outcomes = drive(cases)
    for case, killed, resumed in zip(cases[::2], outcomes[::2], outcomes[1::2], strict=True):
        assert killed["killed"]
        assert resumed["exit"] == 0, f"{killed['replaced'][-1]} cut to half"
        assert tree(Path(case["out"])) == expected, f"{killed['replaced'][-1]} cut to half"


@pytest.mark.long(bounded=5, full=1)
@pytest.mark.parametrize("truncate", [False, True])
def test_files_of_media_are_all_there_and_no_other_after_a_kill(truncate: bool, amount: int, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    [undisturbed] = drive([{"recipe": MEDIA, "out": str(whole)}])
    expected = tree(whole)
    assert sum(path.startswith("media/") for path in expected) >= 4
    cases: list[dict[str, Any]] = []
    for at, when in boundaries(len(undisturbed["replaced"]))[::amount]:
        case: dict[str, Any] = {
            "recipe": MEDIA,
            "out": str(tmp_path / f"{at}-{when}"),
            "at": at,
            "when": when,
            "truncate": truncate,
        }
        cases += [case, {"recipe": MEDIA, "out": case["out"]}]
    outcomes = drive(cases)
    for case, killed, resumed in zip(cases[::2], outcomes[::2], outcomes[1::2], strict=True):
        where = f"killed {case['when']} file {case['at']}"
        assert killed["killed"], where
        assert resumed["exit"] == 0, where
        assert tree(Path(case["out"])) == expected, where
