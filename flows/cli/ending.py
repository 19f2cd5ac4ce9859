"""What a build ends with: what can be done next, and what helps where nothing was accepted."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.markup import escape

from contrafact.plan import Plan
from contrafact.store.remote import is_remote

__all__ = ["next_commands", "report_link", "report_shows", "what_helps"]


def report_link(page: Path, folder: str) -> str:
    """Markup that names the report: in a terminal one opens it by a click. Those of object stores have no such link."""
    told = escape(f"{folder.rstrip('/')}/{page.name}")
    return told if is_remote(folder) else f"[link={page.resolve().as_uri()}]{told}[/link]"


def report_shows(plan: Plan, manifest: Mapping[str, Any]) -> str:
    """How much of the dataset the report of a build holds."""
    from contrafact.report import shown_at_the_end

    every = manifest["proposed"] <= shown_at_the_end(plan.schema.field("factual").type)
    return "shows every pair" if every else "shows some of its pairs"


def next_commands(plan: Plan, manifest: Mapping[str, Any], recipe: str) -> Iterator[str]:
    """Commands as they can be typed here: to look at the dataset, to judge it, and to have it for training."""
    folder, accepted = plan.directory.address, manifest["accepted"]
    contrafact, place = _at_hand("contrafact"), shlex.quote(folder)
    yield f"{contrafact} preview {shlex.quote(recipe)}{' --accepted' if accepted else ''}"
    yield f"{contrafact} validate {place}"
    if not is_remote(folder):
        yield f"{contrafact} review {place}"
        if accepted:
            yield f"{contrafact} export {place} --as {_view(plan)}"
    split = next((name for name, count in manifest["splits"].items() if count), "rejected")
    loaded = f"datasets.load_dataset({_loaded(folder, split)})['{split}'][0]"
    yield f'{_at_hand("python")} -c "import datasets; print({loaded})"'


def what_helps(plan: Plan) -> str:
    """What to do where no pair was accepted; empty where more units would be needed, and there are none."""
    there = plan.source.rows()
    if there is not None and plan.units >= there:
        return ""
    if plan.recipe.rows is not None:
        ways = "raise --rows, or use --accept N to go on until N are accepted"
        return f"; these were the first {plan.units:,} units: {ways}"
    return "; the budget ended: raise it with --set max_units=N, or ask less of the filters"


def _view(plan: Plan) -> str:
    """The export that needs no further word: questions with their answers, or one row a member."""
    members = {each.name for each in plan.schema.field("factual").type}
    return "rlvr" if {"question", "answers"} <= members else "flat"


def _loaded(folder: str, split: str) -> str:
    """What ``load_dataset`` is given to find the accepted pairs: it takes no folder of an object store."""
    if not is_remote(folder):
        return f"'{folder}'"
    return f"'parquet', data_files={{'{split}': '{folder}/data/{split}-*.parquet'}}"


def _at_hand(command: str) -> str:
    """A command as it can be typed here: by name where that is the one of this environment, else by its path."""
    own, known = Path(sys.executable).parent / command, shutil.which(command)
    if not own.is_file() or (known is not None and Path(known).parent == own.parent):
        return command
    return str(own.relative_to(Path.cwd()) if own.is_relative_to(Path.cwd()) else own)
