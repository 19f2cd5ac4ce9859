"""What the loopback hub does badly when it is told to."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Fault", "Faults"]


@dataclass
class Fault:
    """Some requests that go wrong.

    Attributes
    ----------
    where : str
        Regular expression found in ``"METHOD /path"``.
    times : int
        How many such requests go wrong; those after it are answered.
    after : int
        How many are answered first.
    status : int
        HTTP status of the answer; 0 closes the connection without one.
    body, headers
        Of that answer.
    delay : float
        Seconds of silence before it, or before the true answer where ``status`` is 200.
    """

    where: str
    times: int = 1
    after: int = 0
    status: int = 503
    body: str = "the hub is being repaired"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


class Faults:
    """Faults, each used up by the requests that it meets."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._lock = threading.Lock()

    def plan(self, fault: Fault) -> None:
        """Let some later requests go wrong."""
        with self._lock:
            self._planned.append(fault)

    def clear(self) -> None:
        """Answer everything as it should be."""
        with self._lock:
            self._planned.clear()

    def met(self, request: str) -> Fault | None:
        """The fault that this request meets, if any."""
        with self._lock:
            for fault in self._planned:
                if not re.search(fault.where, request):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                elif fault.times > 0:
                    fault.times -= 1
                    return fault
        return None
