from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contrafact.errors import PluginError, RecipeError, UserError
from contrafact.plan import make_plan
from contrafact.recipe import parse_recipe
from tests.core.builds import EVERY_OTHER, PARITY, SMALL, plan_of, toy


@pytest.mark.parametrize(
    ("recipe", "error", "message"),
    [
        ({"generator": "partiy"}, PluginError, r"no generator is called 'partiy'"),
        ({"generator": "math:pi"}, PluginError, r"math:pi"),
        ({"generator": "tests.core.toys:Small"}, UserError, r"generator\.below|no generator"),
        ({"generator": "tests.core.toys:Numbers"}, UserError, r"generator\.count|no generator"),
        ({"filters": {"smal": {}}}, PluginError, r"no filter is called 'smal'"),
        ({"filters": {"x": {"use": PARITY}}}, PluginError, r"is no filter"),
        ({"filters": {"small": {**SMALL, "above": 3}}}, RecipeError, r"filters\.small has an unknown option 'above'"),
        ({"splits": {"rejected": 1}}, RecipeError, r"a split cannot be called 'rejected'"),
        ({"source": "numbers.csv"}, RecipeError, r"makes its own units, and the recipe names a source as well"),
        ({"generator": {"use": PARITY, "count": 0}}, RecipeError, r"the source has no units"),
        ({"filters": {"support": {}}}, RecipeError, r"filter support: parity does not say which values"),
    ],
)
def test_what_could_not_be_built_is_refused_before_any_work(
    recipe: dict[str, Any], error: type[UserError], message: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(error, match=message):
        make_plan(parse_recipe({"name": "toy", "rows": 10, "generator": PARITY, **recipe}), None, out)
    assert not out.exists()


def test_two_filters_may_not_give_one_score(tmp_path: Path) -> None:
    class_path = tmp_path / "twice.py"
    class_path.write_text(
        "import pyarrow as pa\nfrom tests.core.toys import Small\n"
        "class Same(Small):\n    def score_fields(self):\n        return [pa.field('size', pa.float64())]\n",
        encoding="utf-8",
    )
    use = {"use": f"{class_path}:Same", "below": 3}
    with pytest.raises(RecipeError, match="two filters give the score size"):
        plan_of(toy(filters={"a": use, "b": use}), tmp_path)


def test_planning_writes_nothing(tmp_path: Path) -> None:
    plan_of(toy(filters={"small": SMALL}), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "keys", "units", "shards"),
    [
        ({}, {"rows": 45}, 45, 5),
        ({}, {"rows": 50}, 50, 5),
        ({}, {"rows": 1}, 1, 1),
        ({"count": 12}, {"rows": 45}, 12, 2),
        ({}, {"accept": 3}, 300, 30),
        ({}, {"accept": 3, "max_units": 7}, 7, 1),
        ({"count": 12}, {"accept": 3}, 12, 2),
        ({}, {"rows": 45, "shard_rows": 20}, 45, 3),
    ],
)
def test_units_are_what_was_asked_for_or_what_there_is(
    options: dict[str, Any], keys: dict[str, Any], units: int, shards: int, tmp_path: Path
) -> None:
    plan = plan_of(toy(options, **keys), tmp_path)
    assert (plan.units, plan.shards) == (units, shards)
    spans = [plan.span(shard) for shard in range(shards)]
    assert [start for start, _ in spans] == [0, *(stop for _, stop in spans[:-1])]
    assert spans[-1][1] == units


@pytest.mark.parametrize(
    ("keys", "shard_rows"),
    [
        ({"rows": 10}, 100_000),
        ({"accept": 10}, 256),
        ({"accept": 512}, 256),
        ({"accept": 513}, 512),
        ({"accept": 2000}, 1024),
        ({"accept": 200_001}, 100_000),
        ({"accept": 2000, "shard_rows": 7}, 7),
    ],
)
def test_a_quotas_shards_are_no_larger_than_about_half_of_it(
    keys: dict[str, Any], shard_rows: int, tmp_path: Path
) -> None:
    generator = {"use": "scm", "scm": "clinic", "interventions": {"do": {"age": 50}}, "label": "age"}
    plan = make_plan(parse_recipe({"name": "toy", "generator": generator, **keys}), None, tmp_path)
    assert plan.shard_rows == shard_rows


def test_a_filter_may_not_be_called_as_the_generators_step(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"filters: 'parity' is the generator's step .*\n.*\n  fix: write my_name: "):
        plan_of(toy(filters={"parity": SMALL}), tmp_path)


def test_filters_keep_the_recipes_order_and_names(tmp_path: Path) -> None:
    plan = plan_of(toy(filters={"b": SMALL, "turn": EVERY_OTHER, "a": SMALL}), tmp_path)
    assert [each.alias for each in plan.filters] == ["b", "a"]
    assert [each.alias for each in plan.set_filters] == ["turn"]
    assert [column.name for column in plan.schema.field("scores").type] == ["b", "a", "turn"]
    assert plan.staged
    assert not plan_of(toy(filters={"b": SMALL}), tmp_path).staged


def test_the_folder_is_where_the_recipe_says_unless_out_does(tmp_path: Path) -> None:
    assert make_plan(toy()).directory.path == Path("outputs/toy")
    assert make_plan(toy(output="elsewhere")).directory.path == Path("elsewhere")
    assert make_plan(toy(output="elsewhere"), None, tmp_path).directory.path == tmp_path


def test_a_changed_plug_in_file_is_another_dataset(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    text = "from tests.core.toys import Parity\nclass Mine(Parity):\n    pass\n"
    recipe = parse_recipe({"name": "toy", "rows": 10, "generator": "mine.py:Mine"})
    path.write_text(text, encoding="utf-8")
    before = make_plan(recipe, tmp_path / "recipe.yaml").identity
    path.write_text(text + "# changed\n", encoding="utf-8")
    assert make_plan(recipe, tmp_path / "recipe.yaml").identity != before
