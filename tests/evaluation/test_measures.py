"""Measures by hand, bootstrap against what it should cover, and effects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contrafact.evaluation import cace, effect_error, faithfulness_error, icace, order_faithfulness
from contrafact.evaluation.bootstrap import Tally, draw_weights, figure_of, measured
from contrafact.evaluation.measures import HeldOut, class_tallies, number_tallies

WHOLE = np.ones((1, 4))
# Three pairs of groups 0, 1, 2 and a control of the first; the second pair's label does not move.
GROUPS = np.array([0, 1, 2, 0])
TARGET = np.array([True, True, True, False])
LABELS = (np.array([0, 1, 0, 0]), np.array([1, 1, 1, 0]))
FACTUAL = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.9, 0.1]])
OTHER = np.array([[0.3, 0.7], [0.6, 0.4], [0.2, 0.8], [0.8, 0.2]])


def held(labels: tuple[np.ndarray, np.ndarray] = LABELS) -> HeldOut:
    parts = (np.array([0, 1, 0, 0]), np.array([1, 1, 1, 0]))
    return HeldOut(GROUPS, 4, TARGET, TARGET, labels, parts)


def values(tallies: dict[str, Tally | None]) -> dict[str, float]:
    return {name: float(each.at(WHOLE)[0]) for name, each in tallies.items() if each is not None}


def test_measures_of_classes_by_hand() -> None:
    found = values(class_tallies(held(), FACTUAL, OTHER))
    assert found["accuracy"] == pytest.approx(2 / 3)  # the third fact is told wrong
    assert found["counterfactual accuracy"] == pytest.approx(2 / 3)  # the second counterfactual is
    assert found["pair accuracy"] == pytest.approx(1 / 3)
    assert found["net pair accuracy"] == pytest.approx(1 / 3)
    assert found["pairs reversed"] == 0
    assert found["consistency"] == pytest.approx(1 / 2)  # of the two facts told right
    # (0.6 + 0.6) / 2 and (0.2 + 0.2) / 2; the pair whose label stays has none
    assert found["sensitivity"] == pytest.approx((0.6 + 0.2) / 2)
    assert found["invariance"] == pytest.approx(1 / 2)  # the second pair moved, the control did not
    # part 0: facts of the first and third, one right; part 1: three counterfactuals and a fact, three right
    assert found["worst-group accuracy"] == pytest.approx(1 / 2)


def test_measures_of_numbers_by_hand() -> None:
    labels = (np.array([0.0, 1.0, 2.0, 0.0]), np.array([1.0, 1.0, 1.0, 0.0]))
    one, other = np.array([0.5, 1.0, 2.0, 0.5]), np.array([1.0, 1.0, 3.0, 0.5])
    found = values(number_tallies(held(labels), one, other))
    assert found["mae"] == pytest.approx(0.5 / 3)
    assert found["r2"] == pytest.approx(1 - 0.25 / 2)
    assert found["effect error"] == pytest.approx((0.5 + 0 + 2) / 3)
    assert found["effect direction"] == pytest.approx(1 / 2)
    assert found["worst-group mae"] == pytest.approx((0 + 0 + 0 + 2) / 4)


def test_guessing_gets_as_many_pairs_right_as_reversed() -> None:
    rng = np.random.Generator(np.random.Philox(key=5))
    count = 4000
    everything, groups = np.ones(count, dtype=bool), np.arange(count)
    labels = rng.integers(2, size=count)
    whole = HeldOut(groups, count, everything, everything, (labels, 1 - labels), (labels, labels))
    for spread in (0.0, 0.1, 10.0):  # how far a guesser tells the members apart
        base = rng.random(count)
        one, other = (np.stack([1 - each, each], axis=1) for each in (base, base + spread * (rng.random(count) - 0.5)))
        told = {name: each for name, each in class_tallies(whole, one, other).items() if each is not None}
        found = {name: float(each.at(np.ones((1, count)))[0]) for name, each in told.items()}
        assert found["net pair accuracy"] == pytest.approx(0, abs=0.04)
        assert found["pair accuracy"] - found["pairs reversed"] == pytest.approx(found["net pair accuracy"])
    assert found["pair accuracy"] > 0.2


def test_a_measure_without_rows_is_none() -> None:
    alike = class_tallies(held((LABELS[0], LABELS[0])), FACTUAL, OTHER)
    assert alike["sensitivity"] is None
    assert alike["pair accuracy"] is not None


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.Generator(np.random.Philox(key=7))
    covered = 0
    for _ in range(200):
        chance = 0.6 + 0.05 * rng.normal(size=4)  # each seed has its own
        tallies = [
            Tally.of((rng.random(80) < each).astype(float), np.arange(80, dtype=np.int64), 80) for each in chance
        ]
        value, drawn = measured(tallies, draw_weights(80, 4, 200, rng))
        figure = figure_of(value, drawn, 0.95)
        covered += figure.low <= 0.6 <= figure.high
    assert covered >= 180


def test_a_part_that_no_draw_holds_is_left_out_of_the_least() -> None:
    tally = Tally(np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([[2.0, 0.0], [0.0, 4.0]]))
    assert tally.at(np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])).tolist()[:2] == [0.25, 1.0]
    assert np.isnan(tally.at(np.array([[0.0, 0.0]]))[0])
    assert np.isnan(figure_of(0.5, np.array([np.nan]), 0.95).low)


# -- effects --------------------------------------------------------------------------------------------------------

effects = st.lists(st.lists(st.floats(-1, 1), min_size=3, max_size=3), min_size=3, max_size=12).map(np.array)


@given(effects)
def test_an_oracle_explains_without_error_and_in_order(truth: np.ndarray) -> None:
    for distance in ("l2", "cosine", "norm"):
        assert effect_error(truth, truth, distance) == pytest.approx(0, abs=1e-9)
    found = order_faithfulness(truth, truth)
    assert np.isnan(found) or found == 1
    backwards = order_faithfulness(truth, -truth)
    assert np.isnan(backwards) or backwards == 0


def test_saying_nothing_or_anything_is_worth_what_guessing_is() -> None:
    rng = np.random.Generator(np.random.Philox(key=2))
    truth = rng.normal(size=200)
    assert order_faithfulness(truth, np.zeros(200)) == 0.5
    assert order_faithfulness(truth, rng.normal(size=200)) == pytest.approx(0.5, abs=0.06)
    assert np.isnan(order_faithfulness(np.zeros(5), truth[:5]))


def test_distances_by_hand() -> None:
    truth, estimate = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    assert effect_error(truth, estimate) == pytest.approx([5, 5**0.5, 0], abs=1e-9)
    assert effect_error(truth, estimate, "cosine") == pytest.approx([1, 1, 0], abs=1e-9)
    assert effect_error(truth, estimate, "norm") == pytest.approx([5, 1, 0], abs=1e-9)
    with pytest.raises(ValueError, match="none of l2"):
        effect_error(truth, estimate, "l1")  # type: ignore[arg-type]  # what is tried
    with pytest.raises(ValueError, match="different shapes"):
        effect_error(truth, estimate[:2])


def test_effects_of_concepts_by_hand() -> None:
    found = icace([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]], [[0.4, 0.6], [0.5, 0.5], [0.6, 0.4]])
    assert found == pytest.approx(np.array([[-0.5, 0.5], [0, 0], [0.4, -0.4]]))
    kinds = cace(found, ["food", "food", "noise"])
    assert kinds["food"] == pytest.approx([-0.25, 0.25])
    assert kinds["noise"] == pytest.approx([0.4, -0.4])
    assert cace(found)[""] == pytest.approx([-0.1 / 3, 0.1 / 3])
    with pytest.raises(ValueError, match="different shapes"):
        icace([0.1], [0.2, 0.3])
    with pytest.raises(ValueError, match="kinds"):
        cace(found, ["food"])


def test_more_matches_average_out_and_missing_ones_are_left_out() -> None:
    rng = np.random.Generator(np.random.Philox(key=3))
    fact, other = rng.normal(size=(50, 2)), rng.normal(size=(50, 2))
    several = other[:, None, :] + rng.normal(size=(50, 10, 2))
    one, ten = (faithfulness_error(fact, other, several[:, :count]) for count in (1, 10))
    assert ten < 0.6 * one
    assert faithfulness_error(fact, other, other[:, None, :]) == pytest.approx(0, abs=1e-9)
    several[:, 1:] = np.nan
    assert faithfulness_error(fact, other, several) == pytest.approx(one)
    assert np.isnan(faithfulness_error(fact, other, np.full((50, 1, 2), np.nan)))
    with pytest.raises(ValueError, match="shape"):
        faithfulness_error(fact, other, several[:10])
