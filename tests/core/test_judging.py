from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contrafact.candidates import make_candidates
from contrafact.errors import PluginError, StageError
from contrafact.judging import Funnel, apply_judgements, judge, with_reasons
from tests.core.awkward import JudgedOnce
from tests.core.builds import BREAKS, SMALL, plan_of, toy


def test_filters_add_scores_verdicts_and_reasons_and_take_nothing_away(tmp_path: Path) -> None:
    filters = {"below_4": {**SMALL, "below": 4}, "below_7": {**SMALL, "below": 7}}
    plan, funnel = plan_of(toy(filters=filters), tmp_path), Funnel()
    pairs = make_candidates(plan, 0)
    judged = apply_judgements(pairs, judge(pairs, plan.filters), funnel)
    assert judged.num_rows == 10
    assert judged["accepted"].to_pylist() == [True] * 4 + [False] * 6
    assert judged["reasons"].to_pylist() == (
        [[]] * 4 + [["below_4: too large"]] * 3 + [["below_4: too large", "below_7: too large"]] * 3
    )
    assert judged["scores"].to_pylist()[2] == {"below_4": 2.0, "below_7": 2.0}
    for column in ("pair_id", "factual", "counterfactual", "intervention", "label"):
        assert judged[column] == pairs[column]


def test_a_row_filter_that_fails_on_a_pair_sees_every_other_once(tmp_path: Path) -> None:
    plan = plan_of(toy(filters={"once": {"use": "tests.core.awkward:JudgedOnce"}}, shard_rows=20), tmp_path)
    pairs = make_candidates(plan, 0)
    JudgedOnce.asked.clear()
    judged = apply_judgements(pairs, judge(pairs, plan.filters, plan.proof), Funnel())
    assert JudgedOnce.asked == list(range(20))
    reasons = dict(zip(judged["unit_id"].to_pylist(), judged["reasons"].to_pylist(), strict=True))
    lost = {unit: each for unit, each in reasons.items() if each}
    assert lost == {unit: ["once: failed: ZeroDivisionError: division by zero"] for unit in ("n7", "n17")}
    assert judged["scores"].to_pylist()[7] == {"once": None}


def test_the_funnel_counts_each_pair_where_it_was_first_rejected(tmp_path: Path) -> None:
    filters = {"below_4": {**SMALL, "below": 4}, "below_7": {**SMALL, "below": 7}}
    plan, funnel = plan_of(toy(filters=filters), tmp_path), Funnel()
    pairs = make_candidates(plan, 0)
    judged = apply_judgements(pairs, judge(pairs, plan.filters), funnel)
    funnel.explain(judged["reasons"].combine_chunks())
    assert funnel.steps == {"below_4": [10, 6], "below_7": [4, 0]}
    assert funnel.reasons == {"below_4: too large": 6}
    assert funnel.also == {"below_7: too large": 3}
    twice = Funnel()
    twice.add(funnel.spec())
    twice.add(funnel.spec())
    assert twice.steps == {"below_4": [20, 12], "below_7": [8, 0]}
    assert twice.reasons == {"below_4: too large": 12}
    assert twice.also == {"below_7: too large": 6}


def test_a_filter_that_raises_on_some_pairs_rejects_just_those(tmp_path: Path) -> None:
    plan = plan_of(toy(filters={"breaks": {**BREAKS, "every": 3}}), tmp_path)
    pairs = make_candidates(plan, 0)
    judged = apply_judgements(pairs, judge(pairs, plan.filters), Funnel())
    assert judged["accepted"].to_pylist() == [number % 3 > 0 for number in range(10)]
    assert judged["reasons"].to_pylist()[3] == ["breaks: failed: RuntimeError: this filter is broken"]


def test_a_filter_that_always_raises_stops(tmp_path: Path) -> None:
    plan = plan_of(toy(filters={"breaks": BREAKS}), tmp_path)
    with pytest.raises(StageError, match=r"filter 'breaks' failed on every one of 10 rows: RuntimeError: this filter"):
        judge(make_candidates(plan, 0), plan.filters)


def test_filters_never_see_what_could_not_be_made(tmp_path: Path) -> None:
    # Breaks raises on number 0; number 0 could not be made, so that it has nothing to raise on.
    plan = plan_of(toy({"fail_every": 5}, filters={"breaks": {**BREAKS, "every": 5}, "small": SMALL}), tmp_path)
    pairs = make_candidates(plan, 0)
    judged = apply_judgements(pairs, judge(pairs, plan.filters), Funnel())
    assert judged["accepted"].to_pylist() == [number % 5 > 0 for number in range(10)]
    assert judged["reasons"].to_pylist()[5] == ["parity: does not like this number"]
    assert judged["scores"].to_pylist()[5] == {"breaks": None, "small": None}
    assert judged["scores"].to_pylist()[6]["small"] == 6.0


def test_a_shard_in_which_nothing_could_be_made_is_not_judged(tmp_path: Path) -> None:
    plan = plan_of(toy({"fail_every": 1}, filters={"small": SMALL}), tmp_path)
    pairs = make_candidates(plan, 0)
    assert judge(pairs, plan.filters) == {}
    judged = apply_judgements(pairs, {}, Funnel())
    assert not any(judged["accepted"].to_pylist())


def test_verdicts_given_as_numbers_are_verdicts(tmp_path: Path) -> None:
    plan = plan_of(toy(filters={"odd": {"use": "tests.core.awkward:Numeric"}}), tmp_path)
    pairs = make_candidates(plan, 0)
    judged = apply_judgements(pairs, judge(pairs, plan.filters), Funnel())
    assert judged["accepted"].to_pylist() == [number % 2 == 1 for number in range(10)]


def test_a_filter_that_leaves_a_pair_out_is_told(tmp_path: Path) -> None:
    plan = plan_of(toy(filters={"short": {"use": "tests.core.awkward:Short"}}), tmp_path)
    with pytest.raises(PluginError, match=r"filter 'short' gave 9 verdicts on 10 pairs"):
        judge(make_candidates(plan, 0), plan.filters)


def test_reasons_are_added_after_those_that_were_there(tmp_path: Path) -> None:
    pairs = make_candidates(plan_of(toy({"fail_every": 4}), tmp_path), 0)
    marks = np.arange(10) % 2 == 0
    own = np.array([f"own {number}" for number in range(10)], dtype=object)
    told = with_reasons(pairs, [(marks, "even"), (np.arange(10) == 4, own)])
    assert told["reasons"].to_pylist()[4] == ["parity: does not like this number", "even", "own 4"]
    assert told["reasons"].to_pylist()[1:4] == [[], ["even"], []]
