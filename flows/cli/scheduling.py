"""``contrafact schedule``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, cast

from rich.console import Console

from contrafact.errors import UserError
from contrafact.plan import make_plan
from contrafact.recipe import load_recipe
from flows.connecting import quiet
from flows.scheduling.hooks import check_hooks
from flows.scheduling.times import read_timing
from flows.server import check_server, named_server, own_running_server
from flows.signals import resume_command

__all__ = ["schedule_command"]


def schedule_command(
    recipe: str,
    settings: Sequence[str],
    *,
    cron: str | None,
    interval: str | None,
    timezone: str,
    mode: Literal["dated", "extend"],
    fresh: bool = False,
    out: Path | None = None,
    name: str | None = None,
    push: str | None = None,
    private: bool = True,
    overlap: str = "wait",
    on_completion: Sequence[str] = (),
    on_failure: Sequence[str] = (),
    **changes: Any,
) -> None:
    """Check everything, then serve until stopped."""
    console = Console(stderr=True)
    timing = read_timing(cron, interval, timezone)
    if fresh and mode == "extend":
        raise UserError(
            "--new-seed and --extend were both given: units of another seed are another dataset",
            fix="leave --new-seed out: each run extends the dataset with units that it did not have",
        )
    if overlap not in ("wait", "skip"):
        raise UserError(f"--overlap {overlap!r} was given", allowed="wait or skip", fix="write --overlap wait")
    check_hooks([*on_completion, *on_failure])
    read, path = load_recipe(recipe, settings, **changes)
    where = Path(out or read.output or Path("outputs") / read.name)
    make_plan(read, path, where.with_name(f"{where.name}-check")).engines.close()  # every mistake, before any night
    if push is not None:
        from flows.scheduling.pushing import check_push

        check_push(push)
    _connect(console)
    from flows.scheduling.serving import Service

    service = Service(
        name or read.name,
        read,
        Path(path).parent,
        where,
        timing,
        mode,
        fresh,
        push,
        private,
        cast("Literal['wait', 'skip']", overlap),
        tuple(on_completion),
        tuple(on_failure),
    )
    _announce(console, service)
    service.serve()
    console.print(
        "stopped: the schedule is paused, and a run that was at work resumes. Start it again with:", soft_wrap=True
    )
    console.print(f"  {resume_command()}", highlight=False, markup=False, soft_wrap=True)


def _connect(console: Console) -> None:
    url = named_server()
    if url is None:
        url = own_running_server()
        if url is None:
            raise UserError(
                "no Prefect server is running, and a schedule needs one that stays",
                fix="prefect server start  (in another terminal), then this command again",
            )
        os.environ["PREFECT_API_URL"] = url
    elif warning := check_server(url):
        console.print(f"warning: {warning}", style="yellow", soft_wrap=True)
    quiet(shown=True)


def _announce(console: Console, service: Any) -> None:
    page = (named_server() or "").removesuffix("/api")
    how = "each run a dataset of its own" if service.mode == "dated" else "each run more units of the same dataset"
    console.print(f"[bold]{service.name}[/]: {service.timing}; {how}", highlight=False, soft_wrap=True)
    into = f"{service.out}-DATE" if service.mode == "dated" else str(service.out)
    console.print(f"  into   {into}{f', pushed to {service.push}' if service.push else ''}", highlight=False)
    console.print(f"  next   {'; '.join(service.next_times())}", highlight=False, soft_wrap=True)
    console.print(f"  watch  {page}/deployments", highlight=False, soft_wrap=True)
    console.print(f"  now    prefect deployment run 'contrafact-schedule/{service.name}'", highlight=False)
    console.print("This process waits and builds; Ctrl-C ends the schedule.", style="dim")
