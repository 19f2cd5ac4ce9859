from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.partitions import Bits, Firsts, batches, parts_of
from tests.filters.toys import Kept


@settings(max_examples=50)
@given(rows=st.integers(0, 70), data=st.data())
def test_bits_give_back_what_was_set(rows: int, data: st.DataObject) -> None:
    marked = sorted(data.draw(st.sets(st.integers(0, rows - 1)))) if rows else []
    start = data.draw(st.integers(0, rows))
    stop = data.draw(st.integers(start, rows))
    bits = Bits(rows)
    bits.set(np.array(marked[::2], dtype=np.int64))
    bits.set(np.array(marked[1::2], dtype=np.int64))
    assert bits.get(start, stop).tolist() == [place in marked for place in range(start, stop)]


@settings(max_examples=50)
@given(rows=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9))), cut=st.integers(0, 20))
def test_firsts_remember_over_batches(rows: list[tuple[int, int]], cut: int) -> None:
    seen: dict[int, int] = {}
    expected = [seen.setdefault(key, value) for key, value in rows]
    firsts, answers = Firsts(), []
    for part in (rows[:cut], rows[cut:]):
        keys, values = np.array(part, dtype=np.uint64).reshape(-1, 2).T
        answers += firsts.take(keys, values).tolist()
    assert answers == expected


def test_parts_cover_live_rows_once_in_order_and_skip_nulls() -> None:
    keys = np.random.Generator(np.random.Philox(5)).integers(0, 2**64, 100, dtype=np.uint64)
    alive = np.arange(100) % 3 != 0
    absent = np.arange(100) % 7 == 0
    whole = pa.table({"k": pa.array(keys, mask=absent), "v": pa.array(keys), "alive": pa.array(alive)})
    sketches = Kept([whole.slice(start, 9) for start in range(0, 100, 9)])
    found: list[int] = []
    for part in range(4):
        mine: list[int] = []
        for batch in batches(sketches, ("k", "v"), part, 4, at_once=10):
            assert (batch.keys == keys[batch.positions]).all()
            assert len(batch.keys) < 10 + 9
            mine += batch.positions.tolist()
        assert mine == sorted(mine)
        assert 5 < len(mine) < 30
        found += mine
    assert sorted(found) == np.flatnonzero(alive & ~absent).tolist()


def test_the_number_of_parts_grows_with_the_rows() -> None:
    assert [parts_of(rows, 10) for rows in (0, 1, 10, 11, 100)] == [1, 1, 1, 2, 10]
