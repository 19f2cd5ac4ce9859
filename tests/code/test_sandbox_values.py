from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contrafact.engines.sandbox import Outcome, Shown, Unstorable
from contrafact.engines.sandbox.inside.values import decode, encode

hashable = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=6,
)
values = st.recursive(
    hashable,
    lambda inner: st.lists(inner) | st.sets(hashable, max_size=3) | st.dictionaries(hashable, inner, max_size=3),
    max_leaves=12,
)


@given(values)
def test_a_value_is_the_same_after_a_round_trip(value: Any) -> None:
    text = encode(value)
    again = decode(text)
    assert type(again) is type(value)
    assert encode(again) == text


@pytest.mark.parametrize(
    "value",
    [-0.0, math.inf, -math.inf, math.nan, 10**5000, -(10**5000), "\ud800", {(1, None): {2}}, bytearray(b"\0"), ()],
    ids=lambda value: type(value).__name__,
)
def test_values_that_plain_json_loses_are_kept(value: Any) -> None:
    again = decode(encode(value))
    assert type(again) is type(value)
    assert encode(again) == encode(value)
    if not (isinstance(value, float) and math.isnan(value)):
        assert again == value


def test_unlike_types_have_unlike_texts() -> None:
    alike = [1, 1.0, True, "1", b"1", bytearray(b"1"), [1], (1,), {1}, frozenset({1}), {1: 1}, {"int": "1"}]
    assert len({encode(each) for each in alike}) == len(alike)


def test_sets_are_written_in_one_order_and_dictionaries_in_theirs() -> None:
    assert encode({"b", "a"}) == encode({"a", "b"})
    assert encode({"b": 1, "a": 2}) != encode({"a": 2, "b": 1})


def test_another_type_is_shown_and_a_subclass_is_another_type() -> None:
    class Liar(int):
        def __repr__(self) -> str:
            return "7"

    assert decode(encode(Fraction(1, 2))) == Shown("fractions.Fraction", "Fraction(1, 2)")
    liar = decode(encode(Liar(3)))
    assert liar.text == "7"
    assert liar != 7


def test_what_has_no_text_is_refused() -> None:
    within: list[Any] = []
    within.append(within)
    for value in (object(), lambda: 0, map(str, [1]), within):
        with pytest.raises(Unstorable):
            encode(value)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "Infinity",
        "{}",
        '{"tuple":[1],"set":[2]}',
        '{"nothing":1}',
        '{"float":"1.5"}',
        '{"set":[[1]]}',
        '{"bytes":"x"}',
        '{"dict":[[1]]}',
        '{"shown":["a"]}',
        '{"int":1}',
        '{"tuple":3}',
        "[" * 100_000 + "]" * 100_000,
        "",
    ],
    ids=lambda text: text[:20],
)
def test_a_text_that_is_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever the reason
        decode(text)


def test_texts_are_json() -> None:
    assert json.loads(encode([1, "é", None])) == [1, "é", None]


def test_behaviour_tells_what_equality_does_not() -> None:
    assert Outcome("ok", 1) == Outcome("ok", True)
    assert Outcome("ok", 1).behaviour != Outcome("ok", True).behaviour
    assert Outcome("ok", math.nan).behaviour == Outcome("ok", math.nan).behaviour
    assert Outcome("ok", 1, seconds=1.0, message="a").behaviour == Outcome("ok", 1, seconds=2.0).behaviour
