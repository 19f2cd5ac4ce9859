"""What a user may get wrong: one message that says what was given and what to do, exit code 2, and nothing created."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.flows.commands import contrafact, spawned

MODEL: dict[str, Any] = {
    "name": "clinic",
    "variables": {
        "age": {"mechanism": "root", "noise": {"normal": [50, 10]}, "support": {"lower": 0, "upper": 120}},
        "arm": {"mechanism": "categorical", "levels": ["low", "high"], "table": [0.5, 0.5]},
        "dose": {"mechanism": "linear", "weights": {"age": 0.02}, "noise": {"normal": [0, 1]}},
        "cured": {"mechanism": "bernoulli", "probability": "sigmoid(dose)"},
    },
}
GOOD: dict[str, Any] = {
    "name": "bad",
    "rows": 20,
    "generator": {"use": "scm", "scm": MODEL, "interventions": [{"do": {"arm": "another"}}], "label": "cured"},
    "filters": {"graph": {}},
}
VARIABLES = "generator.scm.variables"
REMOVE = object()


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good recipe with one thing changed, by dotted path."""
    recipe = copy.deepcopy(GOOD)
    *parents, last = path.split(".")
    place: Any = recipe
    for parent in parents:
        place = place[int(parent)] if isinstance(place, list) else place[parent]
    if value is REMOVE:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return recipe


def expression(text: str) -> dict[str, Any]:
    return changed(f"{VARIABLES}.dose", {"mechanism": "additive", "expression": text, "noise": "normal"})


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    # The recipe.
    "unknown key": (changed("row", 3), "unknown key 'row' in the recipe (did you mean 'rows'?)"),
    "no rows": (changed("rows", REMOVE), "neither rows nor accept was given"),
    "zero rows": (changed("rows", 0), "rows: 0 was given, which is not a number above 0"),
    "negative rows": (changed("rows", -5), "rows: -5 was given"),
    "rows and accept": (changed("accept", 3), "and not both"),
    "splits": (changed("splits", {"train": 0.5, "test": 0.2}), "sums to 0.7 allowed: shares from 0 to 1 that sum to 1"),
    "unknown generator": (changed("generator.use", "smc"), "no generator is called 'smc' (did you mean 'scm'?)"),
    "unknown filter": (changed("filters", {"grahp": {}}), "no filter is called 'grahp' (did you mean 'graph'?)"),
    "unknown option": (
        changed("generator.intervention", {}),
        "unknown option 'intervention' (did you mean 'interventions'?)",
    ),
    "ill-typed option": (
        changed("generator.per_unit", "some"),
        "generator.per_unit: 'some' was given allowed: 'all' or 'one'",
    ),
    "unknown filter option": (
        changed("filters", {"effect_size": {"mim": 3, "variable": "dose"}}),
        "(did you mean 'min'?)",
    ),
    "ill-typed filter option": (changed("filters", {"effect_size": {"min": "lots", "variable": "dose"}}), "'lots'"),
    "impossible threshold": (changed("filters", {"effect_size": {"min": -1, "variable": "dose"}}), "min"),
    "filter of an unknown variable": (changed("filters", {"effect_size": {"min": 1, "variable": "doze"}}), "'doze'"),
    # The model.
    "cycle": (
        changed(f"{VARIABLES}.age", {"mechanism": "additive", "expression": "0.1 * dose", "noise": "normal"}),
        "the graph has a cycle: ",
    ),
    "unknown parent": (changed(f"{VARIABLES}.dose.weights", {"aeg": 1}), "'aeg' (did you mean 'age'?)"),
    "unknown parent in an expression": (expression("2 * aeg"), "aeg"),
    "unknown mechanism": (changed(f"{VARIABLES}.dose.mechanism", "linaer"), "(did you mean 'linear'?)"),
    "unknown key of a mechanism": (changed(f"{VARIABLES}.dose.weigths", {}), "(did you mean 'weights'?)"),
    "unknown noise": (changed(f"{VARIABLES}.dose.noise", {"normla": [0, 1]}), "normla"),
    "negative spread": (changed(f"{VARIABLES}.dose.noise", {"normal": [0, -1]}), "-1"),
    "table that does not sum to one": (changed(f"{VARIABLES}.arm.table", [0.5, 0.6]), "sum"),
    "negative probability": (changed(f"{VARIABLES}.arm.table", [1.5, -0.5]), "arm"),
    "table of another length": (changed(f"{VARIABLES}.arm.table", [0.2, 0.3, 0.5]), "arm"),
    "no variables": (changed("generator.scm", {"variables": {}}), "has no variables"),
    "no way into a model": (changed("generator.scm", {"varaibles": {}}), "says no way into a model"),
    "import": (expression("__import__('os').system('touch pwned')"), "__import__"),
    "attribute": (expression("age.__class__"), "age.__class__"),
    "tower of powers": (expression("10**10**10"), "10**10**10"),
    "lambda": (expression("(lambda: age)()"), "lambda"),
    "subscript": (expression("age[0]"), "age[0]"),
    "unknown function": (expression("epx(age)"), "epx"),
    "expression that does not parse": (expression("2 * (age"), "2 * (age"),
    "very deep expression": (expression("(" * 300 + "age" + ")" * 300), "dose"),
    "very long expression": (expression("+".join(["age"] * 50_000)), "dose"),
    # What is done to it.
    "no interventions": (changed("generator.interventions", []), "generator.interventions is empty"),
    "unknown operation": (changed("generator.interventions", [{"dO": {"arm": "low"}}]), "unknown operation 'dO'"),
    "intervention on what is not there": (
        changed("generator.interventions", [{"do": {"amr": "low"}}]),
        "no variable 'amr' in 'clinic' (did you mean 'arm'?)",
    ),
    "level that is not there": (
        changed("generator.interventions", [{"do": {"arm": "hihg"}}]),
        "(did you mean 'high'?)",
    ),
    "value outside its bounds": (
        changed("generator.interventions", [{"do": {"age": 130}}]),
        "age = 130 is out of bounds",
    ),
    "value of another kind": (changed("generator.interventions", [{"do": {"age": "old"}}]), "age cannot be 'old'"),
    "not a number": (changed("generator.interventions", [{"do": {"dose": float("nan")}}]), "dose cannot be nan"),
    "another of what has no bounds": (
        changed("generator.interventions", [{"do": {"dose": "another"}}]),
        "it has no bounds",
    ),
    "shift of a level": (
        changed("generator.interventions", [{"shift": {"arm": 1}}]),
        "shift on 'arm', which is categorical",
    ),
    "shift by infinity": (changed("generator.interventions", [{"shift": {"dose": float("inf")}}]), "by inf"),
    "soft that makes a cycle": (
        changed(
            "generator.interventions",
            [{"soft": {"age": {"mechanism": "linear", "weights": {"dose": 1}, "noise": "normal"}}}],
        ),
        "cycle",
    ),
    "unknown domain": (changed("generator.interventions", [{"domain": "north"}]), "north"),
    "unknown label": (
        changed("generator.label", "curde"),
        "'curde' is no variable of 'clinic' (did you mean 'cured'?)",
    ),
    "two operations on one": (
        changed("generator.interventions", [{"do": {"dose": 1}, "shift": {"dose": 1}}]),
        "two operations on 'dose'",
    ),
}


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "bad.yaml"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_message_and_nothing_is_created(
    mistake: str, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, words = MISTAKES[mistake]
    recipe.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    outcome = contrafact(capsys, "build", recipe, "--local")
    assert outcome.code == 2, outcome
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("error: ") == 1
    assert words in outcome.text, outcome.err
    assert "Traceback" not in outcome.text
    assert outcome.out == ""
    assert [path.name for path in recipe.parent.iterdir()] == ["bad.yaml"]


def test_the_recipe_without_a_mistake_builds(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the test above rests on: nothing but the mistake stands in the way."""
    recipe.write_text(yaml.safe_dump(GOOD, sort_keys=False), encoding="utf-8")
    assert contrafact(capsys, "build", recipe, "--local").code == 0
    assert (recipe.parent / "outputs" / "bad" / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: a\nrows: 1\nrows: 2\n", "the key 'rows' is written twice (line 3)"),
        ("name: [a\n", "is not valid YAML: line"),
        ("I am no recipe.\n", "holds no mapping"),
        ("", "holds no mapping"),
        ("\x00\x01\x02", "is not valid YAML"),
        ("generator: !!python/object/apply:os.system ['touch pwned']\n", "is not valid YAML"),
    ],
)
def test_a_file_that_is_no_recipe_is_told(
    text: str, words: str, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe.write_text(text, encoding="utf-8")
    outcome = contrafact(capsys, "build", recipe, "--local")
    assert outcome.code == 2
    assert words in outcome.text
    assert [path.name for path in recipe.parent.iterdir()] == ["bad.yaml"]


PLUGINS = {
    "syntax error": ("class Mine(:\n", "mine.py cannot be imported: SyntaxError: invalid syntax (mine.py, line 1)"),
    "raises at import": ("x = {}['lost']\n", "mine.py cannot be imported: KeyError: 'lost' (mine.py, line 1)"),
    "imports what is not there": ("import nothing_of_the_kind\n", "No module named 'nothing_of_the_kind'"),
    "is empty": ("", "has no 'Mine'"),
    "is no model": ("Mine = 3\n", "'mine.py:Mine' is a int, and no causal model"),
    "fails to start": ("class Mine:\n    def __init__(self):\n        1 / 0\n", "could not be made: ZeroDivisionError"),
    "wants an option": (
        "class Mine:\n    def __init__(self, size: int):\n        pass\n",
        "size is needed and was not given",
    ),
    "has a cycle": (
        (
            "from generators.scm import *\nclass Mine(SCM):\n"
            "    a = Linear({'b': 1}, noise=Normal())\n    b = Linear({'a': 1}, noise=Normal())\n"
        ),
        "the graph has a cycle: ",
    ),
}


@pytest.mark.parametrize("mistake", PLUGINS)
@pytest.mark.parametrize("command", ["build", "validate-scm"])
def test_a_model_file_that_cannot_be_used_is_told(
    mistake: str, command: str, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, words = PLUGINS[mistake]
    (recipe.parent / "mine.py").write_text(text, encoding="utf-8")
    recipe.write_text(yaml.safe_dump(changed("generator.scm", "mine.py:Mine")), encoding="utf-8")
    given = [recipe, "--local"] if command == "build" else ["mine.py:Mine"]
    outcome = contrafact(capsys, command, *given)
    assert outcome.code == 2, outcome
    assert words in outcome.text, outcome.err
    assert "Traceback" not in outcome.text
    assert not (recipe.parent / "outputs").exists()


TABLES = {
    "missing cells": (
        "x,y\n1,2\n,3\nnan,4\n5,\n" + "6,7\n" * 20,
        "missing cells in x (2 rows), y (1 rows); 3 rows of 24 in all",
    ),
    "no rows": ("x,y\n", "no rows"),
    "nothing": ("", "table.csv"),
    "words for numbers": (
        "x,y\n" + "".join(f"{n},word {n}\n" for n in range(80)),
        "column 'y' is text with 80 different values",
    ),
    "a column too few": ("x,z\n" + "1,2\n" * 20, "has a node 'y', and the table no such column"),
    "a column twice": ("x,y,y\n" + "1,2,3\n" * 20, "two columns named"),
    "infinite values": ("x,y\n" + "1,inf\n" * 20 + "2,3\n" * 20, "infinite"),
    "ragged lines": ("x,y\n1,2\n1,2,3\n", "table.csv cannot be read"),
    "too few rows": ("x,y\n1,2\n3,4\n", "2 rows"),
    "dates": ("x,y\n" + "".join(f"{n},2020-01-{n % 28 + 1:02d}\n" for n in range(40)), "column 'y' has type date32"),
}


@pytest.mark.parametrize("mistake", TABLES)
def test_a_table_that_cannot_be_used_names_its_columns_and_rows(
    mistake: str, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, words = TABLES[mistake]
    (recipe.parent / "table.csv").write_text(text, encoding="utf-8")
    data = changed("generator.scm", {"fit": {"table": "table.csv", "graph": [["x", "y"]], "kind": "linear"}})
    data["generator"] |= {"interventions": [{"shift": {"x": 1}}], "label": "y"}
    recipe.write_text(yaml.safe_dump(data), encoding="utf-8")
    outcome = contrafact(capsys, "build", recipe, "--local")
    assert outcome.code == 2, outcome
    assert words in outcome.text, outcome.err
    assert "Traceback" not in outcome.text
    assert not (recipe.parent / "outputs").exists()


@pytest.mark.parametrize("policy", ["drop", "indicator"])
def test_missing_cells_have_a_policy(policy: str, recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"{n},{2 * n + n % 5}\n" for n in range(60))
    (recipe.parent / "table.csv").write_text(f"x,y\n,3\n{rows}", encoding="utf-8")
    fit = {"table": "table.csv", "graph": [["x", "y"]], "kind": "linear", "missing": policy}
    data = changed("generator.scm", {"fit": fit})
    data["generator"] |= {"interventions": [{"shift": {"x": 1}}], "label": "y"}
    recipe.write_text(yaml.safe_dump(data | {"rows": 100}), encoding="utf-8")
    outcome = contrafact(capsys, "build", recipe, "--local")
    assert outcome.code == 0, outcome
    assert f"the source ended after {60 if policy == 'drop' else 61} units" in outcome.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--rows", "0"], "rows: 0 was given, which is not a number above 0"),
        (["--rows", "-3"], "rows: -3 was given"),
        (["--rows", "3", "--accept", "3"], "not both can be"),
        (["--rows", "many"], "Invalid value for '--rows'"),
        (["--workers", "0"], "workers: "),
        (["--seed", "-1"], "seed: "),
        (["--set", "rows"], "--set 'rows' sets nothing"),
        (["--set", "rows.deep=3"], "--set"),
        (["--set", "rwos=3"], "unknown key 'rwos'"),
        (["--set", "generator.lable=x"], "unknown option 'lable' (did you mean 'label'?)"),
        (["--set", "filters.graph=["], "is not valid YAML"),
        (["--nothing"], "--nothing"),
    ],
)
def test_a_wrong_option_is_told(
    arguments: list[str], words: str, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe.write_text(yaml.safe_dump(GOOD), encoding="utf-8")
    outcome = contrafact(capsys, "build", recipe, "--local", *arguments)
    assert outcome.code == 2, outcome
    assert words in outcome.text, outcome
    assert not (recipe.parent / "outputs").exists()


def test_a_folder_that_is_somebody_elses_is_left_alone(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe.write_text(yaml.safe_dump(GOOD), encoding="utf-8")
    foreign = recipe.parent / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("precious", encoding="utf-8")
    outcome = contrafact(capsys, "build", recipe, "--local", "--out", foreign)
    assert outcome.code == 2
    assert "is not a run directory and is not empty (it holds thesis.txt)" in outcome.text
    assert [path.name for path in foreign.iterdir()] == ["thesis.txt"]

    taken = recipe.parent / "taken"
    assert contrafact(capsys, "build", recipe, "--local", "--out", taken).code == 0
    before = {path: path.read_bytes() for path in taken.rglob("*") if path.is_file()}
    outcome = contrafact(capsys, "build", recipe, "--local", "--out", taken, "--seed", 5)
    assert outcome.code == 2
    assert "belongs to another recipe or to another version of it (bad, identity" in outcome.text
    assert "recipe changed (seed was 0, is 5)" in outcome.text, outcome.text
    assert "give --out another folder" in outcome.text
    assert {path: path.read_bytes() for path in taken.rglob("*") if path.is_file()} == before

    outcome = contrafact(capsys, "build", recipe, "--local", "--out", recipe)
    assert outcome.code == 2
    assert "cannot be made a folder: File exists" in outcome.text


def test_a_plug_in_that_always_raises_stops_the_build(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe.write_text("rows: 50\ngenerator: {use: 'tests.core.toys:Parity', raise_every: 1}\n", encoding="utf-8")
    outcome = contrafact(capsys, "build", recipe, "--local")
    assert outcome.code == 2
    assert "generator 'parity' failed on every one of 10 rows: ZeroDivisionError: division by zero" in outcome.text
    assert "Traceback" not in outcome.text
    assert not (recipe.parent / "outputs" / "bad" / "manifest.json").exists()


def test_nothing_accepted_is_no_success(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe.write_text("rows: 50\ngenerator: {use: 'tests.core.toys:Parity', fail_every: 1}\n", encoding="utf-8")
    outcome = contrafact(capsys, "build", recipe, "--local")
    assert outcome.code == 1
    assert "no pair was accepted" in outcome.text
    assert "the first 50 units: raise --rows, or use --accept N" in outcome.text
    assert "parity: does not like this number" in outcome.text
    assert "--accepted" not in outcome.text
    assert " export " not in outcome.text


@pytest.mark.parametrize("through", [[], ["--local"]])
def test_the_real_command_says_it_in_one_message(through: list[str], recipe: Path) -> None:
    recipe.write_text(yaml.safe_dump(MISTAKES["cycle"][0]), encoding="utf-8")
    outcome = spawned("build", recipe, "--out", recipe.parent / "out", *through)
    assert outcome.code == 2
    assert outcome.err.startswith("error: the graph has a cycle: ")
    assert "fix: remove one of these arrows" in outcome.text
    assert "Traceback" not in outcome.text
    assert not (recipe.parent / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["validate", "nowhere"], "nowhere is no run directory"),
        (["list", "recipe"], "there is no list of 'recipe' (did you mean 'recipes'?)"),
        (["preview", "quickstrat"], "no recipe 'quickstrat' (did you mean 'quickstart'?)"),
        (["validate-scm", "clinci"], "no scm is called 'clinci' (did you mean 'clinic'?)"),
        (["validate-scm", "clinic", "--units", "3"], "--units"),
    ],
)
def test_other_commands_are_as_clear(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = contrafact(capsys, *arguments)
    assert outcome.code == 2
    assert words in outcome.text
    assert "Traceback" not in outcome.text
    assert list(tmp_path.iterdir()) == []
