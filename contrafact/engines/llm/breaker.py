"""A circuit breaker that loses nothing: while an endpoint is away all calls wait, one asks whether it is back."""

from __future__ import annotations

import asyncio
import contextlib
import time

from contrafact.errors import TransientError

__all__ = ["Breaker"]


class Breaker:
    """Opens after some failures in a row; then one probe at a time, after pauses that double; closes on its success.

    Belongs to one event loop.

    Parameters
    ----------
    endpoint : str
        For the message.
    patience : float
        Seconds without any success after which :meth:`passage` raises.
    failures : int
        Failures in a row that open it.
    pause, longest : float
        Seconds before the first probe, and between probes at the most.
    """

    def __init__(
        self, endpoint: str, patience: float, *, failures: int = 10, pause: float = 1.0, longest: float = 30.0
    ) -> None:
        self.endpoint, self.patience, self.failures = endpoint, patience, failures
        self.pause, self.longest = pause, longest
        self.successes = 0
        self.opened = 0
        self._why = ""
        self._gone = False
        self._changed = asyncio.Event()
        self._in_a_row = 0
        self._since: float | None = None
        self._probe_at: float | None = None
        self._probing = False
        self._next_pause = pause

    @property
    def open(self) -> bool:
        """Whether calls wait."""
        return self._probe_at is not None

    def forgive(self) -> None:
        """Try again after having given up: somebody asks anew."""
        if self._gone:
            self._gone = False
            self._calm()

    async def passage(self) -> None:
        """Wait until a call may go out.

        Raises
        ------
        TransientError
            Where the endpoint stayed away longer than the patience lasts.
        """
        while not self._gone:
            if self._probe_at is None:
                return
            left = None if self._probing else self._probe_at - time.monotonic()
            if left is not None and left <= 0:
                self._probing = True
                return
            changed = self._changed
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await changed.wait()
        raise TransientError(
            f"{self.endpoint} did not answer for {self.patience:g} s (last: {self._why})",
            fix="run the same command again when it is back: what was answered is in the cache",
        )

    def worked(self) -> None:
        """A call was answered, be it by a refusal: the endpoint is there."""
        self.successes += 1
        self._calm()

    def failed(self, why: str, wait: float | None = None) -> None:
        """A call was lost; ``wait`` is what the server asked for, in seconds."""
        now = time.monotonic()
        self._why = why
        self._in_a_row += 1
        self._since = now if self._since is None else self._since
        if now - self._since > self.patience or (wait or 0.0) > self.patience:
            self._gone = True
        elif self._probing or (self._probe_at is None and self._in_a_row >= self.failures):
            self.opened += self._probe_at is None
            self._probe_at = now + max(self._next_pause, wait or 0.0)
            self._next_pause = min(self.longest, self._next_pause * 2)
            self._probing = False
        else:
            return
        self._tell()

    def abandoned(self) -> None:
        """A call ended without a word of the endpoint: if it was the probe, another may be sent."""
        if self._probing:
            self._probing = False
            self._tell()

    def _calm(self) -> None:
        self._in_a_row = 0
        self._since = self._probe_at = None
        self._probing = False
        self._next_pause = self.pause
        self._tell()

    def _tell(self) -> None:
        """Wake all who wait, each of whom looks at the state anew."""
        self._changed.set()
        self._changed = asyncio.Event()
