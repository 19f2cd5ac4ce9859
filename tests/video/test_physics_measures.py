"""CRONOS's measures as functions, and the filter for hidden properties."""

from __future__ import annotations

import numpy as np
import pytest

from generators.video.physics.robustness import (
    background_stability,
    motion_similarity,
    object_stability,
    physical_plausibility,
    robust_max,
    robust_min,
    sensitivity,
    shape_stability,
)


def test_robust_extremes_are_means_of_a_twentieth() -> None:
    values = np.arange(100.0)
    assert robust_min(values) == pytest.approx(2.0)  # 0 to 4
    assert robust_max(values) == pytest.approx(97.0)
    assert robust_min([3.0, 1.0]) == 1.0  # one at the least
    assert robust_max(values, share=1.0) == pytest.approx(values.mean())
    for bad in ([], [np.nan]):
        with pytest.raises(ValueError, match="values"):
            robust_min(bad)


def test_sensitivity_is_the_mean_range_within_groups() -> None:
    scores = {
        "scene 1": {"red": 0.9, "blue": 0.5},
        "scene 2": {"red": 0.8, "blue": 0.7, "green": 0.6},
        "alone": {"red": 0.0},
    }
    assert sensitivity(scores) == pytest.approx((0.4 + 0.2) / 2)
    assert sensitivity({"scene": {"a": 1.0, "b": 1.0}}) == 0.0
    with pytest.raises(ValueError, match="no group"):
        sensitivity({"scene": {"a": 1.0}})


def test_stabilities_are_one_for_what_stays_and_fall_for_what_does_not() -> None:
    frames = np.full((20, 24, 32, 3), 200, dtype=np.uint8)
    masks = np.zeros((20, 24, 32), dtype=bool)
    for number in range(20):
        masks[number, 8:14, 2 + number : 8 + number] = True
        frames[number, 8:14, 2 + number : 8 + number] = (200, 30, 30)
    assert object_stability(frames, masks) == pytest.approx(1.0)
    assert shape_stability(masks) == pytest.approx(1.0)
    assert background_stability(frames, masks) == pytest.approx(1.0)
    frames[10, 8:14, 12:18] = (30, 30, 200)
    frames[10, 20:] = 90
    masks[10, 8:14, 15:18] = False
    assert object_stability(frames, masks) < 0.1
    assert shape_stability(masks) < 0.6
    assert background_stability(frames, masks) < 0.9


def test_motion_and_plausibility() -> None:
    path = np.cumsum(np.random.default_rng(0).normal(size=(30, 2)), axis=0)
    assert motion_similarity(path, path) == pytest.approx(1.0)
    assert motion_similarity(path, -path) == pytest.approx(-1.0)
    assert motion_similarity(np.zeros((5, 2)), np.zeros((5, 2))) == 1.0
    assert physical_plausibility([True, False, True], [True, True, False]) == pytest.approx(1 / 3)
