"""The reward: what counts as the right answers, however they are written, and what does not."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.code.executable.reward import f1, reward, truths

PAIR: dict[str, Any] = {"answers": ["1"], "counterfactual": {"answers": ["7", "9"]}}
ONE = {"answers": ["12"]}
LARGE = {"answers": ["1234"]}
WORDS = {"counterfactual": {"answers": ['"abc"', '"de"']}}


@pytest.mark.parametrize(
    ("response", "record"),
    [
        ("Answer: 7, 9", PAIR),
        ("Answer: {9, 7}", PAIR),
        ("Answer: 9 and 7.", PAIR),
        ("So r is 3 or 5.\n\n**Answer:** 7, 9", PAIR),
        ("answer : [7,9]", PAIR),
        (r"Thus \boxed{7, 9}.", PAIR),
        (r"$\boxed{\{7, 9\}}$", PAIR),
        ('{"answers": [7, 9]}', PAIR),
        ('```json\n{"answers": [9, 7], "confidence": 3}\n```', PAIR),
        ('{"answers": [\n  9,\n  7\n]}', PAIR),
        ("It could be [7, 9]", PAIR),
        ("7, 9", PAIR),
        ("7 or 9", PAIR),
        ("12", ONE),
        ("The result is 12.", ONE),
        ("The answer is 12.", ONE),
        ("Final answer: **12**", ONE),
        ("Answer:\n12", ONE),
        ("Answer: 12.0", ONE),
        ("Answer: 12 coins", ONE),
        ("Answer: f(3) = 12", ONE),
        ("Answer: \\boxed{12}", ONE),
        ("{'answer': 12}", ONE),
        ("Answer: 3? No.\nAnswer: 12", ONE),
        ("Answer: 12\n\nAsk me if you have 3 more.", ONE),
        ("Answer: 1,234", LARGE),
        ("Answer: 1234", LARGE),
        ("Answer: −5", {"answers": ["-5"]}),
        ("Answer: -5", {"answers": ["-5"]}),
        ('Answer: "abc", "de"', WORDS),
        ("Answer: de, abc", WORDS),
        (r"\boxed{\text{abc}, \text{de}}", WORDS),
        ('{"answers": ["de", "abc"]}', WORDS),
        ('Answer: "--a-e"', {"answers": ['"--a-e"']}),
        ("Answer: _a_i_", {"answers": ['"_a_i_"']}),
    ],
)
def test_a_right_answer_is_paid_however_it_is_written(response: str, record: dict[str, Any]) -> None:
    assert reward(response, record) == 1
    assert f1(response, record) == 1.0


@pytest.mark.parametrize(
    ("response", "record"),
    [
        ("", ONE),
        ("I do not know.", ONE),
        ("I cannot answer that.", ONE),
        ("Answer: 120", ONE),
        ("Answer: -12", ONE),
        ("Answer: 12.5", ONE),
        ("Answer: 12 or 13", ONE),
        ("Answer: 12\nAnswer: 13", ONE),
        ("The input was 12.\nAnswer: 4", ONE),
        ("12 13 14 15", ONE),
        ("Answer: 7", PAIR),
        ("Answer: 7, 9, 11", PAIR),
        ("Answer: 79", PAIR),
        ("Answer: abc", WORDS),
        ("Answer: abc, de, f", WORDS),
        ("Answer: ABC, de", WORDS),
    ],
)
def test_a_wrong_or_hedged_answer_is_not(response: str, record: dict[str, Any]) -> None:
    assert reward(response, record) == 0
    assert f1(response, record) < 1.0


def test_f1_pays_a_part_for_a_part() -> None:
    assert f1("Answer: 7", PAIR) == pytest.approx(2 / 3)
    assert f1("Answer: 7, 8", PAIR) == pytest.approx(1 / 2)
    assert f1("Answer: 7, 9, 11, 13", PAIR) == pytest.approx(2 / 3)
    assert f1("Answer: 8", PAIR) == 0.0


@pytest.mark.parametrize(
    "record",
    [
        {"counterfactual": {"answers": ["7", "9"]}},
        {"answers": ["9", "7"]},
        {"answers": [7, 9]},
        {"ground_truth": "[7, 9]"},
        {"ground_truth": [7, 9]},
        {"counterfactual_label": "[7, 9]"},
    ],
)
def test_records_of_every_form_are_read(record: dict[str, Any]) -> None:
    assert truths(record) == {"7", "9"}
    assert truths({"ground_truth": "12"}) == truths({"ground_truth": 12}) == {"12"}


def test_a_record_without_answers_is_an_error() -> None:
    with pytest.raises(KeyError, match="ground_truth"):
        reward("Answer: 7", {"prompt": "?"})


@given(
    st.sets(st.integers(-(10**6), 10**6), min_size=1, max_size=4), st.sampled_from([", ", "; ", " and ", " or ", ","])
)
def test_any_set_is_read_back_from_its_list(values: set[int], between: str) -> None:
    record = {"answers": [str(each) for each in values]}
    assert reward(f"so:\nAnswer: {between.join(map(str, values))}", record) == 1
    assert reward(f"Answer: {between.join(map(str, values))}{between}7000000", record) == 0


@given(st.text(max_size=300))
def test_no_text_breaks_it(response: str) -> None:
    for record in (PAIR, WORDS):
        assert reward(response, record) in (0, 1)
        assert 0.0 <= f1(response, record) <= 1.0


def test_it_is_imported_without_anything_heavy() -> None:
    code = (
        "import sys, generators.code.executable.reward\n"
        "print([name for name in ('numpy', 'pyarrow', 'contrafact') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
