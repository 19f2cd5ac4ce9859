"""Ctrl-C and SIGTERM during a build: once, shards in work are finished and the build stops; twice, it ends now."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from contrafact.stopping import Stop

__all__ = ["armed", "resume_command"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def armed(stop: Stop) -> Iterator[None]:
    """Turn signals into ``stop`` for as long as this lasts. May be nested: Prefect sets handlers of its own meanwhile.

    Does nothing outside the main thread, which alone may handle signals.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.asked:
            _end(stop.exit_code)
        stop.ask(128 + number)
        again = "Ctrl-C again: now, losing those" if number == signal.SIGINT else "a second signal: now"
        _say(f"stopping when the shards in work are finished ({again})")

    before: dict[int, Any] = {}
    try:
        for each in _SIGNALS:
            before[each] = signal.signal(each, handle)
    except ValueError:
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def resume_command() -> str:
    """The command that is running, as it can be typed again."""
    return shlex.join(["contrafact", *sys.argv[1:]])


def _end(code: int) -> None:
    """At once: threads in the middle of a shard would be waited for otherwise. What is on disk is whole or absent."""
    if "multiprocessing" in sys.modules:
        import multiprocessing

        for child in multiprocessing.active_children():
            child.kill()
    if sys.stderr.isatty():
        os.write(2, b"\x1b[?25h")  # a progress bar hides the cursor
    _say(f"stopped; finished shards are kept. Resume with:\n  {resume_command()}")
    os._exit(code)


def _say(text: str) -> None:
    # Straight to the terminal: a handler may have interrupted the very stream that it would write to.
    os.write(2, f"\n{text}\n".encode())
