"""A live bar: how many units, at what rate, how many pairs accepted, how long still."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from contrafact.pipeline import Watch
from contrafact.plan import Plan
from contrafact.shards import Report

__all__ = ["watched"]

_EVERY_SECONDS = 10.0
_TITLES = {"proposed": "proposing", "finished": "writing"}


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} units/s" if speed else "", style="cyan")


@contextmanager
def watched(plan: Plan, console: Console) -> Iterator[Watch]:
    """Something to hand to a build: a bar on a terminal, a line now and then elsewhere."""
    if not console.is_terminal:
        yield _Lines(plan, console)
        return
    columns = (
        TextColumn("{task.description:>10}"),
        BarColumn(bar_width=30),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f} units"),
        _Rate(),
        TextColumn("{task.fields[share]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield _Bar(plan, progress)


class _Bar:
    def __init__(self, plan: Plan, progress: Progress) -> None:
        self.plan, self.progress = plan, progress
        self.tasks: dict[str, Any] = {}
        self.kept: dict[str, list[int]] = {}

    def __call__(self, stage: str, report: Report) -> None:
        if stage not in self.tasks:
            title = _TITLES[stage] if self.plan.staged else "building"
            self.tasks[stage] = self.progress.add_task(title, total=self.plan.units, share="")
        share = _share(self.kept.setdefault(stage, [0, 0]), report)
        self.progress.update(self.tasks[stage], advance=report["units"], share=share)


class _Lines:
    def __init__(self, plan: Plan, console: Console) -> None:
        self.plan, self.console, self.said = plan, console, time.monotonic()
        self.units: dict[str, int] = {}
        self.kept: dict[str, list[int]] = {}

    def __call__(self, stage: str, report: Report) -> None:
        self.units[stage] = self.units.get(stage, 0) + report["units"]
        share = _share(self.kept.setdefault(stage, [0, 0]), report)
        if time.monotonic() - self.said >= _EVERY_SECONDS:
            self.said = time.monotonic()
            self.console.print(f"{_TITLES[stage]}: {self.units[stage]:,} of {self.plan.units:,} units, {share}")


def _share(kept: list[int], report: Report) -> str:
    kept[0] += int(report["accepted"] if "accepted" in report else report["alive"])
    kept[1] += report["proposed"]
    return f"{100 * kept[0] / kept[1]:.1f} % accepted" if kept[1] else ""
