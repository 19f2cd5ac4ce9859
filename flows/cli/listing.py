"""``contrafact list``."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table

from contrafact.errors import MissingDependencyError, RecipeError, UserError, did_you_mean
from contrafact.plugins import listing
from contrafact.recipe import all_recipes, parse_yaml

__all__ = ["list_command"]

Rows = Iterator[tuple[str, str, str]]


def list_command(what: str | None) -> None:
    """Print one table a kind, or only the kind asked for."""
    kinds: dict[str, Callable[[], Rows]] = {
        "recipes": _recipes,
        "generators": lambda: _plugins("generator"),
        "filters": lambda: _plugins("filter"),
        "scms": lambda: _plugins("scm"),
        "tables": _tables,
        "networks": _networks,
    }
    if what is not None and what not in kinds:
        raise UserError(f"there is no list of {what!r}{did_you_mean(what, kinds)}", allowed=", ".join(kinds))
    console = Console()
    for kind in [what] if what else kinds:
        with warnings.catch_warnings(record=True) as broken:
            warnings.simplefilter("always")
            rows = list(kinds[kind]())
        table = Table(title=kind, title_justify="left", title_style="bold", show_header=False, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*row)
        console.print(table)
        for each in broken:
            console.print(f"  {each.message}", style="yellow", highlight=False, markup=False)
        console.print()


def _recipes() -> Rows:
    for path in all_recipes():
        try:
            data = parse_yaml(path.read_text(encoding="utf-8"), path.name)
            text = " ".join(str(data.get("description", "")).split())
            yield path.stem, str(data.get("generator", {}).get("use", "")), text
        except (RecipeError, AttributeError) as error:
            yield path.stem, "broken", str(error).partition("\n")[0]


def _plugins(kind: str) -> Rows:
    for each in listing(kind):
        yield each.name, each.origin, each.summary


def _tables() -> Rows:
    from generators.scm.tables import list_tables, load_table

    for name in list_tables():
        try:
            table = load_table(name)
        except MissingDependencyError as error:
            yield name, "not installed", str(error.fix)
        else:
            yield name, f"graph {table.graph_status}", table.citation


def _networks() -> Rows:
    from generators.scm.readers.bif import list_bif

    try:
        yield "bif", "pgmpy", ", ".join(list_bif())
    except MissingDependencyError as error:
        yield "(none)", "", str(error).replace("\n", " ")
