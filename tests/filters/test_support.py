from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.errors import RecipeError
from filters.support import Support
from tests.filters.toys import Toy, failed, judged, pair, reasons


def test_values_inside_pass_with_score_zero() -> None:
    answer = judged(Support(), [pair(), pair(moved={"x": 10.0, "w": -1.0})])
    assert answer.passed.all()
    assert answer.scores["support"].tolist() == [0.0, 0.0]


def test_each_rule_has_its_own_reason_and_score() -> None:
    moves: list[dict[str, Any]] = [{"x": 12.0}, {"x": 150.0}, {"n": -2}, {"y": math.nan}, {"y": math.inf}, {"w": None}]
    answer = judged(Support(), [pair(moved=move) for move in moves])
    assert reasons(answer) == [
        "support: x is outside what the model was fitted to",
        "support: x is outside its bounds",
        "support: n is outside its bounds",
        "support: y is not a finite number",
        "support: y is not a finite number",
        "support: w is not a finite number",
    ]
    assert answer.scores["support"].tolist() == pytest.approx([0.1, 7.0, 2.0, math.inf, math.inf, math.inf])


def test_margin_widens_what_was_seen_by_a_share_of_its_width() -> None:
    rows = [pair(moved={"x": 12.0}), pair(moved={"x": 12.5})]
    assert judged(Support(margin=0.1), rows).passed.tolist() == [True, False]


def test_bounds_hold_whatever_the_margin() -> None:
    rows = [pair(moved={"x": 101.0})]
    assert judged(Support(margin=50.0), rows).passed.tolist() == [False]
    assert judged(Support(seen=False), rows).passed.tolist() == [False]
    assert judged(Support(allow=["x"]), rows).passed.tolist() == [False]


def test_seen_can_be_left_out_for_all_or_for_some() -> None:
    rows = [pair(moved={"x": 50.0}), pair(moved={"x": 50.0, "w": 2.0})]
    assert judged(Support(seen=False), rows).passed.tolist() == [True, True]
    assert judged(Support(allow=["x"]), rows).passed.tolist() == [True, False]


def test_facts_outside_are_not_judged() -> None:
    assert judged(Support(), [pair(w=5.0, moved={"w": 0.0, "x": 0.0})]).passed.tolist() == [True]


def test_a_range_of_no_width_counts_in_plain_units() -> None:
    generator = Toy(supports={"w": {"seen": (2.0, 2.0)}})
    answer = judged(Support(), [pair(moved={"w": 2.0}), pair(moved={"w": 2.5})], generator)
    assert answer.scores["support"].tolist() == [0.0, 0.5]


@settings(max_examples=30)
@given(values=st.lists(st.floats(-99, 99), min_size=1), margins=st.tuples(st.floats(0, 5), st.floats(0, 5)))
def test_a_wider_margin_never_accepts_less(values: list[float], margins: tuple[float, float]) -> None:
    rows = [pair(moved={"x": value}) for value in values]
    narrow, wide = (judged(Support(margin=margin), rows) for margin in sorted(margins))
    assert (narrow.passed <= wide.passed).all()
    np.testing.assert_array_equal(narrow.scores["support"], wide.scores["support"])


def test_failed_pairs_and_no_rows() -> None:
    answer = judged(Support(), [failed(), pair(moved={"x": 99.0})])
    assert answer.passed.tolist() == [True, False]
    assert not answer.scores["support"][0].is_valid
    assert judged(Support(), []).passed.shape == (0,)


@pytest.mark.parametrize("margin", [-0.1, math.nan, math.inf])
def test_an_impossible_margin_is_refused(margin: float) -> None:
    with pytest.raises(RecipeError, match="margin") as caught:
        Support(margin=margin)
    assert caught.value.allowed
    assert caught.value.fix


def test_an_unknown_member_is_refused_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="did you mean 'sick'"):
        Support(allow=["sikc"]).bind("support", Toy())


def test_a_generator_without_supports_is_refused() -> None:
    with pytest.raises(RecipeError, match="does not say which values"):
        Support().bind("support", Toy(supports={}))
