from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.errors import DataError, RecipeError
from filters.balance import Balance
from tests.filters.toys import Kept, Toy, decided, do, failed, pair, reasons, sketched, table


def labelled(*labels: tuple[int | None, int | None]) -> list[dict[str, Any]]:
    return [{**pair(), "label": before, "counterfactual_label": after} for before, after in labels]


def bound(judge: Balance, label: pa.Field | None = None) -> Balance:
    judge.bind("balance", Toy(label=label))
    return judge


def verdicts(judge: Balance, rows: list[dict[str, Any]], shard: int = 3) -> list[bool]:
    return decided(judge, sketched(bound(judge), table(rows), [True] * len(rows), shard))[0]


def kept(judge: Balance, labels: list[int]) -> Counter[int]:
    passed = verdicts(judge, labelled(*((label, 0) for label in labels)))
    return Counter(label for label, verdict in zip(labels, passed, strict=True) if verdict)


def test_equal_shares_cut_the_larger_class_to_the_smaller() -> None:
    assert kept(Balance(), [0] * 9 + [1] * 4) == {0: 4, 1: 4}
    assert kept(Balance(), [0] * 5) == {0: 5}


def test_a_ratio_gives_shares() -> None:
    assert kept(Balance(ratio={"no": 2, "yes": 1}), [0] * 9 + [1] * 4) == {0: 8, 1: 4}
    assert kept(Balance(ratio={"no": 0.75, "yes": 0.25}), [0] * 9 + [1] * 9) == {0: 9, 1: 3}


def test_a_class_of_no_share_goes_and_an_unnamed_one_is_left_alone() -> None:
    assert kept(Balance(ratio={"no": 0, "yes": 1}), [0] * 3 + [1] * 2) == {1: 2}
    assert kept(Balance(ratio={"no": 1}), [0] * 3 + [1] * 2) == {0: 3, 1: 2}


def test_a_class_without_pairs_takes_no_part() -> None:
    assert kept(Balance(ratio={"no": 1, "yes": 1}), [0] * 3) == {0: 3}


def test_tolerance_lets_a_class_exceed_its_share() -> None:
    assert kept(Balance(tolerance=0.5), [0] * 9 + [1] * 4) == {0: 6, 1: 4}


def test_the_reason_names_the_class_and_the_score_is_the_draw() -> None:
    judge = bound(Balance())
    answers = list(judge.decide(sketched(judge, table(labelled(*[(0, 0)] * 5, (1, 0))))))
    assert sorted(text for answer in answers for text in reasons(answer)) == ["", "", *["balance: surplus of no"] * 4]
    scores = np.concatenate([answer.scores["balance"] for answer in answers])[:5]
    passed = np.concatenate([answer.passed for answer in answers])[:5]
    assert ((scores >= 0) & (scores < 1)).all()
    assert scores[passed].max() < scores[~passed].min()


def test_label_pairs_are_classes() -> None:
    rows = labelled(*[(0, 1)] * 4, *[(1, 0)] * 2, (1, 1))
    judge = Balance(by="label_pair", ratio={"no -> yes": 1, "yes -> no": 1})
    assert Counter(zip(verdicts(judge, rows), (0, 0, 0, 0, 1, 1, 2), strict=True)) == {
        (True, 0): 2,
        (False, 0): 2,
        (True, 1): 2,
        (True, 2): 1,
    }


def test_interventions_are_classes_by_variable_and_operation() -> None:
    rows = [pair([do("x", after)]) for after in (1.0, 2.0, 3.0)] + [pair([do("x", 1.0, "shift"), do("w", 1.0)])]
    judge = Balance(by="intervention")
    judge.bind("balance", Toy())
    classes = judge.sketch(table([*rows, pair([])]))["class"].to_pylist()
    assert classes == ["do x", "do x", "do x", "shift x + do w", "none"]
    assert sum(verdicts(Balance(by="intervention"), rows)) == 2


@pytest.mark.parametrize(("kind", "values"), [(pa.string(), ("a", "b")), (pa.bool_(), (True, False))])
def test_texts_and_booleans_are_classes(kind: pa.DataType, values: tuple[Any, Any]) -> None:
    label = pa.field("label", kind)
    rows = [{**pair(), "label": value, "counterfactual_label": value} for value in (values[0], *[values[1]] * 3)]
    judge = bound(Balance(by="counterfactual_label"), label)
    assert sum(decided(judge, sketched(judge, table(rows, Toy(label=label))))[0]) == 2


def test_failed_dead_and_unlabelled_pairs_belong_to_no_class() -> None:
    judge = bound(Balance())
    rows = [failed(), *labelled((0, 0), (0, 0), (0, 0), (1, 0), (None, 0), (1, 0))]
    sketches = sketched(judge, table(rows), [True, True, True, False, True, True, False], shard=7)
    (answer,) = judge.decide(sketches)
    assert answer.passed[[0, 3, 5, 6]].all()
    assert answer.passed.sum() == 6
    assert np.isnan(answer.scores["balance"]).tolist() == [True, False, False, True, False, True, True]


def test_no_rows_give_no_verdicts() -> None:
    assert verdicts(Balance(), []) == []
    assert list(bound(Balance()).decide(Kept([]))) == []


LABELS = st.lists(st.sampled_from([0, 0, 0, 1]), max_size=40)


@settings(max_examples=40)
@given(labels=LABELS, shard=st.integers(1, 9), seed=st.integers(0, 99))
def test_neither_shards_nor_the_order_of_arrival_matter(labels: list[int], shard: int, seed: int) -> None:
    rows = [{**row, "pair_id": f"p{place}"} for place, row in enumerate(labelled(*((each, 0) for each in labels)))]
    order = np.random.Generator(np.random.Philox(seed)).permutation(len(rows))
    straight = verdicts(Balance(), rows)
    shuffled = verdicts(Balance(), [rows[place] for place in order], shard)
    assert shuffled == [straight[place] for place in order]


@settings(max_examples=40)
@given(labels=LABELS, tolerances=st.tuples(st.floats(0, 3), st.floats(0, 3)))
def test_more_tolerance_never_accepts_less(labels: list[int], tolerances: tuple[float, float]) -> None:
    rows = labelled(*((each, 0) for each in labels))
    strict, lax = (np.array(verdicts(Balance(tolerance=each), rows), dtype=bool) for each in sorted(tolerances))
    assert (strict <= lax).all()


@pytest.mark.parametrize(
    ("options", "labels", "quota", "expected"),
    [
        ({}, [0] * 60 + [1] * 90, 100, {0: 50, 1: 50}),
        ({}, [0] * 60 + [1] * 90, 101, {0: 51, 1: 50}),
        ({}, [0] * 60 + [1] * 90, 500, {0: 60, 1: 60}),
        ({"ratio": {"no": 9, "yes": 1}}, [0] * 200 + [1] * 20, 50, {0: 45, 1: 5}),
        ({"ratio": {"no": 0, "yes": 1}}, [0] * 60 + [1] * 90, 20, {1: 20}),
        # With a tolerance the shares are exact as far as the scarcest class reaches, and within the tolerance beyond.
        ({"tolerance": 0.5}, [0] * 40 + [1] * 90, 60, {0: 30, 1: 30}),
        ({"tolerance": 0.5}, [0] * 40 + [1] * 90, 90, {0: 36, 1: 54}),
    ],
)
def test_a_quota_is_shared_out_among_the_classes(
    options: dict[str, Any], labels: list[int], quota: int, expected: dict[int, int]
) -> None:
    judge = Balance(**options)
    judge.quota(quota)
    assert kept(judge, labels) == expected


def test_what_belongs_to_no_class_has_its_part_of_the_quota() -> None:
    judge = Balance(ratio={"no": 1})
    judge.quota(50)
    # The core cuts the class that is left alone, in the order of units: this filter makes room for it.
    assert kept(judge, [0] * 60 + [1] * 40) == {0: 30, 1: 40}
    judge.quota(None)
    assert kept(judge, [0] * 60 + [1] * 40) == {0: 60, 1: 40}


@settings(max_examples=60)
@given(labels=LABELS, quota=st.integers(1, 50), tolerance=st.sampled_from([0.0, 0.3]))
def test_a_quota_takes_as_many_as_it_says_or_all_that_would_pass(
    labels: list[int], quota: int, tolerance: float
) -> None:
    free = kept(Balance(tolerance=tolerance), labels)
    judge = Balance(tolerance=tolerance)
    judge.quota(quota)
    told = kept(judge, labels)
    assert told.total() == min(quota, free.total())
    assert all(told[label] <= free[label] for label in (0, 1))


def test_large_classes_are_cut_exactly() -> None:
    draws = np.random.Generator(np.random.Philox(3)).integers(0, 2**64, 50_000, dtype=np.uint64)
    classes = np.where(np.arange(50_000) % 5 == 0, "rare", "common")
    whole = pa.table({"class": classes, "draw": draws, "alive": np.ones(50_000, dtype=bool)})
    passed, _ = decided(bound(Balance()), Kept([whole.slice(start, 7000) for start in range(0, 50_000, 7000)]))
    common = classes == "common"
    stayed = np.array(passed)[common]
    assert stayed.sum() == 10_000
    assert draws[common][stayed].max() < draws[common][~stayed].min()
    assert np.array(passed)[~common].all()


def test_too_many_classes_are_refused() -> None:
    names = [f"c{place}" for place in range(1001)]
    whole = pa.table({"class": names, "draw": np.arange(1001, dtype=np.uint64), "alive": [True] * 1001})
    with pytest.raises(DataError, match="more than 1000 classes"):
        list(bound(Balance()).decide(Kept([whole])))


def test_wrong_options_are_refused() -> None:
    wrong: list[dict[str, Any]] = [
        {"by": "colour"},
        {"ratio": {}},
        {"ratio": {"no": 0.0}},
        {"ratio": {"no": -1.0}},
        {"ratio": {"no": math.nan}},
        {"tolerance": -0.5},
    ]
    for options in wrong:
        with pytest.raises(RecipeError) as caught:
            Balance(**options)
        assert caught.value.allowed
        assert caught.value.fix


def test_classes_that_are_not_there_are_refused() -> None:
    with pytest.raises(RecipeError, match="did you mean 'yes'"):
        bound(Balance(ratio={"yess": 1}))
    with pytest.raises(RecipeError, match="which is no class"):
        bound(Balance(by="label_pair", ratio={"yes": 1}))
    with pytest.raises(RecipeError, match="is a real number"):
        bound(Balance(), pa.field("cost", pa.float64()))
    bound(Balance(by="intervention"), pa.field("cost", pa.float64()))
