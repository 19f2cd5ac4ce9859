"""Deciding a finished dataset again: what comes out is what a build with the new recipe gives."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from contrafact.errors import ContrafactError, RecipeError, RunDirectoryError, UserError
from contrafact.pipeline import run_local
from contrafact.recipe import Recipe, parse_recipe
from contrafact.refiltering import refilter
from contrafact.store.atomic import read_json
from contrafact.store.exchange import exchange
from contrafact.validation import validate
from tests.core.builds import BREAKS, EVERY_OTHER, SMALL, built, every_pair, stored, toy, tree

NOISY = {"model": {"function": "tests/filters/teaching.py:noisy"}}


def taught(minimum: float = 0.25, generator: dict[str, Any] | None = None, **keys: Any) -> Recipe:
    amount = {} if {"accept", "rows"} & keys.keys() else {"rows": 200}
    filters = {"flip": {"use": "label_flip"}, "teacher": {**NOISY, "min": minimum}, **keys.pop("filters", {})}
    use = {"use": "tests.filters.teaching:Swaps", **(generator or {})}
    return parse_recipe({"name": "taught", "generator": use, "filters": filters, **amount, **keys})


def but_manifest(folder: Path) -> dict[str, bytes]:
    return {path: content for path, content in tree(folder).items() if path != "manifest.json"}


def same_as_built(folder: Path, recipe: Recipe, scratch: Path) -> None:
    """The folder holds, byte for byte, what a build of the recipe gives; the manifest also says where it came from."""
    manifest = run_local(recipe, None, scratch)
    found = read_json(folder / "manifest.json")
    assert but_manifest(folder) == but_manifest(scratch)
    assert {**found, "refiltered_from": None} == {**manifest, "refiltered_from": None}
    assert "refiltered_from" in found
    assert validate(folder).problems == []
    assert run_local(recipe, None, folder) == found  # complete already: nothing to do


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"filters": {"once": {"use": "duplicates"}}},
        {"filters": {"even": {"use": "balance"}}, "workers": 1},
        {"generator": {"numbered": False}, "filters": {"once": {"use": "duplicates"}}},
    ],
    ids=["pair filters", "a set filter", "balance", "ids without order"],
)
@pytest.mark.parametrize("minimum", [0.4, 0.1])
def test_another_threshold_gives_what_a_build_gives(tmp_path: Path, more: dict[str, Any], minimum: float) -> None:
    before = run_local(taught(**more), None, tmp_path / "made")
    told, after = refilter(tmp_path / "made", [f"filters.teacher.min={minimum}"])
    assert told == before
    assert (after["accepted"] > before["accepted"]) == (minimum < 0.25)
    assert after["accepted"] + after["rejected"] == after["proposed"] == before["proposed"]
    same_as_built(tmp_path / "made", taught(minimum, **more), tmp_path / "anew")


def test_back_and_forth_is_where_it_began(tmp_path: Path) -> None:
    run_local(taught(), None, tmp_path / "made")
    first = but_manifest(tmp_path / "made")
    refilter(tmp_path / "made", ["filters.teacher.min=0.6"])
    assert but_manifest(tmp_path / "made") != first
    refilter(tmp_path / "made", ["filters.teacher.min=0.25"])
    assert but_manifest(tmp_path / "made") == first


def test_filters_that_need_no_model_may_be_added_changed_and_left_out(tmp_path: Path) -> None:
    filters = {"below": SMALL, "odd": {"use": "label_flip"}}
    built(toy({"fail_every": 7}, filters=filters), tmp_path / "made")
    refilter(tmp_path / "made", ["filters.below.below=12", "filters.more.use=exact"], without=["odd"])
    new = {"below": {**SMALL, "below": 12}, "more": {"use": "exact"}}
    same_as_built(tmp_path / "made", toy({"fail_every": 7}, filters=new), tmp_path / "anew")


def test_what_a_filter_vouched_for_falls_back_to_what_the_generator_said_of_each_pair(tmp_path: Path) -> None:
    use = {"use": "tests.filters.teaching:Vouched"}
    made = run_local(taught(generator=use), None, tmp_path / "made")
    refilter(tmp_path / "made", without=["teacher"])
    bare = parse_recipe({"name": "taught", "rows": 200, "generator": use, "filters": {"flip": {"use": "label_flip"}}})
    same_as_built(tmp_path / "made", bare, tmp_path / "anew")
    left = read_json(tmp_path / "made" / "manifest.json")["label_sources"]
    assert set(left) == {"construction", "teacher", "llm"}
    assert "llm" not in made["label_sources"]


def test_a_hidden_truth_goes_with_its_pair(tmp_path: Path) -> None:
    from contrafact.recipe import load_recipe

    recipe, path = load_recipe("scm_linear", rows=500)
    run_local(recipe, path, tmp_path / "made")
    fields = [column.name for column in stored(tmp_path / "made").schema.field("factual").type]
    added = f"filters.large={{use: effect_size, variable: {fields[-1]}, min: 0.5}}"
    before, after = refilter(tmp_path / "made", [added])
    assert 0 < after["accepted"] < before["accepted"]
    assert validate(tmp_path / "made").problems == []
    assert validate(tmp_path / "made").recomputed == 500
    changed, _ = load_recipe("scm_linear", [added], rows=500)
    same_as_built(tmp_path / "made", changed, tmp_path / "anew")


def test_splits_may_be_cut_anew(tmp_path: Path) -> None:
    run_local(taught(), None, tmp_path / "made")
    refilter(tmp_path / "made", ["splits={train: 0.5, test: 0.5}"])
    same_as_built(tmp_path / "made", taught(splits={"train": 0.5, "test": 0.5}), tmp_path / "anew")


def test_set_filters_and_their_order_of_units_decide_anew(tmp_path: Path) -> None:
    filters = {"small": {**SMALL, "below": 40}, "turn": EVERY_OTHER}
    built(toy(filters=filters), tmp_path / "made")
    refilter(tmp_path / "made", ["filters.small.below=21"])
    assert sorted(row["number"] for row in stored(tmp_path / "made")["factual"].to_pylist()) == list(range(0, 21, 2))


def test_pairs_on_which_a_filter_broke_stay_rejected(tmp_path: Path) -> None:
    filters = {"breaks": {**BREAKS, "every": 9}, "small": SMALL}
    built(toy(filters=filters), tmp_path / "made")
    refilter(tmp_path / "made", ["filters.small.below=40"])
    same_as_built(tmp_path / "made", toy(filters={**filters, "small": {**SMALL, "below": 40}}), tmp_path / "anew")
    broke = [row for row in every_pair(tmp_path / "made").to_pylist() if row["factual"]["number"] % 9 == 0]
    assert all("breaks: failed: RuntimeError: this filter is broken" in row["reasons"] for row in broke)


def test_a_quota_is_filled_anew_from_the_pairs_that_are_there(tmp_path: Path) -> None:
    before = run_local(taught(accept=30), None, tmp_path / "made")
    _, fewer = refilter(tmp_path / "made", ["filters.teacher.min=0.6"])
    assert fewer["proposed"] == before["proposed"]
    assert fewer["accepted"] < 30
    assert fewer["ended"] == f"refiltered: {fewer['accepted']} of 30 pairs were accepted"
    assert fewer["identity_parts"]["refiltered"] == before["identity"]
    _, again = refilter(tmp_path / "made", ["filters.teacher.min=0.0"])
    assert (again["accepted"], again["ended"]) == (30, "30 accepted pairs")
    assert validate(tmp_path / "made").problems == []


def test_another_folder_leaves_the_first_as_it_was(tmp_path: Path) -> None:
    run_local(taught(), None, tmp_path / "made")
    first = tree(tmp_path / "made")
    refilter(tmp_path / "made", ["filters.teacher.min=0.1"], out=tmp_path / "other")
    assert tree(tmp_path / "made") == first
    same_as_built(tmp_path / "other", taught(0.1), tmp_path / "anew")
    with pytest.raises(ContrafactError, match="belongs to another recipe"):
        refilter(tmp_path / "made", ["filters.teacher.min=0.2"], out=tmp_path / "other")


def test_filters_that_go_by_likeness_are_refused_unless_they_may_embed(tmp_path: Path) -> None:
    likeness: dict[str, Any] = {"rows": 24, "shard_rows": 12, "filters": {"near": {"use": "near_duplicates"}}}
    run_local(taught(**likeness), None, tmp_path / "made")
    first = tree(tmp_path / "made")
    with pytest.raises(UserError, match="it judges the set") as error:
        refilter(tmp_path / "made", ["filters.teacher.min=0.1"])
    assert "--embed" in str(error.value.fix)
    assert tree(tmp_path / "made") == first
    refilter(tmp_path / "made", ["filters.teacher.min=0.1"], embed=True)
    same_as_built(tmp_path / "made", taught(0.1, **likeness), tmp_path / "anew")


def test_what_is_left_of_a_killed_run_is_swept_away(tmp_path: Path) -> None:
    run_local(taught(), None, tmp_path / "made")
    left = tmp_path / ".made.refiltering"
    left.mkdir()
    (left / "half").write_text("half", encoding="utf-8")
    refilter(tmp_path / "made", ["filters.teacher.min=0.1"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made"]


@pytest.mark.parametrize(
    ("settings", "without", "kind", "said"),
    [
        (["filters.teacher.model={function: tests/filters/teaching.py:sure}"], [], UserError, "have to ask a model"),
        (["filters.second={use: teacher, model: tests/filters/teaching.py:sure}"], [], UserError, "to ask a model"),
        (["rows=300"], [], RecipeError, "rows cannot change without making the pairs again"),
        (["seed=2", "generator.count=10"], [], RecipeError, "seed, generator cannot change"),
        (["filters.teacher.min=7"], [], RecipeError, "min = 7"),
        (["filters.teacher.mim=0.4"], [], RecipeError, "did you mean 'min'"),
        ([], ["taecher"], RecipeError, "did you mean 'teacher'"),
    ],
)
def test_what_cannot_be_decided_again_is_refused_and_nothing_is_touched(
    tmp_path: Path, settings: Sequence[str], without: Sequence[str], kind: type[ContrafactError], said: str
) -> None:
    run_local(taught(), None, tmp_path / "made")
    first = tree(tmp_path / "made")
    with pytest.raises(kind, match=said):
        refilter(tmp_path / "made", settings, without=without)
    assert tree(tmp_path / "made") == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made"]


def test_a_dataset_that_is_damaged_unfinished_or_by_other_code_is_refused(tmp_path: Path) -> None:
    run_local(taught(), None, tmp_path / "made")
    shutil.copytree(tmp_path / "made", tmp_path / "other")
    with pytest.raises(RunDirectoryError, match=r"has no manifest\.json"):
        refilter(tmp_path / "nowhere")
    recipe = tmp_path / "made" / "recipe.yaml"
    text = recipe.read_text(encoding="utf-8")
    recipe.write_text(text.replace("count: 200", "count: 199").replace("rows: 200", "rows: 201"), encoding="utf-8")
    with pytest.raises(RunDirectoryError, match="was made by something else than what is here now: recipe changed"):
        refilter(tmp_path / "made")
    file = next((tmp_path / "other" / "data").glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(RunDirectoryError, match=f"{file.name} in .* is missing or was changed"):
        refilter(tmp_path / "other")


def test_a_source_that_moved_is_asked_for_only_where_ids_do_not_tell_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, ids in (("numbered", None), ("named", [f"{number * 7919 % 10007:05d}x" for number in range(60)])):
        columns = {"text": [f"a {number} bad" for number in range(60)]} | ({} if ids is None else {"unit_id": ids})
        pa.parquet.write_table(pa.table(columns), f"{name}.parquet")
        recipe = {
            "name": name,
            "rows": 60,
            "source": f"{name}.parquet",
            "generator": "tests.filters.teaching:Rewrites",
            "filters": {"teacher": {"model": {"function": "tests.filters.teaching:noisy"}}},
        }
        run_local(parse_recipe(recipe), None, tmp_path / name)
        (tmp_path / f"{name}.parquet").rename(tmp_path / f"{name}.moved")
    refilter("numbered", ["filters.teacher.min=0.1"])
    with pytest.raises(
        RunDirectoryError, match="do not tell the order of units, and the source cannot be asked"
    ) as error:
        refilter("named", ["filters.teacher.min=0.1"])
    assert "--folder" in str(error.value.fix)
    (tmp_path / "named.moved").rename(tmp_path / "named.parquet")
    refilter("named", ["filters.teacher.min=0.1"])
    assert validate("named").problems == []


def test_two_folders_change_places_with_and_without_the_kernels_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "who").write_text(name, encoding="utf-8")
    exchange(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "one" / "who").read_text(encoding="utf-8") == "two"
    monkeypatch.setattr("contrafact.store.exchange.ctypes.CDLL", lambda *args, **options: object())
    exchange(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "one" / "who").read_text(encoding="utf-8") == "one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]
