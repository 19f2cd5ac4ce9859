"""Worker processes that live as long as a build: each holds the plan, takes one step at a time, and may be killed.

Threads of the build (its own, or Prefect's tasks) hand their step to a free process and wait. A process is started by
running the interpreter anew: no thread or lock of the builder is copied into it, and a script without
``if __name__ == "__main__"`` may build too.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from multiprocessing.connection import Connection
from typing import Any

from contrafact.errors import WorkerError
from contrafact.pipeline import Mapper, Work
from contrafact.plan import Plan
from contrafact.shards import Report
from contrafact.steps import Job, Step
from contrafact.workers.brief import Brief
from contrafact.workers.sharing import Link, Service

__all__ = ["DEATHS", "Pool", "Told", "processes"]

DEATHS = 3
"""How often a worker may die on one shard before the build stops."""

Told = Callable[[str], None]
"""Is told what an operator would want to know: a worker that died and was replaced."""

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from contrafact.workers.process import main; main(int(sys.argv[2]))"
)
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_GRACE_SECONDS = 5.0


class _DiedError(Exception):
    """The process ended while it was needed."""

    def __init__(self, code: int | None) -> None:
        self.code = code
        super().__init__(_how(code))


class _Worker:
    """One process and the line to it. Used by one thread at a time."""

    def __init__(self, brief: Brief, threads: int) -> None:
        ours, theirs = socket.socketpair()
        # Each process takes its share of the cores for what computes on several threads.
        environment = {**dict.fromkeys(_THREADS, str(threads)), **os.environ}
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603  # this very Python
                [sys.executable, "-c", _START, json.dumps(sys.path), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno() if _has_handle(sys.stderr) else subprocess.DEVNULL,
                env=environment,
            )
        self.line = Connection(ours.detach())
        self.ready = False
        self._told = (brief, threads)

    def run(self, job: Job) -> Report:
        try:
            if not self.ready:
                self._begin()
            self.line.send(job)
            kind, answer = self.line.recv()
        except (OSError, EOFError):
            raise _DiedError(self.ended()) from None
        if kind == "error":
            raise answer
        report: Report = answer
        return report

    def _begin(self) -> None:
        self.line.send(self._told)
        kind, answer = self.line.recv()
        if kind == "error":
            raise answer
        self.ready = True

    def ended(self) -> int | None:
        """End it at once, whatever it does; gives how it ended."""
        self.line.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(timeout=0.5)
        self.process.kill()
        return self.process.wait()

    def dismiss(self) -> None:
        """Let it close what it started, and end."""
        with contextlib.suppress(OSError):
            self.line.send(None)

    def wait(self) -> None:
        """Come back when it ended; a while after it was dismissed it is made to."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=_GRACE_SECONDS if self.ready else 0)
        self.ended()


class Pool:
    """As many processes as a plan has workers, each started when it is first needed. Safe to call from several threads.

    Parameters
    ----------
    link : Link
        Where the build's language model answers.
    told : callable, optional
    """

    def __init__(self, plan: Plan, link: Link | None = None, told: Told = lambda text: None) -> None:
        workers = min(plan.workers, plan.shards)
        self.plan, self.told, self._link = plan, told, link
        self._threads = max(1, (os.cpu_count() or 1) // workers)
        self._free: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        self._all: set[_Worker] = set()
        self._guard, self._closed = threading.Lock(), False
        for _ in range(workers):
            self._free.put(None)

    def over(self, mapper: Mapper) -> Mapper:
        """The mapper, with every step done in a free process instead of the thread that takes it.

        Only steps of :func:`contrafact.pipeline.build` can be handed on.
        """

        def run(stage: str, step: Work, shards: Sequence[int]) -> Iterator[Report]:
            if not isinstance(step, Step):
                raise TypeError(f"a step that is data can be handed on, and {step!r} is none")

            def handed(shard: int) -> Report:
                # What is finished is looked at here: a resumed build needs no process for it.
                return step(shard) if step.finished(shard) else self.run(step.job(shard))

            return mapper(stage, handed, shards)

        return run

    @cached_property
    def brief(self) -> Brief:
        """What the processes are told."""
        return Brief.of(self.plan, self._link)

    def run(self, job: Job) -> Report:
        """Do one step in a free process; in another one where that dies.

        Raises
        ------
        WorkerError
            Where ``DEATHS`` processes died on it.
        ContrafactError
            What the step itself raised.
        """
        for death in range(1, DEATHS + 1):
            worker = self._free.get()
            try:
                worker = worker or self._started()
                report = worker.run(job)
            except _DiedError as died:
                self._drop(worker)
                if death == DEATHS or self._closed:
                    raise _hopeless(job, died) from None
                self.told(f"a worker process {died} on shard {job.shard}: another one makes that shard again")
            except BaseException:
                if worker is not None and worker.ready:
                    self._free.put(worker)
                else:
                    self._drop(worker)
                raise
            else:
                self._free.put(worker)
                return report
        raise AssertionError  # pragma: no cover

    def close(self, *, at_once: bool = False) -> None:
        """End all processes; ``at_once`` also those that are at work."""
        self._closed = True
        with self._guard:
            workers, self._all = self._all, set()
        for worker in workers:
            if at_once:
                worker.process.kill()
            elif worker.ready:
                worker.dismiss()
        for worker in workers:
            worker.wait()

    def pids(self) -> list[int]:
        """Processes that were started and not yet seen to have ended."""
        with self._guard:
            return [worker.process.pid for worker in self._all]

    def _started(self) -> _Worker:
        worker = _Worker(self.brief, self._threads)
        with self._guard:
            self._all.add(worker)
        return worker

    def _drop(self, worker: _Worker | None) -> None:
        """End a process that is of no use, and leave its place to another one."""
        self._free.put(None)
        if worker is not None:
            with self._guard:
                self._all.discard(worker)
            worker.ended()


@contextmanager
def processes(plan: Plan, told: Told = lambda text: None) -> Iterator[Pool]:
    """A pool of ``plan.workers`` processes; a language model stays in this process, which answers for it."""
    service = Service(lambda: plan.engines.llm)
    pool = Pool(plan, service.link, told)
    whole = False
    try:
        yield pool
        whole = True
    finally:
        pool.close(at_once=not whole)
        service.close()


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"ended with code {code}"
    name = signal.Signals(-code).name if -code in {each.value for each in signal.Signals} else str(-code)
    out_of_memory = ", as the system does when memory runs out" if -code == signal.SIGKILL else ""
    return f"was killed ({name}{out_of_memory})"


def _hopeless(job: Job, died: _DiedError) -> WorkerError:
    return WorkerError(
        f"{DEATHS} worker processes died on shard {job.shard}; the last one {died}",
        fix="fewer --workers or a smaller shard_rows if memory ran out; --engine threads shows where it fails",
    )


def _has_handle(stream: Any) -> bool:
    try:
        stream.fileno()
    except (AttributeError, OSError, ValueError):
        return False
    return True
