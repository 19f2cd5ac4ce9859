"""How many calls are in flight: more while all goes well, fewer where the server is busy, says so or not (AIMD).

The rule is additive increase, multiplicative decrease (Chiu and Jain 1989), applied once a window of replies:

* a window in which over a tenth of the calls met a busy server (429, 503, 529, a time-out) cuts the limit by that
  share, at most to half. A stray refusal cuts nothing: the call itself backs off;
* a window whose replies took over three times as long as they once did cuts it by 0.7: a server that queues instead of
  refusing (vLLM) is governed by that alone. "Once" is the least of the recent medians, for calls of like length;
* any other window adds one; before the first cut, every reply adds one, so that a good limit is found soon.
"""

from __future__ import annotations

import asyncio
import statistics
from collections import deque
from dataclasses import dataclass, field

__all__ = ["Limiter"]

_BUSY_SHARE = 0.1
_SLOW = 3.0
_SLOW_CUT = 0.7
_LEAST_WINDOW = 8
_MEDIAN_OF = 16
_MEDIANS = 64


@dataclass
class _Baseline:
    """How long calls of one kind take when the server is at ease: the least of the recent medians, in seconds."""

    recent: list[float] = field(default_factory=list)
    medians: deque[float] = field(default_factory=lambda: deque(maxlen=_MEDIANS))

    def ratio(self, seconds: float) -> float:
        """A latency as a multiple of the baseline; 1 as long as there is none."""
        times = seconds / min(self.medians) if self.medians else 1.0
        self.recent.append(seconds)
        if len(self.recent) == _MEDIAN_OF:
            self.medians.append(max(statistics.median(self.recent), 1e-6))
            self.recent.clear()
        return times


class Limiter:
    """A semaphore whose size follows the server. Belongs to one event loop.

    Parameters
    ----------
    start, most : int
        Calls in flight at the beginning, and at the most. The least is one.
    """

    def __init__(self, start: int, most: int) -> None:
        self.most = most
        self.in_flight = 0
        self.epoch = 0
        self._limit = float(start)
        self._searching = True
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._ratios: list[float] = []
        self._busy = 0
        self._baselines: dict[int, _Baseline] = {}

    @property
    def limit(self) -> int:
        """Calls that may be in flight now."""
        return int(self._limit)

    async def acquire(self, *, first: bool = False) -> int:
        """Wait for a place; ``first`` goes before all who wait. Returns the epoch, wanted back with the outcome."""
        if self.in_flight < self.limit and (first or not self._waiting):
            self.in_flight += 1
            return self.epoch
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (self._waiting.appendleft if first else self._waiting.append)(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise
        return self.epoch

    def release(self) -> None:
        """Give a place back without an outcome that says anything of the server."""
        self._leave()

    def worked(self, epoch: int, seconds: float, kind: int = 0) -> None:
        """Give a place back after a reply; ``kind`` sorts calls of like length together."""
        ratio = self._baselines.setdefault(kind, _Baseline()).ratio(seconds)
        if epoch == self.epoch:
            self._ratios.append(ratio)
            if self._searching:
                self._limit = min(float(self.most), self._limit + 1)
            self._judge()
        self._leave()

    def overloaded(self, epoch: int) -> None:
        """Give a place back after a call that met a busy server."""
        if epoch == self.epoch:
            self._busy += 1
            self._judge()
        self._leave()

    def _leave(self) -> None:
        self.in_flight -= 1
        while self._waiting and self.in_flight < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)

    def _judge(self) -> None:
        """At the end of a window, move the limit. Calls sent before a cut are not counted against the new limit."""
        seen = len(self._ratios) + self._busy
        if seen < max(self.limit, _LEAST_WINDOW):
            return
        share = self._busy / seen
        slow = bool(self._ratios) and statistics.median(self._ratios) > _SLOW
        self._ratios, self._busy = [], 0
        if share > _BUSY_SHARE or slow:
            self._searching = False
            self.epoch += 1
            self._limit = max(1.0, self._limit * min(max(0.5, 1 - share), _SLOW_CUT if slow else 1.0))
        else:
            self._limit = min(float(self.most), self._limit + 1)
