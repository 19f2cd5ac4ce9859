"""A serving process says in a line how each run ended, and warns once where runs are due quicker than they end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun

from flows.scheduling.telling import SERVED, ended_line, keeps_overrunning, say

START = datetime(2026, 11, 26, 3, tzinfo=UTC)
LATER = datetime(2126, 11, 27, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event", "made", "message", "said"),
    [
        (
            "completed",
            {"accepted": 1234, "folder": "outputs/toy", "version": "v1", "pushed": "https://hub"},
            "All states completed.",
            "toy v1: built 1,234 accepted pairs in outputs/toy, pushed with the tag v1",
        ),
        ("completed", {"built": False, "folder": "outputs/toy", "version": "v1"}, None, "toy v1: nothing to build"),
        (
            "failed",
            {},
            "Flow run encountered an exception: DataError: no column\n  fix: name one",
            "toy v1: failed: DataError: no column fix: name one",
        ),
        ("crashed", {}, "Process exited with -9", "toy v1: crashed: Process exited with -9"),
        ("failed", {}, None, "toy v1: failed: no reason is known"),
    ],
)
def test_how_a_run_ended_is_one_line(event: str, made: dict[str, Any], message: str | None, said: str) -> None:
    assert ended_line("toy v1", event, made, message, None, "UTC") == said
    line = ended_line("toy v1", event, made, message, LATER, "Europe/Berlin")
    assert line == f"{said}; next Wed 27 Nov 2126 04:00:00 CET"
    past = datetime(2020, 11, 26, 3, tzinfo=UTC)
    late = ended_line("toy v1", event, made, message, past, "UTC")
    assert late == f"{said}; next at once (due Thu 26 Nov 2020 03:00:00 UTC)"


def worked(due: float, began: float | None, ended: float | None, *, auto: bool = True) -> FlowRun:
    def at(minutes: float | None) -> datetime | None:
        return None if minutes is None else START + timedelta(minutes=minutes)

    times = {"expected_start_time": at(due), "start_time": at(began), "end_time": at(ended)}
    return FlowRun.model_validate({"flow_id": uuid4(), "auto_scheduled": auto, **times})


@pytest.mark.parametrize(
    ("runs", "warned"),
    [
        ([(0, 0, 5), (10, 10, 15)], False),
        ([(0, 0, 15), (10, 15, 19), (20, 20, 25)], False),  # one long night
        ([(0, 0, 15), (10, 15, 30), (20, None, None)], True),  # waiting
        ([(0, 0, 15), (10, None, 10), (20, 20, 35), (30, None, 30)], True),  # or left out
        ([(0, 0, 15), (10, 15, 30), (20, 30, 45), (30, None, None)], False),  # it was said already
    ],
)
def test_the_second_overrun_in_a_row_is_warned_of_once(runs: list[tuple[Any, ...]], warned: bool) -> None:
    all_runs = [worked(*each) for each in runs]
    last = [run for run in all_runs if run.start_time is not None][-1]
    assert keeps_overrunning(all_runs[::-1], last.id) is warned


def test_a_run_by_hand_is_no_overrun() -> None:
    runs = [worked(0, 0, 15), worked(10, 15, 30, auto=False), worked(20, 30, None, auto=False)]
    assert not keeps_overrunning(runs, runs[1].id)


def test_only_a_served_run_speaks(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv(SERVED, raising=False)
    say("toy v1: resumes")
    assert capfd.readouterr().err == ""
    monkeypatch.setenv(SERVED, "{}")
    say("toy v1: resumes")
    assert capfd.readouterr().err == "toy v1: resumes\n"
