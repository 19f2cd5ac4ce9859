"""A schedule that could never fire, or is misspelt, is one message before anything is served."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime
from itertools import islice

import pytest

from contrafact.errors import UserError
from flows.scheduling.times import read_timing
from flows.scheduling.versions import label_of

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 3 * *", "has 4 fields"),
        ("0 3 * * * *", "has 6 fields"),
        ("", "has 0 fields"),
        ("60 3 * * *", "'60' is no minute\n  allowed: 0-59"),
        ("0 24 * * *", "'24' is no hour\n  allowed: 0-23"),
        ("0 3 32 * *", "'32' is no day of the month\n  allowed: 1-31"),
        ("0 3 * 13 *", "'13' is no month\n  allowed: 1-12 or jan-dec"),
        ("0 3 * * funday", "'funday' is no day of the week\n  allowed: 0-6 or sun-sat"),
        ("H 3 * * *", "'H' is no minute"),
        ("every day * * *", "'every' is no minute"),
        ("0 0 30 2 *", "never fires: no such date comes"),
        ("0 0 31 4,6,9,11 *", "never fires"),
    ],
)
def test_a_cron_that_is_none_or_never_fires(cron: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        read_timing(cron, None, "UTC")
    assert said in str(caught.value)
    assert f"--cron {cron!r}" in str(caught.value)
    assert caught.value.fix
    assert "0 3 * * *" in caught.value.fix


def test_a_leap_day_does_fire() -> None:
    first = next(read_timing("0 0 29 2 *", None, "UTC").firings(datetime(2026, 1, 1, tzinfo=BERLIN)))
    assert (first.year, first.month, first.day) == (2028, 2, 29)


@pytest.mark.parametrize(
    ("zone", "hint"),
    [
        ("Europe/Berln", "did you mean 'Europe/Berlin'?"),
        ("Berlin", "did you mean 'Europe/Berlin'?"),
        ("new_york", "did you mean 'America/New_York'?"),
        ("Middle Earth", "is no time zone\n"),
        ("", "is no time zone\n"),
        ("../etc/passwd", "is no time zone"),
    ],
)
def test_an_unknown_zone_comes_with_the_nearest(zone: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        read_timing("0 3 * * *", None, zone)
    assert hint in str(caught.value)
    assert "an IANA name" in str(caught.value)


@pytest.mark.parametrize("text", ["0s", "0.5s", "-3m", "3 weeks", "soon", "400d", ""])
def test_an_interval_that_is_none(text: str) -> None:
    with pytest.raises(UserError, match="is no time between runs"):
        read_timing(None, text, "UTC")


@pytest.mark.parametrize("text", ["20", " 20 ", "1.5", "0"])
def test_an_interval_without_a_unit_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="has no unit") as caught:
        read_timing(None, text, "UTC")
    assert "20s, 20m, 2h or 1d" in str(caught.value)
    assert f"--interval {text.strip()}m" in (caught.value.fix or "")


@pytest.mark.parametrize(("cron", "interval"), [(None, None), ("0 3 * * *", "12h")])
def test_one_of_cron_and_interval(cron: str | None, interval: str | None) -> None:
    with pytest.raises(UserError, match="given") as caught:
        read_timing(cron, interval, "UTC")
    assert "--interval 12h" in str(caught.value)


def test_three_in_the_morning_stays_three_when_the_clocks_change() -> None:
    timing = read_timing("0 3 * * *", None, "Europe/Berlin")
    before = datetime(2026, 10, 23, 12, tzinfo=BERLIN)
    times = list(islice(timing.firings(before), 4))
    assert [f"{time:%d %H:%M %Z}" for time in times] == [
        "24 03:00 CEST",
        "25 03:00 CET",
        "26 03:00 CET",
        "27 03:00 CET",
    ]


@pytest.mark.parametrize(
    ("cron", "interval", "precision", "label"),
    [
        ("0 3 * * *", None, "day", "2026-11-26"),
        ("0 3 * * 1", None, "day", "2026-11-26"),
        ("0 3,15 * * *", None, "minute", "2026-11-26T0300"),
        (None, "24h", "day", "2026-11-26"),
        (None, "12h", "minute", "2026-11-26T0300"),
        (None, "90s", "minute", "2026-11-26T0300"),
        (None, "20s", "second", "2026-11-26T030007"),
    ],
)
def test_versions_are_named_as_finely_as_their_times_need(
    cron: str | None, interval: str | None, precision: str, label: str
) -> None:
    timing = read_timing(cron, interval, "Europe/Berlin")
    assert timing.precision() == precision
    assert label_of(datetime(2026, 11, 26, 3, 0, 7, tzinfo=BERLIN), timing.precision()) == label
    names = [label_of(time, timing.precision()) for time in islice(timing.firings(), 300)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("interval", ["1h", "30m", "20s"])
def test_the_hour_that_comes_twice_has_versions_of_its_own(interval: str) -> None:
    timing = read_timing(None, interval, "Europe/Berlin")
    began = datetime(2026, 10, 24, 23, 59, 30, tzinfo=UTC)
    step = timing.interval
    assert step is not None
    times = [(began + count * step).astimezone(BERLIN) for count in range(600)]
    precision = timing.precision()
    names = [label_of(time, precision) for time in times]
    assert len(set(names)) == len(names)
    assert precision == ("second" if interval == "20s" else "minute")
    repeated = [time for time in times if time.fold]
    assert repeated
    assert all(label_of(time, precision).endswith("B") for time in repeated)
    assert label_of(repeated[0], "day") == "2026-10-25"
