"""``contrafact refilter``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from flows.cli.reasons import print_reasons

__all__ = ["refilter_command"]


def refilter_command(
    directory: Path,
    settings: Sequence[str],
    without: Sequence[str],
    out: Path | None,
    folder: Path | None,
    *,
    embed: bool,
) -> None:
    """Decide again, and say what became of it beside what it was."""
    from contrafact.refiltering import refilter

    started = time.monotonic()
    before, after = refilter(directory, settings, without=without, out=out, folder=folder, embed=embed)
    console = Console()
    asked = "no model but the embedder was asked" if embed else "no model was asked"
    table = Table(show_edge=False)
    for title in ("", "accepted", "rejected", "proposed"):
        table.add_column(title, justify="right" if title else "left")
    for name, manifest in (("before", before), ("after", after)):
        table.add_row(name, *(f"{manifest[key]:,}" for key in ("accepted", "rejected", "proposed")))
    console.print(table)
    print_reasons(console, after)
    console.print(
        f"\n{after['ended']}; decided again in {time.monotonic() - started:.1f} s, {asked}",
        highlight=False,
        soft_wrap=True,
    )
    console.print(f"The dataset is [bold]{out or directory}[/].", highlight=False)
