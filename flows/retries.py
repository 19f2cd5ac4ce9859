"""How a shard's task is tried again, wherever it runs."""

from __future__ import annotations

from typing import Any

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from contrafact.errors import ContrafactError
from contrafact.pipeline import RETRY_SECONDS

__all__ = ["SHARD_TASK"]


def _worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Transient or terminal is a property of the error's class."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, ContrafactError) and error.transient


SHARD_TASK: dict[str, Any] = {
    "name": "shard",
    "task_run_name": "{stage} shard {shard}",
    "retries": len(RETRY_SECONDS),
    "retry_delay_seconds": list(RETRY_SECONDS),
    "retry_condition_fn": _worth_retrying,
    "cache_policy": NO_CACHE,  # the run directory says what is finished; a second truth could only disagree
    "persist_result": False,
}
"""What ``prefect.task`` is given."""
