"""``contrafact evaluate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["evaluate_command"]


def evaluate_command(directory: Path, options: Mapping[str, Any]) -> None:
    """Evaluate, print, write."""
    from contrafact.evaluation import Settings, evaluate, write_evaluation

    console = Console()
    with console.status("reading, embedding and training …"):
        found = evaluate(directory, Settings(**options))
    _print(console, found)
    path = write_evaluation(found, directory)
    console.print(f"\nWritten to [bold]{path}[/].", highlight=False, soft_wrap=True)


def _print(console: Console, found: Mapping[str, Any]) -> None:
    from contrafact.evaluation.writing import arm_lines, group_rows, meaning_of, measure_rows, verdict_of

    seen, held = ", ".join(found["inputs"]["fields"]), found["held_out"]
    _line(
        console,
        f"Students ({found['student']}) see {seen}; {held['pairs']:,} pairs of {held['groups']:,} groups are held out.",
    )
    if found["settings"]["null"]:
        console.print("Labels were shuffled within pairs: there is nothing to learn.", style="yellow")
    for line in arm_lines(found):
        _line(console, f"  {line}")
    console.print()
    console.print(_table(*_stacked(*measure_rows(found))))
    for line in meaning_of(found):
        _line(console, f"  {line}", "dim")
    if found["groups"]:
        console.print(
            "\nAccuracy by group" if "worst-group accuracy" in _names(found) else "\nError by group", style="bold"
        )
        console.print(_table(*group_rows(found)))
    console.print()
    for line in verdict_of(found):
        _line(console, line, "green" if line.startswith("✓") else "red" if line.startswith("✗") else None)
    for note in found["notes"]:
        _line(console, f"  · {note}", "dim")


def _names(found: Mapping[str, Any]) -> set[str]:
    return {each["name"] for each in found["measures"]}


def _stacked(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[Sequence[str], list[list[str]]]:
    """Intervals below their values, so that five columns fit a terminal of 80."""
    return titles, [
        [row[0], *(cell.replace(" (", "\n(", 1).replace("(", "").replace(")", "") for cell in row[1:])] for row in rows
    ]


def _line(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, style=style, highlight=False, markup=False, soft_wrap=True)


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for place, title in enumerate(titles):
        table.add_column(title, justify="left" if place == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table
