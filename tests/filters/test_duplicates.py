from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.errors import DataError, RecipeError
from filters.duplicates import Duplicates
from tests.filters.toys import Kept, Toy, decided, do, failed, pair, reasons, sketched, table


class Sliced(Duplicates):
    """Decides four rows at a time, so that small tables take many parts and batches."""

    rows_at_once = 4


def bound(judge: Duplicates) -> Duplicates:
    judge.bind("duplicates", Toy())
    return judge


def verdicts(judge: Duplicates, rows: list[dict[str, Any]], alive: list[bool] | None = None) -> list[bool]:
    return decided(judge, sketched(bound(judge), table(rows), alive))[0]


def reference(rows: list[tuple[str, Any, bool]]) -> list[bool]:
    """Verdicts on (unit, content, alive) by a dictionary."""
    first: dict[Any, str] = {}
    return [not alive or first.setdefault(content, unit) == unit for unit, content, alive in rows]


def test_the_first_unit_stays_and_the_later_one_goes() -> None:
    judge = bound(Duplicates())
    answers = list(judge.decide(sketched(judge, table([pair(n=1), pair(n=2), pair(n=1), pair(n=1)]))))
    assert [verdict for answer in answers for verdict in reasons(answer)] == [
        "",
        "",
        "duplicates: another unit with the same facts came before",
        "duplicates: another unit with the same facts came before",
    ]
    assert [score for answer in answers for score in answer.scores["duplicates"]] == [0.0, 0.0, 1.0, 1.0]


def test_pairs_of_one_unit_are_not_duplicates_of_each_other() -> None:
    rows = [{**pair([do("x", after)]), "unit_id": "same"} for after in (1.0, 2.0, 3.0)]
    assert verdicts(Duplicates(), rows) == [True, True, True]
    assert verdicts(Duplicates(), [*rows, pair(), {**pair(), "unit_id": "same"}]) == [True, True, True, False, True]


def test_a_pair_is_never_a_duplicate_of_its_own_partner() -> None:
    null = pair([])
    assert null["factual"] == null["counterfactual"]
    assert verdicts(Duplicates(), [null]) == [True]


def test_a_counterfactual_equal_to_another_fact_is_no_duplicate() -> None:
    moved = pair([do("w", 1.0)])
    other = pair(w=1.0)
    assert moved["counterfactual"] == other["factual"]
    assert verdicts(Duplicates(), [moved, other]) == [True, True]


def test_only_live_pairs_count() -> None:
    rows = [pair(n=1), pair(n=1), pair(n=1)]
    assert verdicts(Duplicates(), rows, [False, True, True]) == [True, True, False]


def test_failed_pairs_pass_without_a_score_and_shadow_nobody() -> None:
    judge = bound(Duplicates())
    (answer,) = judge.decide(sketched(judge, table([failed(), pair(), failed()]), [True] * 3))
    assert answer.passed.tolist() == [True, True, True]
    assert np.isnan(answer.scores["duplicates"]).tolist() == [True, False, True]


def test_nan_equals_nan_and_zero_equals_minus_zero() -> None:
    assert verdicts(Duplicates(), [pair(w=math.nan), pair(w=math.nan)]) == [True, False]
    rows = [pair(w=0.0, u_x=1.0), pair(w=-0.0, u_x=1.0)]
    assert verdicts(Duplicates(), rows) == [True, False]


def test_rounding_and_columns_widen_what_is_equal() -> None:
    rows = [pair(w=0.25, n=1), pair(w=0.2501, n=2)]
    assert verdicts(Duplicates(), rows) == [True, True]
    assert verdicts(Duplicates(decimals=2), rows) == [True, True]
    assert verdicts(Duplicates(decimals=2, columns=["w", "x"]), rows) == [True, False]


def test_of_unit_also_compares_the_hidden_truth() -> None:
    rows = [pair(w=1.0, u_x=0.0, u_y=0.0), pair(w=1.0, u_x=0.0, u_y=0.0), pair(w=1.0, u_x=0.0, u_y=0.0)]
    rows[1]["hidden"] = {"u_x": 0.0, "u_y": 7.0}
    assert verdicts(Duplicates(of="factual"), rows) == [True, False, False]
    assert verdicts(Duplicates(of="unit"), rows) == [True, True, False]


def test_of_unit_needs_the_hidden_truth() -> None:
    judge = bound(Duplicates(of="unit"))
    with pytest.raises(DataError, match="hidden truth"):
        judge.sketch(table([pair()]).drop_columns("hidden"))


def test_group_mode_keeps_equal_units_in_one_group() -> None:
    rows = [pair(n=1), pair(n=2), {**pair([do("x", 5.0)], n=1), "unit_id": "twin"}, pair(n=1), pair(n=3)]
    passed, groups = decided(judge := bound(Duplicates(mode="group")), sketched(judge, table(rows)))
    assert all(passed)
    assert groups[0] == groups[2] == groups[3]
    assert len(set(groups)) == 3


def test_no_rows_and_empty_shards_give_no_verdicts() -> None:
    for judge in (Duplicates(), Duplicates(mode="group"), Sliced()):
        assert decided(judge, sketched(bound(judge), table([]))) == ([], [])
        assert list(judge.decide(Kept([]))) == []
    judge = bound(Duplicates())
    empty = sketched(judge, table([])).tables[0]
    full = sketched(judge, table([pair(), pair()])).tables[0]
    assert decided(judge, Kept([empty, full, empty]))[0] == [True, False]


ROWS = st.lists(st.tuples(st.sampled_from("abcdefg"), st.integers(0, 4), st.booleans()), max_size=40)


@settings(max_examples=60)
@given(rows=ROWS, shard=st.integers(1, 9))
def test_verdicts_agree_with_a_dictionary_whatever_the_shards_and_parts(
    rows: list[tuple[str, int, bool]], shard: int
) -> None:
    pairs = table([{**pair(n=content), "unit_id": unit} for unit, content, _ in rows])
    alive = [each for *_, each in rows]
    expected = reference(rows)
    for judge in (bound(Duplicates()), bound(Sliced())):
        assert decided(judge, sketched(judge, pairs, alive, shard))[0] == expected


def plain_sketches(rows: int, distinct: int, shard: int = 1000) -> Kept:
    numbers = np.random.Generator(np.random.Philox(9))
    content = numbers.integers(0, 2**64, distinct, dtype=np.uint64)[numbers.integers(0, distinct, rows)]
    unit = numbers.integers(0, 2**64, rows, dtype=np.uint64)
    whole = pa.table({"content": content, "unit": unit, "alive": numbers.random(rows) < 0.9})
    return Kept([whole.slice(start, shard) for start in range(0, rows, shard)])


@pytest.mark.parametrize("distinct", [3, 5_000, 10**6])
def test_many_parts_decide_as_one_does(distinct: int) -> None:
    class Parts(Duplicates):
        rows_at_once = 1500

    sketches = plain_sketches(20_000, distinct)
    whole, _ = decided(bound(Duplicates()), sketches)
    assert sketches.readings == 2
    parts, _ = decided(bound(Parts()), sketches)
    assert sketches.readings == 2 + 15
    assert parts == whole
    assert 0 < sum(whole) < 20_000


def test_memory_of_a_decision_does_not_grow_with_the_rows() -> None:
    import tracemalloc

    class Parts(Duplicates):
        rows_at_once = 5_000

    peaks = []
    for rows in (20_000, 160_000):
        sketches, judge = plain_sketches(rows, rows), bound(Parts())
        tracemalloc.start()
        judged = sum(len(answer.passed) for answer in judge.decide(sketches))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert judged == rows
    # Eight times the rows: one bit each, 17 kB, is all that may be added, besides the parts' uneven sizes.
    assert peaks[1] < 1.2 * peaks[0] + 17_500


def test_wrong_options_are_refused() -> None:
    wrong: list[dict[str, Any]] = [{"of": "pair"}, {"mode": "keep"}, {"decimals": 400}, {"columns": []}]
    for options in wrong:
        with pytest.raises(RecipeError) as caught:
            Duplicates(**options)
        assert caught.value.allowed
        assert caught.value.fix
    with pytest.raises(RecipeError, match="did you mean 'note'"):
        bound(Duplicates(columns=["notes"]))
