"""A build that is asked to stop finishes what is in work, begins nothing, and resumes to the same bytes."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from contrafact.errors import StoppedError
from contrafact.pipeline import build, local_mapper, run_local
from contrafact.shards import Report
from contrafact.stopping import Stop
from tests.core.builds import EVERY_OTHER, SMALL, plan_of, toy, tree

RECIPES = {
    "straight": toy({"fail_every": 7}, rows=95, filters={"small": SMALL}),
    "staged": toy({"fail_every": 7}, rows=95, filters={"turn": EVERY_OTHER}),
    "quota": toy(accept=95, shard_rows=10),
}


@pytest.mark.parametrize("kind", RECIPES)
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("after", [0, 1, 3])
def test_stopped_and_resumed_gives_the_same_bytes(kind: str, workers: int, after: int, tmp_path: Path) -> None:
    stop, seen = Stop(), list[Report]()

    def watch(stage: str, report: Report) -> None:
        seen.append(report)
        if len(seen) == after:
            stop.ask()

    if after == 0:
        stop.ask()
    with pytest.raises(StoppedError) as caught:
        build(plan_of(RECIPES[kind], tmp_path / "stopped"), local_mapper(workers), watch, stop)
    assert caught.value.exit_code == 130
    assert len(seen) <= after + workers
    assert not list((tmp_path / "stopped").rglob(".tmp-*"))
    build(plan_of(RECIPES[kind], tmp_path / "stopped"), local_mapper(workers))
    run_local(RECIPES[kind], None, tmp_path / "whole")
    assert tree(tmp_path / "stopped") == tree(tmp_path / "whole")


def test_shards_in_work_are_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, begun, meet = Stop(), list[int](), threading.Barrier(2, timeout=30)
    plan = plan_of(RECIPES["straight"], tmp_path)
    real = plan.generator.generate

    def generate(units: Any, context: Any) -> Any:
        begun.append(context.start)
        if len(begun) <= 2:
            meet.wait()  # both workers are in the middle of a shard
            stop.ask()
        return real(units, context)

    monkeypatch.setattr(plan.generator, "generate", generate)
    with pytest.raises(StoppedError):
        build(plan, local_mapper(2), stop=stop)
    assert sorted(begun) == [0, 10]
    assert sorted(path.stem for path in tmp_path.glob(".work/finished/*.json")) == ["00000", "00001"]


def test_one_stop_may_count_as_another() -> None:
    first = Stop()
    second = Stop(also=first)
    assert not second.asked
    first.ask(143)
    assert second.asked
    assert first.exit_code == 143
    with pytest.raises(StoppedError, match="run the same command: it resumes"):
        second.check()
