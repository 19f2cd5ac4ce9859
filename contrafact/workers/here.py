"""A step done in a process that serves many builds, such as a Dask or Ray worker: the plan is made once a build."""

from __future__ import annotations

import os
import pickle
import socket
import threading
from typing import TYPE_CHECKING

from contrafact.store import atomic

if TYPE_CHECKING:
    from contrafact.plan import Plan
    from contrafact.shards import Report
    from contrafact.steps import Job
    from contrafact.workers.brief import Brief

__all__ = ["packed", "run_here"]

_GUARD = threading.Lock()
_PLANS: dict[bytes, Plan] = {}


def packed(brief: Brief) -> bytes:
    """A brief as schedulers carry it: bytes that none of them looks into, and that show in no log."""
    return pickle.dumps(brief)


def run_here(brief: bytes, job: Job) -> Report:
    """Do one step with the plan of a packed brief. Only the last build's plan is kept.

    Raises
    ------
    WorkerError
        Where this machine would make other pairs, or does not see the run directory.
    """
    return job.run(_plan_of(brief))


def _plan_of(brief: bytes) -> Plan:
    with _GUARD:
        if brief not in _PLANS:
            atomic.WRITER = f"{socket.gethostname()}-{os.getpid()}-"
            made = pickle.loads(brief).plan()  # noqa: S301  # from the one who builds, over the cluster's own channel
            for old in [_PLANS.pop(key) for key in list(_PLANS)]:
                old.engines.close()
            _PLANS[brief] = made
        return _PLANS[brief]
