"""When a schedule fires: cron and interval, checked before anything is served, with what is wrong about them."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal

from contrafact.errors import UserError, did_you_mean

__all__ = ["Precision", "Timing", "read_timing"]

Precision = Literal["day", "minute", "second"]
"""How finely the names of versions tell times apart."""

_FIELDS = (
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of the month", "1-31"),
    ("month", "1-12 or jan-dec"),
    ("day of the week", "0-6 or sun-sat"),
)
_EXAMPLE = "write --cron '0 3 * * *' (at 03:00 every day), and try it on any five-field cron page"
_INTERVAL = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LOOKED_AT = 400
"""Firings that are looked at to tell how finely versions must be named: over a year of nights."""


@dataclass(frozen=True)
class Timing:
    """A schedule that fires.

    Attributes
    ----------
    cron : str or None
    interval : timedelta or None
        One of the two.
    timezone : str
        IANA name, in which the cron is read and versions are dated.
    """

    cron: str | None
    interval: timedelta | None
    timezone: str

    def firings(self, after: datetime | None = None) -> Iterator[datetime]:
        """The times from now on, in the schedule's time zone."""
        zone = zoneinfo.ZoneInfo(self.timezone)
        now = (after or datetime.now(UTC)).astimezone(zone)
        if self.cron is not None:
            # On the clock of the wall: a cron's 3 o'clock is the hour that is called so, whatever the season.
            steps = _croniter()(self.cron, now.replace(tzinfo=None))
            while True:
                yield steps.get_next(datetime).replace(tzinfo=zone)
        assert self.interval is not None  # noqa: S101  # one of the two
        while True:
            now += self.interval
            yield now

    def precision(self) -> Precision:
        """The coarsest names under which no two firings are the same."""
        times = list(islice(self.firings(), _LOOKED_AT))
        if len({time.date() for time in times}) == len(times):
            return "day"
        # By UTC: two times of one zone compare as the clock shows them, so that a repeated hour would be one.
        minutes = {time.astimezone(UTC).replace(second=0, microsecond=0) for time in times}
        return "minute" if len(minutes) == len(times) else "second"

    def prefect(self) -> Any:
        """The same as Prefect's ``Schedule``."""
        from prefect.schedules import Cron, Interval

        if self.cron is not None:
            return Cron(self.cron, timezone=self.timezone)
        assert self.interval is not None  # noqa: S101  # one of the two
        return Interval(self.interval, timezone=self.timezone)

    def __str__(self) -> str:
        return f"cron {self.cron!r} in {self.timezone}" if self.cron else f"every {self.interval}"


def read_timing(cron: str | None, interval: str | None, timezone: str) -> Timing:
    """A schedule from the command line's options.

    Raises
    ------
    UserError
        For neither or both of cron and interval, for one that is malformed or never fires, and for an unknown zone.
    """
    if (cron is None) == (interval is None):
        raise UserError(
            "--cron and --interval were both given" if cron is not None else "neither --cron nor --interval was given",
            allowed="one of the two",
            fix="write --cron '0 3 * * *' or --interval 12h",
        )
    _check_timezone(timezone)
    if interval is not None:
        return Timing(None, _read_interval(interval), timezone)
    assert cron is not None  # noqa: S101  # checked above
    _check_cron(cron)
    timing = Timing(cron, None, timezone)
    try:
        next(timing.firings())
    except (ValueError, StopIteration):  # croniter's error for a date that never comes is a ValueError
        raise UserError(
            f"--cron {cron!r} never fires: no such date comes in the next fifty years", fix=_EXAMPLE
        ) from None
    return timing


def _check_cron(cron: str) -> None:
    fields = cron.split()
    if len(fields) != len(_FIELDS):
        raise UserError(
            f"--cron {cron!r} has {len(fields)} fields",
            allowed="five: minute, hour, day of the month, month, day of the week",
            fix=f"{_EXAMPLE}; for less than a minute there is --interval 30s",
        )
    valid: Callable[[str], bool] = _croniter().is_valid
    for place, (field, (name, allowed)) in enumerate(zip(fields, _FIELDS, strict=True)):
        alone = ["*"] * len(fields)
        alone[place] = field
        if field.casefold().startswith(("h", "r")) or not valid(" ".join(alone)):
            raise UserError(
                f"--cron {cron!r}: {field!r} is no {name}",
                allowed=f"{allowed}; lists (1,2), ranges (1-5), steps (*/2)",
                fix=_EXAMPLE,
            )
    if not valid(cron):
        raise UserError(f"--cron {cron!r} is no schedule", fix=_EXAMPLE)


def _check_timezone(name: str) -> None:
    known = zoneinfo.available_timezones()
    if name in known:
        return
    city = [each for each in sorted(known) if each.rpartition("/")[2].casefold() == name.casefold()]
    hint = f" (did you mean {city[0]!r}?)" if city else did_you_mean(name, sorted(known))
    raise UserError(
        f"--timezone {name!r} is no time zone{hint}",
        allowed="an IANA name, such as Europe/Berlin, America/New_York or UTC",
        fix="write --timezone Europe/Berlin",
    )


def _read_interval(text: str) -> timedelta:
    bare = text.strip()
    if re.fullmatch(r"\d+(?:\.\d+)?", bare):  # who leaves the unit out means minutes or hours as often as seconds
        raise UserError(
            f"--interval {text!r} has no unit",
            allowed="20s, 20m, 2h or 1d, from 1s to 366d",
            fix=f"write --interval {bare}s, --interval {bare}m, --interval {bare}h or --interval {bare}d",
        )
    found = _INTERVAL.fullmatch(bare)
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 1 <= seconds <= 366 * 86400:
        raise UserError(
            f"--interval {text!r} is no time between runs",
            allowed="a number with s, m, h or d (20s, 20m, 2h, 1d), from 1s to 366d",
            fix="write --interval 12h",
        )
    return timedelta(seconds=seconds)


def _croniter() -> Any:
    # The very library by which Prefect's server will read the expression.
    from importlib import import_module

    return import_module("prefect._vendor.croniter").croniter
