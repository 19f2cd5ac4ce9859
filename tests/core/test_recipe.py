from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contrafact.errors import RecipeError
from contrafact.recipe import all_recipes, find_recipe, load_recipe, parse_recipe, parse_yaml

PLAIN: dict[str, Any] = {"name": "toy", "rows": 10, "generator": "tests.core.toys:Parity"}


def written(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"row": 3}, r"unknown key 'row' in the recipe \(did you mean 'rows'\?\)"),
        ({"filter": {}}, r"unknown key 'filter' .*did you mean 'filters'"),
        ({"rows": 0}, r"rows: 0 was given, which is not a number above 0"),
        ({"rows": -3}, r"rows: -3 was given, which is not a number above 0"),
        ({"rows": "many"}, r"rows: 'many' was given, which is not a whole number"),
        ({"rows": 1.5}, r"rows: 1\.5 was given, which is not a whole number"),
        ({"rows": True}, r"rows: .*True"),
        ({"rows": None}, r"neither rows nor accept was given\n  allowed: rows .* or accept"),
        ({"accept": 5}, r"rows: 10 and accept: 5 were given\n  allowed: rows .* or accept .*not both"),
        ({"max_units": 5}, r"max_units is the budget of accept"),
        ({"rows": None, "accept": 5, "max_units": 0}, r"max_units: 0 was given, which is not a number above 0"),
        ({"seed": -1}, r"seed: -1 was given, which is not a number from 0 on"),
        ({"seed": 2**63}, r"seed: .* was given, which is not a number below"),
        ({"shard_rows": 0}, r"shard_rows: 0 .*above 0"),
        ({"workers": 0}, r"workers: 0 .*above 0"),
        ({"name": "../elsewhere"}, r"name: '\.\./elsewhere' was given\n  allowed: letters, digits"),
        ({"name": ""}, r"name: "),
        ({"splits": {"train": 0.5, "test": 0.4}}, r"splits: .* sums to 0\.9"),
        ({"splits": {"train": 1.5, "test": -0.5}}, r"splits\.\w+: "),
        ({"splits": {"train": float("nan")}}, r"splits\.train: "),
        ({"splits": {}}, r"splits: \{\} sums to 0\n  allowed: shares .* that sum to 1"),
        ({"splits": {"my split": 1}}, r"splits\.my split: .*\n  allowed: letters, digits"),
        ({"filters": 3}, r"filters: 3 was given\n  allowed: a mapping"),
        ({"filters": {"small": 3}}, r"filters\.small: 3 was given as options"),
        ({"filters": {"small": [1]}}, r"filters\.small: \[1\]"),
        ({"filters": ["small", "small"]}, r"'small'.*twice"),
        ({"filters": [{"a": {}, "b": {}}]}, r"a name, or one 'name: \{options\}'"),
        ({"filters": {"small": {"use": 3}}}, r"filters\.small\.use: 3 was given, which is not a text"),
        ({"generator": None}, r"generator: "),
        ({"generator": {"fail_every": 3}}, r"no 'generator\.use'"),
        ({"generator": 7}, r"generator: "),
        ({"source": 3}, r"source: 3 was given, which is not a mapping or a text"),
        ({"tags": ["a", 5]}, r"tags\.1: 5 was given, which is not a text"),
        ({"filters": {"../../../x": {"use": "small"}}}, r"filters: '\.\./\.\./\.\./x' cannot name a filter"),
        ({"filters": {"x/y": None}}, r"filters: 'x/y' cannot name a filter"),
        ({"filters": {"a b": None}}, r"filters: 'a b' cannot name a filter"),
        ({"filters": {"-x": None}}, r"filters: '-x' cannot name a filter"),
        ({"filters": ["mine.py:Small"]}, r"cannot name a filter[\s\S]*write my_name: \{use: 'mine\.py:Small'\}"),
        ({"filters": {3: {"use": "small"}}}, r"filters: 3 cannot name a filter"),
        ({"filters": {"quota": {"use": "small"}}}, r"filters: 'quota' means something else"),
        ({"filters": {"all": {"use": "small"}}}, r"filters: 'all' means something else"),
    ],
)
def test_a_wrong_recipe_says_what_was_given_and_what_is_allowed(changes: dict[str, Any], message: str) -> None:
    data = {key: value for key, value in {**PLAIN, **changes}.items() if value is not None or key == "generator"}
    with pytest.raises(RecipeError, match=message) as caught:
        parse_recipe(data)
    assert caught.value.exit_code == 2
    assert caught.value.allowed or caught.value.fix


def test_a_mistyped_key_is_told_before_the_one_it_stands_for() -> None:
    with pytest.raises(RecipeError, match=r"unknown key .generater. .*did you mean .generator."):
        parse_recipe({"name": "toy", "rows": 1, "generater": "x"})


def test_a_missing_key_says_what_to_add() -> None:
    with pytest.raises(RecipeError, match=r"no 'generator'") as caught:
        parse_recipe({"name": "toy", "rows": 1})
    assert caught.value.fix == "add generator: …"


@pytest.mark.parametrize(
    "filters",
    [
        {"graph": {}},
        {"graph": None},
        ["graph"],
        [{"graph": None}],
        [{"graph": {"use": "graph"}}],
        {"graph": {"use": "graph"}},
    ],
)
def test_filters_are_written_in_several_ways_that_mean_one(filters: Any) -> None:
    recipe = parse_recipe({**PLAIN, "filters": filters})
    assert recipe.spec()["filters"] == {"graph": {"use": "graph"}}


def test_an_alias_may_name_another_filter() -> None:
    recipe = parse_recipe({**PLAIN, "filters": {"first": {"use": "small", "below": 3}, "second": {"use": "small"}}})
    assert recipe.filters["first"].use == "small"
    assert recipe.filters["first"].options == {"below": 3}
    assert list(recipe.filters) == ["first", "second"]


def test_the_resolved_recipe_reads_back_as_itself() -> None:
    recipe = parse_recipe({**PLAIN, "filters": ["graph"], "citations": ["A & B (2000)"]})
    assert parse_recipe(recipe.spec()) == recipe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nrows: 1\nrows: 2\n", r"key 'rows' is written twice \(line 3\)"),
        ("generator: {use: x, use: y}\n", r"key 'use' is written twice \(line 1\)"),
        ("name: [unclosed\n", r"mine\.yaml is not valid YAML: line 2"),
        ("a: b: c\n", r"not valid YAML: line 1, column 5"),
        ("\tname: a\n", r"not valid YAML"),
        ("? [a, b]\n: 1\n", r"mine\.yaml"),
        ("{}: 1\n", r"mine\.yaml"),
        ("when: !!python/object/apply:os.getcwd []\n", r"not valid YAML"),
        ("a: &x [*x]\n", r"mine\.yaml|unknown key|recursive"),
        ("- a\n- b\n", r"mine\.yaml holds no mapping"),
        ("just words\n", r"mine\.yaml holds no mapping"),
        ("", r"mine\.yaml holds no mapping"),
        ("3: x\nrows: 1\ngenerator: g\n", r"3 was given\n  allowed: keys that are texts"),
    ],
)
def test_what_is_not_a_recipe_is_told_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe(written(tmp_path, text))


def test_a_binary_file_is_told_to_be_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "data.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(RecipeError, match=r"data\.yaml cannot be read"):
        load_recipe(str(path))


def test_anchors_and_merges_work_as_in_other_yaml() -> None:
    text = "base: &base {a: 1, b: 2}\nmine:\n  <<: *base\n  b: 3\n"
    assert parse_yaml(text, "x")["mine"] == {"a": 1, "b": 3}


RECIPE = (
    "rows: 10\ngenerator: {use: tests.core.toys:Parity}\nfilters: {small: {use: s, below: 3}}\nsplits: {train: 1}\n"
)


def test_settings_reach_any_key_and_are_read_as_yaml(tmp_path: Path) -> None:
    settings = [
        "filters.small.below=7",
        "generator.fail_every=2",
        "splits={train: 0.5, test: 0.5}",
        "tags=[a]",
        "tags.0=b",
    ]
    recipe, path = load_recipe(written(tmp_path, RECIPE), settings)
    assert recipe.filters["small"].options == {"below": 7}
    assert recipe.generator.options == {"fail_every": 2}
    assert recipe.splits == {"train": 0.5, "test": 0.5}
    assert recipe.tags == ["b"]
    assert path == tmp_path / "mine.yaml"


def test_a_setting_may_add_what_was_not_there(tmp_path: Path) -> None:
    recipe, _ = load_recipe(
        written(tmp_path, RECIPE), ["filters.graph={}", "filters.other.use=small", "filters.other.x=1"]
    )
    assert list(recipe.filters) == ["small", "graph", "other"]
    assert recipe.filters["other"].options == {"x": 1}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("rows", r"--set 'rows' sets nothing"),
        ("=3", r"sets nothing"),
        ("rows.deep=3", r"--set.*rows"),
        ("citations.x=3", r"'x' is no position|citations"),
        ("tags.4=3", r"'4' is no position in a list of 1"),
        ("rows=[", r"--set rows=\[ is not valid YAML"),
        ("rwos=3", r"unknown key 'rwos' .*did you mean 'rows'"),
        ("generator=3", r"generator"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(setting: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=message):
        load_recipe(written(tmp_path, RECIPE + "citations: [c]\ntags: [t]\n"), [setting])


def test_rows_and_accept_push_each_other_out(tmp_path: Path) -> None:
    path = written(tmp_path, RECIPE)
    recipe, _ = load_recipe(path, accept=4)
    assert (recipe.rows, recipe.accept) == (None, 4)
    recipe, _ = load_recipe(path, ["accept=4", "max_units=9"], rows=3)
    assert (recipe.rows, recipe.accept, recipe.max_units) == (3, None, None)


def test_asking_for_both_at_once_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"rows .*accept .*not both can be"):
        load_recipe(written(tmp_path, RECIPE), rows=3, accept=4)


def test_a_recipe_without_a_name_has_its_files(tmp_path: Path) -> None:
    recipe, _ = load_recipe(written(tmp_path, RECIPE))
    assert recipe.name == "mine"


def test_recipes_are_found_by_name_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_recipe("quickstart").name == "quickstart.yaml"
    names = [path.stem for path in all_recipes()]
    assert len(names) == len(set(names))
    with pytest.raises(RecipeError, match=r"no recipe 'quickstrat' \(did you mean 'quickstart'\?\)") as caught:
        find_recipe("quickstrat")
    assert caught.value.fix == "contrafact list recipes"


def test_a_folders_own_recipe_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "quickstart.yaml").write_text(RECIPE, encoding="utf-8")
    recipe, _ = load_recipe("quickstart")
    assert recipe.generator.use == "tests.core.toys:Parity"
