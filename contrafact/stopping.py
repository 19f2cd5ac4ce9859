"""Asking a build to stop: shards in work are finished and written, no other is begun, and the same command resumes."""

from __future__ import annotations

import threading

from contrafact.errors import StoppedError

__all__ = ["Stop"]


class Stop:
    """A wish that a build ends soon. Any thread or signal handler may express it; steps that would begin obey it.

    Parameters
    ----------
    also : Stop, optional
        Another wish, which counts as this one too.
    """

    def __init__(self, also: Stop | None = None) -> None:
        self._asked = threading.Event()
        self._also = also
        self.exit_code = StoppedError.exit_code

    @property
    def asked(self) -> bool:
        return self._asked.is_set() or (self._also is not None and self._also.asked)

    def ask(self, exit_code: int | None = None) -> None:
        """Begin no further shard. ``exit_code`` is the command's, where it is not that of Ctrl-C."""
        if exit_code is not None:
            self.exit_code = exit_code
        self._asked.set()

    def check(self) -> None:
        """Raise ``StoppedError`` once a stop was asked for."""
        if self.asked:
            raise StoppedError("stopped as asked; what was finished is kept", fix="run the same command: it resumes")
