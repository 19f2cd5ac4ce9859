from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.errors import RecipeError
from filters.effect_size import EffectSize
from tests.filters.toys import Toy, failed, judged, pair, reasons

OUTCOME = pa.field("y", pa.float64())
COST = pa.field("cost", pa.float64())


def sizes(judge: EffectSize, rows: list[dict[str, Any]], generator: Toy | None = None) -> list[float]:
    return [float(score) for score in judged(judge, rows, generator).scores["effect_size"]]


def test_the_effect_is_in_standard_deviations_where_they_are_known() -> None:
    assert sizes(EffectSize(variable="w"), [pair(moved={"w": 1.0})]) == [1.5]


def test_without_a_deviation_the_seen_range_gives_one() -> None:
    assert sizes(EffectSize(variable="x"), [pair(moved={"x": 10.75})]) == [pytest.approx(10.0 / (20.0 / math.sqrt(12)))]


def test_plain_units_where_nothing_is_known_or_wanted() -> None:
    assert sizes(EffectSize(variable="n"), [pair(moved={"n": 8})]) == [5.0]
    assert sizes(EffectSize(variable="w", standardise=False), [pair(moved={"w": 1.0})]) == [0.75]


def test_relative_divides_by_the_fact() -> None:
    rows = [pair(moved={"n": 6}), pair(n=0, moved={"n": 1}), pair(n=0)]
    assert sizes(EffectSize(variable="n", relative=True), rows) == [1.0, math.inf, 0.0]


def test_the_label_is_the_default() -> None:
    assert sizes(EffectSize(), [pair(moved={"y": 2.625})], Toy(label=OUTCOME)) == [1.0]
    rows = [{**pair(), "label": 1.5, "counterfactual_label": 4.0}]
    assert sizes(EffectSize(), rows, Toy(label=COST)) == [2.5]


def test_too_little_and_too_much_are_told_apart() -> None:
    rows = [pair(moved={"n": value}) for value in (3, 4, 5, 9, 10)]
    answer = judged(EffectSize(variable="n", min=1.0, max=6.0), rows)
    assert reasons(answer) == ["effect_size: n moved too little", "", "", "", "effect_size: n moved too much"]


def test_a_value_missing_on_one_side_fails_and_on_both_has_not_moved() -> None:
    rows = [pair(moved={"x": math.nan}), pair(w=math.nan, moved={"x": math.nan}), pair(moved={"x": None})]
    answer = judged(EffectSize(variable="x"), rows)
    gone = "effect_size: x is missing on one side"
    assert reasons(answer) == [gone, "", gone]
    assert answer.scores["effect_size"][1] == 0.0


@settings(max_examples=30)
@given(values=st.lists(st.integers(-50, 50), min_size=1), least=st.tuples(st.floats(0, 60), st.floats(0, 60)))
def test_raising_min_never_accepts_more(values: list[int], least: tuple[float, float]) -> None:
    rows = [pair(moved={"n": value}) for value in values]
    low, high = (judged(EffectSize(variable="n", min=each), rows).passed for each in sorted(least))
    assert (high <= low).all()


def test_failed_pairs_and_no_rows() -> None:
    answer = judged(EffectSize(variable="n", min=1), [failed(), pair()])
    assert answer.passed.tolist() == [True, False]
    assert np.isnan(answer.scores["effect_size"]).tolist() == [True, False]
    assert judged(EffectSize(variable="n"), []).passed.shape == (0,)


@pytest.mark.parametrize("options", [{"min": 2, "max": 1}, {"min": -1}, {"min": math.nan}, {"max": math.nan}])
def test_impossible_thresholds_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(RecipeError, match=r"can never be meant|no value is at least"):
        EffectSize(**options)


@pytest.mark.parametrize("options", [{}, {"variable": "note"}, {"variable": "sick"}])
def test_what_is_no_number_has_no_effect_size(options: dict[str, str]) -> None:
    with pytest.raises(RecipeError, match="is no number") as caught:
        EffectSize(variable=options.get("variable")).bind("effect_size", Toy())
    assert caught.value.allowed == "w, x, y, n"
    assert caught.value.fix == "variable: w"


def test_an_unknown_variable_is_refused() -> None:
    with pytest.raises(RecipeError, match="do not have"):
        EffectSize(variable="z").bind("effect_size", Toy())
