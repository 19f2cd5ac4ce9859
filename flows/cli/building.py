"""``contrafact build``."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from contrafact.errors import UserError
from contrafact.pipeline import Watch, build, local_mapper
from contrafact.plan import Plan, make_plan
from contrafact.recipe import load_recipe
from flows.cli.endpoint import api_url, why_not
from flows.cli.progress import watched
from flows.cli.reasons import print_reasons

__all__ = ["build_command"]


def build_command(
    recipe: str,
    settings: Sequence[str],
    out: Path | None,
    *,
    local: bool,
    dry_run: bool = False,
    replay: bool = False,
    **changes: Any,
) -> None:
    """Read, check, build, and say what came of it; or, in a dry run, what would be asked of a language model."""
    console = Console(stderr=True)
    read, path = load_recipe(recipe, settings, **changes)
    plan = make_plan(read, path, out, replay=replay)
    if dry_run:
        from flows.cli.estimating import estimate_command

        estimate_command(plan)
        return
    complete = plan.directory.manifest.is_file()
    started = time.monotonic()
    run = _locally if local else _through_prefect(console)
    try:
        with watched(plan, console) as watch:
            manifest = run(plan, watch)
    except KeyboardInterrupt:
        # Typer would end the command without a word.
        typer.echo("\nstopped; what was finished is kept, and the same command resumes", err=True)
        raise typer.Exit(130) from None
    _report(Console(), plan, manifest, None if complete else time.monotonic() - started, recipe)
    if not manifest["accepted"]:
        typer.echo("no pair was accepted: the reasons above and in rejected/ say why", err=True)
        raise typer.Exit(1)


def _locally(plan: Plan, watch: Watch) -> dict[str, Any]:
    return build(plan, local_mapper(plan.workers), watch)


def _through_prefect(console: Console) -> Callable[[Plan, Watch], dict[str, Any]]:
    if not os.environ.get("CONTRAFACT_DEBUG"):
        # Prefect logs a user's mistake as a crash with its traceback; the message alone is printed by main().
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
        # A server that the build started is stopped with it, and logs what it was still writing down as errors.
        os.environ.setdefault("PREFECT_SERVER_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    # The server that a build starts for itself reports nothing; one that the user runs is the user's to set.
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    url = api_url()
    if url is not None and (reason := why_not(url)):
        raise UserError(
            f"no Prefect server answers at {url} ({reason})",
            fix="prefect server start, or unset PREFECT_API_URL, or build with --local",
        )
    if url is None:
        console.print(
            "starting Prefect (the first time takes 20 s, later about 10; --local does without)",
            style="dim",
            soft_wrap=True,
        )
    from flows.build import build_plan

    return build_plan


def _report(console: Console, plan: Plan, manifest: Mapping[str, Any], seconds: float | None, recipe: str) -> None:
    folder = plan.directory.path
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
    console.print(f"\nThe dataset is [bold]{folder}[/]; its README.md is the card. Look at it:", highlight=False)
    split = next((name for name, count in manifest["splits"].items() if count), "rejected")
    commands = [
        f"{_at_hand('contrafact')} preview {recipe} --accepted",
        f"{_at_hand('contrafact')} validate {folder}",
        f"{_at_hand('python')} -c \"import datasets; print(datasets.load_dataset('{folder}')['{split}'][0])\"",
    ]
    for command in commands:
        console.print(f"  {command}", highlight=False, soft_wrap=True)


def _at_hand(command: str) -> str:
    """A command as it can be typed here: by name where that is the one of this environment, else by its path."""
    own, known = Path(sys.executable).parent / command, shutil.which(command)
    if not own.is_file() or (known is not None and Path(known).parent == own.parent):
        return command
    return str(own.relative_to(Path.cwd()) if own.is_relative_to(Path.cwd()) else own)


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
