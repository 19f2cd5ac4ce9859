from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from flows.artifacts import artifact_key, funnel_rows, pairs_markdown
from tests.core.builds import SMALL, built, plan_of, toy


@pytest.mark.parametrize(
    ("name", "key"),
    [("toy", "contrafact-toy-funnel"), ("My_Set.v2", "contrafact-my-set-v2-funnel"), ("a--b", "contrafact-a-b-funnel")],
)
def test_a_key_is_one_that_prefect_takes(name: str, key: str) -> None:
    assert artifact_key(name, "funnel") == key


def test_the_funnel_ends_in_the_total(tmp_path: Path) -> None:
    rows = funnel_rows(built(toy({"fail_every": 5}, filters={"small": SMALL}), tmp_path))
    assert rows[-1] == {"step": "all", "judged": 45, "rejected": 21, "accepted": 24}
    for earlier, later in pairwise(rows[:-1]):
        assert earlier["accepted"] == later["judged"]


def test_pairs_are_shown_with_what_moved(tmp_path: Path) -> None:
    built(toy(), tmp_path)
    text = pairs_markdown(plan_of(toy(), tmp_path))
    assert text.count("| *label* |") == 5
    assert len(text) < 3000
    for line in text.splitlines():
        if line.startswith("| number"):
            _, _, fact, other, _ = (cell.strip() for cell in line.split("|"))
            assert other == f"**{int(fact) + 1}**"


def test_a_dataset_of_rejects_says_so(tmp_path: Path) -> None:
    recipe = toy(filters={"small": {**SMALL, "below": 0}})
    built(recipe, tmp_path)
    assert pairs_markdown(plan_of(recipe, tmp_path)) == "No pair was accepted."
