"""The commands with which people look at a dataset, their options and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["report", "review"]

Dataset = Annotated[Path, typer.Argument(metavar="DIR", help="A run directory, such as outputs/quickstart.")]


def report(
    directory: Annotated[
        str, typer.Argument(metavar="DIR|URL", help="A run directory, such as outputs/quickstart, or s3://bucket/name.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Another file than DIR/report.html; of a URL, than ./NAME-report.html.")
    ] = None,
    most: Annotated[
        int, typer.Option("--pairs", min=1, max=1_000_000, help="Pairs in it at the most; a larger dataset is sampled.")
    ] = 100_000,
    opened: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """One HTML file to look at a dataset: figures, plots, and every pair with its difference marked. Works offline."""
    from flows.cli.reporting import report_command

    report_command(directory, out, most, opened=opened)


def review(
    directory: Dataset,
    reviewer: Annotated[str, typer.Option(help="Your name, which stands beside your marks.")] = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on loopback; a free one unless given.")] = 0,
    opened: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
    summary: Annotated[bool, typer.Option("--summary", help="Say what the marks come to, and serve nothing.")] = False,
    precision: Annotated[
        float | None, typer.Option(help="With --summary: suggest thresholds for this precision.")
    ] = None,
    level: Annotated[float, typer.Option(help="With --summary: level of the intervals.")] = 0.95,
) -> None:
    """Mark pairs right, wrong or unclear in the browser; the marks are kept beside the dataset."""
    from flows.cli.reviewing import review_command, summary_command

    if summary or precision is not None:
        summary_command(directory, precision, level)
    else:
        review_command(directory, reviewer, port, opened=opened)
