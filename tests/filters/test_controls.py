"""Filters judge a control by the label that it claims to keep, whatever a recipe wants of the pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.record import PairShape, class_label, pair_schema
from filters.columns import controls
from filters.label_flip import LabelFlip
from filters.teacher import Teacher
from tests.filters.toys import Toy


def rows(*labels: tuple[int, int, bool]) -> pa.Table:
    schema = pair_schema(PairShape([], class_label("sick", ["no", "yes"])))
    told = [
        {"pair_id": f"u/{place}", "unit_id": "u", "group_id": "u", "label": one, "counterfactual_label": other,
         "control_of": "u/0" if control else None}
        for place, (one, other, control) in enumerate(labels)
    ]  # fmt: skip
    return pa.Table.from_pylist(told, schema=schema)


PAIRS = rows((0, 1, False), (0, 0, True), (0, 1, True), (0, 0, False))


def test_controls_are_told_from_pairs() -> None:
    assert controls(PAIRS).tolist() == [False, True, True, False]
    assert controls(PAIRS.drop_columns(["control_of"])).tolist() == [False] * 4


@pytest.mark.parametrize(
    ("options", "passed"),
    [
        ({"want": "flip"}, [True, True, False, False]),
        ({"want": "keep"}, [False, True, False, True]),
        ({"want": "flip", "target": ["yes"]}, [True, True, False, False]),
        ({"want": "flip", "source": ["yes"]}, [False] * 4),
    ],
)
def test_label_flip_wants_a_control_to_keep_its_label(options: dict[str, Any], passed: list[bool]) -> None:
    filter_ = LabelFlip(**options)
    filter_.bind("label_flip", Toy())
    assert filter_.judge(PAIRS).passed.tolist() == passed


def test_a_teacher_that_wants_flips_judges_a_control_by_its_drift() -> None:
    teacher = Teacher(model="nobody.py:asked", want="flip", max_drift=0.1)
    teacher.alias = "teacher"
    fact = np.array([[0.9, 0.1]] * 4)
    other = np.array([[0.2, 0.8], [0.85, 0.15], [0.3, 0.7], [0.9, 0.1]])
    keeps = rows((0, 1, False), (0, 0, True), (0, 0, True), (0, 0, False))
    judged = teacher._verdicts(keeps, fact, other)
    assert judged.passed.tolist() == [True, True, False, False]
    assert list(judged.reason)[2:] == ["teacher: the label drifted", "teacher: the pair claims no move"]
