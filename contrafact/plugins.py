"""Finding plug-ins by name and making them from a recipe's options.

A name is looked for in this order: built-in, entry point (``contrafact.generators``, ``contrafact.filters``,
``contrafact.scms``), ``package.module:object``, ``path/to/file.py:object``. The core knows built-ins only as text and
imports one when it is asked for.
"""

from __future__ import annotations

import importlib
import inspect
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from contrafact.errors import ContrafactError, PluginError, UserError, did_you_mean
from contrafact.loading import offered, run_file
from contrafact.options import checked_options
from contrafact.owncode import modules_of

__all__ = [
    "ELSEWHERE",
    "KINDS",
    "Listed",
    "bases",
    "create",
    "elsewhere",
    "entries",
    "find",
    "listing",
    "located",
    "parameters_of",
]


ELSEWHERE = "elsewhere"
"""Folder in ``plugins/`` of a run directory for the user's modules that lay beside no plug-in, but on Python's path."""


@dataclass(frozen=True)
class _Kind:
    group: str
    builtins: str


KINDS = {
    "generator": _Kind("contrafact.generators", "generators:GENERATORS"),
    "filter": _Kind("contrafact.filters", "filters:FILTERS"),
    "scm": _Kind("contrafact.scms", "generators.scm.library:LIBRARY"),
}


@dataclass(frozen=True)
class Listed:
    """One plug-in as ``contrafact list`` shows it."""

    name: str
    origin: str
    summary: str


def builtins_of(kind: str) -> Mapping[str, str]:
    """Built-in names of a kind, each with the ``module:object`` that holds it."""
    table: Mapping[str, str] = _from_module(KINDS[kind].builtins)
    return table


def find(kind: str, name: str, folder: Path | None = None) -> Any:
    """The object that ``name`` stands for.

    Parameters
    ----------
    kind : {'generator', 'filter', 'scm'}
    folder : Path, optional
        Where a relative ``file.py:object`` is looked for before the current folder: the recipe's own.

    Raises
    ------
    PluginError
        Where nothing has that name, or it cannot be imported.
    """
    known = builtins_of(kind)
    if name in known:
        return _from_module(known[name])
    registered = {entry.name: entry for entry in entries(kind)}
    if name in registered:
        return _load_entry(kind, registered[name])
    if ":" in name:
        place, _, attribute = name.rpartition(":")
        return _from_file(place, attribute, folder) if place.endswith(".py") else _from_module(name, folder)
    names = [*known, *registered]
    raise PluginError(
        f"no {kind} is called {name!r}{did_you_mean(name, names)}",
        allowed=f"{', '.join(sorted(names))}; package.module:object; path/to/file.py:object",
        fix="contrafact list",
    )


def create(kind: str, name: str, options: Mapping[str, Any], where: str, folder: Path | None = None) -> Any:
    """An instance of a plug-in class, with its options checked against the type hints of ``__init__``.

    Parameters
    ----------
    where : str
        The place in the recipe, for messages, such as ``filters.support``.

    Raises
    ------
    RecipeError
        For an unknown, missing or wrongly typed option.
    PluginError
        Where the plug-in is not found or its own ``__init__`` fails.
    """
    made = find(kind, name, folder)
    checked = checked_options(made, parameters_of(made, name), options, where)
    try:
        return made(**checked)
    except UserError:
        raise
    except Exception as error:
        raise PluginError(f"{kind} {name!r} could not be made: {_last_line(error)}", fix=f"check {where}") from error


def parameters_of(made: Any, name: str) -> Mapping[str, inspect.Parameter]:
    """Options of a class or function by name. Raises ``PluginError`` for what cannot be called."""
    try:
        return inspect.signature(made).parameters
    except (TypeError, ValueError):
        raise PluginError(
            f"{name!r} is a {type(made).__name__}, and no plug-in", allowed="a class or function"
        ) from None


def listing(kind: str) -> list[Listed]:
    """Every built-in and registered plug-in of a kind. A broken one is left out with a warning."""
    rows = [Listed(name, "built in", _summary(_from_module(target))) for name, target in builtins_of(kind).items()]
    for entry in entries(kind):
        try:
            rows.append(Listed(entry.name, entry.value, _summary(_load_entry(kind, entry))))
        except PluginError as error:
            warnings.warn(f"left out: {error}", stacklevel=2)
    return rows


def entries(kind: str) -> list[EntryPoint]:
    """Registered plug-ins of a kind, by name."""
    return list(_registered(entry_points, KINDS[kind].group))


@lru_cache(maxsize=16)
def _registered(scan: Callable[..., EntryPoints], group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group. A scan opens a file of every installed package, and a plan asks several times."""
    return tuple(sorted(scan(group=group), key=lambda entry: entry.name))


def _load_entry(kind: str, entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as error:
        raise PluginError(
            f"{kind} {entry.name!r} from {entry.value} cannot be imported: {_last_line(error)}"
        ) from error


def _from_module(target: str, folder: Path | None = None) -> Any:
    module_name, _, attribute = target.partition(":")
    try:
        module = _imported(module_name, folder)
    except ContrafactError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"{module_name!r} cannot be imported: {_last_line(error)}",
            allowed="a module that Python finds, or one beside the recipe",
            fix="install the package that holds it, or write path/to/file.py:object",
        ) from error
    return _attribute(module, attribute, target)


def _imported(name: str, folder: Path | None) -> ModuleType:
    places = [*bases(folder), *elsewhere(folder)]
    own = modules_of(name, places)
    with offered(own, places if any(each.beside for each in own.values()) else ()):
        return importlib.import_module(name)


def _from_file(place: str, attribute: str, folder: Path | None) -> Any:
    found = located(place, folder)
    if found is None:
        raise PluginError(
            f"there is no file {place!r}",
            allowed="a path from the recipe's folder or from the current one",
            fix=f"correct {place!r}, or put the file there",
        )
    path, base = found
    try:
        module = run_file(path, path.read_bytes(), [path.parent], [base, *elsewhere(folder)])
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"{path.name} cannot be imported: {_last_line(error)}", fix=f"mend {path.name}") from error
    return _attribute(module, attribute, f"{place}:{attribute}")


def bases(folder: Path | None) -> list[Path]:
    """Folders from which a recipe's relative paths to code start, first come first."""
    # A run directory keeps the code that its recipe names in plugins/, so that it can be built again by itself.
    return [*([folder, folder / "plugins"] if folder is not None else []), Path.cwd()]


def elsewhere(folder: Path | None) -> list[Path]:
    """Folders with copies of what Python itself found at the build: asked only where it no longer does."""
    return [base / ELSEWHERE for base in bases(folder)]


def located(place: str, folder: Path | None) -> tuple[Path, Path] | None:
    """The file that ``place`` names, and the folder from which it was found; None where there is no such file."""
    for base in bases(folder):
        if (base / place).is_file():
            return (base / place).resolve(), base.resolve()
    return None


def _attribute(module: ModuleType, attribute: str, target: str) -> Any:
    if not hasattr(module, attribute):
        public = [name for name in vars(module) if not name.startswith("_")]
        raise PluginError(f"{target!r}: {module.__name__} has no {attribute!r}{did_you_mean(attribute, public)}")
    return getattr(module, attribute)


def _summary(made: Any) -> str:
    return (inspect.getdoc(made) or "").partition("\n")[0]


def _last_line(error: BaseException) -> str:
    """``ZeroDivisionError: division by zero (models.py, line 12)``: the author's line, without a traceback."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error}"  # it names its own file and line
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
