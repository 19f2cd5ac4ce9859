"""The repository around the code: the lock, what may stand in a file, what an import costs, what is left out aloud."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pyarrow as pa
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from contrafact.errors import RecipeError
from contrafact.plugins import create
from tests.conftest import system_packages
from tests.test_layers import HOUSE, PACKAGES, imports_of

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

# Put together from pieces, so that this file does not hold what it looks for.
HOSTS = ("pypi" + r"\.org", "python" + r"hosted\.org", r"download\.py" + r"torch\.org", "ana" + r"conda\.org")
MACHINE = ("/ro" + "ot/", "/wo" + "rk/", "/ho" + r"me/[a-z]", "/Us" + "ers/[A-Za-z]", "file:/" + "//")
INDEXES = ("--index" + "-url", "--extra-index" + "-url", "--find" + "-links", "--trusted" + "-host")


def pinned(text: str) -> dict[str, str]:
    """Releases of a constraints file by canonical name."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines if line)}


LOCK = pinned((ROOT / "constraints.txt").read_text(encoding="utf-8"))


def requirements() -> list[Requirement]:
    """Everything that pyproject.toml asks for, extras too, but for the project's own extras."""
    extras = PROJECT["optional-dependencies"].values()
    texts = [*PROJECT["dependencies"], *(text for extra in extras for text in extra)]
    return [need for need in map(Requirement, texts) if need.name != PROJECT["name"]]


def installed_needs(names: set[str]) -> set[str]:
    """Those names and all that their installed releases need in turn, where that is installed."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        try:
            needs = map(Requirement, distribution(name).requires or [])
        except PackageNotFoundError:
            continue
        found.add(name)
        waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found


@pytest.mark.parametrize("need", requirements(), ids=str)
def test_the_lock_pins_every_dependency_within_its_bounds(need: Requirement) -> None:
    assert canonicalize_name(need.name) in LOCK, "run `make lock`"
    assert need.specifier.contains(LOCK[canonicalize_name(need.name)])


def test_the_lock_pins_what_the_dependencies_need_in_turn() -> None:
    assert installed_needs({need.name for need in requirements()}) - set(LOCK) == set()


def test_the_lock_holds_plain_releases_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    odd = [line for line in lines if not line.startswith("#") and not re.fullmatch(r"[\w.-]+==[\w.!]+", line)]
    assert odd == []
    assert PROJECT["name"] not in LOCK


@pytest.mark.parametrize("variable", ["CDT", "LOCK_PINS"])
def test_the_makefile_and_the_lock_pin_the_same_releases(variable: str) -> None:
    text = re.search(rf"^{variable} := (.+)$", MAKEFILE, re.MULTILINE)
    assert text is not None
    pins = pinned(text[1].replace(" ", "\n"))
    assert pins.items() <= LOCK.items()


def test_the_installed_releases_are_those_of_the_lock() -> None:
    names = installed_needs({need.name for need in requirements()})
    installed = {name: Version(distribution(name).version).public for name in names & set(LOCK)}
    assert {name: version for name, version in installed.items() if version != LOCK[name]} == {}, "run `make test`"


def test_everything_that_the_packages_import_is_declared() -> None:
    declared = {canonicalize_name(need.name) for need in requirements()} | {"cdt"}
    homes = packages_distributions()
    imported = {
        each.target.partition(".")[0]
        for module, (source, package) in HOUSE.items()
        for each in imports_of(source, module, package=package)
    }
    theirs = {"bpy", "mathutils"}  # of Blender's own environment: its NumPy is older than ours
    foreign = imported - set(PACKAGES) - set(sys.stdlib_module_names) - theirs
    undeclared = {name for name in foreign if not declared & {canonicalize_name(home) for home in homes.get(name, [])}}
    assert undeclared == set()


def _search(patterns: tuple[str, ...]) -> str:
    # --no-index searches what git would publish in a checkout and in an unpacked archive alike.
    expressions = [part for pattern in patterns for part in ("-e", pattern)]
    command = ["git", "-c", "safe.directory=*", "grep", "--no-index", "--exclude-standard", "-I", "-n", "-E"]
    found = subprocess.run([*command, *expressions, "--", "."], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode in (0, 1), found.stderr
    return found.stdout


@pytest.mark.system("git")
def test_the_search_reads_the_files_it_should() -> None:
    found = _search(("^name = .contrafact.$", "^set -euo pipefail$"))
    assert {line.partition(":")[0] for line in found.splitlines()} == {"pyproject.toml", ".ci/run"}


@pytest.mark.system("git")
def test_no_file_names_a_registry_or_an_index() -> None:
    assert _search((*HOSTS, *INDEXES)) == ""


@pytest.mark.system("git")
def test_no_file_names_a_path_of_one_machine() -> None:
    assert _search(MACHINE) == ""


@pytest.mark.parametrize("module", sorted(HOUSE))
def test_a_module_says_what_it_is(module: str) -> None:
    assert ast.get_docstring(ast.parse(HOUSE[module][0]))


def test_the_version_is_written_once() -> None:
    from contrafact import __version__

    assert "version" in PROJECT["dynamic"]
    citation = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert citation is not None
    assert citation[1] == __version__


def test_the_citation_file_is_what_its_format_asks() -> None:
    import yaml

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["license"] == PROJECT["license"]
    assert all(author.get("name") or author.get("family-names") for author in citation["authors"])


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    heavy = {"datasets", "networkx", "pandas", "pgmpy", "prefect", "pyarrow.parquet", "scipy", "sklearn", "torch"}
    code = "import json, sys, flows.cli; print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(json.loads(ran.stdout))
    assert "flows.cli" in loaded
    assert loaded & heavy == set()


def test_the_console_command_is_there() -> None:
    module, _, name = PROJECT["scripts"]["contrafact"].partition(":")
    code = f"from {module} import {name}; assert callable({name})"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_filter_of_the_contributing_page_works_as_written(tmp_path: Path) -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    code = re.search(r"^```python\n(.+?)^```$", page, re.MULTILINE | re.DOTALL)
    assert code is not None
    (tmp_path / "direction.py").write_text(code[1], encoding="utf-8")
    made = create("filter", "direction.py:Direction", {"way": "down"}, "filters.direction", tmp_path)
    made.alias = "direction"
    answer = made.judge(pa.table({"label": [1.0, 1.0], "counterfactual_label": [0.5, 3.0]}))
    assert answer.passed.tolist() == [True, False]
    assert answer.reason[1] == "direction: the label did not move down"
    assert answer.scores["direction"].tolist() == [-0.5, 2.0]
    with pytest.raises(RecipeError, match="way"):
        create("filter", "direction.py:Direction", {"way": "sideways"}, "filters.direction", tmp_path)


def test_every_target_of_make_is_explained() -> None:
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))


def test_every_listed_system_package_says_how_to_find_it_and_why() -> None:
    assert {"git", "python3-venv"} <= set(system_packages())


def test_a_bad_line_among_the_system_packages_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "system-packages.txt"
    bad.write_text("git\n", encoding="utf-8")
    with pytest.raises(ValueError, match="binary:NAME"):
        system_packages(bad)


PLANTED = """
import pytest

@pytest.mark.system("present")
def test_with_what_is_here(): pass

@pytest.mark.system("present", "absent-package")
def test_with_what_is_missing(): pass

@pytest.mark.long(bounded=3, full=7)
def test_amount(amount): assert amount == {amount}
"""


def _planted_run(folder: Path, *options: str, ci: str, amount: int = 3) -> tuple[int, str]:
    tests = folder / "tests"
    tests.mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", tests)
    listed = "present  python:json  here\nabsent-package  binary:there-is-no-such-binary  not here\n"
    (folder / "system-packages.txt").write_text(listed, encoding="utf-8")
    (tests / "test_planted.py").write_text(PLANTED.format(amount=amount), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "tests"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CI", ci)
        ran = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout


def test_a_test_without_its_system_package_is_left_out_and_named(tmp_path: Path) -> None:
    code, out = _planted_run(tmp_path, ci="")
    assert code == 0
    assert "2 passed, 1 skipped" in out
    assert "1 left out, for want of system packages: absent-package" in out
    assert "tests/test_planted.py::test_with_what_is_missing" in out
    assert "make system-packages" in out


def test_in_ci_nothing_is_left_out(tmp_path: Path) -> None:
    code, out = _planted_run(tmp_path, ci="true")
    assert code == 1
    assert "2 passed, 1 error" in out
    assert "needs absent-package" in out


def test_a_long_test_runs_in_full_when_asked(tmp_path: Path) -> None:
    code, out = _planted_run(tmp_path, "--long", ci="", amount=7)
    assert code == 0, out


def test_a_package_that_is_not_listed_cannot_be_asked_for(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    shutil.copy(ROOT / "tests" / "conftest.py", tests)
    (tmp_path / "system-packages.txt").write_text("", encoding="utf-8")
    planted = 'import pytest\n@pytest.mark.system("gti")\ndef test_x(): pass\n'
    (tests / "test_planted.py").write_text(planted, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "tests"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "needs 'gti'" in ran.stderr + ran.stdout
