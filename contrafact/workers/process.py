"""A worker process: makes the plan once, then does one step after the other until the line to its parent ends.

The parent's end may come in any way, ``kill -9`` included. A worker that outlived it could still be writing while the
same command is run again; so it watches the line and ends with it, whatever it is doing.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import traceback
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contrafact.plan import Plan
    from contrafact.workers.brief import Brief

__all__ = ["main"]

_HUNG_UP = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


def main(handle: int) -> None:
    """Serve the parent on a connected socket. Ctrl-C is the parent's business: it decides what is still finished."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = Connection(handle)
    threading.Thread(target=_end_with, args=(handle,), name="lifeline", daemon=True).start()
    brief, threads = line.recv()
    try:
        plan = _ready(brief, threads)
    except BaseException as error:  # noqa: BLE001  # the parent says it
        line.send(("error", _sendable(error)))
        return
    line.send(("ready", os.getpid()))
    try:
        while (job := line.recv()) is not None:
            line.send(_done(job, plan))
    except (EOFError, OSError):
        return  # the parent is gone
    finally:
        plan.engines.close()


def _ready(brief: Brief, threads: int) -> Plan:
    import pyarrow as pa

    from contrafact.store import atomic

    pa.set_cpu_count(threads)
    atomic.WRITER = f"{os.getpid()}-"
    return brief.plan()


def _done(job: Any, plan: Plan) -> tuple[str, Any]:
    try:
        return "report", job.run(plan)
    except Exception as error:  # noqa: BLE001  # the parent decides whether it is worth another try
        return "error", _sendable(error)


def _sendable(error: BaseException) -> BaseException:
    """The error with where it happened, which no pickle keeps; in words where it cannot be sent at all."""
    import pickle

    from contrafact.errors import ContrafactError, WorkerError

    if isinstance(error, ContrafactError):
        return error
    error.add_note("in a worker process:\n" + "".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  # our own, of a moment ago
    except Exception:  # noqa: BLE001  # an exception may hold anything
        return WorkerError(f"a worker failed: {type(error).__name__}: {error}\n{error.__notes__[-1]}")
    return error


def _end_with(handle: int) -> None:
    watch = select.poll()
    watch.register(handle, _HUNG_UP)
    while not any(event & _HUNG_UP for _, event in watch.poll()):
        pass
    os._exit(0)
