"""Metrics side by side: rank correlations, disagreements, the Pareto set."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from contrafact.report.metrics import directions, disagreements, pareto_set, rank_correlations, verdicts

RNG = np.random.default_rng(7)


def test_rank_correlations_are_those_of_scipy_with_ties_and_gaps() -> None:
    x = RNG.integers(0, 6, 200).astype(float)
    y = x + RNG.normal(0, 2, 200).round()
    x[:20], y[10:30] = np.nan, np.nan
    (found,) = rank_correlations({"x": x, "y": y})
    both = np.isfinite(x) & np.isfinite(y)
    assert found.pairs == both.sum() == 170
    assert found.rho == pytest.approx(stats.spearmanr(x[both], y[both]).statistic, abs=1e-12)


def test_a_score_that_does_not_vary_has_no_correlation() -> None:
    (found,) = rank_correlations({"x": np.ones(9), "y": np.arange(9.0)})
    assert np.isnan(found.rho)
    (found,) = rank_correlations({"x": np.array([1.0, np.nan, 2.0]), "y": np.arange(3.0)})
    assert np.isnan(found.rho)


REASONS = pa.array([[], ["a: low"], ["b: far", "a: low"], ["b: far"], ["ab: other"], ["gen: not made"]])


def test_a_filter_turned_away_what_has_a_reason_of_its_own() -> None:
    found = verdicts(REASONS, ["a", "b", "c"])
    assert found["a"].tolist() == [False, True, True, False, False, False]
    assert found["b"].tolist() == [False, False, True, True, False, False]
    assert not found["c"].any()


def test_disagreement_counts_pairs_that_both_saw_and_leaves_idle_filters_out() -> None:
    judged = np.array([True, True, True, True, True, False])
    (found,) = disagreements(verdicts(REASONS, ["a", "b", "c"]), judged)
    assert (found.both, found.only_one, found.only_other, found.neither) == (1, 1, 1, 2)
    assert found.differ == pytest.approx(0.4)
    chance = 0.4 * 0.4 + 0.6 * 0.6
    assert found.kappa == pytest.approx((0.6 - chance) / (1 - chance))


def test_a_filters_own_verdicts_tell_which_way_its_score_is_better() -> None:
    values = np.arange(100.0)
    away = {"cosine": values < 30, "rise": values > 60, "band": (values < 20) | (values > 80), "idle": values < 0}
    scores = {"cosine": values, "rise_nats": values, "band": values, "idle": values, "stranger": values}
    assert directions(scores, away) == {"cosine": 1, "rise_nats": -1}


def test_a_score_is_its_own_filters_and_not_one_of_a_shorter_name() -> None:
    values = np.repeat([0.0, 1.0], 5)
    away = {"like": values == 1, "like_2": values == 0}
    assert directions({"like_2_cosine": values}, away) == {"like_2_cosine": 1}


def brute_force(points: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> list[int]:
    return [
        row
        for row, point in enumerate(points)
        if not any((other >= point).all() and (other > point).any() for other in points)
    ]


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=40))
def test_the_pareto_set_is_what_nothing_beats(points: list[tuple[int, int, int]]) -> None:
    columns = np.array(points, dtype=np.float64)
    scores = {"a": columns[:, 0], "b": -columns[:, 1], "c": columns[:, 2]}
    found = pareto_set(scores, {"a": 1, "b": -1, "c": 1})
    assert found.tolist() == brute_force(columns)


def test_a_large_front_is_found_whole() -> None:
    angle = np.linspace(0.01, 1.5, 3000)
    scores = {"x": np.append(np.cos(angle), 0.2), "y": np.append(np.sin(angle), 0.2)}
    assert pareto_set(scores, {"x": 1, "y": 1}).tolist() == list(range(3000))


def test_pairs_without_a_score_are_not_compared_and_no_score_gives_no_front() -> None:
    scores = {"x": np.array([1.0, np.nan, 0.5]), "y": np.array([0.0, 9.0, 0.5])}
    assert pareto_set(scores, {"x": 1, "y": 1}).tolist() == [0, 2]
    assert pareto_set(scores, {}).tolist() == []
