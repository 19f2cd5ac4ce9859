"""The Prefect task that works on a shard on a cluster's worker, and the mapper that hands it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from prefect import task
from prefect.futures import PrefectFuture, as_completed

from contrafact.pipeline import Mapper, Work
from contrafact.shards import Report
from contrafact.steps import Job, Step
from contrafact.workers.here import run_here
from flows.retries import SHARD_TASK

__all__ = ["cluster_mapper"]


@task(**SHARD_TASK)
def _elsewhere(stage: str, shard: int, brief: bytes, job: Job) -> Report:
    """One step on one shard, with the worker's own plan."""
    return run_here(brief, job)


def cluster_mapper(brief: Callable[[], bytes], window: int) -> Mapper:
    """A mapper whose tasks run on the flow's task runner, wherever that is.

    Parameters
    ----------
    brief : callable
        Gives the packed brief; asked for when the first task goes out, after the run directory was claimed.
    window : int
        Tasks that are out at a time. A build may have more shards than a scheduler likes to hold.
    """

    def run(stage: str, step: Work, shards: Sequence[int]) -> Iterator[Report]:
        if not isinstance(step, Step):
            raise TypeError(f"a step that is data can be handed on, and {step!r} is none")
        waiting, out = iter(shards), set[PrefectFuture[Any]]()
        for shard in waiting:
            if step.finished(shard):  # a look at the disk, here; no worker need be asked
                yield step(shard)
                continue
            out.add(_elsewhere.submit(stage, shard, brief(), step.job(shard)))
            if len(out) >= window:
                done = next(iter(as_completed(list(out))))
                out.discard(done)
                yield done.result()
        for done in as_completed(list(out)):
            yield done.result()

    return run
