"""DeFacto's rewards: tables of what each response earns, and no abstention where the word is only part of the text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from generators.image.masking import boxes_of
from generators.image.rewards import Said, answer_reward, format_reward, iou, read_response, region_reward, reward

EVIDENCE, OTHER = [(10, 10, 30, 30)], [(50, 50, 70, 70)]
RIGHT = "<think><box>[[10, 10, 30, 30]]</box> there it is</think><answer>Red.</answer>"


@pytest.mark.parametrize(
    ("said", "variant", "worth"),
    [
        ("red", "positive", 1),
        (" Red. ", "random", 1),
        ("blue", "positive", 0),
        (None, "positive", 0),
        ("unknown", "positive", -1),
        ("Unknown.", "random", -1),
        ("unknown", "counterfactual", 1),
        ("**UNKNOWN**", "counterfactual", 1),
        ("red", "counterfactual", -1),
        (None, "counterfactual", -1),
        ("I know it is not", "counterfactual", -1),
        ("no", "counterfactual", -1),
        ("none", "counterfactual", -1),
        ("not unknown", "counterfactual", -1),
        ("the unknown soldier", "positive", 0),
    ],
)
def test_answers_earn_what_the_variant_says(said: str | None, variant: Any, worth: float) -> None:
    assert answer_reward(said, "red", variant) == worth


def test_a_true_answer_no_is_an_answer() -> None:
    assert answer_reward("no", "no", "positive") == 1
    assert answer_reward("none", "none", "random") == 1


@pytest.mark.parametrize(
    ("boxes", "variant", "worth"),
    [
        ([(10, 10, 30, 30)], "positive", 1),
        ([(50, 50, 70, 70)], "positive", -1),
        ([(10, 10, 30, 30), (50, 50, 70, 70)], "random", 0),
        ([(10, 10, 30, 19)], "positive", 0),  # overlaps by 0.45, which does not count
        ([(10, 10, 30, 25)], "positive", 0.75),
        ([(10, 10, 30, 30)] * 5, "positive", 1),
        ([], "positive", 0),
        ([], "counterfactual", 1),
        ([(0, 0, 1, 1)], "counterfactual", -1),
    ],
)
def test_regions_earn_what_the_variant_says(boxes: Any, variant: Any, worth: float) -> None:
    assert region_reward(boxes, EVIDENCE, OTHER, variant) == pytest.approx(worth)


@pytest.mark.parametrize(
    ("response", "worth"),
    [
        (RIGHT, 1),
        ("<think></think>\n<answer>red</answer>\n", 1),
        ("<answer>red</answer>", 0),
        ("<answer>red</answer><think>x</think>", 0),
        ("so: " + RIGHT, 0),
        ("<think>a</think><answer>b</answer><answer>c</answer>", 0),
        ("", 0),
    ],
)
def test_form(response: str, worth: float) -> None:
    assert format_reward(response) == worth


def test_the_sum_is_weighted() -> None:
    assert reward(RIGHT, "red", "positive", EVIDENCE, OTHER) == pytest.approx(1.4)
    assert reward(RIGHT, "red", "counterfactual", EVIDENCE, OTHER) == pytest.approx(-1 + 0.2 - 0.2)
    silent = "<think>It is covered.</think><answer>unknown</answer>"
    assert reward(silent, "red", "counterfactual", EVIDENCE) == pytest.approx(1.4)
    assert reward(silent, "red", "random", EVIDENCE, weights=(1, 1, 1)) == pytest.approx(0)
    with pytest.raises(ValueError, match="positive, random or counterfactual"):
        reward(RIGHT, "red", "negative", EVIDENCE)  # type: ignore[arg-type]


def test_responses_are_read_whatever_is_in_them() -> None:
    assert read_response(RIGHT) == Said("Red.", ((10, 10, 30, 30),))
    assert read_response("<box>[1, 2, 3, 4]</box><box>[[1,2,3]]</box><box>oops</box>") == Said(None, ((1, 2, 3, 4),))
    assert read_response("<answer>a</answer> or <answer>b</answer>").answer == "b"
    assert read_response('<box>{"a": 1}</box><box>[[true, 1, 2, 3]]</box>').boxes == ()


def test_boxes_are_read_off_a_mask() -> None:
    mask = np.zeros((40, 60), dtype=bool)
    mask[5:15, 10:30] = True
    mask[30:33, 50:60] = True
    assert boxes_of(mask) == [(10, 5, 30, 15), (50, 30, 60, 33)]
    assert boxes_of(np.zeros((4, 4), dtype=bool)) == []
    assert iou(boxes_of(mask)[0], (10, 5, 30, 15)) == 1
