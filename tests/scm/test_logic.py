from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contrafact.record import levels_of
from generators.scm.expression import Expression
from generators.scm.labels import Labeller
from generators.scm.readers.spec import scm_from_spec

Truth = bool | None

TERMS = {"log(a) > 0": 2.0, "log(b) > 0": 0.5, "log(c) > 0": -1.0}
"""A term that is true, one that is false, and one of which neither can be said, each with its column's value."""


def kleene(tree: Any) -> Truth:
    """The three-valued truth of a tree of terms, by the definition."""
    if isinstance(tree, str):
        value = TERMS[tree]
        return None if value < 0 else value > 1
    word, *parts = tree
    said = [kleene(part) for part in parts]
    if word == "not":
        return None if said[0] is None else not said[0]
    if word == "if":
        yes, condition, no = said
        if condition is None:
            return yes if yes == no else None
        return yes if condition else no
    decisive: bool = word == "or"
    if decisive in said:
        return decisive
    return None if None in said else not decisive


def written(tree: Any) -> str:
    if isinstance(tree, str):
        return tree
    word, *parts = tree
    texts = [f"({written(part)})" for part in parts]
    if word == "not":
        return f"not {texts[0]}"
    return f"{texts[0]} if {texts[1]} else {texts[2]}" if word == "if" else f" {word} ".join(texts)


TREES = st.recursive(
    st.sampled_from(list(TERMS)),
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or"]), inner, inner, inner),
        st.tuples(st.just("if"), inner, inner, inner),
    ),
    max_leaves=8,
)


def truth_of(text: str, rows: int = 3) -> list[Truth]:
    columns = {name: np.full(rows, value) for name, value in zip("abc", TERMS.values(), strict=True)}
    formula = Expression(text)
    return [None if np.isnan(each) else bool(each) for each in formula(columns).astype(float)]


@given(TREES)
def test_connectives_are_those_of_kleene(tree: Any) -> None:
    assert truth_of(written(tree)) == [kleene(tree)] * 3
    assert truth_of(written(tree), rows=1) == [kleene(tree)]


def test_the_two_tables_of_kleene() -> None:
    said = dict(zip(TERMS, (True, False, None), strict=True))
    for one, other in product(TERMS, repeat=2):
        both, either = {said[one], said[other]}, {said[one], said[other]}
        assert truth_of(f"{one} and {other}", 1) == [False if False in both else None if None in both else True]
        assert truth_of(f"{one} or {other}", 1) == [True if True in either else None if None in either else False]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0 < log(y) < 2", [True, None, False]),
        ("y < 0 < log(y)", [False, None, False]),
        ("2 < y < log(y)", [False, False, False]),  # a false link decides a chain
        ("y != log(y)", [True, None, True]),
        ("not sqrt(y)", [False, None, False]),
        ("5 * (log(y) > 1) > 1", [True, None, False]),
        ("(1 if log(y) > 1 else 1) > 0", [True, True, True]),
        ("1 / (y - 1) > 1", [False, False, True]),  # an infinity can be compared
        ("max(y, log(y)) > 1", [True, None, False]),
    ],
)
def test_a_comparison_with_nan_has_no_truth_value(text: str, values: list[Truth]) -> None:
    found = Expression(text)({"y": np.array([4.0, -1.0, 1.0])})
    assert [None if np.isnan(each) else bool(each) for each in found.astype(float)] == values
    assert found.dtype == (np.float64 if None in values else np.bool_)


def test_a_number_that_hangs_on_no_truth_value_is_nan() -> None:
    y = np.array([4.0, -1.0, 1.0])
    assert Expression("2 * (log(y) > 1)")({"y": y}).tolist()[::2] == [2.0, 0.0]
    assert np.isnan(Expression("2 * (log(y) > 1)")({"y": y})[1])
    assert np.isnan(Expression("y if log(y) > 1 else 0")({"y": y})).tolist() == [False, True, False]
    assert Expression("3 if log(y) > 1 else 3")({"y": y}).tolist() == [3.0, 3.0, 3.0]


def test_rows_of_many_blocks_keep_their_truth_beside_one_that_has_none() -> None:
    y = np.linspace(1, 3, 200_000)
    whole = Expression("log(y) > 0.5")({"y": y})
    assert whole.dtype == np.bool_
    y[150_000] = -1
    again = Expression("log(y) > 0.5")({"y": y})
    assert np.isnan(again[150_000])
    rest = np.arange(200_000) != 150_000
    assert np.array_equal(again[rest], whole[rest])


def test_a_label_that_is_neither_true_nor_false_is_none() -> None:
    model = scm_from_spec({"variables": {"y": {"mechanism": "root", "noise": "normal"}}})
    labeller = Labeller({"expression": "log(y) > 0", "names": ["low", "high"]}, model)
    assert levels_of(labeller.field) == ("low", "high")
    labels, nowhere = labeller.read({"y": np.array([3.0, -1.0, 0.5])}, 3)
    assert labels.to_pylist()[::2] == [1, 0]
    assert nowhere.tolist() == [False, True, False]
