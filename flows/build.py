"""The Prefect flow that builds a dataset: one task a shard, small reports between tasks, never data.

What a build does is in :mod:`contrafact.pipeline`; this adds visibility (a log line a shard, progress, the funnel,
costs and a handful of pairs) and retries of what is worth retrying.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

from prefect import flow, get_run_logger, task
from prefect.client.schemas.objects import State
from prefect.exceptions import CancelledRun
from prefect.futures import as_completed
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Cancelled

from contrafact.errors import ContrafactError, StoppedError
from contrafact.pipeline import Watch, build
from contrafact.plan import Plan, make_plan
from contrafact.recipe import load_recipe
from contrafact.shards import Report
from contrafact.steps import Step
from contrafact.stopping import Stop
from flows.artifacts import Progress, leave_artifacts
from flows.engines import Engine, Threads
from flows.retries import SHARD_TASK
from flows.signals import armed

__all__ = ["build_dataset", "build_plan"]


@task(**SHARD_TASK)
def _shard(stage: str, shard: int, key: int) -> Report | State[Any]:
    """One step on one shard. The step itself stays in this process: only numbers are parameters."""
    step = _STEPS.get(key)
    if step is None:  # another shard failed while this one waited for a thread
        return Cancelled(message="the build stopped before this shard began")
    began = time.monotonic()
    try:
        report = step(shard)
    except StoppedError as stopped:
        return Cancelled(message=stopped.what)
    except Exception as error:
        if not (isinstance(error, ContrafactError) and error.transient):
            _STEPS.pop(key, None)  # at once: the thread that is free now would begin another shard
        raise
    get_run_logger().info(_line(stage, report, time.monotonic() - began))
    return report


_STEPS: dict[int, Callable[[int], Report]] = {}
_WINDOW = 64
"""Tasks that are handed out at a time, more than there are threads: a build may have thousands, which Prefect would all
hold in memory."""


def _line(stage: str, report: Report, seconds: float) -> str:
    """What the log says of one shard."""
    kept = report["accepted"] if "accepted" in report else report["alive"]
    return (
        f"{stage} shard {report['shard']}: {report['units']:,} units, {report['proposed']:,} pairs proposed,"
        f" {kept:,} accepted{' so far' if stage == 'proposed' else ''}, {seconds:.2f} s"
    )


def _mapper(stage: str, step: Callable[[int], Report], shards: Sequence[int]) -> Iterator[Report]:
    key = id(step)
    _STEPS[key] = step
    try:
        waiting = iter(shards)
        out = {_shard.submit(stage, shard, key) for shard in islice(waiting, _WINDOW)}
        called_off = None
        while out:
            future = next(iter(as_completed(list(out))))
            out.discard(future)
            try:
                report = cast("Report", future.result())
            except CancelledRun as error:
                called_off = error  # what it was called off for is still to come, and says more
                continue
            yield report
            if isinstance(step, Step):
                step.stop.check()  # those that wait are dropped at once; those in work are waited for by the runner
            if called_off is None:
                out.update(_shard.submit(stage, each, key) for each in islice(waiting, 1))
        if called_off is not None:
            raise called_off
    finally:
        _STEPS.pop(key, None)


def build_plan(
    plan: Plan, watch: Watch | None = None, stop: Stop | None = None, engine: Engine | None = None
) -> dict[str, Any]:
    """Build a plan through Prefect, with ``plan.workers`` shards at a time, and return the manifest.

    Parameters
    ----------
    stop : Stop, optional
        The run then ends as cancelled, and ``StoppedError`` is raised. Signals are turned into it.
    engine : Engine, optional
        Where shards are worked on, already entered: threads of this process unless it is given.
    """
    place = engine or Threads(plan)
    run = _run.with_options(task_runner=place.runner())
    before = _CURRENT.set(_Build(plan, watch, stop, place))
    try:
        # At its end a run waits for its heartbeat, which sleeps a second at a time. Who watches them sets how often.
        with temporary_settings(set_defaults={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            return cast("dict[str, Any]", run(plan.recipe.name, plan.identity, plan.recipe.spec()))
    except CancelledRun:
        if stop is not None:
            stop.check()
        raise
    finally:
        _CURRENT.reset(before)


@dataclass(frozen=True)
class _Build:
    plan: Plan
    watch: Watch | None
    stop: Stop | None
    engine: Engine


_CURRENT: ContextVar[_Build] = ContextVar("build")


@flow(name="contrafact-build", flow_run_name="build {name}", persist_result=False)
def _run(name: str, identity: str, recipe: dict[str, Any]) -> dict[str, Any] | State[Any]:
    """The parameters are for the UI; the plan itself stays in this process.

    A cluster's task runner sends the flow to its workers with every task, with whatever this function names.
    """
    return _built()


def _built() -> dict[str, Any] | State[Any]:
    current = _CURRENT.get()
    plan, stop = current.plan, current.stop
    began, progress = time.monotonic(), Progress(plan)

    def seen(stage: str, report: Report) -> None:
        progress(stage, report)
        if current.watch is not None:
            current.watch(stage, report)

    try:
        with armed(stop) if stop is not None else nullcontext():  # Prefect has set a handler of its own
            manifest = build(plan, current.engine.over(_mapper), seen, stop)
    except (StoppedError, CancelledRun) as stopped:
        if stop is None or not stop.asked:
            raise
        return Cancelled(message=f"{stopped}: the same command resumes")
    progress.done()
    if progress.shown:
        leave_artifacts(plan, manifest, time.monotonic() - began)
    return manifest


@flow(name="contrafact", flow_run_name="{recipe}", persist_result=False)
def build_dataset(
    recipe: str,
    rows: int | None = None,
    accept: int | None = None,
    out: str | None = None,
    settings: list[str] | None = None,
) -> dict[str, Any]:
    """Build the dataset of a recipe: the flow to schedule and to serve.

    Parameters
    ----------
    recipe : str
        Name or path of the recipe.
    rows, accept : int, optional
        Units, or accepted pairs, instead of what the recipe says.
    out : str, optional
        Run directory.
    settings : list of str, optional
        ``a.b=c`` changes to the recipe.
    """
    read, path = load_recipe(recipe, settings or (), rows=rows, accept=accept)
    return build_plan(make_plan(read, Path(path), out))
