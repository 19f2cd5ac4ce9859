"""What the serving process says of its runs: a line when one resumes, a line when one ends.

A run has a process of its own, and shares the terminal (or the log) of the one that serves it. A run of a work pool has
neither, and says nothing here: its worker has a log.
"""

from __future__ import annotations

import json
import os
import zoneinfo
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

__all__ = ["SERVED", "ended_line", "keeps_overrunning", "say", "say_end"]

SERVED = "CONTRAFACT_SERVED"
"""Environment variable of a serving process and its runs: the deployment and the time zone, as JSON."""

_LONGEST = 400
_LOOKED_AT = 200
_PREFIX = "Flow run encountered an exception: "
_OVERRUN = (
    "warning: for the second time in a row a run was due while the last was still at work: the schedule is quicker than"
    " the build. Give it a longer --interval or a rarer --cron, or fewer rows; --overlap skip leaves out what is late"
)


def say(line: str) -> None:
    """Print a line where a process serves this run; at once and whole, as several processes write there."""
    if os.environ.get(SERVED):
        os.write(2, f"{line}\n".encode())


def say_end(event: str, run: FlowRun, made: Mapping[str, Any], message: str | None) -> None:
    """Say how a run ended and when the next is due; and warn where runs are due quicker than they end."""
    served = os.environ.get(SERVED)
    if not served:
        return
    told = json.loads(served)
    following, overrun = None, False
    try:
        runs = _runs(told["deployment"])
        following, overrun = _next(runs, run.id), keeps_overrunning(runs, run.id)
    except Exception:  # noqa: BLE001, S110  # the server is away: how the run ended is said all the same
        pass
    say(ended_line(run.name, event, made, message, following, told["timezone"]))
    if overrun:
        say(_OVERRUN)


def ended_line(
    name: str, event: str, made: Mapping[str, Any], message: str | None, following: datetime | None, timezone: str
) -> str:
    """How a run ended, in one line.

    Parameters
    ----------
    event : str
        ``completed``, ``failed`` or ``crashed``.
    made : mapping
        What the run gave back.
    message : str, optional
        Of its last state.
    following : datetime, optional
        When the next run is due.
    """
    if event != "completed":
        words = " ".join((message or "").removeprefix(_PREFIX).split())
        how = f"{event}: {words[:_LONGEST] or 'no reason is known'}"
    elif made.get("built") is False:
        how = "nothing to build"
    elif "accepted" in made:
        how = f"built {made['accepted']:,} accepted pairs in {made['folder']}"
        how += f", pushed with the tag {made['version']}" if made.get("pushed") else ""
    else:
        how = "completed"
    return f"{name}: {how}{_due(following, timezone)}"


def keeps_overrunning(runs: Sequence[FlowRun], run: UUID) -> bool:
    """Whether a run was due while this one was at work, and while the one before it was, and not a third time.

    Parameters
    ----------
    runs : sequence of FlowRun
        Of the deployment, the latest first.
    run : UUID
        The one that ends now.
    """
    worked = sorted(
        (each for each in runs if each.start_time is not None and (each.end_time is not None or each.id == run)),
        key=lambda each: each.start_time or datetime.now(UTC),
        reverse=True,
    )
    place = next((place for place, each in enumerate(worked) if each.id == run), None)
    if place is None:
        return False
    overran = [_overran(each, runs) for each in worked[place : place + 3]]
    return overran[:2] == [True, True] and overran[2:] != [True]


def _overran(run: FlowRun, runs: Sequence[FlowRun]) -> bool:
    began, ended = run.start_time, run.end_time or datetime.now(UTC)
    assert began is not None  # noqa: S101  # it was at work
    return any(
        each.auto_scheduled and each.id != run.id and each.expected_start_time is not None
        and began < each.expected_start_time < ended
        for each in runs
    )  # fmt: skip


def _runs(deployment: str) -> list[FlowRun]:
    """The deployment's runs, the latest first: those that are due (Prefect makes a hundred ahead) and the last ones."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
    from prefect.client.schemas.sorting import FlowRunSort

    with get_client(sync_client=True) as client:
        only = DeploymentFilter(id=DeploymentFilterId(any_=[client.read_deployment_by_name(deployment).id]))
        return client.read_flow_runs(
            deployment_filter=only, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=_LOOKED_AT
        )


def _next(runs: Sequence[FlowRun], run: UUID) -> datetime | None:
    due = [
        each.expected_start_time
        for each in runs
        if each.id != run and each.state is not None and each.state.is_scheduled() and each.expected_start_time
    ]
    return min(due, default=None)


def _due(time: datetime | None, timezone: str) -> str:
    if time is None:
        return ""
    shown = f"{time.astimezone(zoneinfo.ZoneInfo(timezone)):%a %d %b %Y %H:%M:%S %Z}"
    return f"; next at once (due {shown})" if time < datetime.now(UTC) else f"; next {shown}"
