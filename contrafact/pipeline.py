"""Building a dataset: which shards, in what order, until when. Who runs them is somebody else's business.

A :data:`Mapper` runs one function over shards and gives the reports as they come; ``local_mapper`` does so on a thread
pool, the Prefect flow does so with tasks. Everything else is the same for both, and so are the bytes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from contrafact.deciding import decide
from contrafact.errors import ContrafactError, RunDirectoryError
from contrafact.finishing import complete, describe
from contrafact.plan import Plan, make_plan
from contrafact.readiness import check_engines, check_source
from contrafact.recipe import Recipe
from contrafact.shards import Report
from contrafact.steps import Step
from contrafact.stopping import Stop
from contrafact.store.atomic import storage_errors
from contrafact.store.layout import FORMAT, RunDirectory
from contrafact.store.manifest import load_manifest
from contrafact.store.parquet import StoredFile

__all__ = ["RETRY_SECONDS", "Mapper", "Watch", "Work", "build", "local_mapper", "run_local"]

RETRY_SECONDS = (1, 5, 20)
"""How long to wait before each further try of a step that failed for a transient reason."""

Work = Callable[[int], Report]
"""What a mapper runs on a shard's number; from :func:`build` it is a :class:`contrafact.steps.Step`."""

Watch = Callable[[str, Report], None]
"""Told of every finished step: its stage (``proposed`` or ``finished``) and its report."""


class Mapper(Protocol):
    """Runs ``step`` over shards, several at a time, and yields the reports in any order."""

    def __call__(self, stage: str, step: Work, shards: Sequence[int]) -> Iterator[Report]: ...


def run_local(
    recipe: Recipe, recipe_file: Path | None = None, out: str | Path | None = None, watch: Watch | None = None
) -> dict[str, Any]:
    """Build a dataset without Prefect, and return its manifest. The bytes are those of the flow."""
    plan = make_plan(recipe, recipe_file, out)
    return build(plan, local_mapper(plan.workers), watch)


def build(plan: Plan, mapper: Mapper, watch: Watch | None = None, stop: Stop | None = None) -> dict[str, Any]:
    """Build, or finish building, the plan's dataset.

    Parameters
    ----------
    stop : Stop, optional
        By which another thread or a signal can end the build early: shards in work are finished, no other is begun.

    Returns
    -------
    dict
        The manifest. An unchanged recipe whose dataset is complete costs nothing.

    Raises
    ------
    DataError
        Where the source lacks what the generator reads; nothing was written then.
    EndpointError
        Where a language model is needed and cannot be used; nothing was written then.
    RunDirectoryError
        Where the folder is in use, or is not this recipe's.
    StoppedError
        After ``stop`` was asked for; the same call resumes.
    StorageError
        Where the disk cannot take more; the same call resumes.
    """
    directory = plan.directory
    if not directory.manifest.is_file():
        check_source(plan)
        check_engines(plan)
    with directory.locked():
        if directory.claim(plan.identity, plan.recipe.name, plan.parts, plan.recipe.identity_spec()):
            manifest = _complete_already(directory)
            describe(plan, manifest)
            return manifest
        with storage_errors(directory.path):
            try:
                reports, why = _reports(plan, mapper, watch or (lambda stage, report: None), stop or Stop())
            finally:
                plan.engines.close()
            return complete(plan, reports, why)


def local_mapper(workers: int) -> Mapper:
    """A mapper on a thread pool: NumPy and Arrow let go of the interpreter lock where the work is.

    What is worth trying again is tried again after each of ``RETRY_SECONDS``, as the flow's tasks do.
    """

    def run(stage: str, step: Work, shards: Sequence[int]) -> Iterator[Report]:
        waiting = iter(shards)
        with ThreadPoolExecutor(max_workers=workers, thread_name_prefix=stage) as pool:
            running: set[Future[Report]] = set()
            try:
                for shard in waiting:
                    running.add(pool.submit(_retried, step, shard))
                    if len(running) > workers:
                        done, running = wait(running, return_when=FIRST_COMPLETED)
                        yield from (future.result() for future in done)
                yield from (future.result() for future in running)
            finally:
                for future in running:
                    future.cancel()

    return run


def _retried(step: Work, shard: int) -> Report:
    for seconds in RETRY_SECONDS:
        try:
            return step(shard)
        except ContrafactError as error:
            if not error.transient:
                raise
            time.sleep(seconds)
    return step(shard)


def _complete_already(directory: RunDirectory) -> dict[str, Any]:
    manifest = load_manifest(directory.manifest, FORMAT)
    assert manifest is not None  # noqa: S101  # claim has just read it
    for spec in manifest["files"]:
        if not StoredFile(**spec).intact(directory.path, deep=False):
            raise RunDirectoryError(
                f"{directory.path} says that it is complete, and {spec['path']} is missing or was changed",
                fix=f"contrafact validate {directory.path} lists the damage; delete the folder to build it anew",
            )
    return manifest


def _reports(plan: Plan, mapper: Mapper, watch: Watch, stop: Stop) -> tuple[list[Report], str]:
    def run(stage: str, step: Step, shards: Sequence[int]) -> list[Report]:
        stop.check()
        step = replace(step, stop=stop)
        reports = []
        for report in mapper(stage, step, shards):
            watch(stage, report)
            reports.append(report)
        return sorted(reports, key=lambda report: int(report["shard"]))

    if not plan.staged:
        return run("finished", Step(plan, "propose"), range(plan.shards)), _ended(plan)
    if plan.recipe.accept is None:
        proposed = run("proposed", Step(plan, "propose"), range(plan.shards))
        decide(plan, proposed)
        return run("finished", Step(plan, "finish"), range(plan.shards)), _ended(plan)
    return _until_quota(plan, plan.recipe.accept, run)


def _until_quota(
    plan: Plan, quota: int, run: Callable[[str, Step, Sequence[int]], list[Report]]
) -> tuple[list[Report], str]:
    """Shards in waves until enough pairs are accepted; the first shards that suffice are the dataset.

    A wave may propose more shards than that. Those that cost nothing are no part of the dataset. Those that were paid
    for (a model's replies) are: their pairs are rejected by the quota, so that no paid work vanishes unrecorded.
    """
    proposed: list[Report] = []
    alive: list[int] = []
    while sum(alive) < quota and len(proposed) < plan.shards:
        wave = range(len(proposed), min(plan.shards, len(proposed) + _wave(plan, quota, alive)))
        proposed += run("proposed", Step(plan, "propose"), wave)
        alive = decide(plan, proposed)
    reached = sum(alive) >= quota
    if reached:
        alive = _shortest(plan, proposed, alive, quota)
    needed = len(alive)
    paid = [report["shard"] for report in proposed[needed:] if report["paid"]]
    kept = range(max([needed - 1, *paid]) + 1)
    room = {shard: max(quota - sum(alive[:shard]), 0) for shard in kept}
    reports = run("finished", Step(plan, "finish", room, needed), kept)
    return reports, f"{quota} accepted pairs" if reached else _ended(plan, quota, sum(alive))


def _wave(plan: Plan, quota: int, alive: Sequence[int]) -> int:
    """How many shards to propose next: what the share accepted so far asks for, but no more than doubling.

    It must not depend on the number of workers, or the bytes would.
    """
    if not sum(alive):
        # A quarter of what would do if every unit gave one accepted pair: it may give several.
        return max(-(-quota // (4 * plan.shard_rows)), len(alive))
    missing = (quota - sum(alive)) * len(alive) / sum(alive)
    return max(1, min(len(alive), int(missing * 1.05) + 1))


def _shortest(plan: Plan, proposed: Sequence[Report], alive: Sequence[int], quota: int) -> list[int]:
    """Accepted pairs of each of the first shards that reach the quota by themselves.

    A set filter may judge a part otherwise than the whole (a balance does), so each prefix is decided anew.
    """
    first = int(np.searchsorted(np.cumsum(alive), quota)) + 1
    for needed in range(first, len(proposed)):
        kept = decide(plan, proposed[:needed], quota)
        if sum(kept) >= quota:
            return kept
    return decide(plan, proposed, quota)


def _ended(plan: Plan, quota: int | None = None, accepted: int = 0) -> str:
    there = plan.source.rows()
    short = f"; {accepted} of {quota} pairs were accepted" if quota is not None else ""
    if plan.recipe.rows is not None and (there is None or there >= plan.recipe.rows):
        return f"{plan.recipe.rows} units"
    if there is not None and plan.units == there:
        return f"the source ended after {there} units{short}"
    return f"the budget of {plan.units} units ended{short}"
