"""The flow that a schedule runs: one version of a dataset, built and, where that is asked for, pushed.

``contrafact schedule`` serves it from one long-lived process; ``prefect.yaml`` deploys it to a work pool.

Annotations are no strings here: Prefect makes its form, and its check of parameters, of them.
"""

import time
import zoneinfo
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import FlowRun, State
from prefect.context import FlowRunContext
from prefect.exceptions import MissingResult
from prefect.flows import Flow
from prefect.logging.loggers import flow_run_logger
from prefect.states import Scheduled
from pydantic import Field

from contrafact.errors import ContrafactError
from contrafact.plan import make_plan
from contrafact.recipe import Recipe
from contrafact.store.layout import RunDirectory, read_manifest
from flows.build import build_plan
from flows.scheduling.hooks import COMPLETION, FAILURE, told
from flows.scheduling.parameters import RecipeForm
from flows.scheduling.telling import say, say_end
from flows.scheduling.times import Precision
from flows.scheduling.versions import Mode, Version, dated, extended, label_of, standing, summary

__all__ = ["build_version"]

_AGAIN_SECONDS = (60.0, 300.0, 900.0)
"""How long to wait before each further try after a transient error that outlasted the shards' own tries."""

_STARTS = 3
"""How often a run whose process died is begun again."""


def _tell(variable: str, event: str, flow_run: FlowRun, state: State[Any]) -> None:
    message = {
        "event": event,
        "run": flow_run.name,
        "run_id": str(flow_run.id),
        "message": state.message,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        **_made(state),
    }
    for problem in told(variable, message):
        flow_run_logger(flow_run).warning(problem)
    say_end(event, flow_run, _made(state), state.message)


def _made(state: State[Any]) -> dict[str, Any]:
    """What the run gave back; nothing where it failed, or where another process ran it."""
    try:
        result = state.result(raise_on_failure=False)
    except MissingResult:
        return {}
    return result if isinstance(result, dict) else {}


def _completed(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    _tell(COMPLETION, "completed", flow_run, state)


def _failed(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    _tell(FAILURE, "failed", flow_run, state)


def _crashed(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Its process died (killed, out of memory, a power cut): begin the same run again, which resumes."""
    _tell(FAILURE, "crashed", flow_run, state)
    if flow_run.run_count >= _STARTS:
        return
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        again: State[None] = Scheduled(name="Resuming", message="its process died; finished shards are kept")
        client.set_flow_run_state(flow_run.id, again, force=True)


def _named() -> str:
    """The run's name: what is built, and which version."""
    parameters = _context().parameters or {}
    recipe: Recipe = parameters["recipe"]
    return f"{recipe.name} {_label(parameters['timezone'], parameters['versions'])}"


def _label(timezone: str, versions: Precision) -> str:
    """The version's name: when the run was due, also where it starts late, or again. By hand: to the second."""
    run = _context().flow_run
    assert run is not None  # noqa: S101  # there is one wherever a flow runs
    due = run.expected_start_time or datetime.now(UTC)
    return label_of(due.astimezone(zoneinfo.ZoneInfo(timezone)), versions if run.auto_scheduled else "second")


def _context() -> FlowRunContext:
    context = FlowRunContext.get()
    assert context is not None  # noqa: S101
    return context


@flow(
    name="contrafact-schedule",
    flow_run_name=_named,
    persist_result=False,
    on_completion=[_completed],
    on_failure=[_failed],
    on_crashed=[_crashed],
    on_cancellation=[_failed],
)
def build_version(
    recipe: Annotated[RecipeForm, Field(description="What is built")],
    folder: Annotated[str, Field(description="Where the recipe's relative paths start")] = ".",
    mode: Annotated[Mode, Field(description="A dataset of its own each time, or more of the same one")] = "dated",
    out: Annotated[str | None, Field(description="Folder instead of outputs/NAME (dated: its date is added)")] = None,
    push: Annotated[str | None, Field(description="Repository on the Hub: namespace/name")] = None,
    private: Annotated[bool, Field(description="Whether a repository that is new is private")] = True,
    timezone: Annotated[str, Field(description="In which versions are dated")] = "UTC",
    versions: Annotated[Precision, Field(description="How finely names of versions tell times apart")] = "day",
    fresh: Annotated[bool, Field(description="Dated: another seed each time, so that units are new")] = False,
) -> dict[str, Any]:
    """Build one version of a dataset: dated, or the same dataset with the next units."""
    log = get_run_logger()
    where = Path(out or Path("outputs") / recipe.name)
    label = _label(timezone, versions)
    plain = Recipe.model_validate(recipe.model_dump())
    known = "open" if mode == "dated" else standing(where, label)
    if known == "followed":
        log.info("%s: version %s was followed by a later one; nothing to build", where, label)
        return {"folder": str(where), "version": label, "built": False}
    if known == "settled":  # by this very run, which ended before it could say so
        log.info("version %s is in its place already: %s", label, where)
        say(f"{recipe.name} {label}: resumes; the version is in its place already")
        return _finished(where, label, read_manifest(RunDirectory(where)), push, private=private)
    version = dated(plain, where, label, fresh=fresh) if mode == "dated" else extended(plain, where, label)
    if version is None:
        log.info("%s: the source has no more units; nothing to build", where)
        return {"folder": str(where), "version": label, "built": False}
    log.info("version %s: %s into %s", label, version.asks, version.final)
    if (version.build / ".work").is_dir():
        say(f"{recipe.name} {label}: resumes what was left unfinished")
    manifest = _built(version, Path(folder))
    return _finished(version.settle(), label, manifest, push, private=private)


def _finished(
    final: Path, label: str, manifest: Mapping[str, Any], push: str | None, *, private: bool
) -> dict[str, Any]:
    """Say what was made, and push it where that is asked for."""
    log = get_run_logger()
    made: dict[str, Any] = {"folder": str(final), "version": label, **summary(manifest)}
    log.info("%s: %s accepted + %s rejected pairs", final, f"{made['accepted']:,}", f"{made['rejected']:,}")
    if push:
        made["pushed"] = _pushed(final, push, label, private=private)
        log.info("pushed to %s, tag %s", push, label)
    return made


def _built(version: Version, folder: Path) -> dict[str, Any]:
    """Build, and try again where an error is transient and outlasted what the shards waited for."""
    for seconds in (*_AGAIN_SECONDS, None):
        try:
            return build_plan(make_plan(version.recipe, folder / "recipe.yaml", version.build))
        except ContrafactError as error:
            if not error.transient or seconds is None:
                raise
            get_run_logger().warning("%s; trying again in %.0f s", error.what, seconds)
            time.sleep(seconds)
    raise AssertionError("the last try returns or raises")


def _pushed(folder: Path, repository: str, label: str, *, private: bool) -> str:
    """Push a dataset to the Hub, under a tag of its own. Returns its address there."""
    from flows.publish import publish_dataset

    return str(publish_dataset(str(folder), repository, private=private, tag=label)["url"])
