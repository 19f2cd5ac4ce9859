"""Many jobs through few starts: a thread and a sandbox a core, and a new sandbox where one went down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

from contrafact.engines.sandbox.start import Gone, Start

__all__ = ["Lane", "spread"]

T = TypeVar("T")
R = TypeVar("R")
_DEATHS = 2
"""Sandboxes that one job may take down before the rest of its cases are given up."""

_NOTHING = {"detail": "", "answer": "", "stdout": "", "stderr": "", "report": "", "seconds": 0.0}


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
        """One reply a case, in order, whatever becomes of the sandbox.

        The case under which a sandbox goes down is ``killed``, and the rest runs in a new one; after the second, what
        is left is ``lost``.
        """
        cases = list(job["cases"])
        replies: list[dict[str, Any]] = []
        deaths = 0
        while len(replies) < len(cases) and deaths < _DEATHS:
            try:
                self._feed({**job, "cases": cases[len(replies) :]}, replies)
            except Gone:
                self.close()
                deaths += 1
                if len(replies) < len(cases):
                    replies.append({**_NOTHING, "how": "signal", "detail": "9"})
        return replies + [{**_NOTHING, "how": "lost"}] * (len(cases) - len(replies))

    def close(self) -> None:
        """End the sandbox that runs."""
        if self._start is not None:
            self._start.close()
            self._start = None

    def _feed(self, job: Mapping[str, Any], replies: list[dict[str, Any]]) -> None:
        """Add to ``replies`` as they come, so that none is lost with the sandbox."""
        if self._start is None:
            self._start = self._open()
        for reply in self._start.run(job):
            replies.append(reply)  # noqa: PERF402  # those that came before an end count


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
