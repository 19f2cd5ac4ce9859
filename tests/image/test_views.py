from __future__ import annotations

import numpy as np
import pytest

from generators.image.views import token_divergence, worst_view


def test_the_view_that_moves_the_answer_most_is_the_worst() -> None:
    clean = np.log([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])
    near = np.log([[0.6, 0.3, 0.1], [0.1, 0.8, 0.1]])
    far = np.log([[0.1, 0.2, 0.7], [0.1, 0.8, 0.1]])
    at, moved = worst_view(clean, [near, clean, far])
    assert at == 2
    assert moved[1] == pytest.approx(0)
    assert moved[2] == pytest.approx(0.6 * np.log(7) / 2)  # by hand: the first token alone
    assert moved[0] == pytest.approx((0.7 * np.log(7 / 6) + 0.2 * np.log(2 / 3)) / 2)


def test_logits_count_as_the_log_probabilities_that_they_stand_for() -> None:
    clean, view = np.log([[0.7, 0.3]]), np.log([[0.4, 0.6]])
    assert token_divergence(clean + 5, view - 3) == pytest.approx(token_divergence(clean, view))


def test_a_token_that_cannot_be_adds_nothing_and_one_that_a_view_rules_out_is_infinitely_far() -> None:
    with np.errstate(divide="ignore"):
        certain, split = np.log([[1.0, 0.0]]), np.log([[0.5, 0.5]])
    assert token_divergence(certain, split) == pytest.approx(np.log(2))
    assert token_divergence(split, certain) == np.inf


def test_what_cannot_be_compared_is_refused() -> None:
    for clean, views, message in (
        (np.zeros((2, 3)), [], "no view"),
        (np.zeros((2, 3)), [np.zeros((3, 3))], "same tokens"),
        (np.zeros((0, 3)), [np.zeros((0, 3))], "one token or more"),
        (np.full((1, 2), np.nan), [np.zeros((1, 2))], "no NaN"),
    ):
        with pytest.raises(ValueError, match=message):
            worst_view(clean, views)
