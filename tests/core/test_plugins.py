from __future__ import annotations

import re
import sys
import textwrap
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from contrafact import plugins
from contrafact.errors import DataError, PluginError, RecipeError
from contrafact.plugins import KINDS, create, find, listing
from tests.core.toys import Parity

GENERATOR = """
from tests.core.toys import Parity

class Mine(Parity):
    \"\"\"Mine, with a summary.

    And more.
    \"\"\"
    name = "mine"
"""


def written(folder: Path, text: str, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_every_built_in_can_be_imported_and_says_what_it_is(kind: str) -> None:
    rows = listing(kind)
    assert {row.name for row in rows} >= set(plugins.builtins_of(kind))
    assert all(row.summary for row in rows)


def test_names_are_found_as_built_in_module_and_file(tmp_path: Path) -> None:
    written(tmp_path, GENERATOR)
    assert find("generator", "scm").name == "scm"
    assert find("generator", "tests.core.toys:Parity") is Parity
    assert find("generator", "mine.py:Mine", tmp_path).name == "mine"
    assert find("generator", f"{tmp_path}/mine.py:Mine").name == "mine"


def test_a_file_is_looked_for_beside_the_recipe_and_then_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    beside, here = tmp_path / "beside", tmp_path / "here"
    for folder in (beside, here):
        folder.mkdir()
    written(beside, "WHERE = 'beside'")
    written(here, "WHERE = 'here'")
    written(here, "WHERE = 'only here'", "only.py")
    monkeypatch.chdir(here)
    assert find("scm", "mine.py:WHERE", beside) == "beside"
    assert find("scm", "mine.py:WHERE", None) == "here"
    assert find("scm", "only.py:WHERE", beside) == "only here"


def test_two_files_of_one_name_do_not_meet(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        written(tmp_path / name, f"WHO = {name!r}")
    assert [find("scm", f"{name}/mine.py:WHO", tmp_path) for name in ("a", "b")] == ["a", "b"]


def test_a_dataclass_in_a_file_works(tmp_path: Path) -> None:
    written(tmp_path, "from dataclasses import dataclass\n@dataclass\nclass Point:\n    x: int = 3\n")
    assert find("scm", "mine.py:Point", tmp_path)().x == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("scn", r"no generator is called 'scn' \(did you mean 'scm'\?\)"),
        ("nowhere.py:Mine", r"there is no file 'nowhere\.py'"),
        ("no.such.module:Thing", r"'no\.such\.module' cannot be imported: ModuleNotFoundError"),
        (":Thing", r"cannot be imported"),
        ("tests.core.toys:Parety", r"has no 'Parety' \(did you mean 'Parity'\?\)"),
        ("mine.py:Mien", r"'mine\.py:Mien': .* has no 'Mien' \(did you mean 'Mine'\?\)"),
        ("mine.py:", r"'mine\.py:': .* has no ''"),
    ],
)
def test_what_is_not_found_is_told_with_the_nearest(name: str, message: str, tmp_path: Path) -> None:
    written(tmp_path, GENERATOR)
    with pytest.raises(PluginError, match=message):
        find("generator", name, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def broken(:\n", r"mine\.py cannot be imported: SyntaxError: .*mine\.py, line 1\)$"),
        (
            "import math\nx = 1 / 0\n",
            r"mine\.py cannot be imported: ZeroDivisionError: division by zero \(mine\.py, line 2\)$",
        ),
        ("import no_such_thing_at_all\n", r"mine\.py cannot be imported: ModuleNotFoundError: .*\(mine\.py, line 1\)$"),
        ("raise SystemExit(3)\n", r"mine\.py cannot be imported: SystemExit"),
    ],
)
def test_a_file_that_cannot_be_imported_says_the_authors_line(text: str, message: str, tmp_path: Path) -> None:
    written(tmp_path, text)
    before = set(sys.modules)
    with pytest.raises(PluginError) as caught:
        find("generator", "mine.py:Mine", tmp_path)
    assert re.search(message, caught.value.what)
    assert not {name for name in set(sys.modules) - before if "mine" in name}


def test_an_error_the_author_meant_for_the_user_passes_as_it_is(tmp_path: Path) -> None:
    written(tmp_path, "from contrafact.errors import DataError\nraise DataError('give me the table', fix='this way')\n")
    with pytest.raises(DataError, match="give me the table"):
        find("generator", "mine.py:Mine", tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fial_every": 3}, r"generator has an unknown option 'fial_every' \(did you mean 'fail_every'\?\)"),
        ({"fail_every": "often"}, r"generator\.fail_every: 'often' was given, which is not a whole number"),
        ({"fail_every": [1]}, r"generator\.fail_every: \[1\] was given, which is not a whole number"),
        ({"count": {}}, r"generator\.count: "),
        ({"self": 3}, r"unknown option 'self'"),
    ],
)
def test_options_are_checked_against_the_hints(options: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        create("generator", "tests.core.toys:Parity", options, "generator")


def test_options_that_fit_are_passed_on_and_others_keep_their_default() -> None:
    made = create("generator", "tests.core.toys:Parity", {"fail_every": 3, "count": None}, "generator")
    assert (made.fail_every, made.raise_every, made.count) == (3, 0, None)


def test_a_missing_option_is_named() -> None:
    with pytest.raises(RecipeError, match=r"filters\.small\.below is needed and was not given"):
        create("filter", "tests.core.toys:Small", {}, "filters.small")


def test_an_option_may_be_called_anything(tmp_path: Path) -> None:
    written(
        tmp_path,
        "class Odd:\n    def __init__(self, model_config: int, json: str = 'j', copy=None):\n"
        "        self.all = (model_config, json, copy)\n",
    )
    made = create("scm", "mine.py:Odd", {"model_config": 3, "copy": [1]}, "scm", tmp_path)
    assert made.all == (3, "j", [1])


def test_a_plug_in_that_fails_to_start_says_where(tmp_path: Path) -> None:
    written(tmp_path, "class Bad:\n    def __init__(self):\n        raise KeyError('lost')\n")
    with pytest.raises(
        PluginError, match=r"filter 'mine\.py:Bad' could not be made: KeyError: 'lost' \(mine\.py, line 3\)"
    ):
        create("filter", "mine.py:Bad", {}, "filters.bad", tmp_path)


def test_something_that_cannot_be_called_is_no_plug_in() -> None:
    with pytest.raises(PluginError, match=r"math:pi"):
        create("filter", "math:pi", {}, "filters.pi")


@pytest.fixture
def registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two entry points: one that works, one that is broken."""
    written(tmp_path, GENERATOR, "contrafact_registered.py")
    written(tmp_path, "import no_such_thing_at_all\n", "contrafact_broken.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    group = KINDS["generator"].group
    entries = [
        EntryPoint("registered", "contrafact_registered:Mine", group),
        EntryPoint("broken", "contrafact_broken:Mine", group),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: [each for each in entries if each.group == group])


@pytest.mark.usefixtures("registered")
def test_an_entry_point_is_found_by_its_name() -> None:
    assert find("generator", "registered").name == "mine"


@pytest.mark.usefixtures("registered")
def test_a_broken_entry_point_warns_and_is_left_out_unless_it_is_named() -> None:
    with pytest.warns(
        UserWarning, match=r"left out: generator 'broken' from contrafact_broken:Mine cannot be imported"
    ):
        names = [row.name for row in listing("generator")]
    assert "registered" in names
    assert "broken" not in names
    with pytest.raises(PluginError, match="no_such_thing_at_all"):
        find("generator", "broken")


@pytest.mark.usefixtures("registered")
def test_a_built_in_name_cannot_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = EntryPoint("scm", "contrafact_broken:Mine", KINDS["generator"].group)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [taken])
    assert find("generator", "scm").name == "scm"
