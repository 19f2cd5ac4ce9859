"""The Prefect flow that publishes a dataset: one task that compares and sends, and a link in the UI.

What a push does is in :mod:`contrafact.publishing.pushing`. The token is found on the machine that runs the task, in
its environment or by the hub's own login: it is no parameter, and Prefect never sees it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_link_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from contrafact.errors import ContrafactError
from contrafact.publishing.pushing import Pushed, Settings, push
from contrafact.store.layout import RunDirectory, read_manifest
from flows.artifacts import artifact_key
from flows.build import build_dataset

__all__ = ["build_and_publish", "publish_dataset"]

_RETRY_SECONDS = (30, 120, 600)


def _worth_retrying(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """A hub that is down, slow or busy; never one that refuses."""
    error = state.result(raise_on_failure=False)
    return isinstance(error, ContrafactError) and error.transient


@task(
    name="push",
    task_run_name="push {directory} to {repository}",
    retries=len(_RETRY_SECONDS),
    retry_delay_seconds=list(_RETRY_SECONDS),
    retry_condition_fn=_worth_retrying,
    cache_policy=NO_CACHE,  # the hub says what is there
    persist_result=False,
)
def _push(directory: str, repository: str, settings: Settings) -> dict[str, Any]:
    logger = get_run_logger()
    done = push(directory, repository, settings, lambda what, done, total: logger.info("%s (%s/%s)", what, done, total))
    for note in done.notes:
        logger.warning(note)
    return _told(done)


@flow(name="contrafact-publish", flow_run_name="publish {directory}", persist_result=False)
def publish_dataset(
    directory: str,
    repository: str,
    private: bool = True,
    revision: str = "main",
    tag: str | None = None,
    hidden: bool = False,
    replace: bool = False,
    override_licence: bool = False,
) -> dict[str, Any]:
    """Push a finished run directory: the flow to schedule after a build.

    Parameters
    ----------
    directory : str
        Run directory, on the machine that runs the flow.
    repository : str
        ``namespace/name``.
    private : bool
        Of a new repository; one that exists stays as it is.
    revision, tag, hidden, replace, override_licence
        As :class:`contrafact.publishing.pushing.Settings` has them.

    Returns
    -------
    dict
        ``url``, ``commit``, ``identity``, ``sent`` and ``same`` (files), ``bytes`` sent, ``notes``.
    """
    # A repository that exists may be public: what is asked here is only about a new one.
    settings = Settings(None if private else False, revision, tag, hidden, replace, override_licence)
    told = _push(directory, repository, settings)
    name = read_manifest(RunDirectory(Path(directory)))["name"]
    create_link_artifact(told["url"], key=artifact_key(name, "hub"), link_text=repository, description="On the Hub")
    return told


@flow(name="contrafact-build-and-publish", flow_run_name="{recipe} to {repository}", persist_result=False)
def build_and_publish(
    recipe: str,
    repository: str,
    rows: int | None = None,
    accept: int | None = None,
    out: str | None = None,
    settings: list[str] | None = None,
    private: bool = True,
    revision: str = "main",
    tag: str | None = None,
    hidden: bool = False,
) -> dict[str, Any]:
    """Build the dataset of a recipe, or finish it, and push it. An unchanged recipe sends nothing.

    Parameters
    ----------
    recipe, rows, accept, out, settings
        As :func:`flows.build.build_dataset` has them.
    repository, private, revision, tag, hidden
        As :func:`publish_dataset` has them.
    """
    manifest = build_dataset(recipe, rows=rows, accept=accept, out=out, settings=settings)
    folder = out or str(Path("outputs") / manifest["name"])
    return publish_dataset(folder, repository, private=private, revision=revision, tag=tag, hidden=hidden)


def _told(done: Pushed) -> dict[str, Any]:
    """What a push did, as plain data."""
    sent = done.difference.sent
    return {
        "url": done.url,
        "commit": done.commit,
        "identity": done.identity,
        "sent": len(sent),
        "bytes": sum(item.size for item in sent),
        "same": len(done.difference.same),
        "gone": len(done.difference.gone),
        "notes": list(done.notes),
    }
