"""Running somebody's stage so that one bad row costs that row, and a stage that always fails stops the build."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import pyarrow as pa

from contrafact.errors import ContrafactError, RowError, StageError

__all__ = ["Attempt", "attempts", "one_by_one"]

R = TypeVar("R")
_PROBES = 64
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Attempt(Generic[R]):
    """What came of rows ``start`` to ``stop``: a result, or the reason why there is none (then it is one row)."""

    start: int
    stop: int
    result: R | None
    reason: str = ""


def attempts(stage: str, function: Callable[[pa.Table, int], R], table: pa.Table, proof: int = 1) -> list[Attempt[R]]:
    """Call ``function(rows, start)`` on the whole table; where it raises, halve until the bad rows stand alone.

    Errors that are not about a row (the user's, the disk's, a busy server's) pass through.

    Parameters
    ----------
    proof : int
        Rows from which on "all of them fail" says something of the stage. Fewer, such as the last two units of a
        source, may just be bad ones.

    Raises
    ------
    StageError
        Where every row fails, or, in a long table, every one of some spread over it.
    """
    whole = _attempt(function, table, 0, table.num_rows)
    if not whole.reason:
        return [whole]
    if table.num_rows == 1:
        found = [whole]
    else:
        _probe(stage, function, table)
        found = list(_halved(function, table, 0, table.num_rows))
    if table.num_rows >= proof and all(attempt.reason for attempt in found):
        raise _always(stage, f"every one of {len(found)} rows", found[0].reason)
    return found


def one_by_one(stage: str, function: Callable[[int], R], rows: int, proof: int = 1) -> list[Attempt[R]]:
    """Call ``function(row)`` for every row, each once: a stage that thinks in rows need not be halved.

    Parameters and errors are those of :func:`attempts`.
    """
    found: dict[int, Attempt[R]] = {}
    for row in range(rows):
        if row not in found:
            found[row] = _one(function, row)
        if row == _PROBES - 1 and rows > 2 * _PROBES and all(each.reason for each in found.values()):
            # A stage that fails on all of the first rows: look all over the table before trying every one of it.
            for place in _spread(rows):
                found.setdefault(place, _one(function, place))
                if not found[place].reason:
                    break
            else:
                raise _always(stage, f"every one of {len(found)} rows tried", found[0].reason)
    if rows and rows >= proof and all(each.reason for each in found.values()):
        raise _always(stage, f"every one of {rows} rows", found[0].reason)
    return [found[row] for row in range(rows)]


def _one(function: Callable[[int], R], row: int) -> Attempt[R]:
    try:
        return Attempt(row, row + 1, function(row))
    except RowError as error:
        return Attempt(row, row + 1, None, str(error))
    except (ContrafactError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001  # as in _attempt
        return Attempt(row, row + 1, None, f"{type(error).__name__}: {error}")


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
    """Stop early where rows all over a long table fail: halving it would be slow."""
    rows = table.num_rows
    if rows <= 2 * _PROBES:
        return
    places = _spread(rows)
    reasons = []
    for row in places:
        probe = _attempt(function, table, row, row + 1)
        if not probe.reason:
            return
        reasons.append(probe.reason)
    raise _always(stage, f"every one of {len(places)} rows tried", reasons[0])


def _spread(rows: int) -> list[int]:
    """Rows all over a table that keep to no period (multiples of the golden ratio), as bad rows often do."""
    return sorted({int(number * _GOLDEN % 1 * rows) for number in range(1, _PROBES + 1)})


def _always(stage: str, what: str, reason: str) -> StageError:
    return StageError(
        f"{stage} failed on {what}: {reason}",
        fix=f"mend {stage}, then run the same command: what was finished is kept",
    )
