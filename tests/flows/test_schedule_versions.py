"""Dated versions lie beside each other; an extended dataset is the one that a single build would have made."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from contrafact.errors import RunDirectoryError, TransientError
from contrafact.pipeline import run_local
from contrafact.recipe import Recipe
from contrafact.store.exchange import exchange
from contrafact.store.layout import RunDirectory, read_manifest
from flows.schedule import build_version
from flows.scheduling.parameters import RecipeForm
from flows.scheduling.versions import Version, dated, extended, standing
from tests.core.builds import EVERY_OTHER, SMALL, stored, toy, tree


def made(version: Version) -> Path:
    run_local(version.recipe, None, version.build)
    return version.settle()


def test_dated_versions_lie_beside_each_other_and_the_newest_has_a_name(tmp_path: Path) -> None:
    out = tmp_path / "toy"
    for label in ("2026-11-26", "2026-11-27"):
        folder = made(dated(toy(), out, label, fresh=False))
        assert folder == tmp_path / f"toy-{label}"
        assert (tmp_path / "toy-latest").resolve() == folder
    assert sorted(path.name for path in tmp_path.iterdir()) == ["toy-2026-11-26", "toy-2026-11-27", "toy-latest"]
    assert tree(tmp_path / "toy-2026-11-26") == tree(tmp_path / "toy-2026-11-27")


def test_a_new_seed_is_the_labels_own_and_repeatable(tmp_path: Path) -> None:
    def seed(label: str, **keys: Any) -> int:
        return dated(toy(**keys), tmp_path / "toy", label, fresh=True).recipe.seed

    assert seed("2026-11-26") == seed("2026-11-26")
    assert len({seed("2026-11-26"), seed("2026-11-27"), seed("2026-11-26", seed=1), 0}) == 4
    assert 0 <= seed("2026-11-26") < 2**63


FUNNEL = {"small": {**SMALL, "below": 60}, "turn": EVERY_OTHER}


@pytest.mark.parametrize(
    ("recipe", "whole"),
    [
        (toy({"fail_every": 7}, rows=25), toy({"fail_every": 7}, rows=75)),
        (toy(rows=25, filters=FUNNEL), toy(rows=75, filters=FUNNEL)),
        (toy(accept=12), toy(accept=36)),
        (toy(accept=12, max_units=40, shard_rows=5), toy(accept=36, max_units=120, shard_rows=5)),
    ],
)
def test_an_extended_dataset_is_the_one_of_a_single_build(recipe: Recipe, whole: Recipe, tmp_path: Path) -> None:
    out = tmp_path / "toy"
    for night in range(3):
        version = extended(recipe, out, f"night {night}")
        assert version is not None
        assert made(version) == out
    run_local(whole, None, tmp_path / "whole")
    assert tree(out) == tree(tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".toy.versions", "toy", "whole"]


def test_old_pairs_keep_their_ids_and_their_split(tmp_path: Path) -> None:
    out, recipe = tmp_path / "toy", toy(rows=50)
    splits = []
    for night in range(2):
        version = extended(recipe, out, str(night))
        assert version is not None
        made(version)
        splits.append(
            {
                pair: path.name.partition("-")[0]
                for path in (out / "data").glob("*.parquet")
                for pair in pq.read_table(path)["pair_id"].to_pylist()
            }
        )
    assert len(splits[0]) == 50
    assert len(splits[1]) == 100
    assert splits[0].items() <= splits[1].items()
    assert stored(out).num_rows == 100


def test_where_the_source_ends_nothing_is_built(tmp_path: Path) -> None:
    out, recipe = tmp_path / "toy", toy({"count": 60}, rows=40)
    for units in (40, 60):
        version = extended(recipe, out, "night")
        assert version is not None
        made(version)
        assert stored(out).num_rows == units
    assert extended(recipe, out, "night") is None


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (toy({"pairs": 2}), "generator changed"),
        (toy(seed=4), "seed changed"),
        (toy(filters={"small": SMALL}), "filters changed"),
        (toy(accept=5), "accept changed"),
    ],
)
def test_another_recipe_is_not_mixed_in(other: Recipe, said: str, tmp_path: Path) -> None:
    out = tmp_path / "toy"
    first = extended(toy(), out, "night")
    assert first is not None
    made(first)
    before = tree(out)
    with pytest.raises(RunDirectoryError, match=said) as caught:
        extended(other, out, "night")
    assert "--dated" in (caught.value.fix or "")
    assert tree(out) == before


def test_what_the_card_says_may_change(tmp_path: Path) -> None:
    out = tmp_path / "toy"
    first = extended(toy(), out, "night")
    assert first is not None
    made(first)
    assert extended(toy(description="better words", tags=["toy"]), out, "night") is not None


def test_readers_see_the_old_dataset_until_the_new_one_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "toy"
    first = extended(toy(rows=20), out, "one")
    assert first is not None
    made(first)
    before = tree(out)
    second = extended(toy(rows=20), out, "two")
    assert second is not None
    run_local(second.recipe, None, second.build)
    assert tree(out) == before
    second.settle()
    assert stored(out).num_rows == 40


def built_and_not_in_its_place(out: Path) -> Version:
    """The second night's version: finished beside the first one's, which readers still see."""
    first = extended(toy(rows=25), out, "0")
    assert first is not None
    made(first)
    second = extended(toy(rows=25), out, "1")
    assert second is not None
    run_local(second.recipe, None, second.build)
    return second


@pytest.mark.parametrize("gone", [[], ["manifest.json"], ["recipe.yaml"]])
def test_a_run_that_was_killed_before_the_old_version_was_removed_stops_no_later_one(
    gone: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "toy"
    version = built_and_not_in_its_place(out)
    exchange(version.build, version.final)  # and there it ended
    for name in gone:
        (version.build / name).unlink()
    third = extended(toy(rows=25), out, "2")
    assert third is not None
    made(third)
    run_local(toy(rows=75), None, tmp_path / "whole")
    assert tree(out) == tree(tmp_path / "whole")


def test_a_version_is_known_as_settled_only_once_it_is_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "toy"
    assert standing(out, "one") == "open"
    for label in ("one", "two"):
        version = extended(toy(rows=25), out, label)
        assert version is not None
        made(version)
        assert standing(out, label) == "settled"
    assert standing(out, "one") == "followed"
    third = extended(toy(rows=25), out, "three")
    assert third is not None
    run_local(third.recipe, None, third.build)
    with monkeypatch.context() as patched:
        patched.setattr("flows.scheduling.versions.exchange", lambda *folders: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            third.settle()
    assert standing(out, "three") == "open"
    again = extended(toy(rows=25), out, "three")
    assert again is not None
    made(again)
    assert standing(out, "three") == "settled"
    assert stored(out).num_rows == 75


def test_a_run_that_failed_in_its_push_only_pushes_when_it_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed: list[int] = []

    def push(folder: Path, repository: str, label: str, *, private: bool) -> str:
        pushed.append(stored(folder).num_rows)
        if len(pushed) == 1:
            raise TransientError("the hub went away")
        return "https://hub/" + label

    out = tmp_path / "toy"
    monkeypatch.setattr("flows.schedule._label", lambda *names: "2026-11-26")
    monkeypatch.setattr("flows.schedule._pushed", push)
    monkeypatch.setattr("flows.schedule._built", lambda version, folder: run_local(version.recipe, None, version.build))
    monkeypatch.setattr("flows.schedule.get_run_logger", lambda: logging.getLogger("toy"))
    arguments: dict[str, Any] = {"mode": "extend", "out": str(out), "push": "me/toy"}
    recipe = RecipeForm.model_validate(toy(rows=25).spec())
    with pytest.raises(TransientError):
        build_version.fn(recipe, **arguments)
    made = build_version.fn(recipe, **arguments)
    assert pushed == [25, 25]
    assert made["pushed"] == "https://hub/2026-11-26"
    assert made["accepted"] == 25


@pytest.mark.parametrize("renames", [1, 2])
def test_a_kill_between_two_renames_leaves_a_name_that_the_next_run_mends(
    renames: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "toy"
    last = built_and_not_in_its_place(out)
    left, rename = [renames], Path.rename

    def killed(path: Path, to: Path) -> Path:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return rename(path, to)

    monkeypatch.setattr("contrafact.store.exchange.ctypes.CDLL", lambda *args, **options: object())
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            last.settle()
        assert out.exists() == (renames == 2)
    if renames == 1:
        with pytest.raises(RunDirectoryError, match="was killed while a new version took its place") as error:
            read_manifest(RunDirectory(out))
        assert f"mv {tmp_path / '.toy.before'} {out}" in str(error.value)
    third = extended(toy(rows=25), out, "2")
    assert third is not None
    made(third)
    run_local(toy(rows=25 * (renames + 1)), None, tmp_path / "whole")
    assert tree(out) == tree(tmp_path / "whole")
    assert not [path for path in tmp_path.iterdir() if path.name in (".toy.before", ".toy.next")]


def test_a_version_that_was_finished_and_not_put_in_its_place_is_not_built_again(tmp_path: Path) -> None:
    out = tmp_path / "toy"
    built_and_not_in_its_place(out)
    there = (out.with_name(".toy.next") / "manifest.json").stat().st_ino
    again = extended(toy(rows=25), out, "2")
    assert again is not None
    made(again)
    assert (out / "manifest.json").stat().st_ino == there
    assert stored(out).num_rows == 50
