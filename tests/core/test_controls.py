"""A control is kept only where its pair is, whoever rejected that; and set filters never judge it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.controls import ALONE, beside, kept_with_pairs
from contrafact.errors import RecipeError
from contrafact.recipe import parse_recipe
from contrafact.refiltering import refilter
from contrafact.stages import RowFilter
from contrafact.validation import validate
from tests.core.builds import EVERY_OTHER, SMALL, built, every_pair, parquet_bytes, stored
from tests.core.controlled import CONTROLLED


def recipe(**keys: Any) -> Any:
    amount = {} if "accept" in keys else {"rows": 45}
    return parse_recipe({"name": "toy", "generator": {"use": CONTROLLED}, **amount, **keys})


def roles(folder: Path) -> tuple[set[str], set[str]]:
    """Accepted pairs, and the pairs of accepted controls."""
    rows = stored(folder).to_pylist()
    return ({row["pair_id"] for row in rows if row["control_of"] is None},
            {row["control_of"] for row in rows if row["control_of"]})  # fmt: skip


def test_the_pair_of_each_control_is_found() -> None:
    pairs = pa.table({"pair_id": ["a/0", "a/1", "b/0"], "control_of": [None, "a/0", "gone/0"]})
    place = beside(pairs)
    assert place is not None
    assert place.tolist() == [-1, 0, -2]
    assert kept_with_pairs(np.array([True, True, True]), place).tolist() == [True, True, False]
    assert kept_with_pairs(np.array([False, True, True]), place).tolist() == [False, False, False]
    none = pairs.set_column(1, "control_of", pa.nulls(3, pa.string()))
    assert beside(none) is None


def test_what_a_pair_filter_rejects_takes_its_control_along(tmp_path: Path) -> None:
    # The toy filter looks at the factual, and rejects pairs and controls alike: let it see pairs alone.
    filters = {"label_flip": {"want": "flip"}, "odd": {"use": "tests.core.test_controls:Targets"}}
    manifest = built(recipe(filters=filters), tmp_path)
    pairs, controlled = roles(tmp_path)
    assert pairs == controlled
    assert len(pairs) == 22
    assert manifest["reasons"] == {"odd: not wanted": 23, ALONE: 23}
    assert {"step": "control", "judged": 67, "rejected": 23} in manifest["funnel"]
    assert validate(tmp_path).problems == []


@pytest.mark.parametrize("workers", [1, 3])
def test_a_set_filter_sees_pairs_alone_and_controls_follow(workers: int, tmp_path: Path) -> None:
    manifest = built(recipe(filters={"turn": EVERY_OTHER}, workers=workers), tmp_path)
    pairs, controlled = roles(tmp_path)
    assert pairs == controlled == {f"n{number}/0" for number in range(0, 45, 2)}
    assert manifest["reasons"] == {"turn: not its turn": 22, ALONE: 22}
    assert validate(tmp_path).problems == []


def test_controls_are_in_the_group_of_their_pair(tmp_path: Path) -> None:
    splits = {"train": 0.6, "test": 0.4}
    built(recipe(filters={"duplicates": {"mode": "group"}}, splits=splits), tmp_path)
    rows = stored(tmp_path).to_pylist()
    group = {row["pair_id"]: row["group_id"] for row in rows}
    assert all(row["group_id"] == group[row["control_of"]] for row in rows if row["control_of"])
    assert validate(tmp_path).problems == []


@pytest.mark.parametrize("accept", [9, 10, 31])
def test_a_quota_counts_what_is_left_and_leaves_no_control_alone(accept: int, tmp_path: Path) -> None:
    manifest = built(recipe(accept=accept, filters={"turn": EVERY_OTHER}), tmp_path)
    pairs, controlled = roles(tmp_path)
    assert manifest["accepted"] == accept == len(pairs) + len(controlled)
    assert controlled <= pairs
    assert every_pair(tmp_path).num_rows == manifest["proposed"]
    assert validate(tmp_path).problems == []


def test_refilter_gives_what_a_build_would_have(tmp_path: Path) -> None:
    built(recipe(filters={"small": {**SMALL, "below": 12}}), tmp_path / "few")
    built(recipe(filters={"small": {**SMALL, "below": 30}}), tmp_path / "many")
    refilter(tmp_path / "few", ["filters.small.below=30"], out=tmp_path / "again")
    again = {path: len(content) for path, content in parquet_bytes(tmp_path / "again").items()}
    assert parquet_bytes(tmp_path / "again") == parquet_bytes(tmp_path / "many"), again
    built(recipe(filters={"turn": EVERY_OTHER}), tmp_path / "turns")
    refilter(tmp_path / "turns", without=["turn"], out=tmp_path / "whole")
    assert stored(tmp_path / "whole").num_rows == 90  # what was only alone is back


class Targets(RowFilter):
    """Rejects pairs of even numbers, and no control."""

    name = "targets"

    def judge_row(self, pair: Mapping[str, Any]) -> tuple[bool, str]:
        return pair["control_of"] is not None or pair["factual"]["number"] % 2 == 1, "not wanted"


@pytest.mark.parametrize("alias", ["control", "quota"])
def test_a_filter_cannot_be_called_as_a_step_of_the_core_is(alias: str) -> None:
    with pytest.raises(RecipeError, match=f"filters: '{alias}' means something else") as found:
        recipe(filters={alias: {"use": "label_flip"}})
    assert found.value.fix is not None
    assert "my_name" in found.value.fix
