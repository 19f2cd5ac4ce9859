"""Worker processes: the same bytes, and what is left of a build when one of them dies."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from contrafact.errors import StageError, WorkerError
from contrafact.pipeline import build, local_mapper, run_local
from contrafact.plan import make_plan
from contrafact.recipe import parse_recipe
from contrafact.steps import Job
from contrafact.workers.pool import processes
from tests.core.builds import EVERY_OTHER, tree
from tests.workers.toys import built_by_processes, of

PLUGIN = """
import pyarrow as pa
from contrafact.record import PairShape, class_label
from contrafact.stages import RowGenerator
from helper import step
from tests.core.toys import Numbers

class Mine(RowGenerator):
    name = "mine"
    shard_rows = 10
    def source(self, seed):
        return Numbers(None)
    def shape(self):
        return PairShape([pa.field("number", pa.int64())], class_label("parity", ["even", "odd"]))
    def make(self, unit, rng):
        number = unit["number"]
        other = number + step(int(rng.integers(1, 9)))
        change = [{"variable": "number", "operation": "do", "before": str(number), "after": str(other), "where": ""}]
        return {"factual": {"number": number}, "counterfactual": {"number": other}, "intervention": change,
                "label": number % 2, "counterfactual_label": other % 2}
"""


@pytest.mark.parametrize(
    "keys", [{}, {"filters": {"half": EVERY_OTHER}}, {"accept": 25, "shard_rows": 10}], ids=["plain", "set", "quota"]
)
def test_processes_give_the_bytes_of_threads(keys: dict[str, Any], tmp_path: Path) -> None:
    recipe = of("Hashed", **keys)
    run_local(recipe, None, tmp_path / "threads")
    manifest, said = built_by_processes(recipe, tmp_path / "processes")
    assert tree(tmp_path / "processes") == tree(tmp_path / "threads")
    assert manifest["rejected"] > 0
    assert said == []


def test_a_file_of_the_users_own_is_loaded_in_each_process(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN)
    (tmp_path / "helper.py").write_text("def step(number):\n    return 2 * number + 1\n")
    spec = {"name": "mine", "rows": 40, "workers": 2, "generator": "mine.py:Mine"}
    recipe, file = parse_recipe(spec), tmp_path / "mine.yaml"
    run_local(recipe, file, tmp_path / "threads")
    plan = make_plan(recipe, file, tmp_path / "processes")
    with processes(plan) as pool:
        build(plan, pool.over(local_mapper(2)))
    assert tree(tmp_path / "processes") == tree(tmp_path / "threads")


def test_a_killed_worker_costs_its_shard_and_is_replaced(tmp_path: Path) -> None:
    counted = tmp_path / "counted"
    counted.mkdir()
    recipe = of("Deadly", generator={"at": 25, "times": 2, "counted": str(counted)})
    manifest, said = built_by_processes(recipe, tmp_path / "out")
    assert manifest["proposed"] == 45
    assert len(list(counted.iterdir())) == 2
    assert len(said) == 2
    assert all("was killed (SIGKILL" in line and "shard 2" in line for line in said), said
    run_local(recipe, None, tmp_path / "alone")
    assert tree(tmp_path / "out") == tree(tmp_path / "alone")


def test_a_shard_that_kills_every_worker_is_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    counted = tmp_path / "counted"
    counted.mkdir()
    recipe = of("Deadly", generator={"at": 44, "times": 9, "counted": str(counted)})
    with pytest.raises(WorkerError, match=r"(?s)3 worker processes died on shard 4; .*SIGKILL.*fewer --workers"):
        built_by_processes(recipe, tmp_path / "out")
    assert len(list(counted.iterdir())) == 3
    assert len(list((tmp_path / "out" / ".work" / "finished").glob("*.json"))) == 4


def test_errors_come_back_as_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="generator 'lost'"):
        built_by_processes(of("Lost"), tmp_path / "lost")
    counted = tmp_path / "counted"
    counted.mkdir()
    manifest, _ = built_by_processes(of("Flaky", generator={"counted": str(counted)}), tmp_path / "flaky")
    assert manifest["proposed"] == 45, "a transient error is tried again"


def test_a_worker_that_would_make_other_pairs_is_refused_by_name(tmp_path: Path) -> None:
    plan = make_plan(of("Hashed"), None, tmp_path / "out")
    plan.parts["libraries"] = "others"  # type: ignore[index]
    with plan.directory.locked(), processes(plan) as pool:
        plan.directory.claim(plan.identity, "toy", plan.parts)
        with pytest.raises(WorkerError, match=r"would make other pairs: libraries differ"):
            pool.run(Job("propose", 0))


def test_a_run_directory_that_the_worker_does_not_see_is_refused(tmp_path: Path) -> None:
    plan = make_plan(of("Hashed"), None, tmp_path / "nowhere")
    with processes(plan) as pool, pytest.raises(WorkerError, match=r"(?s)does not see the run directory .*s3://"):
        pool.run(Job("propose", 0))


def test_finished_shards_need_no_process(tmp_path: Path) -> None:
    recipe = of("Hashed")
    built_by_processes(recipe, tmp_path / "whole")
    plan = make_plan(recipe, None, tmp_path / "out")

    def interrupted(stage: str, report: dict[str, object]) -> None:
        if report["shard"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(plan, local_mapper(1), interrupted)
    with processes(plan) as pool:
        build(plan, pool.over(local_mapper(2)))
        assert pool.pids() == []
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from tests.workers.toys import built_by_processes, of;"
        f"built_by_processes(of('Hashed', generator={{'rounds': 10 ** 6}}), Path({str(tmp_path / 'out')!r}))"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2], env=dict(os.environ))
    try:
        workers = _until(lambda: psutil.Process(parent.pid).children(), 2)
        _until(lambda: list((tmp_path / "out" / ".work").glob("state.json")), 1)
    finally:
        parent.kill()
        parent.wait()
    gone, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    assert len(gone) == 2


def _until(found: object, count: int) -> list[psutil.Process]:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        there: list[psutil.Process] = found()  # type: ignore[operator]
        if len(there) >= count:
            return there
        time.sleep(0.05)
    raise AssertionError("nothing came")
