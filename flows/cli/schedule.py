"""The options of ``contrafact schedule``. What it does is in :mod:`flows.cli.scheduling`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["schedule"]


def schedule(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Name or path of a recipe.")],
    cron: Annotated[str | None, typer.Option(help="When: minute hour day month weekday, such as '0 3 * * *'.")] = None,
    interval: Annotated[str | None, typer.Option(help="Or how often: 30s, 15m, 12h, 7d.")] = None,
    timezone: Annotated[str, typer.Option(help="In which the cron is read and versions are dated.")] = "UTC",
    extend: Annotated[
        bool, typer.Option("--extend/--dated", help="More units of the same dataset, or a dated one each time.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--new-seed", help="With --dated: new units each time.")] = False,
    push: Annotated[str | None, typer.Option(metavar="namespace/name", help="Push each version, with a tag.")] = None,
    private: Annotated[bool, typer.Option("--private/--public", help="Of a repository that is new.")] = True,
    out: Annotated[Path | None, typer.Option(help="Folder instead of outputs/NAME; --dated adds the date.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the deployment; the recipe's unless given.")] = None,
    overlap: Annotated[str, typer.Option(help="While the last run is still at work: wait, or skip this one.")] = "wait",
    on_completion: Annotated[
        list[str] | None, typer.Option(metavar="URL|COMMAND", help="Told of each finished run; may be repeated.")
    ] = None,
    on_failure: Annotated[
        list[str] | None, typer.Option(metavar="URL|COMMAND", help="Told of each failed run; may be repeated.")
    ] = None,
    rows: Annotated[int | None, typer.Option(help="Units of each run.")] = None,
    accept: Annotated[int | None, typer.Option(help="Accepted pairs of each run.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="a.b=c", help="Change one key of the recipe; may be repeated."),
    ] = None,
) -> None:
    """Build again and again: serve a Prefect deployment from this process until it is stopped."""
    from flows.cli.scheduling import schedule_command

    schedule_command(
        recipe,
        settings or [],
        cron=cron,
        interval=interval,
        timezone=timezone,
        mode="extend" if extend else "dated",
        fresh=fresh,
        out=out,
        name=name,
        push=push,
        private=private,
        overlap=overlap,
        on_completion=on_completion or [],
        on_failure=on_failure or [],
        rows=rows,
        accept=accept,
    )
