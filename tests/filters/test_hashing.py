from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.hashing import hash_rows, mix


def equal(values: list[Any], kind: pa.DataType, decimals: int | None = None) -> bool:
    one, other = hash_rows([pa.array(values, kind)], decimals)
    return bool(one == other)


def test_zeros_are_one_value_and_so_are_all_nan() -> None:
    other_nan = np.array([0x7FF8000000000001, 0xFFF8000000000000], dtype=np.uint64).view(np.float64)
    hashes = hash_rows([pa.array(np.concatenate([[0.0, -0.0, math.nan], other_nan]))])
    assert hashes[0] == hashes[1]
    assert len(set(hashes[2:].tolist())) == 1
    assert hashes[0] != hashes[2]


def test_null_is_a_value_of_its_own() -> None:
    for kind, value in ((pa.float64(), math.nan), (pa.int64(), 0), (pa.string(), ""), (pa.bool_(), False)):
        assert not equal([None, value], kind)
        assert equal([None, None], kind)


def test_the_place_of_a_value_counts() -> None:
    left, right = pa.array([1.0, 2.0]), pa.array([2.0, 1.0])
    assert len(set(hash_rows([left, right]).tolist())) == 2
    assert not equal([[1, 2], [2, 1]], pa.list_(pa.int64()))
    assert not equal([[1], [1, 0]], pa.list_(pa.int64()))
    assert not equal([[], None], pa.list_(pa.int64()))


def test_rounding_joins_near_values_and_spares_huge_ones() -> None:
    assert equal([0.1234, 0.1229], pa.float64(), decimals=3)
    assert not equal([0.1234, 0.1229], pa.float64(), decimals=4)
    assert equal([38.0, 41.0], pa.float64(), decimals=-1)
    assert not equal([1e305, 2e305], pa.float64(), decimals=10)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (pa.float32(), 1.5, 2.5),
        (pa.uint64(), 2**63 + 1, 2**63 + 2),
        (pa.int8(), -1, 1),
        (pa.bool_(), True, False),
        (pa.string(), "a", "b"),
        (pa.large_string(), "a", "b"),
        (pa.binary(), b"\xff", b"\xfe"),
        (pa.large_binary(), b"\xff", b"\xfe"),
        (pa.date32(), dt.date(2026, 1, 1), dt.date(2026, 1, 2)),
        (pa.timestamp("us"), dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 2)),  # noqa: DTZ001  # no zone
        (pa.struct([("a", pa.int64())]), {"a": 1}, {"a": 2}),
        (pa.list_(pa.string(), 1), ["a"], ["b"]),
        (pa.dictionary(pa.int8(), pa.string()), "a", "b"),
        (pa.decimal128(5, 2), 1, 2),
    ],
)
def test_every_type_of_member_is_told_apart_and_recognised(kind: pa.DataType, one: Any, other: Any) -> None:
    hashes = hash_rows([pa.array([one, other, one, None], kind)])
    assert hashes[0] == hashes[2]
    assert len(set(hashes.tolist())) == 3


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(-2, 2, width=16), st.integers(-1, 1), st.sampled_from("ab")), max_size=30))
def test_rows_share_a_hash_exactly_where_they_are_equal(rows: list[tuple[float, int, str]]) -> None:
    kinds = (pa.float64(), pa.int64(), pa.string())
    columns = [pa.array([row[place] for row in rows], kind) for place, kind in enumerate(kinds)]
    hashes = hash_rows(columns).tolist()
    assert len(set(hashes)) == len(set(rows))
    assert hash_rows([column.slice(1) for column in columns]).tolist() == hashes[1:]


def test_mix_is_splitmix64() -> None:
    # The first outputs of the reference generator from seed 0: the state moves by one step, then is scrambled.
    steps = np.array([0, 0x9E3779B97F4A7C15], dtype=np.uint64)
    assert mix(steps).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]
