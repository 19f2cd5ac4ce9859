"""Overlap and usage of a manifest, found again from the files by ``validate``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from contrafact.recipe import parse_recipe
from contrafact.record import PROVENANCE
from contrafact.validation import validate
from contrafact.validation.contents import Replies
from tests.core.builds import SMALL, built, toy
from tests.core.test_validation import doctored

COINS: dict[str, Any] = {
    "name": "coins",
    "rows": 200,
    "shard_rows": 70,
    "generator": {
        "use": "scm",
        "scm": {
            "variables": {
                "coin": {"mechanism": "bernoulli", "probability": 0.5},
                "prize": {"mechanism": "boolean", "expression": "coin", "flip": 0.2},
            }
        },
        "interventions": {"do": {"coin": "another"}},
        "label": "prize",
    },
}


def test_the_overlap_of_splits_is_found_again_from_the_files(tmp_path: Path) -> None:
    manifest = built(parse_recipe(COINS), tmp_path / "coins")
    held = manifest["overlap"]["held_out"]["test"]
    assert held["in_train"] == held["pairs"] > 0
    assert validate(tmp_path / "coins").problems == []
    doctored(tmp_path / "coins", lambda told: told["overlap"]["held_out"]["test"].update(in_train=0))
    [problem] = validate(tmp_path / "coins").problems
    assert problem.startswith("overlap: held-out pairs in the training split are")
    assert f"'test': {held['in_train']}" in problem


def paid(ids: list[list[str]], cost: float = 0.0) -> pa.Table:
    rows = [{"request_ids": each, "cost": cost} for each in ids]
    return pa.table({"provenance": pa.array(rows, PROVENANCE)})


def problems(tables: list[pa.Table], usage: Any, accepted: int = 4) -> list[str]:
    replies = Replies()
    for table in tables:
        replies.add(table)
    manifest = {"accepted": accepted} if usage is None else {"accepted": accepted, "usage": usage}
    return list(replies.problems(manifest))


TWO_FILES = [paid([["a", "b"], ["a", "c"]]), paid([["a", "d"], []])]
USAGE = {"requests": 4, "prompt_tokens": 9, "completion_tokens": 9, "cost": 2.0, "cost_per_accepted": 0.5}


@pytest.mark.parametrize(
    ("tables", "usage", "found"),
    [
        (TWO_FILES, USAGE, None),
        (TWO_FILES, {**USAGE, "cost": None, "cost_per_accepted": None}, None),
        (TWO_FILES, {**USAGE, "requests": 3}, "usage: pairs stand on 4 replies, and the manifest says 3"),
        (TWO_FILES, {**USAGE, "cost_per_accepted": 0.4}, "usage: that is 0.5 an accepted pair, and the manifest says"),
        (TWO_FILES, None, "usage: pairs stand on 4 paid replies, and the manifest has no usage"),
        ([paid([[], []])], None, None),
        ([paid([[], []])], USAGE, "usage: the manifest has one, and no pair stands on a paid reply"),
        ([paid([[], []], cost=1.0)], {"requests": 0, "cost": 2.0, "cost_per_accepted": 0.5}, None),
        ([paid([[], []], cost=1.0)], {"requests": 0, "cost": 3.0, "cost_per_accepted": 0.75}, "usage: the pairs cost"),
    ],
)
def test_replies_are_counted_again(tables: list[pa.Table], usage: Any, found: str | None) -> None:
    said = problems(tables, usage)
    assert len(said) == (found is not None)
    assert found is None or said[0].startswith(found)


def test_what_only_the_cache_knows_is_a_note() -> None:
    replies = Replies()
    replies.add(paid([[]], cost=1.0))
    assert list(replies.notes()) == []
    replies.add(TWO_FILES[0])
    [note] = replies.notes()
    assert "tokens and money are the reply cache's word" in note


def test_reasons_add_up_step_by_step_and_validate_sees_where_they_do_not(tmp_path: Path) -> None:
    filters = {"below_9": {**SMALL, "below": 9}, "below_7": {**SMALL, "below": 7}, "below_5": {**SMALL, "below": 5}}
    manifest = built(toy({"fail_every": 4}, filters=filters), tmp_path / "toy")
    for row in manifest["funnel"]:
        of_step = [count for text, count in manifest["reasons"].items() if text.startswith(f"{row['step']}: ")]
        assert sum(of_step) == row["rejected"]
    assert sum(manifest["reasons"].values()) == manifest["rejected"]
    assert manifest["also"].keys() == {"below_7: too large", "below_5: too large"}
    assert validate(tmp_path / "toy").problems == []

    def swapped(told: dict[str, Any]) -> None:
        told["funnel"][1]["rejected"] -= 1
        told["funnel"][2]["rejected"] += 1

    doctored(tmp_path / "toy", swapped)
    assert [problem.split(" rejects")[0] for problem in validate(tmp_path / "toy").problems] == [
        "the funnel's step below_9",
        "the funnel's step below_7",
    ]
