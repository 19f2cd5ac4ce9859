"""One event loop in one background thread a process: whoever asks from a thread waits there for work done here."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar

__all__ = ["run"]

T = TypeVar("T")
_JOIN_SECONDS = 5.0


class _Background:
    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="contrafact-llm", daemon=True)
        self.thread.start()
        atexit.register(self.stop)

    def stop(self) -> None:
        if not self.thread.is_alive():  # a forked child has the parent's loop, and no thread that runs it
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(_JOIN_SECONDS)
        if not self.thread.is_alive():
            self.loop.close()


_guard = threading.Lock()
_background: _Background | None = None


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the background loop and wait for it, from any other thread.

    Interrupting the wait (Ctrl-C) cancels the coroutine.
    """
    global _background  # noqa: PLW0603  # one a process, made when first needed
    with _guard:
        if _background is None or not _background.thread.is_alive():
            _background = _Background()
    future = asyncio.run_coroutine_threadsafe(work, _background.loop)
    try:
        return future.result()
    except (KeyboardInterrupt, SystemExit, CancelledError):
        future.cancel()
        raise
