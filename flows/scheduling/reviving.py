"""Runs that a dead process left behind are begun again, and resume; those that were missed meanwhile are left out.

Prefect takes a run for running until somebody says otherwise. A process that was killed, or that lost its server for
longer than its lease, says nothing. And it goes on making runs that nobody takes: all of them at once when somebody
comes back would be a pile of builds for one night.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun, State

__all__ = ["UNDER_WAY", "leave_out_missed", "revive", "watchman"]

UNDER_WAY = ("RUNNING", "PENDING", "CANCELLING")
_EVERY_SECONDS = 30.0
_LOOKED_AT = 200
_MISSED_SECONDS = 60.0
"""How long ago a run must have been due to count as missed."""


def revive(deployment: str, states: tuple[str, ...] = UNDER_WAY, only: frozenset[UUID] | None = None) -> None:
    """Begin runs of a deployment again.

    Parameters
    ----------
    deployment : str
        ``flow/name``.
    states : tuple of str
        Types of the states in which a run counts as left behind.
    only : frozenset of UUID, optional
        Of these runs alone.
    """
    from prefect.client.orchestration import get_client
    from prefect.states import Scheduled

    with get_client(sync_client=True) as client:
        for run in _runs(deployment, states):
            if only is None or run in only:
                again: State[Any] = Scheduled(name="Resuming", message="the process that it ran in had ended")
                client.set_flow_run_state(run, again, force=True)


def leave_out_missed(deployment: str) -> None:
    """Call off runs that the schedule made, and that were due while nobody served it."""
    from prefect.client.orchestration import get_client
    from prefect.states import Cancelled

    latest = datetime.now(UTC) - timedelta(seconds=_MISSED_SECONDS)
    with get_client(sync_client=True) as client:
        for run in _left(deployment, ("SCHEDULED",)):
            due, state = run.expected_start_time, run.state
            made_by_schedule = run.auto_scheduled and state is not None and state.name in ("Scheduled", "Late")
            if made_by_schedule and due is not None and due < latest:
                missed: State[Any] = Cancelled(message="nothing served the schedule when it was due")
                client.set_flow_run_state(run.id, missed, force=True)


@contextmanager
def watchman(deployment: str) -> Iterator[None]:
    """Look every half minute for runs that count as running while this process, which serves them, runs none."""
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(deployment, over), name="watchman", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()


def _watch(deployment: str, over: threading.Event) -> None:
    import httpx

    suspected: frozenset[UUID] = frozenset()
    while not over.wait(_EVERY_SECONDS):
        try:
            if suspected and not multiprocessing.active_children():
                revive(deployment, only=suspected)
            # Seen twice with no process in between: a run that is just being begun has none either.
            suspected = frozenset() if multiprocessing.active_children() else frozenset(_runs(deployment, UNDER_WAY))
        except httpx.HTTPError:
            suspected = frozenset()  # the server is away: it will be asked again


def _runs(deployment: str, states: tuple[str, ...]) -> list[UUID]:
    return [run.id for run in _left(deployment, states)]


def _left(deployment: str, states: tuple[str, ...]) -> list[FlowRun]:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, FlowRunFilter
    from prefect.client.schemas.sorting import FlowRunSort
    from prefect.exceptions import ObjectNotFound

    with get_client(sync_client=True) as client:
        try:
            found = client.read_deployment_by_name(deployment).id
        except ObjectNotFound:
            return []
        return client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[found])),
            flow_run_filter=FlowRunFilter.model_validate({"state": {"type": {"any_": list(states)}}}),
            sort=FlowRunSort.EXPECTED_START_TIME_ASC,
            limit=_LOOKED_AT,
        )
