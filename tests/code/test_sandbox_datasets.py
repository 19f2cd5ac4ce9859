"""Datasets whose code ran in a sandbox, on another machine: checked protected, refiltered without any."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from contrafact.engines.sandbox import UNPROTECTED
from contrafact.engines.sandbox.isolation import Launcher
from contrafact.errors import MissingDependencyError
from contrafact.pipeline import run_local
from contrafact.plan import make_plan
from contrafact.recipe import parse_recipe
from contrafact.refiltering import refilter
from contrafact.validation import validate
from flows.cli.app import app


def recipe(**sandbox: Any) -> dict[str, Any]:
    return {
        "name": "programs",
        "rows": 3,
        "generator": {"use": "executable"},
        "filters": {"execution": {}},
        "engines": {"sandbox": sandbox},
    }


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bare") / "programs"
    run_local(parse_recipe(recipe(isolation="unprotected")), None, out)
    return out


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each start of a sandbox, whether bubblewrap stood between."""
    found: list[bool] = []
    true = Launcher.command

    def command(launcher: Launcher, *given: Any) -> list[str]:
        found.append(launcher.isolated)
        return true(launcher, *given)

    monkeypatch.setattr(Launcher, "command", command)
    return found


@pytest.fixture
def no_bubblewrap(monkeypatch: pytest.MonkeyPatch) -> None:
    true = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, *given: None if name == "bwrap" else true(name, *given))


@pytest.mark.system("bubblewrap")
def test_a_dataset_that_asks_to_run_bare_is_checked_under_bubblewrap(bare: Path, started: list[bool]) -> None:
    found = validate(bare)
    assert found.passed, found.problems
    assert found.recomputed
    assert started
    assert all(started)


@pytest.mark.usefixtures("no_bubblewrap")
def test_without_bubblewrap_only_who_says_so_runs_it_bare(bare: Path, started: list[bool]) -> None:
    said = CliRunner().invoke(app, ["validate", str(bare)])
    assert said.exit_code == 1
    assert "contrafact validate --unprotected" in " ".join(said.output.split())
    assert started == []
    assert CliRunner().invoke(app, ["validate", str(bare), "--unprotected"]).exit_code == 0
    assert started
    assert not any(started)


@pytest.mark.usefixtures("no_bubblewrap")
def test_refiltering_that_runs_nothing_needs_no_sandbox(bare: Path, started: list[bool], tmp_path: Path) -> None:
    before, after = refilter(bare, ["splits={train: 0.5, test: 0.5}"], out=tmp_path / "again")
    assert after["proposed"] == before["proposed"]
    assert after["identity_parts"]["engines"] == before["identity_parts"]["engines"]
    assert started == []
    assert UNPROTECTED.partition(" (")[0] in " ".join((tmp_path / "again" / "README.md").read_text("utf-8").split())


@pytest.mark.usefixtures("no_bubblewrap")
def test_refiltering_runs_no_code_of_the_dataset_bare(bare: Path, started: list[bool], tmp_path: Path) -> None:
    changes = ["filters.twice={use: execution}"]
    with pytest.raises(MissingDependencyError, match="not run on the bare machine"):
        refilter(bare, changes, out=tmp_path / "again")
    assert started == []


@pytest.mark.usefixtures("no_bubblewrap")
def test_a_build_says_before_any_work_that_it_cannot_run_code() -> None:
    with pytest.raises(MissingDependencyError, match="needs bubblewrap"):
        make_plan(parse_recipe(recipe()))


def test_another_interpreter_is_another_dataset(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = json.loads((bare / "manifest.json").read_text(encoding="utf-8"))["identity_parts"]
    spec = recipe(isolation="unprotected")
    assert make_plan(parse_recipe(spec)).parts == parts
    monkeypatch.setattr("platform.python_version", lambda: "3.99.0")
    other = make_plan(parse_recipe(spec)).parts
    assert [name for name in parts if other[name] != parts[name]] == ["engines"]
