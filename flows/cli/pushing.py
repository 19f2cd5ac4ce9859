"""``contrafact push``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from contrafact.publishing.contents import Item
from contrafact.publishing.pushing import Pushed, Settings, Watch, push

__all__ = ["push_command", "size_text"]

_LISTED = 30
_EVERY_SECONDS = 5.0


def push_command(directory: Path, repository: str, settings: Settings) -> None:
    """Push, and say what went up, what was there already, and how to read it."""
    console = Console(stderr=True)
    try:
        with _watched(console) as watch:
            done = push(directory, repository, settings, watch)
    except KeyboardInterrupt:
        typer.echo("\nstopped; what went up is kept, and the same command continues", err=True)
        raise typer.Exit(130) from None
    out = Console()
    for note in done.notes:
        console.print(f"note: {note}", style="yellow", highlight=False, markup=False, soft_wrap=True)
    if settings.dry_run:
        _print_plan(out, done, repository)
    else:
        _print_result(out, done, repository, settings)


def size_text(count: int) -> str:
    """Bytes in the unit that reads best, in powers of 1,000 as the Hub counts."""
    if count < 1000:
        return f"{count} B"
    for unit, size in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if count < 999.5 * size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1e12:.1f} TB"


def _files(items: Sequence[Item]) -> str:
    return f"{len(items):,} file{'' if len(items) == 1 else 's'} ({size_text(sum(item.size for item in items))})"


def _print_plan(console: Console, done: Pushed, repository: str) -> None:
    table = Table(show_edge=False)
    for title in ("file", "size", ""):
        table.add_column(title, justify="right" if title == "size" else "left", overflow="fold")
    difference = done.difference
    marks = {
        item.path: word for word, items in (("new", difference.new), ("changed", difference.changed)) for item in items
    }
    sent = difference.sent
    for item in sent[:_LISTED]:
        table.add_row(item.path, size_text(item.size), marks[item.path])
    if len(sent) > _LISTED:
        rest = sent[_LISTED:]
        table.add_row(f"… {len(rest):,} more files", size_text(sum(item.size for item in rest)), "")
    for path in difference.gone:
        table.add_row(path, "", "taken away")
    if sent or difference.gone:
        console.print(table)
    where = "a new repository" if done.created else f"{repository}, which is there"
    kind = "private" if done.private else "public"
    console.print(
        f"\nWould send {_files(sent)} to {where} ({kind}); {_files(difference.same)} there already."
        f" Nothing was sent.{'' if done.compared else ' It was not compared with the hub.'}",
        highlight=False,
        soft_wrap=True,
    )


def _print_result(console: Console, done: Pushed, repository: str, settings: Settings) -> None:
    difference = done.difference
    if difference:
        gone = f"; {len(difference.gone):,} taken away" if difference.gone else ""
        same = f"; {_files(difference.same)} there already" if difference.same else ""
        before = f", in place of identity {done.before}" if done.before else ""
        console.print(f"Sent {_files(difference.sent)}{same}{gone}{before}.", highlight=False, soft_wrap=True)
    else:
        console.print(
            f"Nothing to send: {repository} holds this very dataset ({_files(difference.same)} compared).",
            highlight=False,
            soft_wrap=True,
        )
    made, kind = "new, " if done.created else "", "private" if done.private else "public"
    tag = f", tag {done.tag}" if done.tag else ""
    console.print(
        f"[bold]{done.url}[/]  ({made}{kind}, commit {(done.commit or '')[:8]}{tag})",
        highlight=False,
        soft_wrap=True,
    )
    revision = "" if settings.revision == "main" else f', revision="{settings.revision}"'
    console.print(f'\n  load_dataset("{repository}"{revision})', highlight=False, soft_wrap=True)
    if not settings.hidden and any(item.path.startswith("manifest") for item in difference.sent):
        console.print("  hidden truth stays here unless --hidden", style="dim", highlight=False)


@contextmanager
def _watched(console: Console) -> Iterator[Watch]:
    """A bar on a terminal, a line now and then elsewhere."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (
        TextColumn("{task.fields[sizes]:>20}"),
        BarColumn(bar_width=30),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.description}", style="dim"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("looking at what is there", total=None, sizes="")

        def told(what: str, done: int, total: int) -> None:
            if not total:  # what is waited for
                progress.console.print(what, style="yellow", highlight=False, markup=False, soft_wrap=True)
                return
            sizes = f"{size_text(done)} of {size_text(total)}"
            progress.update(task, description=what, completed=done, total=total, sizes=sizes)

        yield told


class _Lines:
    def __init__(self, console: Console) -> None:
        self.console, self.said = console, time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        if not total:
            self.console.print(what, highlight=False, markup=False, soft_wrap=True)
        elif time.monotonic() - self.said >= _EVERY_SECONDS:
            self.said = time.monotonic()
            self.console.print(f"{size_text(done)} of {size_text(total)}: {what}", highlight=False, markup=False)
