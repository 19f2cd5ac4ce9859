from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from filters import FILTERS
from filters.columns import same, segment_sums
from filters.verdicts import Tally

NAN = float("nan")
PLACE = pa.struct([("a", pa.int64()), ("b", pa.string())])


@pytest.mark.parametrize(
    ("kind", "left", "right", "equal"),
    [
        (pa.float64(), [0.0, NAN, 1.0, None, None], [-0.0, NAN, 1.0, None, 1.0], [0, 1, 1, 1, 0]),
        (pa.float32(), [1.5, NAN], [1.5, 1.0], [1, 0]),
        (pa.int64(), [2**60, None, 3], [2**60 + 1, 3, 3], [0, 0, 1]),
        (pa.string(), ["a", "b", None], ["a", "c", None], [1, 0, 1]),
        (pa.bool_(), [True, False], [True, True], [1, 0]),
        (pa.list_(pa.float64()), [[1.0], [], [1.0, 2.0], [NAN]], [[1.0], [], [1.0, 3.0], [NAN]], [1, 1, 0, 1]),
        (pa.list_(pa.int64()), [[1, 2], None, [1]], [[1], None, []], [0, 1, 0]),
        (PLACE, [{"a": 1, "b": "x"}] * 2, [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}], [1, 0]),
    ],
)
def test_sameness_of_every_type_of_member(
    kind: pa.DataType, left: list[Any], right: list[Any], equal: list[int]
) -> None:
    assert same(pa.array(left, kind), pa.array(right, kind)).tolist() == [bool(each) for each in equal]
    assert same(pa.array([], kind), pa.array([], kind)).shape == (0,)


def test_every_nan_is_the_same_value() -> None:
    payloads = np.array([0x7FF8000000000000, 0x7FF8000000000001], dtype=np.uint64).view(np.float64)
    assert same(pa.array(payloads), pa.array(payloads[::-1])).all()


def test_sums_of_runs_may_be_empty() -> None:
    assert segment_sums(np.array([1, 2, 3]), np.array([0, 2, 0, 1])).tolist() == [0, 3, 0, 3]


def test_a_tally_keeps_the_first_reason() -> None:
    tally = Tally(3)
    tally.add(np.array([True, False, False]), "one")
    tally.add(np.array([True, True, False]), "two")
    assert tally.count.tolist() == [2, 1, 0]
    assert tally.reasons.tolist() == ["one", "two", ""]
    assert tally.passed.tolist() == [False, False, True]


@pytest.mark.parametrize(("name", "target"), FILTERS.items())
def test_every_built_in_filter_is_found_under_its_own_name(name: str, target: str) -> None:
    import importlib

    module, _, attribute = target.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    assert found.name == name
    assert found.__doc__.splitlines()[0].endswith(".")
