"""``contrafact build``."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contrafact.errors import StoppedError
from contrafact.identity import identity_of
from contrafact.pipeline import build, local_mapper
from contrafact.plan import Plan, make_plan
from contrafact.recipe import load_recipe
from contrafact.stopping import Stop
from contrafact.store.layout import RunDirectory
from contrafact.store.remote import is_remote
from flows.cli.ending import next_commands, report_link, report_shows, what_helps
from flows.cli.progress import watched
from flows.cli.reasons import print_reasons
from flows.connecting import Connection
from flows.engines import Engine, check_engine, open_engine
from flows.signals import armed, resume_command

__all__ = ["build_command"]


def build_command(
    recipe: str,
    settings: Sequence[str],
    out: str | None,
    *,
    local: bool,
    dry_run: bool = False,
    replay: bool = False,
    engine: str = "auto",
    address: str | None = None,
    **changes: Any,
) -> None:
    """Read, check, build, and say what came of it; or, in a dry run, what would be asked of a language model."""
    console = Console(stderr=True)
    read, path = load_recipe(recipe, settings, **changes)
    check_engine(engine, address, local=local)
    place = out or read.output or f"outputs/{read.name}"
    complete = not is_remote(place) and RunDirectory(Path(place)).complete
    if complete and not dry_run:  # before models are read, tables fitted and a server started
        spec = read.identity_spec()
        RunDirectory(Path(place)).check_recipe(identity_of(spec), spec)
    # A server of its own starts while plug-ins are found and models are read.
    server = None if local or dry_run else Connection(console, needed=not complete)
    started, stop = time.monotonic(), Stop()
    try:
        plan = make_plan(read, path, out, replay=replay)
        if dry_run:
            from flows.cli.estimating import estimate_command

            estimate_command(plan)
            return
        complete = complete or plan.directory.complete
        with _engine(plan, engine, address, console) as hands, armed(stop), watched(plan, console) as watch:
            if server is None:
                manifest = build(plan, hands.over(local_mapper(plan.workers)), watch, stop)
            else:
                manifest = server.build(plan, hands, watch, stop)
    except (
        StoppedError,
        KeyboardInterrupt,
    ) as ended:  # the latter before signals are taken over: while models are read
        typer.echo(f"stopped; finished shards are kept. Resume with:\n  {resume_command()}", err=True)
        raise typer.Exit(130 if isinstance(ended, KeyboardInterrupt) else stop.exit_code) from None
    finally:
        if server is not None:
            server.close()
    _report(Console(), plan, manifest, None if complete else time.monotonic() - started, recipe)
    if not manifest["accepted"]:
        typer.echo(f"no pair was accepted: the reasons above and in rejected/ say why{what_helps(plan)}", err=True)
        raise typer.Exit(1)


def _engine(plan: Plan, kind: str, address: str | None, console: Console) -> Engine:
    def told(text: str) -> None:
        console.print(f"warning: {text}", style="yellow", soft_wrap=True, highlight=False)

    return open_engine(plan, kind, address, told)


def _report(console: Console, plan: Plan, manifest: Mapping[str, Any], seconds: float | None, recipe: str) -> None:
    folder = plan.directory.address
    console.print(f"{manifest['name']}: {manifest['ended']}", style="bold", highlight=False, soft_wrap=True)
    table = Table(show_edge=False)
    for title, side in (("step", "left"), ("judged", "right"), ("rejected", "right")):
        table.add_column(title, justify=side)  # type: ignore[arg-type]
    for row in manifest["funnel"]:
        table.add_row(row["step"], f"{row['judged']:,}", f"{row['rejected']:,}")
    console.print(table)
    print_reasons(console, manifest, plan.generator.advice())
    splits = ", ".join(f"{name} {count:,}" for name, count in manifest["splits"].items())
    took = "was complete already: nothing to do" if seconds is None else f"in {seconds:.1f} s"
    if seconds is not None and "usage" in manifest and manifest["accepted"]:
        took += f", {seconds / manifest['accepted']:.1f} s an accepted pair"
    console.print(
        f"\n[bold]{manifest['accepted']:,}[/] accepted + {manifest['rejected']:,} rejected"
        f" = {manifest['proposed']:,} proposed pairs, {took}  ({splits})",
        highlight=False,
        soft_wrap=True,
    )
    if "usage" in manifest:
        console.print(_usage(manifest["usage"]), style="dim", highlight=False, soft_wrap=True)
    page = report_link(plan.directory.report_page, folder)
    shows = report_shows(plan, manifest)
    console.print(
        f"\nThe dataset is [bold]{escape(folder)}[/]; its README.md is the card, {page} {shows}. Look at it:",
        highlight=False,
        soft_wrap=True,
    )
    for command in next_commands(plan, manifest, recipe):
        console.print(f"  {command}", highlight=False, markup=False, soft_wrap=True)


def _usage(usage: Mapping[str, Any]) -> str:
    """What the dataset's replies cost, in a line."""
    if usage["prompt_tokens"] is None:
        tokens = "tokens unknown"
    else:
        tokens = f"{usage['prompt_tokens']:,} + {usage['completion_tokens']:,} tokens"
    cost, each = usage["cost"], usage["cost_per_accepted"]
    money = "money unknown" if cost is None else f"money {cost:,.4f}"
    share = "" if each is None else f", {each:,.6f} an accepted pair"
    return f"made from {usage['requests']:,} replies of a language model: {tokens}, {money}{share}"
