"""A dataset changed after the build, with every hash of its files made to agree: ``validate`` finds it still."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contrafact import plugincode
from contrafact.pipeline import run_local
from contrafact.store.splits import assign_splits
from contrafact.validation import validate
from contrafact.validation.checking import _differ
from tests.core.builds import built, toy
from tests.core.test_validation import doctored, one, rewritten, with_column

TRAIN, TEST = "data/train-00000.parquet", "data/test-00000.parquet"
SPLITS = {"train": 0.8, "validation": 0.1, "test": 0.1}
ASTRAY = next(name for name in map(str, range(99)) if assign_splits(pa.array([name]), SPLITS, 0)[0] > 0)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tampering") / "toy"
    built(toy({"fail_every": 9}, rows=60, shard_rows=60), folder)
    return folder


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    shutil.copytree(sound, tmp_path / "toy")
    return tmp_path / "toy"


def replaced(name: str, value: Callable[[Any], Any]) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        values = table[name].to_pylist()
        return with_column(table, name, pa.array([value(values[0]), *values[1:]], table.schema.field(name).type))

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replaced("factual", lambda fact: {"number": fact["number"] + 2}), "the stored values are not what the model"),
        (replaced("exact", lambda _: False), "the stored values are not what the model gives"),
        (replaced("held_fixed", lambda _: ["number"]), "the stored values are not what the model gives"),
        (replaced("exact", lambda _: False), "exact: 52 accepted pairs are, and the manifest says 53"),
        (replaced("label_source", lambda _: "llm"), "label_sources: 'llm' is there 1 times, and the manifest says 0"),
        (replaced("unit_id", lambda _: "nonsense"), "cannot be computed again: ValueError"),
        (replaced("group_id", lambda _: ASTRAY), "pairs that belong to another split by their group_id"),
        (lambda table: table.drop_columns(["exact"]), f"{TRAIN} has no exact"),
    ],
)
def test_a_value_that_every_hash_vouches_for_is_found(
    change: Callable[[pa.Table], pa.Table], message: str, copy: Path
) -> None:
    rewritten(copy, TRAIN, change, doctor=True)
    problems = validate(copy).problems
    assert any(message in problem for problem in problems), problems


def test_a_pair_in_two_splits_is_found_although_its_group_is_another(copy: Path) -> None:
    twice = pq.read_table(copy / TEST).slice(0, 1)
    # Some group that belongs to train, so that the pair seems to be there by right.
    group = pq.read_table(copy / TRAIN)["group_id"][0].as_py()
    twice = with_column(twice, "group_id", pa.array([group]))
    rewritten(copy, TRAIN, lambda table: pa.concat_tables([table.slice(1), twice.cast(table.schema)]), doctor=True)
    problems = validate(copy).problems
    assert "1 pair_ids are there more than once" in problems
    assert any(
        problem in ("1 units are in test and in train", "1 units are in train and in test") for problem in problems
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda manifest: manifest.update(exact=0), "exact: 53 accepted pairs are, and the manifest says 0"),
        (
            lambda manifest: manifest.update(label_sources={"llm": manifest["accepted"]}),
            "label_sources: 'llm' is there 0 times, and the manifest says 53",
        ),
        (lambda manifest: manifest["reasons"].update({"toy: made up": 3}), "reasons: 'toy: made up' is there 0 times"),
        (lambda manifest: manifest["funnel"][0].update(rejected=1), "the funnel's steps reject 1 pairs"),
        (lambda manifest: manifest["funnel"][0].update(judged=61), "the funnel begins with 61 pairs"),
        (lambda manifest: manifest["shards"][0].update(accepted=1), "shard 0: 53 accepted and 7 rejected pairs are"),
        (lambda manifest: manifest["files"][0].update(rows=1), "rows, and the manifest says 1"),
        (lambda manifest: manifest["also"].update({"toy: made up": 3}), "also: 'toy: made up' is there 0 times"),
        (lambda manifest: manifest["overlap"]["held_out"]["test"].update(in_train=1), "overlap: held-out pairs in the"),
        (lambda manifest: manifest.pop("overlap"), "{'validation': 0, 'test': 0}, and the manifest says None"),
        (lambda manifest: manifest.update(usage={}), "usage: the manifest has one, and no pair stands on a paid reply"),
    ],
)
def test_a_number_of_the_manifest_is_counted_again(
    change: Callable[[dict[str, Any]], Any], message: str, copy: Path
) -> None:
    doctored(copy, change)
    assert any(message in problem for problem in validate(copy).problems), validate(copy).problems


def test_a_file_that_is_no_table_of_pairs_is_told(copy: Path) -> None:
    rewritten(copy, TRAIN, lambda _: pa.table({"x": [1]}), doctor=True)
    assert any(f"{TRAIN} has no pair_id, unit_id" in problem for problem in validate(copy).problems)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"- a\n- b\n", b"rows: [\n"])
def test_a_recipe_that_is_none_is_told(content: bytes, copy: Path) -> None:
    (copy / "recipe.yaml").write_bytes(content)
    assert "the recipe cannot be made ready" in one(validate(copy))


def test_other_libraries_are_a_note_and_no_problem(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = plugincode.libraries()
    monkeypatch.setattr("contrafact.plan.libraries", lambda: {**now, "numpy": "99.0"})
    monkeypatch.setattr("contrafact.validation.checking.libraries", lambda: {**now, "numpy": "99.0"})
    found = validate(copy)
    assert found.passed
    assert found.recomputed == 53
    assert found.notes == [f"built with numpy {now['numpy']} (here 99.0): the last bits of a number may differ"]


def test_a_complete_dataset_stays_complete_under_other_libraries(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    monkeypatch.setattr("contrafact.plan.libraries", lambda: {"numpy": "99.0"})
    run_local(toy({"fail_every": 9}, rows=60, shard_rows=60), None, copy)
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before


def test_the_tolerance_goes_with_the_size_of_a_columns_values() -> None:
    small = np.array([1e-12, 2e-12, -3e-12])
    assert not _differ(pa.array(small), pa.array(small * (1 + 1e-12))).any()
    assert _differ(pa.array(small), pa.array(small + np.array([0, 0, 1e-15]))).tolist() == [False, False, True]
    large = np.array([1e6, 0.0, -2e6])
    assert not _differ(pa.array(large), pa.array(large + np.array([0, 1e-9, 0]))).any()
    assert _differ(pa.array([np.nan, 1.0]), pa.array([np.nan, np.nan])).tolist() == [False, True]
    assert _differ(pa.array([0.0, 0.0]), pa.array([0.0, 1e-30])).tolist() == [False, True]
    lists = pa.array([["a"], [], None])
    assert _differ(lists, pa.array([["a"], ["b"], None])).tolist() == [False, True, False]
