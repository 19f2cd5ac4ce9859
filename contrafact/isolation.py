"""Running somebody's stage so that one bad row costs that row, and a stage that always fails stops the build."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import pyarrow as pa

from contrafact.errors import ContrafactError, RowError, StageError

__all__ = ["Attempt", "attempts"]

R = TypeVar("R")
_PROBES = 16


@dataclass(frozen=True)
class Attempt(Generic[R]):
    """What came of rows ``start`` to ``stop``: a result, or the reason why there is none (then it is one row)."""

    start: int
    stop: int
    result: R | None
    reason: str = ""


def attempts(stage: str, function: Callable[[pa.Table, int], R], table: pa.Table) -> list[Attempt[R]]:
    """Call ``function(rows, start)`` on the whole table; where it raises, halve until the bad rows stand alone.

    Errors that are not about a row (the user's, the disk's, a busy server's) pass through.

    Raises
    ------
    StageError
        Where every row fails.
    """
    whole = _attempt(function, table, 0, table.num_rows)
    if not whole.reason:
        return [whole]
    _probe(stage, function, table)
    found = list(_halved(function, table, 0, table.num_rows))
    if all(attempt.reason for attempt in found):
        raise _always(stage, found[0].reason)
    return found


def _halved(function: Callable[[pa.Table, int], R], table: pa.Table, start: int, stop: int) -> Iterator[Attempt[R]]:
    if stop - start == 1:
        yield _attempt(function, table, start, stop)
        return
    middle = (start + stop) // 2
    for low, high in ((start, middle), (middle, stop)):
        half = _attempt(function, table, low, high)
        if half.reason and high - low > 1:
            yield from _halved(function, table, low, high)
        else:
            yield half


def _attempt(function: Callable[[pa.Table, int], R], table: pa.Table, start: int, stop: int) -> Attempt[R]:
    try:
        return Attempt(start, stop, function(table.slice(start, stop - start), start))
    except RowError as error:
        return Attempt(start, stop, None, str(error))
    except (ContrafactError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001  # a plug-in may raise anything, and that must not lose the other rows
        return Attempt(start, stop, None, f"{type(error).__name__}: {error}")


def _probe(stage: str, function: Callable[[pa.Table, int], R], table: pa.Table) -> None:
    """Stop early where rows spread over the whole shard all fail: halving a large shard would be slow."""
    step = max(1, table.num_rows // _PROBES)
    probes = [_attempt(function, table, row, row + 1) for row in range(0, table.num_rows, step)]
    if all(probe.reason for probe in probes):
        raise _always(stage, probes[0].reason)


def _always(stage: str, reason: str) -> StageError:
    return StageError(
        f"{stage} failed on every row it was given: {reason}",
        fix=f"mend {stage}, then run the same command: what was finished is kept",
    )
