"""``contrafact export``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["export_command"]

_SHOWN = 400


def export_command(
    directory: Path,
    view: str,
    out: Path | None,
    config: str | None,
    kind: str,
    splits: Sequence[str],
    options: Mapping[str, Any],
) -> None:
    """Export, and show the first row and what was left out."""
    from contrafact.exports import VIEWS, Options, export

    # An unknown format is told of there.
    told = export(
        directory,
        view,
        out=out,
        config=config,
        kind=kind,  # type: ignore[arg-type]
        splits=splits,
        options=Options(**options),
    )
    console = Console()
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("split")
    table.add_column("rows", justify="right")
    for split, rows in told["splits"].items():
        table.add_row(split, f"{rows:,}")
    console.print(table)
    for reason, count in told["left_out"].items():
        console.print(f"left out: {count:,} {reason}", style="dim", highlight=False, markup=False, soft_wrap=True)
    _print_first(console, told)
    console.print(f"\nEach row is {VIEWS[view].rows_are}, for {VIEWS[view].library}.", highlight=False, soft_wrap=True)
    console.print(f"Written to {told['path']}.", highlight=False, markup=False, soft_wrap=True)
    if out is None:
        console.print(f'load_dataset("{directory}", "{told["config"]}")', highlight=False, markup=False, soft_wrap=True)


def _print_first(console: Console, told: Mapping[str, Any]) -> None:
    """The first row, field by field, so that a template that went wrong is seen at once."""
    file = Path(told["path"]) / told["files"][0]["path"]
    console.print("\nThe first row:", style="bold")
    for name, value in _first(file).items():
        text = str(value)
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        console.print(f"{name}", style="cyan", highlight=False, markup=False)
        for line in shown.splitlines() or [""]:
            console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)


def _first(file: Path) -> dict[str, Any]:
    import json

    import pyarrow.parquet as pq

    if file.suffix == ".jsonl":
        with file.open(encoding="utf-8") as lines:
            return dict(json.loads(next(lines)))
    rows = next(pq.ParquetFile(file).iter_batches(batch_size=1)).to_pylist()
    return dict(rows[0])
