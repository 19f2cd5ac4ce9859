"""Which server a build reports to, and that none is waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

import flows.server
from contrafact.errors import UserError
from contrafact.pipeline import local_mapper, run_local
from contrafact.recipe import load_recipe
from contrafact.shards import Report
from contrafact.stopping import Stop
from flows.headstart import HeadStart
from flows.server import OwnServer, check_server, named_server, own_running_server
from tests.core.builds import EVERY_OTHER, plan_of, toy, tree
from tests.crash.toys import CALLS, DELAY
from tests.flows.commands import ROOT, spawned
from tests.flows.servers import Server, server, until

RECIPE = """
name: toy
rows: 160
shard_rows: 10
workers: 2
generator: {use: "tests.crash.toys:Recorded", fail_every: 7}
filters: {small: {use: "tests.core.toys:Small", below: 150}}
"""


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PREFECT_API_URL", "PREFECT_PROFILE", "PREFECT_PROFILES_PATH", "PREFECT_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", "9")
    monkeypatch.chdir(tmp_path)


def test_a_server_is_named_where_prefect_itself_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert named_server() is None
    profiles = tmp_path / "home" / "profiles.toml"
    profiles.parent.mkdir()
    profiles.write_text(
        'active = "work"\n[profiles.work]\nPREFECT_API_URL = "http://office/api"\n'
        '[profiles.home]\nPREFECT_API_URL = "http://attic/api"\n',
        encoding="utf-8",
    )
    assert named_server() == "http://office/api"
    monkeypatch.setenv("PREFECT_PROFILE", "home")
    assert named_server() == "http://attic/api"
    (tmp_path / "pyproject.toml").write_text('[tool.prefect.api]\nurl = "http://project/api"\n', encoding="utf-8")
    assert named_server() == "http://project/api"
    (tmp_path / "prefect.toml").write_text('[api]\nurl = "http://folder/api"\n', encoding="utf-8")
    assert named_server() == "http://folder/api"
    monkeypatch.setenv("PREFECT_API_URL", "http://environment/api")
    assert named_server() == "http://environment/api"
    monkeypatch.setenv("PREFECT_API_URL", "")
    assert named_server() is None


def test_a_damaged_profile_names_nothing(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "profiles.toml").write_text("active = ", encoding="utf-8")
    assert named_server() is None


@pytest.fixture
def ours(prefect_server: str) -> str:
    return prefect_server


def test_our_own_running_server_is_found_and_nobody_elses(ours: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert own_running_server() is None
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", ours.split(":")[2].removesuffix("/api"))
    assert own_running_server() == ours
    monkeypatch.setattr(os, "getuid", lambda: 424242)
    assert own_running_server() is None


@pytest.mark.parametrize(
    ("version", "outcome"),
    [
        ("2.20.3", "is version 2.20.3, and the client here is"),
        ("4.0.0", "is version 4.0.0, and the client here is"),
        ("3.0.1", None),
        ("3.99.0", None),
    ],
)
def test_versions_that_differ_are_told(
    version: str, outcome: str | None, ours: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check_server(ours) is None
    monkeypatch.setattr(flows.server, "server_version", lambda url: version)
    if outcome is None:
        warning = check_server(ours)
        assert (warning is not None) == (version == "3.0.1")
        assert warning is None or "older than the client's" in warning
        return
    with pytest.raises(UserError, match=outcome) as caught:
        check_server(ours)
    assert "pip install prefect==" in (caught.value.fix or "")


def test_a_named_server_that_is_not_there_is_told_with_the_command() -> None:
    with pytest.raises(UserError, match=r"no Prefect server answers at http://127\.0\.0\.1:9/api") as caught:
        check_server("http://127.0.0.1:9/api")
    assert "prefect server start" in (caught.value.fix or "")


class Build:
    """``contrafact build`` without a server, in a process of its own."""

    def __init__(self, folder: Path, delay: float) -> None:
        self.recipe, self.out, self.calls, self.delay = folder / "toy.yaml", folder / "toy", folder / "calls", delay
        self.recipe.write_text(RECIPE, encoding="utf-8")

    @property
    def settings(self) -> dict[str, Any]:
        return {CALLS: str(self.calls), DELAY: str(self.delay)}

    def run(self) -> Any:
        return spawned("build", self.recipe, "--out", self.out, **self.settings)

    def expected(self, folder: Path) -> dict[str, bytes]:
        os.environ[CALLS] = str(folder / "undisturbed")
        try:
            recipe, path = load_recipe(str(self.recipe))
            run_local(recipe, path, folder / "whole")
        finally:
            del os.environ[CALLS]
        return tree(folder / "whole")

    def shards(self) -> list[int]:
        return sorted(int(line) // 10 for line in self.calls.read_text(encoding="utf-8").split())


def servers_of(process: psutil.Process) -> list[psutil.Process]:
    return [each for each in process.children(recursive=True) if "flows.serverprocess" in each.cmdline()]


def test_a_short_build_does_not_wait_for_its_server(tmp_path: Path) -> None:
    build = Build(tmp_path, 0.0)
    outcome = build.run()
    assert outcome.code == 0, outcome
    assert "the build has begun" in outcome.text
    assert "built before its Prefect server had started" in outcome.text
    assert tree(build.out) == build.expected(tmp_path)
    again = build.run()
    assert again.code == 0
    assert "was complete already" in again.text
    assert "starting" not in again.text


class Late:
    """Our running server, as one that answers only after some shards."""

    seconds = 0.0

    def __init__(self, seen: list[int], after: int) -> None:
        self.seen, self.after = seen, after

    def ready(self) -> bool:
        return len(self.seen) >= self.after


@pytest.mark.usefixtures("ours")
def test_a_long_build_goes_on_through_its_server_when_it_answers(tmp_path: Path) -> None:
    from flows.build import build_plan

    recipe, seen = toy({"fail_every": 7}, rows=400, filters={"turn": EVERY_OTHER}, workers=2), list[int]()

    def slowly(stage: str, report: Report) -> None:
        seen.append(report["shard"])
        time.sleep(0.05)

    head = HeadStart(cast("OwnServer", Late(seen, 5)))
    assert head.build(plan_of(recipe, tmp_path / "toy"), local_mapper(2), slowly, Stop()) is None
    assert 5 <= len(seen) < 40
    early = {path.stem for path in tmp_path.glob("toy/.work/proposed/*.json")}
    assert len(early) >= len(seen)
    build_plan(plan_of(recipe, tmp_path / "toy"))
    run_local(recipe, None, tmp_path / "whole")
    assert tree(tmp_path / "toy") == tree(tmp_path / "whole")


def test_a_killed_build_takes_its_server_with_it(tmp_path: Path) -> None:
    build = Build(tmp_path, 30.0)
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "build", str(build.recipe), "--out", str(build.out)],
        cwd=ROOT,
        env={**os.environ, **build.settings},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        [started] = until(lambda: servers_of(psutil.Process(process.pid)), "no server was started")
        until(build.calls.exists, "the build did not begin before its server answered")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    psutil.wait_procs([started], timeout=20)
    assert not started.is_running()


@pytest.fixture
def leaving(tmp_path: Path) -> Iterator[Server]:
    with server(tmp_path / "leaving") as started:
        yield started


def test_a_server_that_goes_away_costs_no_shard(leaving: Server, tmp_path: Path) -> None:
    build = Build(tmp_path, 0.3)
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", "build", str(build.recipe), "--out", str(build.out)],
        cwd=ROOT,
        env={**os.environ, **build.settings, "PREFECT_API_URL": leaving.api},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until(lambda: build.calls.exists() and len(build.shards()) >= 4, "the build did not get under way")
        leaving.stop()
        began = time.monotonic()
        said, _ = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in said, said
    assert process.returncode in (0, 4), said
    assert "no longer answers" in said, said
    leaving.start()
    again = spawned("build", build.recipe, "--out", build.out, **build.settings, PREFECT_API_URL=leaving.api)
    assert again.code == 0, again
    assert build.shards() == list(range(16)), "no shard was made twice"
    assert tree(build.out) == build.expected(tmp_path)
    assert time.monotonic() - began < 240
