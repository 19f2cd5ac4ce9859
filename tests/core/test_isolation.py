from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.errors import DataError, RowError, StageError, StorageError, TransientError
from contrafact.isolation import attempts, one_by_one

Numbers = Callable[[pa.Table, int], list[int]]


def numbers(count: int) -> pa.Table:
    return pa.table({"n": pa.array(range(count), pa.int64())})


def refusing(bad: set[int], calls: list[int] | None = None) -> Numbers:
    def stage(rows: pa.Table, start: int) -> list[int]:
        found: list[int] = rows["n"].to_pylist()
        assert found == list(range(start, start + len(found)))
        if calls is not None:
            calls.append(len(found))
        if bad & set(found):
            raise ValueError(f"bad: {min(bad & set(found))}")
        return found

    return stage


@settings(max_examples=80)
@given(count=st.integers(1, 70), bad=st.sets(st.integers(0, 69), max_size=20))
def test_just_the_bad_rows_fail_and_every_row_is_answered_once(count: int, bad: set[int]) -> None:
    bad = {number for number in bad if number < count}
    if len(bad) == count:
        with pytest.raises(StageError):
            attempts("toy", refusing(bad), numbers(count))
        return
    found = attempts("toy", refusing(bad), numbers(count))
    covered = [row for attempt in found for row in range(attempt.start, attempt.stop)]
    assert covered == list(range(count))
    failed = {attempt.start for attempt in found if attempt.reason}
    assert failed == bad
    assert all(attempt.stop - attempt.start == 1 for attempt in found if attempt.reason)
    assert {attempt.reason for attempt in found if attempt.reason} == {f"ValueError: bad: {each}" for each in bad}
    assert [row for attempt in found if attempt.result for row in attempt.result] == sorted(set(range(count)) - bad)


def test_a_good_table_is_done_in_one_call() -> None:
    calls: list[int] = []
    [only] = attempts("toy", refusing(set(), calls), numbers(1000))
    assert calls == [1000]
    assert only.result == list(range(1000))


def test_one_bad_row_costs_few_calls() -> None:
    calls: list[int] = []
    attempts("toy", refusing({637}, calls), numbers(1024))
    # The whole table, one probe that is good, then two halves at each of ten levels.
    assert len(calls) <= 1 + 1 + 20


@pytest.mark.parametrize("period", [2, 3, 4, 5, 7, 8, 16, 61, 64])
def test_rows_that_fail_or_pass_with_a_period_are_not_taken_for_all(period: int) -> None:
    bad = {row for row in range(1000) if row % period}
    found = attempts("toy", refusing(bad if period < 8 else set(range(0, 1000, period))), numbers(1000))
    assert any(attempt.reason for attempt in found)
    assert not all(attempt.reason for attempt in found)


def test_few_rows_prove_nothing() -> None:
    found = attempts("toy", refusing({0, 1, 2}), numbers(3), proof=4)
    assert [attempt.reason for attempt in found] == ["ValueError: bad: 0", "ValueError: bad: 1", "ValueError: bad: 2"]
    with pytest.raises(StageError, match="every one of 3 rows"):
        attempts("toy", refusing({0, 1, 2}), numbers(3), proof=3)


def test_a_stage_that_always_raises_stops_after_a_few_probes() -> None:
    calls: list[int] = []
    with pytest.raises(
        StageError, match=r"filter 'toy' failed on every one of 64 rows tried: ValueError: bad: "
    ) as caught:
        attempts("filter 'toy'", refusing(set(range(100_000)), calls), numbers(100_000))
    assert len(calls) == 1 + 64
    assert caught.value.fix is not None
    assert caught.value.exit_code == 2


@settings(max_examples=80)
@given(count=st.integers(0, 200), bad=st.sets(st.integers(0, 199)))
def test_one_by_one_asks_for_every_row_once(count: int, bad: set[int]) -> None:
    asked: list[int] = []

    def stage(row: int) -> int:
        asked.append(row)
        if row in bad:
            raise ValueError(f"bad: {row}")
        return row

    if count and bad >= set(range(count)):
        with pytest.raises(StageError, match="failed on every one of"):
            one_by_one("toy", stage, count)
        return
    found = one_by_one("toy", stage, count)
    assert sorted(asked) == list(range(count))
    assert [(each.start, each.stop) for each in found] == [(row, row + 1) for row in range(count)]
    assert {each.start for each in found if each.reason} == {row for row in bad if row < count}
    assert all(each.result == each.start for each in found if not each.reason)


def test_one_by_one_stops_where_rows_all_over_a_long_table_fail() -> None:
    asked: list[int] = []

    def stage(row: int) -> int:
        asked.append(row)
        raise ValueError("never")

    with pytest.raises(StageError, match=r"failed on every one of \d+ rows tried: ValueError: never"):
        one_by_one("toy", stage, 100_000)
    assert len(asked) == len(set(asked)) <= 128


def test_a_row_error_is_its_own_reason() -> None:
    def stage(rows: pa.Table, start: int) -> int:
        if 2 in rows["n"].to_pylist():
            raise RowError("the second is too short")
        return start

    reasons = [attempt.reason for attempt in attempts("toy", stage, numbers(4)) if attempt.reason]
    assert reasons == ["the second is too short"]


@pytest.mark.parametrize(
    "error", [DataError("x"), StorageError("x"), TransientError("x"), MemoryError("x"), KeyboardInterrupt()]
)
def test_what_is_not_about_a_row_passes_through(error: BaseException) -> None:
    def stage(rows: pa.Table, start: int) -> int:
        raise error

    with pytest.raises(type(error)):
        attempts("toy", stage, numbers(4))
