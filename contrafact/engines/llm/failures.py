"""What can go wrong with one call, sorted by what mends it: trying again, another question, or the user."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

__all__ = ["Backoff", "CallError", "LostError", "RefusedError", "sort_status", "wait_asked_for"]

_BUSY = (429, 503, 529)
_ALSO_TRANSIENT = (408, 409, 425)
_ABOUT_THE_TEXT = re.compile(
    r"context.?(length|size|window)|maximum context|too (long|large|many tokens)|content.?(filter|policy|management)",
    re.IGNORECASE,
)


class CallError(Exception):
    """Root of what one call can end with. Never leaves the engine."""


@dataclass(eq=False)
class LostError(CallError):
    """A call that may be tried again as it is.

    Attributes
    ----------
    why : str
        In a few words that can be counted.
    busy : bool
        The server has too much to do: fewer calls at once would help.
    wait : float, optional
        Seconds that the server asked for.
    billed : bool
        Whether the server may have done, and charged for, the work.
    """

    why: str
    busy: bool = False
    wait: float | None = None
    billed: bool = False


@dataclass(eq=False)
class RefusedError(CallError):
    """A call that would be refused again.

    Attributes
    ----------
    message : str
        The server's own words, without the key.
    """

    status: int
    message: str = ""
    code: str = ""

    @property
    def about_the_text(self) -> bool:
        """Whether this one question was refused (too long, against a policy), and others need not be."""
        told = f"{self.code} {self.message}"
        return self.status == 413 or (self.status in (400, 422) and _ABOUT_THE_TEXT.search(told) is not None)


def sort_status(status: int, headers: Mapping[str, str], message: str, code: str) -> CallError:
    """A lost or a refused call, by the status alone: what the text says never decides whether to try again."""
    if status >= 500 or status in _BUSY or status in _ALSO_TRANSIENT:
        return LostError(f"HTTP {status}", busy=status in _BUSY, wait=wait_asked_for(headers))
    return RefusedError(status, message, code)


def wait_asked_for(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that ``Retry-After`` asks for (a number, or a date), never negative; None where it asks for none."""
    exact = headers.get("retry-after-ms")
    given = headers.get("retry-after")
    try:
        if exact is not None:
            return max(0.0, float(exact) / 1000)
        return None if given is None else max(0.0, float(given))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(str(given)).timestamp()
    except ValueError:
        return None
    return max(0.0, moment - (time.time() if now is None else now))


class Backoff:
    """How long to wait before the next try: exponential with full jitter, or what the server asked for.

    Jitter decides when a call is made and nothing else, so it leaves every byte of a dataset as it is.
    """

    def __init__(self, *, first: float = 0.25, longest: float = 30.0, seed: int = 0) -> None:
        self.first, self.longest = first, longest
        self._random = random.Random(seed)

    def delay(self, tries: int, asked: float | None = None) -> float:
        """Seconds after ``tries`` failures. A wait that was asked for is kept, and stretched by up to a tenth."""
        if asked is not None:
            return asked * (1 + 0.1 * self._random.random())
        return self._random.uniform(0, min(self.longest, self.first * 2.0 ** min(tries - 1, 16)))
