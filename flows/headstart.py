"""A build does not wait for its Prefect server: it works without until the server answers, and goes on through it.

What was finished before is found finished, as in any build that resumes: the shards' tasks say so and cost nothing.
"""

from __future__ import annotations

import threading
from typing import Any

from contrafact.errors import StoppedError, UserError
from contrafact.pipeline import Mapper, Watch, build
from contrafact.plan import Plan
from contrafact.stopping import Stop
from flows.server import OwnServer

__all__ = ["HeadStart"]

_EVERY_SECONDS = 0.1


class HeadStart:
    """Building while a server starts.

    Attributes
    ----------
    problem : UserError or None
        Why the server did not start: the build then goes on to its end without it.
    """

    def __init__(self, server: OwnServer) -> None:
        self.server = server
        self.problem: UserError | None = None
        self._over = threading.Event()

    def build(self, plan: Plan, mapper: Mapper, watch: Watch, stop: Stop) -> dict[str, Any] | None:
        """The manifest where the dataset was finished before the server answered, else None.

        Raises
        ------
        StoppedError
            Where ``stop`` was asked for.
        """
        enough = Stop(also=stop)
        watcher = threading.Thread(target=self._watch, args=(enough,), name="server-start", daemon=True)
        watcher.start()
        try:
            return build(plan, mapper, watch, enough)
        except StoppedError:
            if stop.asked:
                raise
            return None
        finally:
            self._over.set()
            watcher.join()

    def _watch(self, enough: Stop) -> None:
        try:
            while not self._over.wait(_EVERY_SECONDS):
                if self.server.ready():
                    enough.ask()
                    return
        except UserError as problem:
            self.problem = problem
