"""Effects of concepts, and explainers whose faithfulness is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from contrafact.errors import DataError
from generators.text.effects import ate, conexp, error_distance, icace, order_faithfulness, treate


def effects(rows: int = 60, classes: int = 3, seed: int = 1) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(rows, classes))


def test_an_individual_effect_is_what_the_prediction_moved_by() -> None:
    before, after = [[0.7, 0.3], [0.5, 0.5]], [[0.2, 0.8], [0.5, 0.5]]
    assert icace(before, after) == pytest.approx(np.array([[-0.5, 0.5], [0.0, 0.0]]))


@pytest.mark.parametrize("distance", ["l2", "cosine", "norm"])
def test_an_oracle_explainer_is_without_error_and_wholly_faithful(distance: str) -> None:
    truth = effects()
    assert error_distance(truth, truth, distance) == pytest.approx(0.0, abs=1e-12)  # type: ignore[arg-type]
    assert order_faithfulness(truth, truth) == 1.0
    assert order_faithfulness(truth, 3 * truth + 1) == 1.0  # the order is all that counts
    assert order_faithfulness(truth, -truth) == 0.0


def test_a_random_explainer_is_faithful_half_of_the_time() -> None:
    shares = np.array([order_faithfulness(effects(seed=seed), effects(seed=1000 + seed)) for seed in range(200)])
    half_width = 2.58 * shares.std(ddof=1) / np.sqrt(len(shares))  # 99 %
    assert abs(shares.mean() - 0.5) < half_width
    assert half_width < 0.02


def test_distances_are_those_of_their_formulas() -> None:
    truth, said = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    assert error_distance(truth, said) == pytest.approx((5.0 + np.sqrt(5.0) + 0.0) / 3, abs=1e-9)
    assert error_distance(truth, said, "cosine") == pytest.approx((1.0 + 1.0 + 0.0) / 3, abs=1e-9)
    assert error_distance(truth, said, "norm") == pytest.approx((5.0 + 1.0 + 0.0) / 3, abs=1e-9)


def test_ties_are_left_out_of_the_order() -> None:
    truth, said = [0.0, 0.0, 1.0, 2.0], [5.0, 1.0, 1.0, 9.0]
    # (0, 1) ties in the truth, (1, 2) in what was said; of the four others (0, 2) alone is in the wrong order.
    assert order_faithfulness(truth, said) == 3 / 4
    assert np.isnan(order_faithfulness(truth, np.zeros(4)))
    assert np.isnan(order_faithfulness([1.0], [1.0]))


def test_blocks_change_no_order(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, said = effects(50), effects(50, seed=2)
    whole = order_faithfulness(truth, said)
    monkeypatch.setattr("generators.text.effects._BLOCK", 7)
    assert order_faithfulness(truth, said) == whole
    pairs = [(a, b, k) for a in range(50) for b in range(a) for k in range(3)]
    agreed = [(truth[a, k] > truth[b, k]) == (said[a, k] > said[b, k]) for a, b, k in pairs]
    assert whole == pytest.approx(np.mean(agreed), abs=1e-12)


def test_average_effects_are_means_of_absolute_moves() -> None:
    before, after = [[0.7, 0.3], [0.5, 0.5]], [[0.2, 0.8], [0.4, 0.6]]
    assert ate(before, after) == pytest.approx((1.0 + 0.2) / 2)
    assert treate(before, after) == ate(before, after)
    assert conexp([[0.7, 0.3], [0.5, 0.5], [0.2, 0.8]], [True, True, False]) == pytest.approx(0.4 + 0.4)


def test_what_confounds_moves_conexp_and_not_the_effect() -> None:
    rng = np.random.default_rng(0)
    mood = rng.integers(0, 2, 4000)
    gender = np.where(rng.random(4000) < 0.9, mood, 1 - mood)

    def classifier(of_mood: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.stack([0.2 + 0.6 * of_mood, 0.8 - 0.6 * of_mood], axis=1)

    assert ate(classifier(mood), classifier(mood)) == 0.0  # gender is nothing to it
    assert conexp(classifier(mood), gender == 1) > 0.8


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([[1.0]], [[1.0], [2.0]], "shape"),
        ([[np.nan]], [[1.0]], "not finite"),
        ([[[1.0]]], [[[1.0]]], "dimensions"),
    ],
)
def test_predictions_that_do_not_fit_are_refused(before: object, after: object, said: str) -> None:
    with pytest.raises(DataError, match=said):
        icace(before, after)  # type: ignore[arg-type]


def test_conexp_needs_both_groups() -> None:
    with pytest.raises(DataError, match="one group"):
        conexp([[1.0], [0.0]], [True, True])
    with pytest.raises(DataError, match="shape"):
        conexp([[1.0], [0.0]], [True])
