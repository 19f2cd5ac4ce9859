from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.engines import Engines
from contrafact.errors import RecipeError
from filters.diversity import Diversity
from filters.embedding_sketch import block_cosines, items_of, quantised
from filters.near_duplicates import NearDuplicates
from tests.filters.texts import bound, decided, edit, passed, scores
from tests.filters.toys import Kept

FOOD = ["The food was good.", "The food was really good.", "The food was good!"]
OTHERS = ["My car broke down on the motorway.", "She teaches physics in Oslo.", "It rained for nine days."]


def unit_vectors(rows: int, width: int, seed: int = 5) -> np.ndarray:
    drawn = np.random.Generator(np.random.Philox(seed)).standard_normal((rows, width)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    return drawn


def sketches_of(vectors: np.ndarray, units: list[int], shard: int = 7, **columns: Any) -> Kept:
    data = {"vector": pa.array([row.tobytes() for row in quantised(vectors)], pa.binary())}
    whole = pa.table({**data, "unit": pa.array(units, pa.uint64()), "alive": [True] * len(units), **columns})
    return Kept([whole.slice(start, shard) for start in range(0, len(units), shard)])


def reference(vectors: np.ndarray, units: list[int], threshold: float) -> list[bool]:
    """Which items stay, one by one, from whole products of integers."""
    small = quantised(vectors).astype(np.int64)
    norms = np.sqrt((small**2).sum(axis=1))
    kept: list[bool] = []
    for row in range(len(units)):
        near = (small[:row] @ small[row]) / (norms[:row] * norms[row])
        rivals = [near[each] for each in range(row) if kept[each] and units[each] != units[row]]
        kept.append(not any(round(float(each), 6) >= threshold for each in rivals))
    return kept


@pytest.mark.parametrize("width", [3, 384, 3000])
def test_cosines_of_bytes_are_exact_and_near_the_true_ones(width: int) -> None:
    vectors = unit_vectors(40, width)
    items = items_of(sketches_of(vectors, list(range(40))), 40)
    every = np.arange(40)
    found = block_cosines(items, every, every)
    small = quantised(vectors).astype(np.int64)
    assert np.abs(small).max() <= 127
    lengths = np.sqrt((small**2).sum(axis=1))
    assert np.abs(found - (small @ small.T) / lengths[:, None] / lengths[None, :]).max() < 3e-7
    mixed = np.random.Generator(np.random.Philox(width)).permutation(40)
    for part in (mixed[:1], mixed[:7], mixed):
        assert np.array_equal(block_cosines(items, part, mixed), found[part][:, mixed])
    assert np.abs(found - vectors.astype(np.float64) @ vectors.T.astype(np.float64)).max() < 0.01


def test_sketches_of_real_texts_keep_their_cosines(engines: Engines) -> None:
    vectors = engines.embedder.encode(FOOD + OTHERS)
    items = items_of(sketches_of(vectors, list(range(6))), 6)
    found = block_cosines(items, np.arange(6), np.arange(6))
    assert np.abs(found - vectors.astype(np.float64) @ vectors.T.astype(np.float64)).max() < 0.002


def test_the_first_of_near_duplicates_stays(engines: Engines) -> None:
    rows = [edit(text, "x") for text in (FOOD[0], OTHERS[0], FOOD[1], OTHERS[1], FOOD[2])]
    answers = decided(NearDuplicates(threshold=0.9), rows, engines)
    assert passed(answers) == [True, True, False, True, False]
    near = scores(answers, "near_duplicates")
    assert np.isnan(near[0])
    assert min(near[2], near[4]) >= 0.9 > max(near[1], near[3])
    assert passed(decided(NearDuplicates(threshold=1.0), rows, engines)) == [True] * 5


def test_pairs_of_one_unit_and_a_pairs_own_members_are_no_duplicates(engines: Engines) -> None:
    rows = [edit(FOOD[0], text, unit_id="one") for text in (FOOD[0], FOOD[1], FOOD[0])]
    for of in ("factual", "counterfactual"):
        assert passed(decided(NearDuplicates(of=of, threshold=0.9), rows, engines)) == [True] * 3
    more = [*rows, edit(FOOD[0], OTHERS[0], unit_id="two"), edit(OTHERS[1], FOOD[0], unit_id="three")]
    assert passed(decided(NearDuplicates(threshold=0.9), more, engines)) == [True] * 3 + [False, True]
    judge = NearDuplicates(threshold=0.9, of="counterfactual")
    assert passed(decided(judge, more, engines)) == [True] * 4 + [False]


def test_rejected_and_failed_pairs_shadow_nobody(engines: Engines) -> None:
    rows = [edit(FOOD[0], "x", accepted=False), edit(FOOD[0], "x"), {"factual": None, "counterfactual": None}]
    answers = decided(NearDuplicates(), rows, engines)
    assert passed(answers) == [True, True, True]
    assert np.isnan(scores(answers, "near_duplicates")).all()
    assert decided(NearDuplicates(), [], engines) == [] or passed(decided(NearDuplicates(), [], engines)) == []


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_verdicts_agree_with_a_slow_reference_whatever_the_shards_and_blocks(threshold: float) -> None:
    class Small(NearDuplicates):
        rows_at_once = 11

    vectors = np.concatenate([unit_vectors(40, 5), unit_vectors(40, 5), unit_vectors(20, 5, seed=6)])
    units = [place // 3 for place in range(100)]
    expected = reference(vectors, units, threshold)
    for kind in (NearDuplicates, Small):
        for shard in (6, 33, 300):
            judge = kind(threshold=threshold)
            judge.alias = "near"
            assert passed(list(judge.decide(sketches_of(vectors, units, shard)))) == expected
    assert 0 < sum(expected) < 100


def test_groups_are_the_components_of_nearness_and_of_the_groups_before() -> None:
    class Small(NearDuplicates):
        rows_at_once = 4

    # 0 and 2 are near, 2 and 4 too, though 0 and 4 are not; 5 shares its old group with 1.
    angles = np.radians([0, 90, 15, 180, 30, 270])
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    old = pa.array([10, 11, 12, 13, 14, 11], pa.uint64())
    names = []
    for kind in (NearDuplicates, Small):
        judge = kind(threshold=0.95, mode="group")
        judge.alias = "near"
        answers = list(judge.decide(sketches_of(vectors, list(range(6)), 3, group=old)))
        assert passed(answers) == [True] * 6
        names.append([name for each in answers if each.groups is not None for name in each.groups.to_pylist()])
        assert judge.regroups()
    assert names[0] == names[1]
    assert names[0][0] == names[0][2] == names[0][4]
    assert names[0][1] == names[0][5]
    assert len(set(names[0])) == 3


def farthest_first(vectors: np.ndarray, keep: int) -> list[int]:
    small = quantised(vectors).astype(np.float64)
    small /= np.linalg.norm(small, axis=1, keepdims=True)
    near = np.round(small @ small.T, 6)
    chosen = [0]
    while len(chosen) < min(keep, len(vectors)):
        rest = [each for each in range(len(vectors)) if each not in chosen]
        chosen.append(min(rest, key=lambda each: (max(near[each][other] for other in chosen), each)))
    return chosen


@pytest.mark.parametrize("keep", [1, 4, 30, 99])
def test_the_choice_is_farthest_first_whatever_the_shards(keep: int) -> None:
    vectors = np.concatenate([unit_vectors(25, 4), unit_vectors(5, 4)])  # the last five repeat the first
    expected = farthest_first(vectors, keep)
    for shard in (4, 40):
        judge = Diversity(keep=keep, per="all")
        judge.alias = "diversity"
        kinds = pa.array([0] * 30, pa.uint64())
        answers = list(judge.decide(sketches_of(vectors, list(range(30)), shard, kind=kinds)))
        assert [row for row, stays in enumerate(passed(answers)) if stays] == sorted(expected)
        assert np.isnan(scores(answers, "diversity")[0])


def test_of_each_unit_the_least_alike_stay(engines: Engines) -> None:
    texts = [FOOD[0], FOOD[1], OTHERS[0], FOOD[2]]
    rows = [edit("Here.", text, unit_id=unit) for unit in ("one", "two") for text in texts]
    answers = decided(Diversity(keep=2), rows, engines, shard=4)
    assert passed(answers) == [True, False, True, False] * 2
    near = scores(answers, "diversity")
    assert near[:4] == pytest.approx(near[4:], nan_ok=True)
    assert near[1] > near[2]


def test_of_each_label_the_least_alike_stay(engines: Engines) -> None:
    rows = [
        edit("a", FOOD[0], label=0),
        edit("b", FOOD[1], label=1),
        edit("c", FOOD[2], label=0),
        edit("d", OTHERS[0], label=1),
        edit("e", OTHERS[1], label=0),
        edit("f", FOOD[1], label=1, accepted=False),
    ]
    assert passed(decided(Diversity(keep=2, per="label"), rows, engines)) == [True, True, False, True, True, True]
    assert passed(decided(Diversity(keep=1, per="all"), rows, engines)) == [True] + [False] * 4 + [True]
    assert passed(decided(Diversity(keep=9, per="label_pair"), rows, engines)) == [True] * 6


def test_a_choice_of_more_begins_with_the_choice_of_fewer() -> None:
    vectors = unit_vectors(60, 6)
    kinds = pa.array([0] * 60, pa.uint64())
    before: set[int] = set()
    for keep in range(1, 12):
        judge = Diversity(keep=keep, per="all")
        judge.alias = "diversity"
        stays = passed(list(judge.decide(sketches_of(vectors, list(range(60)), kind=kinds))))
        now = {row for row, each in enumerate(stays) if each}
        assert before < now
        before = now


def test_wrong_options_are_refused() -> None:
    with pytest.raises(RecipeError, match="keeps nothing"):
        Diversity(keep=0)
    with pytest.raises(RecipeError, match=r"per cannot be 'units'.*did you mean 'unit'"):
        Diversity(keep=1, per="units")  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="no cosine of texts"):
        NearDuplicates(threshold=0)
    with pytest.raises(RecipeError, match="mode cannot be"):
        NearDuplicates(mode="keep")  # type: ignore[arg-type]
    for judge in (Diversity(keep=1, fields=["body"]), NearDuplicates(fields=["body"])):
        with pytest.raises(RecipeError, match="fields names 'body'"):
            bound(judge)
