"""Which engine a build gets, what it says of bad input, and that Dask and Ray give the same bytes."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from contrafact.errors import MissingDependencyError, UserError
from contrafact.pipeline import local_mapper
from contrafact.plan import Plan, make_plan
from contrafact.shards import Report
from contrafact.steps import Step
from flows.build import build_plan
from flows.engines import Processes, Threads, check_engine, open_engine
from flows.engines.choosing import Trial, keeps_interpreter
from tests.core.builds import EVERY_OTHER, built, tree
from tests.flows.commands import contrafact
from tests.workers.toys import of

CLUSTERS = ("dask", "ray")


def test_rows_in_python_go_to_processes_and_columns_to_threads(tmp_path: Path) -> None:
    rows = make_plan(of("Hashed"), None, tmp_path / "rows")
    assert keeps_interpreter(rows)
    assert isinstance(open_engine(rows), Processes)
    alone = make_plan(of("Hashed", workers=1), None, tmp_path / "alone")
    assert isinstance(open_engine(alone), Threads)
    for kind in (Threads, Processes):
        assert isinstance(open_engine(rows, kind.__name__.lower()), kind)


def test_an_engine_that_was_borrowed_keeps_a_build_in_threads(tmp_path: Path) -> None:
    plan = make_plan(of("Hashed"), None, tmp_path / "out")
    plan.engines.need("llm", "a test")
    assert isinstance(open_engine(plan), Threads)


@dataclass(frozen=True)
class Timed(Step):
    """A step that takes so long and notes that it was done here."""

    seconds: float = 0.0
    here: ClassVar[list[int]] = []

    def finished(self, shard: int) -> bool:
        return False

    def __call__(self, shard: int) -> Report:
        self.here.append(shard)
        time.sleep(self.seconds)
        return {"shard": shard}


def tried(seconds: float, shards: int, plan: Plan) -> tuple[list[int], list[int]]:
    """Shards that were done here, and those that were handed on."""
    handed: list[int] = []

    def there(step: Step, shard: int) -> Report:
        handed.append(shard)
        return {"shard": shard}

    step = Timed(plan, "propose", seconds=seconds)
    Timed.here.clear()
    reports = list(Trial(2).between(local_mapper(2), there)("proposed", step, range(shards)))
    assert sorted(report["shard"] for report in reports) == list(range(shards))
    return sorted(Timed.here), sorted(handed)


def test_one_shard_tells_whether_processes_would_pay(tmp_path: Path) -> None:
    plan = make_plan(of("Hashed"), None, tmp_path / "out")
    assert tried(0.0, 20, plan) == (list(range(20)), [])
    here, handed = tried(0.1, 400, plan)
    assert len(here) == 1
    assert len(handed) == 399
    assert tried(0.1, 1, plan) == ([0], [])


def test_the_others_do_not_wait_for_a_long_first_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.engines.choosing._START_SECONDS", 0.1)
    plan, order = make_plan(of("Hashed"), None, tmp_path / "out"), []
    step = Timed(plan, "propose", seconds=1.0)

    def there(step: Step, shard: int) -> Report:
        order.append(shard)
        return {"shard": shard}

    reports = Trial(2).between(local_mapper(2), there)("proposed", step, range(6))
    order.extend(-report["shard"] for report in reports)
    assert order.index(0) > order.index(3), "the first shard, 0, ended after others were handed on"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--engine", "dusk"], r"unknown engine 'dusk' \(did you mean 'dask'\?\)"),
        (["--address", "tcp://127.0.0.1:9"], "--engine auto needs none"),
        (["--engine", "dask", "--address", "nowhere"], "'nowhere' is no address of a Dask scheduler"),
        (["--engine", "dask", "--address", "tcp://127.0.0.1:9"], "no Dask scheduler answers at tcp://127.0.0.1:9"),
        (["--engine", "ray", "--address", "ray://127.0.0.1:9"], "no Ray head answers at ray://127.0.0.1:9"),
        (["--engine", "ray", "--local"], "--local does without Prefect"),
        (["--workers", "0"], "workers"),
        (["--out", "s3://bucket"], "names a bucket and no prefix"),
    ],
)
def test_bad_input_is_one_message(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("toy.yaml").write_text("rows: 20\ngenerator: tests.core.toys:Parity\n")
    local = [] if "--engine" in options else ["--local"]
    outcome = contrafact(capsys, "build", "toy.yaml", *local, *options)
    assert outcome.code == 2, outcome
    assert re.search(message, outcome.text), outcome.text
    assert "Traceback" not in outcome.err
    assert not Path("outputs").exists()


def test_more_workers_than_cores_are_told_and_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("toy.yaml").write_text("rows: 20\ngenerator: tests.core.toys:Parity\n")
    outcome = contrafact(capsys, "build", "toy.yaml", "--local", "--workers", 1 + (os.cpu_count() or 1))
    assert outcome.code == 0
    assert "workers share" in outcome.text


def test_a_cluster_whose_package_is_missing_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"(?s)needs prefect-ray.*pip install 'contrafact\[ray\]'"):
        check_engine("ray", None)


def test_workers_elsewhere_need_a_server_that_they_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *given, **more: socket.socket())
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    with pytest.raises(UserError, match="only to be reached from this machine"):
        check_engine("dask", "tcp://10.0.0.7:8786")
    monkeypatch.setenv("PREFECT_API_URL", "http://10.0.0.2:4200/api")
    check_engine("dask", "tcp://10.0.0.7:8786")


@pytest.fixture
def quiet_clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a cluster is left in the home directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RAY_AUTH_TOKEN", "loopback" * 8)


@pytest.mark.parametrize("kind", CLUSTERS)
@pytest.mark.usefixtures("prefect_server", "quiet_clusters")
@pytest.mark.filterwarnings("default")
def test_a_cluster_gives_the_same_bytes_although_a_worker_is_killed(kind: str, tmp_path: Path) -> None:
    counted = tmp_path / "counted"
    counted.mkdir()
    generator = {"at": 25, "times": 1, "counted": str(counted)}
    recipe = of("Deadly", generator=generator, filters={"half": EVERY_OTHER})
    plan = make_plan(recipe, None, tmp_path / "out")
    with open_engine(plan, kind) as engine:
        manifest = build_plan(plan, engine=engine)
    assert len(list(counted.iterdir())) == 1, "a worker was killed"
    assert manifest["proposed"] == 45
    built(recipe, tmp_path / "alone")
    assert tree(tmp_path / "out") == tree(tmp_path / "alone")
