"""The Prefect flow that builds a dataset: one task a shard, small reports between tasks, never data.

What a build does is in :mod:`contrafact.pipeline`; this adds visibility, retries of what is worth retrying, and
artifacts: the funnel and a handful of pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.exceptions import CancelledRun
from prefect.futures import as_completed
from prefect.states import Cancelled
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.tasks import Task

from contrafact.errors import ContrafactError
from contrafact.pipeline import RETRY_SECONDS, Watch, build
from contrafact.plan import Plan, make_plan
from contrafact.recipe import load_recipe
from contrafact.shards import Report
from flows.artifacts import artifact_key, funnel_rows, pairs_markdown

__all__ = ["build_dataset", "build_plan"]


def _worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Transient or terminal is a property of the error's class."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, ContrafactError) and error.transient


@task(
    name="shard",
    task_run_name="{stage} shard {shard}",
    retries=len(RETRY_SECONDS),
    retry_delay_seconds=list(RETRY_SECONDS),
    retry_condition_fn=_worth_retrying,
    cache_policy=NO_CACHE,  # the run directory says what is finished; a second truth could only disagree
    persist_result=False,
)
def _shard(stage: str, shard: int, key: int) -> Report | State[Any]:
    """One step on one shard. The step itself stays in this process: only numbers are parameters."""
    step = _STEPS.get(key)
    if step is None:  # another shard failed while this one waited for a thread
        return Cancelled(message="the build stopped before this shard began")
    try:
        return step(shard)
    except Exception as error:
        if not (isinstance(error, ContrafactError) and error.transient):
            _STEPS.pop(key, None)  # at once: the thread that is free now would begin another shard
        raise


_STEPS: dict[int, Callable[[int], Report]] = {}


def _mapper(stage: str, step: Callable[[int], Report], shards: Sequence[int]) -> Iterator[Report]:
    key = id(step)
    _STEPS[key] = step
    try:
        futures = [_shard.submit(stage, shard, key) for shard in shards]
        called_off = None
        for future in as_completed(futures):
            try:
                report = cast("Report", future.result())
            except CancelledRun as error:
                called_off = error  # what it was called off for is still to come, and says more
                continue
            yield report
        if called_off is not None:
            raise called_off
    finally:
        _STEPS.pop(key, None)


def build_plan(plan: Plan, watch: Watch | None = None) -> dict[str, Any]:
    """Build a plan through Prefect, on a thread pool of ``plan.workers``, and return the manifest."""
    # Prefect types a runner by the futures it hands out, and the flow decorator by their common base.
    runner = cast("TaskRunner[Any]", ThreadPoolTaskRunner(max_workers=plan.workers))

    @flow(
        name="contrafact-build",
        flow_run_name="build {name}",
        task_runner=runner,
        persist_result=False,
    )
    def run(name: str, identity: str, recipe: dict[str, Any]) -> dict[str, Any]:
        """The parameters are for the UI; the plan itself stays in this process."""
        manifest = build(plan, mapper=_mapper, watch=watch)
        create_table_artifact(funnel_rows(manifest), key=artifact_key(name, "funnel"), description="Filter funnel")
        create_markdown_artifact(pairs_markdown(plan), key=artifact_key(name, "pairs"), description="Accepted pairs")
        return manifest

    return run(plan.recipe.name, plan.identity, plan.recipe.spec())


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
