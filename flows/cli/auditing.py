"""``contrafact audit``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from contrafact.errors import RecipeError, did_you_mean

__all__ = ["audit_command"]

_ENGINES = ("llm", "embeddings")
_FAILURES = ("no-effect", "shortcut", "uncalibrated")


def audit_command(
    directory: Path,
    *,
    teacher: str | None,
    fields: Sequence[str],
    fail_on: Sequence[str],
    folder: Path | None,
    settings: Sequence[str],
    options: Mapping[str, Any],
) -> None:
    """Audit, print, write; exit code 1 only for what ``fail_on`` names."""
    from contrafact.audit import Settings, audit

    for each in fail_on:
        if each not in _FAILURES:
            raise RecipeError(f"--fail-on {each!r}{did_you_mean(each, _FAILURES)}", allowed=", ".join(_FAILURES))
    engines = _engines(settings)
    found = audit(
        directory, Settings(**options), teacher=_spec(teacher), fields=tuple(fields), folder=folder, engines=engines
    )
    console = Console()
    _print(console, found)
    paths = _kept(found, directory)
    console.print(f"\nWritten to [bold]{paths[0]}[/] and {paths[1].name}.", highlight=False, soft_wrap=True)
    failed = [each for each in fail_on if _fails(each, found)]
    for each in failed:
        console.print(f"✗ {each}", style="red", highlight=False)
    if failed:
        raise typer.Exit(1)


def _kept(found: Mapping[str, Any], directory: Path) -> tuple[Path, Path]:
    """Write the audit, and have the card tell of it unless somebody has changed the card."""
    from contrafact.audit import write_audit
    from contrafact.exports.configs import card_is_ours, list_in_card
    from contrafact.store.layout import RunDirectory, read_manifest

    run = RunDirectory(directory)
    manifest = read_manifest(run)
    ours = card_is_ours(run, manifest)
    paths = write_audit(found, directory)
    if ours:
        list_in_card(run, manifest, ours=True)
    return paths


def _spec(teacher: str | None) -> str | dict[str, Any] | None:
    """A teacher as the command line gives it: a name, or a mapping in YAML."""
    if teacher is None or not teacher.lstrip().startswith("{"):
        return teacher
    from contrafact.recipe import parse_yaml

    return dict(parse_yaml(teacher, "--teacher"))


def _engines(settings: Sequence[str]) -> dict[str, Any]:
    """``engines:`` of ``--set engines.llm.model=...``, the only ones that a teacher may borrow."""
    from contrafact.recipe import parse_yaml

    engines: dict[str, Any] = {}
    for setting in settings:
        path, equals, text = setting.partition("=")
        first, *keys = path.split(".")
        if not equals or first != "engines" or len(keys) < 2 or keys[0] not in _ENGINES:
            raise RecipeError(
                f"--set {setting!r} sets no engine of the teacher",
                allowed=" or ".join(f"--set engines.{name}.KEY=VALUE" for name in _ENGINES),
                fix="--set engines.llm.model=NAME",
            )
        place = engines
        for key in keys[:-1]:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise RecipeError(f"--set {path}: {key} holds a single value, not keys")
        place[keys[-1]] = parse_yaml(text, f"--set {setting}")
    return engines


def _print(console: Console, found: Mapping[str, Any]) -> None:
    from contrafact.audit.writing import (
        effect_rows,
        placebo_rows,
        power_rows,
        shortcut_rows,
        skipped_of,
        summary_of,
    )

    for line in summary_of(found):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    for model in found["models"]:
        console.print(f"\nEffect of the edits on [bold]{model['model']}[/], target − control", highlight=False)
        console.print(_table(*effect_rows(model)))
        if model["aa"] is None:
            console.print(model["selected"], style="yellow", highlight=False)
            continue
        console.print(f"\nWhere there is no effect: {model['aa']['runs']:,} audits with the arms exchanged at random")
        console.print(_table(*placebo_rows(model)))
        console.print("\nWhere an effect was planted")
        console.print(_table(*power_rows(model)))
    console.print("\nShortcuts: what can be told without understanding")
    console.print(_table(*shortcut_rows(found)))
    for line in skipped_of(found):
        console.print(line, style="dim", highlight=False, markup=False, soft_wrap=True)


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _fails(what: str, found: Mapping[str, Any]) -> bool:
    if what == "shortcut":
        return any(each.get("found") for each in found["shortcuts"])
    if what == "uncalibrated":
        simulated = [model["aa"] for model in found["models"] if model["aa"] is not None]
        return any(each["verdict"] == "liberal" for aa in simulated for each in [*aa["tests"], aa["any"]])
    tests = [each for model in found["models"] for each in model["effects"] if each["family"] == "all"]
    return not any(each["significant"] and each["difference"] > 0 for each in tests)
