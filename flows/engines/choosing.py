"""Which engine a build gets: the one that was asked for, else what its stages say of themselves."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from contrafact.errors import UserError, did_you_mean
from contrafact.pipeline import Mapper, Work
from contrafact.plan import Plan
from contrafact.shards import Report
from contrafact.stages import Generator, PairFilter, SetFilter
from contrafact.steps import Step

if TYPE_CHECKING:
    from prefect.task_runners import TaskRunner

    from contrafact.workers.pool import Pool

__all__ = ["ENGINES", "Engine", "Processes", "Threads", "Trial", "check_engine", "keeps_interpreter", "open_engine"]

ENGINES = ("auto", "threads", "processes", "dask", "ray")
_CLUSTERS = ("dask", "ray")
_START_SECONDS = 3.0
"""About what it costs a process to import everything and make its plan."""


class Engine:
    """Where shards are worked on, for as long as it is entered.

    Attributes
    ----------
    clustered : bool
        Whether Prefect's own tasks run there, so that nothing can be built without Prefect.
    """

    clustered = False

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what was started."""

    def over(self, mapper: Mapper) -> Mapper:
        """The mapper, with its steps done where this engine does them."""
        return mapper

    def runner(self) -> TaskRunner[Any]:
        """What Prefect runs a build's tasks on."""
        from prefect.task_runners import ThreadPoolTaskRunner

        return ThreadPoolTaskRunner(max_workers=self.plan.workers)


class Threads(Engine):
    """Threads of this process: for NumPy, Arrow and torch, which let go of the interpreter, and for waiting."""


class Processes(Engine):
    """Processes of this machine: for Python that works row by row and keeps the interpreter to itself.

    Parameters
    ----------
    told : callable
        Is told of workers that died and were replaced.
    trial : bool
        Do a first shard here, and hand the rest on only where it is worth the processes' start.
    """

    def __init__(self, plan: Plan, told: Callable[[str], None] = lambda text: None, *, trial: bool = False) -> None:
        super().__init__(plan)
        self.told = told
        self.trial = Trial(plan.workers) if trial else None
        self._stack = ExitStack()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def over(self, mapper: Mapper) -> Mapper:
        if self.trial is None:
            return self._pool.over(mapper)
        return self.trial.between(mapper, lambda step, shard: self._pool.run(step.job(shard)))

    @cached_property
    def _pool(self) -> Pool:
        from contrafact.workers.pool import processes

        return self._stack.enter_context(processes(self.plan, self.told))


class Trial:
    """One shard that is done here tells whether processes would pay for their start.

    The others wait for it no longer than it takes to know: once it has lasted so long that processes pay, they are
    handed on while it is still at work.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._stages: dict[str, _First] = {}
        self._guard = threading.Lock()

    def between(self, mapper: Mapper, there: Callable[[Step, int], Report]) -> Mapper:
        """The mapper, whose steps are done here or ``there`` as the first one of each stage tells."""

        def run(stage: str, step: Work, shards: Sequence[int]) -> Iterator[Report]:
            if not isinstance(step, Step):
                raise TypeError(f"a step that is data can be handed on, and {step!r} is none")
            first, count = self._stages.setdefault(stage, _First()), len(shards) - 1

            def placed(shard: int) -> Report:
                if step.finished(shard):  # of a resumed build: neither a trial nor worth a process
                    return step(shard)
                with self._guard:
                    tried, first.taken = not first.taken, True
                if tried:
                    return first.do(step, shard)
                return there(step, shard) if self.worth(stage, count) else step(shard)

            return mapper(stage, placed, shards)

        return run

    def worth(self, stage: str, shards: int) -> bool:
        """Whether working on so many shards at a time saves more than a process costs at its start."""
        workers = min(self.workers, shards + 1)
        if workers < 2:
            return False
        enough = _START_SECONDS / (max(shards, 1) * (1 - 1 / workers))
        return self._stages[stage].lasts(enough)


class _First:
    """The first shard of a stage."""

    def __init__(self) -> None:
        self.taken, self.seconds = False, 0.0
        self._done = threading.Event()

    def do(self, step: Step, shard: int) -> Report:
        began = time.monotonic()
        try:
            return step(shard)
        finally:
            self.seconds = time.monotonic() - began
            self._done.set()

    def lasts(self, seconds: float) -> bool:
        """Whether it takes longer than this; answers as soon as that is known."""
        return not self._done.wait(seconds) or self.seconds > seconds


def check_engine(kind: str, address: str | None, *, local: bool = False) -> None:
    """Whether an engine can be had, before anything is made ready for it.

    Parameters
    ----------
    kind : str
        One of :data:`ENGINES`.
    address : str, optional
        Of a Dask scheduler or a Ray head.
    local : bool
        Whether Prefect is to be done without.

    Raises
    ------
    UserError
        For an unknown engine, an address that belongs to no cluster, or one that does not answer.
    MissingDependencyError
        Where the cluster's packages are not installed.
    """
    if kind not in ENGINES:
        raise UserError(f"unknown engine {kind!r}{did_you_mean(kind, ENGINES)}", allowed=", ".join(ENGINES))
    if kind in _CLUSTERS:
        if local:
            raise UserError(
                f"--engine {kind} runs on Prefect's task runner, and --local does without Prefect",
                fix="leave --local out, or use --engine processes",
            )
        from flows.engines.clusters import check_cluster

        check_cluster(kind, address)
    elif address is not None:
        raise UserError(
            f"--address {address} was given, and --engine {kind} needs none", fix="add --engine dask or --engine ray"
        )


def open_engine(
    plan: Plan,
    kind: str = "auto",
    address: str | None = None,
    told: Callable[[str], None] = lambda text: None,
) -> Engine:
    """The engine for a plan, checked before by :func:`check_engine`. Starts nothing yet; to be entered."""
    cores = os.cpu_count() or 1
    if kind not in _CLUSTERS and plan.workers > cores and not plan.engines.asks:
        told(f"{plan.workers} workers share {cores} cores: more than that many only wait for one another")
    if kind == "threads":
        return Threads(plan)
    if kind == "processes":
        return Processes(plan, told)
    if kind in _CLUSTERS:
        from flows.engines.clusters import Cluster

        return Cluster(plan, kind, address)
    return Processes(plan, told, trial=True) if keeps_interpreter(plan) and plan.workers > 1 else Threads(plan)


def keeps_interpreter(plan: Plan) -> bool:
    """Whether threads of this plan would wait for one another.

    That is so where a stage says it (:attr:`contrafact.stages.Generator.keeps_interpreter`), unless stages borrow
    machines: a model or a sandbox works outside the interpreter, and one of each is enough.
    """
    stages: tuple[Generator | PairFilter | SetFilter, ...] = (plan.generator, *plan.filters, *plan.set_filters)
    return not plan.engines.needs and any(each.keeps_interpreter for each in stages)
