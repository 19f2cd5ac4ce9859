from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.store.splits import assign_splits

SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
GROUPS = pa.array([f"g{number}" for number in range(20_000)])


def test_the_shares_are_met() -> None:
    counts = np.bincount(assign_splits(GROUPS, SHARES, 0), minlength=3) / len(GROUPS)
    np.testing.assert_allclose(counts, list(SHARES.values()), atol=0.01)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(0, 2**62))
def test_a_group_has_one_split_whoever_stands_beside_it(numbers: list[int], seed: int) -> None:
    groups = [f"g{number}" for number in numbers]
    split = assign_splits(pa.array(groups), SHARES, seed)
    alone = [int(assign_splits(pa.array([group]), SHARES, seed)[0]) for group in groups]
    assert split.tolist() == alone


def test_a_grown_dataset_moves_nobody() -> None:
    np.testing.assert_array_equal(
        assign_splits(GROUPS, SHARES, 1)[:500], assign_splits(GROUPS.slice(0, 500), SHARES, 1)
    )


def test_another_seed_splits_otherwise() -> None:
    same = (assign_splits(GROUPS, SHARES, 1) == assign_splits(GROUPS, SHARES, 2)).mean()
    assert same == pytest.approx(0.8**2 + 0.1**2 + 0.1**2, abs=0.02)


@pytest.mark.parametrize(
    "shares", [{"a": 1.0}, {"a": 0.0, "b": 1.0}, {"a": 1.0, "b": 0.0}, dict.fromkeys("abcdefghij", 0.1)]
)
def test_every_group_lands_in_a_split_that_has_a_share(shares: dict[str, float]) -> None:
    split = assign_splits(GROUPS, shares, 3)
    counts = np.bincount(split, minlength=len(shares))
    assert len(counts) == len(shares)
    assert [bool(count) for count in counts] == [share > 0 for share in shares.values()]


def test_the_split_is_the_one_that_was_published() -> None:
    """A dataset that exists must not move pairs from test to train when it is built again."""
    groups = pa.array([f"g{number}" for number in range(12)])
    assert assign_splits(groups, {"train": 0.5, "test": 0.5}, 3).tolist() == [0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1, 1]
