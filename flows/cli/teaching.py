"""``contrafact teacher train``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from contrafact.errors import RecipeError, did_you_mean

if TYPE_CHECKING:
    from contrafact.engines.teachers.data import Labelled

__all__ = ["train_command"]

_METHODS = ("embeddings", "finetune")
_MOST_SHOWN = 8


def train_command(
    data: str,
    out: Path,
    *,
    fields: Sequence[str],
    label: str,
    labels: Sequence[str] | None,
    rows: str | None,
    method: str,
    embedder: str | None,
    tuning: Mapping[str, Any] | None,
    seed: int,
    test: float,
) -> None:
    """Read, split, train, measure and store; print how good the teacher is on texts that it has not seen."""
    from contrafact.engines.teachers.folder import check_new
    from contrafact.engines.teachers.reading import read_data

    if method not in _METHODS:
        raise RecipeError(f"--method {method!r}{did_you_mean(method, _METHODS)}", allowed=", ".join(_METHODS))
    if method == "finetune" and tuning is None:
        raise RecipeError("--method finetune needs an encoder to start from", fix="--base path/to/encoder")
    check_new(out)
    labelled = read_data(data, fields, label, labels, rows)
    console = Console()
    if tuning is not None and method == "finetune":
        from contrafact.engines.teachers.training import FineTuning, train_finetuned

        about = train_finetuned(labelled, out, FineTuning(**tuning), test=test, seed=seed)
    else:
        about = _on_embeddings(labelled, out, embedder, test, seed)
    _report(console, about, out)


def _on_embeddings(data: Labelled, out: Path, model: str | None, test: float, seed: int) -> dict[str, Any]:
    from contrafact.engines.embeddings import open_embedder
    from contrafact.engines.teachers.training import train_on_embeddings

    settings = {"model": model} if model else {}
    embedder = open_embedder(settings)
    try:
        return train_on_embeddings(data, out, embedder, settings, test=test, seed=seed)
    finally:
        embedder.close()


def _report(console: Console, about: Mapping[str, Any], out: Path) -> None:
    data, found = about["data"], about["measures"]
    low, high = found["accuracy_interval"]
    for line in (
        f"trained on {data['train']:,} texts, calibrated on {data['calibration']:,}, measured on {found['rows']:,}"
        + (f" ({data['left_out']:,} rows without text or label left out)" if data["left_out"] else ""),
        f"accuracy {found['accuracy']:.3f}, 95 % interval {low:.3f} to {high:.3f}",
        f"always the commonest label: {found['commonest_label']:.3f}",
        f"macro F1 {found['macro_f1']:.3f}",
        f"calibration error (ECE, 15 bins): {found['ece_before']:.3f}, after calibration {found['ece']:.3f}",
        f"temperature {about['temperature']:.3f}",
    ):
        console.print(line, highlight=False, soft_wrap=True)
    table = Table(show_edge=False)
    for title in ("label", "texts", "precision", "recall", "F1"):
        table.add_column(title, justify="left" if title == "label" else "right")
    for name, row in found["by_label"].items():
        table.add_row(name, f"{row['rows']:,}", *(f"{row[key]:.3f}" for key in ("precision", "recall", "f1")))
    console.print(table)
    if len(about["labels"]) <= _MOST_SHOWN:
        confusion = Table(show_edge=False)
        for title in ("true label, and what was said", *about["labels"]):
            confusion.add_column(title, justify="left" if title not in about["labels"] else "right")
        for name, counts in zip(about["labels"], found["confusion"], strict=True):
            confusion.add_row(name, *(f"{count:,}" for count in counts))
        console.print(confusion)
    console.print(f"\nThe teacher is [bold]{out}[/]. In a recipe:", highlight=False, soft_wrap=True)
    console.print(f"  filters: {{teacher: {{model: {out}}}}}", highlight=False, markup=False, soft_wrap=True)
