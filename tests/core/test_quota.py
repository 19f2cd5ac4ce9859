"""``accept: N``: generation goes on, in order, until N pairs are accepted or what there was is used up."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from contrafact.recipe import parse_recipe
from contrafact.validation import validate
from tests.core.builds import EVERY_OTHER, SMALL, built, every_pair, stored, toy, tree


def kept(folder: Path) -> list[int]:
    return sorted(pair["number"] for pair in stored(folder)["factual"].to_pylist())


@pytest.mark.parametrize("accept", [1, 9, 10, 11, 25, 30])
@pytest.mark.parametrize("every", [0, 3])
def test_the_first_pairs_that_suffice_are_the_dataset(accept: int, every: int, tmp_path: Path) -> None:
    manifest = built(toy({"fail_every": every}, accept=accept), tmp_path)
    good = [number for number in range(500) if not every or number % every]
    assert kept(tmp_path) == good[:accept]
    assert manifest["accepted"] == accept
    assert manifest["ended"] == f"{accept} accepted pairs"
    assert manifest["proposed"] == manifest["accepted"] + manifest["rejected"]
    # Not one shard more than the quota needed.
    assert manifest["units"] == 10 * (good[accept - 1] // 10 + 1)


def test_what_the_quota_did_not_need_is_rejected_with_that_reason(tmp_path: Path) -> None:
    manifest = built(toy(accept=7), tmp_path)
    assert manifest["reasons"] == {"quota: 7 accepted pairs were asked for, and there are as many": 3}
    assert manifest["funnel"][-1] == {"step": "quota", "judged": 10, "rejected": 3}
    assert every_pair(tmp_path).num_rows == 10


@pytest.mark.parametrize("filters", [{"small": SMALL}, {"turn": EVERY_OTHER}, {"small": SMALL, "turn": EVERY_OTHER}])
def test_the_number_of_workers_changes_no_byte(filters: dict[str, Any], tmp_path: Path) -> None:
    trees = []
    for workers in (1, 4):
        recipe = toy({"fail_every": 7}, accept=12, filters=filters)
        built(recipe.model_copy(update={"workers": workers}), tmp_path / str(workers))
        found = tree(tmp_path / str(workers))
        trees.append({path: content for path, content in found.items() if path != "recipe.yaml"})
    assert trees[0] == trees[1]


def test_a_larger_quota_only_adds(tmp_path: Path) -> None:
    for accept in (8, 20):
        built(toy({"fail_every": 4}, accept=accept, filters={"turn": EVERY_OTHER}), tmp_path / str(accept))
    few, more = kept(tmp_path / "8"), kept(tmp_path / "20")
    assert (len(few), len(more)) == (8, 20)
    assert more[:8] == few


def test_a_quota_with_a_set_filter_takes_the_shortest_prefix(tmp_path: Path) -> None:
    manifest = built(toy(accept=12, filters={"turn": EVERY_OTHER}), tmp_path)
    assert kept(tmp_path) == list(range(0, 24, 2))
    assert manifest["units"] == 30


def test_a_budget_that_ends_says_so_and_keeps_what_there_is(tmp_path: Path) -> None:
    manifest = built(toy({"fail_every": 2}, accept=20, max_units=25), tmp_path)
    assert manifest["ended"] == "the budget of 25 units ended; 12 of 20 pairs were accepted"
    assert (manifest["units"], manifest["accepted"], manifest["rejected"]) == (25, 12, 13)
    assert kept(tmp_path) == list(range(1, 25, 2))


def test_a_quota_that_nothing_meets_ends_with_the_budget(tmp_path: Path) -> None:
    manifest = built(toy(accept=2, filters={"small": {**SMALL, "below": 0}}), tmp_path)
    assert manifest["ended"] == "the budget of 200 units ended; 0 of 2 pairs were accepted"
    assert manifest["rejected"] == 200


def test_a_source_that_ends_says_so(tmp_path: Path) -> None:
    manifest = built(toy({"count": 17}, accept=20), tmp_path)
    assert manifest["ended"] == "the source ended after 17 units; 17 of 20 pairs were accepted"


def test_a_quota_met_with_the_last_unit_is_met(tmp_path: Path) -> None:
    manifest = built(toy({"count": 17}, accept=17), tmp_path)
    assert (manifest["ended"], manifest["accepted"]) == ("17 accepted pairs", 17)


@pytest.mark.parametrize(
    ("options", "rows", "ended"),
    [({}, 45, "45 units"), ({"count": 45}, 45, "45 units"), ({"count": 17}, 45, "the source ended after 17 units")],
)
def test_rows_say_why_they_ended_too(options: dict[str, Any], rows: int, ended: str, tmp_path: Path) -> None:
    assert built(toy(options, rows=rows), tmp_path)["ended"] == ended


@pytest.mark.parametrize(("accept", "after"), [(100, {}), (40, {}), (40, {"groups": {"use": "clusters", "by": ["n"]}})])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_quota_keeps_a_balance(accept: int, after: dict[str, Any], seed: int, tmp_path: Path) -> None:
    variables = {
        "n": {"mechanism": "root", "noise": "normal"},
        "rare": {"mechanism": "bernoulli", "probability": "0.3"},
    }
    generator = {
        "use": "scm",
        "scm": {"variables": variables},
        "interventions": {"do": {"rare": "another"}},
        "label": "rare",
    }
    recipe = {"name": "even", "seed": seed, "accept": accept, "generator": generator}
    manifest = built(parse_recipe({**recipe, "filters": {"balance": {"by": "label"}, **after}}), tmp_path)
    assert (manifest["accepted"], manifest["rejected"]) == (accept, manifest["proposed"] - accept)
    assert Counter(stored(tmp_path)["label"].to_pylist()) == {0: accept // 2, 1: accept // 2}


def test_a_filter_that_rejects_after_the_balance_does_not_stop_the_quota_from_being_met(tmp_path: Path) -> None:
    filters = {"balance": {"by": "label"}, "turn": EVERY_OTHER}
    manifest = built(toy(accept=20, filters=filters), tmp_path)
    assert (manifest["accepted"], manifest["ended"]) == (20, "20 accepted pairs")


def test_what_was_paid_for_and_not_needed_is_recorded(tmp_path: Path) -> None:
    """Two of the first twenty units can be made, so that the next wave asks for more shards than are needed."""
    whole = {}
    for paid in (False, True):
        out = tmp_path / str(paid)
        recipe = toy({"use": "tests.core.toys:Paid", "paid": paid}, accept=6, filters={"turn": EVERY_OTHER})
        manifest = built(recipe, out)
        whole[paid] = manifest
        assert manifest["accepted"] == 6
        assert manifest["proposed"] == manifest["accepted"] + manifest["rejected"]
        assert validate(out).problems == []
    assert kept(tmp_path / "True") == kept(tmp_path / "False")
    free, bought = whole[False], whole[True]
    assert [shard["shard"] for shard in free["shards"]] == [0, 1, 2]
    assert [shard["shard"] for shard in bought["shards"]] == [0, 1, 2, 3]
    assert bought["shards"][3] == {"shard": 3, "units": 10, "proposed": 10, "accepted": 0, "rejected": 10}
    assert bought["reasons"]["quota: 6 accepted pairs were asked for, and there are as many"] == 10
    assert every_pair(tmp_path / "True").num_rows == 40


def test_several_pairs_of_a_unit_count_one_by_one(tmp_path: Path) -> None:
    manifest = built(toy({"pairs": 3}, accept=5), tmp_path)
    assert manifest["accepted"] == 5
    assert sorted(stored(tmp_path)["pair_id"].to_pylist()) == ["n0/0", "n0/1", "n0/2", "n1/0", "n1/1"]
