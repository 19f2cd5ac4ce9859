from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.errors import RecipeError
from contrafact.record import class_label
from filters.label_flip import LabelFlip
from tests.filters.toys import Toy, failed, judged, pair, reasons

COST, WORD, TRUE = (pa.field("label", kind) for kind in (pa.float64(), pa.string(), pa.bool_()))


def labelled(*labels: tuple[Any, Any]) -> list[dict[str, Any]]:
    return [{**pair(), "label": before, "counterfactual_label": after} for before, after in labels]


def verdicts(judge: LabelFlip, labels: Sequence[tuple[Any, Any]], label: pa.Field | None = None) -> list[bool]:
    return [bool(verdict) for verdict in judged(judge, labelled(*labels), Toy(label=label)).passed]


def test_flip_wants_a_move_and_keep_wants_none() -> None:
    rows = labelled((0, 1), (1, 1))
    assert reasons(judged(LabelFlip(), rows)) == ["", "label_flip: the label did not move"]
    assert reasons(judged(LabelFlip(want="keep"), rows)) == ["label_flip: the label moved", ""]
    assert judged(LabelFlip(want="any"), rows).passed.tolist() == [True, True]
    assert judged(LabelFlip(want="any"), rows).scores["label_flip"].tolist() == [1.0, 0.0]


def test_source_and_target_name_class_labels() -> None:
    rows = labelled((0, 1), (1, 0))
    assert reasons(judged(LabelFlip(source=["no"]), rows)) == ["", "label_flip: the factual label is not wanted"]
    assert reasons(judged(LabelFlip(target=["no"]), rows)) == ["label_flip: the counterfactual label is not wanted", ""]


def test_an_unquoted_yes_of_yaml_is_the_label_yes() -> None:
    assert verdicts(LabelFlip(source=[True]), [(1, 0), (0, 1)]) == [True, False]


def test_texts_move_where_they_differ() -> None:
    assert verdicts(LabelFlip(), [("a", "b"), ("a", "a")], WORD) == [True, False]
    assert verdicts(LabelFlip(source=["a"], target=["b"]), [("a", "b"), ("a", "c"), ("c", "b")], WORD) == [
        True,
        False,
        False,
    ]


def test_numbers_move_beyond_the_tolerance() -> None:
    judge = LabelFlip(tolerance=0.5)
    assert verdicts(judge, [(1.0, 1.5), (1.0, 1.6), (math.inf, math.inf), (math.inf, 1.0)], COST) == [
        False,
        True,
        False,
        True,
    ]
    assert verdicts(LabelFlip(source=[1], tolerance=0.25), [(1.25, 3.0), (1.5, 3.0)], COST) == [True, False]


def test_booleans_go_by_true_and_false() -> None:
    assert verdicts(LabelFlip(source=["false"], target=[True]), [(False, True), (True, False)], TRUE) == [True, False]


@pytest.mark.parametrize("label", [COST, WORD])
def test_a_missing_label_fails_unless_anything_goes(label: pa.Field) -> None:
    there: Any = 1.0 if label is COST else "a"
    rows = labelled((None, there), (None, None), (there, None))
    for judge in (LabelFlip(), LabelFlip(want="keep"), LabelFlip(want="any", source=[there])):
        answer = judged(judge, rows, Toy(label=label))
        assert reasons(answer) == ["label_flip: a label is missing"] * 3
        assert np.isnan(answer.scores["label_flip"]).all()
    assert judged(LabelFlip(want="any"), rows, Toy(label=label)).passed.all()


def test_nan_is_a_missing_label() -> None:
    assert verdicts(LabelFlip(want="keep"), [(math.nan, math.nan), (1.0, 1.0)], COST) == [False, True]


def test_failed_pairs_and_no_rows() -> None:
    answer = judged(LabelFlip(want="keep"), [failed(), *labelled((0, 1))])
    assert answer.passed.tolist() == [True, False]
    assert not answer.scores["label_flip"][0].is_valid
    assert judged(LabelFlip(), []).passed.shape == (0,)


def test_a_wider_tolerance_never_finds_more_flips() -> None:
    labels = [(0.0, step / 4) for step in range(20)]
    counts = [sum(verdicts(LabelFlip(tolerance=each), labels, COST)) for each in (0.0, 0.5, 1.0, 4.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 19


def test_wrong_options_are_refused() -> None:
    wrong: list[dict[str, Any]] = [{"want": "turn"}, {"tolerance": -1.0}, {"source": []}]
    for options in wrong:
        with pytest.raises(RecipeError) as caught:
            LabelFlip(**options)
        assert caught.value.allowed
        assert caught.value.fix


@pytest.mark.parametrize(
    ("judge", "label", "said"),
    [
        (LabelFlip(source=["yess"]), class_label("sick", ["no", "yes"]), "did you mean 'yes'"),
        (LabelFlip(target=["maybe"]), TRUE, "no label 'maybe'"),
        (LabelFlip(target=["maybe"]), COST, "not all labels of type double"),
        (LabelFlip(tolerance=0.1), WORD, "no real number"),
    ],
)
def test_labels_that_are_not_there_are_refused(judge: LabelFlip, label: pa.Field, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        judge.bind("label_flip", Toy(label=label))
