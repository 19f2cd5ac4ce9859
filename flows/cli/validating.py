"""``contrafact validate`` and ``contrafact validate-scm``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import typer
from rich.console import Console

__all__ = ["validate_command", "validate_scm_command"]


def validate_command(directory: str, folder: Path | None, *, unprotected: bool = False) -> None:
    """Check a dataset; exit code 1 and a list where anything is wrong. One of an object store is fetched for that."""
    from contrafact.store.remote import is_remote, local_copy
    from contrafact.validation import validate

    with local_copy(directory) if is_remote(directory) else nullcontext(Path(directory)) as here:
        found = validate(here, folder, unprotected=unprotected)
    console = Console()
    again = [f"{count:,} {source}" for source, count in sorted(found.witnesses.items())]
    what = f"{' and '.join(again)} labels computed again" if again else "no label can be computed again"
    kept = f"; of {found.kept:,} pairs what was kept was checked again" if found.kept else ""
    console.print(f"{found.files} files, {found.pairs:,} pairs; {what}{kept}", highlight=False)
    for note in found.notes:
        console.print(f"  · {note}", style="dim", highlight=False, markup=False)
    for problem in found.problems:
        console.print(f"  ✗ {problem}", style="red", highlight=False, markup=False)
    if not found.passed:
        raise typer.Exit(1)
    console.print("✓ every hash, count, split and recomputed label agrees", style="green")


def validate_scm_command(model: str, units: int, seed: int) -> None:
    """Run the conformance tests; exit code 1 where one fails."""
    from generators.scm.conformance import check_model
    from generators.scm.loading import load_model

    report = check_model(load_model(model).model, units=units, seed=seed)
    Console().print(str(report), highlight=False, markup=False)
    if not report.passed:
        raise typer.Exit(1)
