"""One long-lived process that waits for a schedule and builds: a deployment, served."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import resource_tracker
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from contrafact import __version__
from contrafact.errors import UserError
from contrafact.recipe import Recipe
from contrafact.store.lock import Held, Lock
from flows.scheduling.hooks import COMPLETION, FAILURE
from flows.scheduling.reviving import UNDER_WAY, leave_out_missed, revive, watchman
from flows.scheduling.telling import SERVED
from flows.scheduling.times import Timing
from flows.scheduling.versions import Mode

__all__ = ["FLOW", "Service"]

FLOW = "contrafact-schedule"
_TAGS = ["contrafact"]


@dataclass(frozen=True)
class Service:
    """What is served.

    Attributes
    ----------
    name : str
        Of the deployment.
    folder : Path
        Where the recipe's relative paths start.
    out : Path
        Folder of the dataset; in ``dated`` mode its date is added.
    overlap : str
        A run that is due while another is at work: ``wait`` for it, or ``skip`` this one.
    """

    name: str
    recipe: Recipe
    folder: Path
    out: Path
    timing: Timing
    mode: Mode
    fresh: bool = False
    push: str | None = None
    private: bool = True
    overlap: Literal["wait", "skip"] = "wait"
    on_completion: Sequence[str] = ()
    on_failure: Sequence[str] = ()

    def parameters(self) -> dict[str, Any]:
        """Of every run, unless the form is filled in otherwise."""
        return {
            "recipe": self.recipe.spec(),
            "folder": str(self.folder),
            "mode": self.mode,
            "out": str(self.out),
            "push": self.push,
            "private": self.private,
            "timezone": self.timing.timezone,
            "versions": self.timing.precision(),
            "fresh": self.fresh,
        }

    def serve(self) -> None:
        """Register the deployment and run what is due, until the process is stopped.

        Raises
        ------
        UserError
            Where another process serves the same schedule.
        """
        from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy

        from flows.schedule import build_version

        os.environ[COMPLETION] = json.dumps(list(self.on_completion))
        os.environ[FAILURE] = json.dumps(list(self.on_failure))
        strategy = ConcurrencyLimitStrategy.ENQUEUE if self.overlap == "wait" else ConcurrencyLimitStrategy.CANCEL_NEW
        deployment = f"{FLOW}/{self.name}"
        os.environ[SERVED] = json.dumps({"deployment": deployment, "timezone": self.timing.timezone})
        with self._alone(), _still_ignored(), watchman(deployment), _interrupted_alone():
            revive(deployment, (*UNDER_WAY, "CRASHED"))
            leave_out_missed(deployment)
            build_version.serve(
                name=self.name,
                schedule=self.timing.prefect(),
                # Over all processes that run this deployment, and in this one.
                global_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=strategy),
                limit=1,
                parameters=self.parameters(),
                description=self.description(),
                tags=_TAGS,
                version=__version__,
                print_starting_message=False,
            )

    def description(self) -> str:
        """For the deployment's page."""
        how = "a dataset of its own each time" if self.mode == "dated" else "more units of the same dataset each time"
        pushed = f", pushed to {self.push}" if self.push else ""
        said = f"\n\n{self.recipe.description}" if self.recipe.description else ""
        return f"Builds **{self.recipe.name}** ({self.timing}): {how}{pushed}.{said}"

    def next_times(self, count: int = 3) -> list[str]:
        return [f"{time:%a %d %b %Y %H:%M:%S %Z}" for time in islice(self.timing.firings(), count)]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.out.parent.mkdir(parents=True, exist_ok=True)
        lock = Lock(self.out.with_name(f".{self.out.name}.schedule"))
        try:
            lock.acquire()
        except Held as held:
            raise UserError(
                f"{self.out} is scheduled already{f': {held.owner}' if held.owner else ''}",
                fix="stop that process, or give this schedule another --out",
            ) from None
        try:
            yield
        finally:
            lock.release()
            lock.path.unlink(missing_ok=True)


@contextmanager
def _still_ignored() -> Iterator[None]:
    """Where Ctrl-C is ignored, have a handler for it that SIGTERM can call, and go on ignoring it.

    A script's shell starts ``command &`` so. asyncio then sets no handler of its own, and it alone ends a served
    schedule in good order. The signal stays blocked in this thread and in all that it starts.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # which drops one that waits
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _interrupted_alone() -> Iterator[None]:
    """Ctrl-C and SIGTERM end this process in good order, and its runs through it.

    A terminal sends Ctrl-C to a run's process as well, which would die of it in the middle of whatever it does: it
    starts with the signal blocked, as this thread has it blocked. Another thread takes it for this process.
    SIGTERM does what Ctrl-C does. To Prefect it means that the run under way is cancelled for good.
    """
    from prefect.runner import Runner

    def interrupt(runner: Runner, number: int, frame: FrameType | None) -> None:
        handler = signal.getsignal(signal.SIGINT)  # asyncio's, while it runs
        if callable(handler):
            handler(signal.SIGINT, frame)

    Runner.handle_sigterm = interrupt  # type: ignore[method-assign, assignment]
    resource_tracker.ensure_running()  # its start unblocks the signal; it is started once
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
