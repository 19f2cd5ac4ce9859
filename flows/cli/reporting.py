"""``contrafact report``."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.markup import escape

__all__ = ["report_command"]


def report_command(directory: str, out: Path | None, most: int, *, opened: bool) -> None:
    """Make the page, and say where it is and what it holds. A dataset of an object store is fetched for that."""
    from contrafact.report import make_report
    from contrafact.store.remote import is_remote, local_copy

    started = time.monotonic()
    if is_remote(directory):
        out = out or Path(f"{directory.rstrip('/').rpartition('/')[2]}-report.html")
    with local_copy(directory) if is_remote(directory) else nullcontext(Path(directory)) as here:
        path, shown = make_report(here, out, most)
    console = Console()
    held = f"all {shown.rows:,} pairs" if not shown.how else f"{shown.rows:,} of {shown.whole:,} pairs, {shown.how}"
    console.print(
        f"{held}; {path.stat().st_size / 1e6:,.1f} MB in {time.monotonic() - started:.1f} s",
        highlight=False,
        soft_wrap=True,
    )
    linked = f"[bold link={path.resolve().as_uri()}]{escape(str(path))}[/]"
    console.print(f"The report is {linked}: open it in a browser.", highlight=False, soft_wrap=True)
    if opened:
        import webbrowser

        webbrowser.open(path.resolve().as_uri())
