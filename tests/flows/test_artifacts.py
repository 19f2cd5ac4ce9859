from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from flows.artifacts import artifact_key, cost_rows, funnel_rows, pairs_markdown
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


def test_costs_are_time_and_what_a_language_model_took(tmp_path: Path) -> None:
    manifest = built(toy({"fail_every": 5}), tmp_path)
    rows = {row["what"]: row["value"] for row in cost_rows(manifest, 2.0)}
    assert rows == {"seconds of this run": 2.0, "pairs a second": 22.5, "seconds an accepted pair": 0.055556}
    usage = {"requests": 4, "prompt_tokens": 10, "completion_tokens": 5, "cost": 0.5, "cost_per_accepted": 0.1}
    paid = {row["what"]: row["value"] for row in cost_rows({**manifest, "usage": usage}, 2.0)}
    assert paid["replies of a language model"] == 4
    assert paid["money"] == 0.5
    assert paid["money an accepted pair"] == 0.1


def test_nothing_accepted_costs_nothing_a_pair(tmp_path: Path) -> None:
    manifest = built(toy(filters={"small": {**SMALL, "below": 0}}), tmp_path)
    assert cost_rows(manifest, 1.0)[-1] == {"what": "seconds an accepted pair", "value": None}
