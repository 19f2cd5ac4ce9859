"""Many jobs through few starts: a thread and a sandbox a core, and a new sandbox where one went down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

from contrafact.engines.sandbox.start import Gone, Start
from contrafact.errors import TransientError

__all__ = ["Lane", "spread"]

T = TypeVar("T")
R = TypeVar("R")
_STARTS = 3
"""Sandboxes that may go down under one job before it is given up."""


class Lane:
    """One sandbox after another, for one thread.

    Parameters
    ----------
    open_start : callable
        Starts a sandbox.
    """

    def __init__(self, open_start: Callable[[], Start]) -> None:
        self._open = open_start
        self._start: Start | None = None

    def run(self, job: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One reply a case, in order.

        A sandbox that goes down says nothing of the code in it: memory may have been short, or a machine asleep. The
        whole job runs in a new one then, so that no reply depends on where the first one ended.

        Raises
        ------
        TransientError
            Where three in succession go down.
        """
        for _ in range(_STARTS):
            try:
                return self._asked(job)
            except Gone:
                self.close()
        raise TransientError(
            f"the sandbox went down {_STARTS} times under one program, which is no finding about that program",
            allowed="memory and processor time enough for all sandboxes at once (engines.sandbox.workers)",
            fix="run the same command again; if it stays so, write engines.sandbox.workers: 1. Under isolation:"
            " unprotected the program may have ended it by itself: use bubblewrap",
        )

    def close(self) -> None:
        """End the sandbox that runs."""
        if self._start is not None:
            self._start.close()
            self._start = None

    def _asked(self, job: Mapping[str, Any]) -> list[dict[str, Any]]:
        if self._start is None:
            self._start = self._open()
        return list(self._start.run(job))


def spread(items: Sequence[T], work: Callable[[T, Any], R], opened: Callable[[], Any], workers: int) -> list[R]:
    """``work(item, lane)`` for every item, in order, on so many threads, each with a lane of its own.

    ``opened`` makes a lane (something with ``close``); the thread that made it closes it.
    """
    results: list[Any] = [None] * len(items)
    positions = iter(range(len(items)))
    guard, stopped = threading.Lock(), threading.Event()

    def serve() -> None:
        with closing(opened()) as lane:
            while not stopped.is_set():
                with guard:
                    at = next(positions, None)
                if at is None:
                    return
                results[at] = work(items[at], lane)

    count = max(1, min(workers, len(items)))
    with ThreadPoolExecutor(count, thread_name_prefix="sandbox") as pool:
        try:
            for each in [pool.submit(serve) for _ in range(count)]:
                each.result()
        finally:  # after an error or Ctrl-C nobody takes another item
            stopped.set()
    return results
