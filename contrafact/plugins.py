"""Finding plug-ins by name and making them from a recipe's options.

A name is looked for in this order: built-in, entry point (``contrafact.generators``, ``contrafact.filters``,
``contrafact.scms``), ``package.module:object``, ``path/to/file.py:object``. The core knows built-ins only as text and
imports one when it is asked for.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from contrafact.errors import ContrafactError, PluginError, RecipeError, UserError, did_you_mean

__all__ = ["KINDS", "Listed", "create", "file_hashes", "find", "listing", "parameters_of", "plugin_files"]


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
    registered = {entry.name: entry for entry in _entries(kind)}
    if name in registered:
        return _load_entry(kind, registered[name])
    if ":" in name:
        place, _, attribute = name.rpartition(":")
        return _from_file(place, attribute, folder) if place.endswith(".py") else _from_module(name)
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
    checked = _checked(made, parameters_of(made, name), options, where)
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
    for entry in _entries(kind):
        try:
            rows.append(Listed(entry.name, entry.value, _summary(_load_entry(kind, entry))))
        except PluginError as error:
            warnings.warn(f"left out: {error}", stacklevel=2)
    return rows


def plugin_files(value: Any, folder: Path | None = None) -> dict[str, Path]:
    """Every ``file.py`` that a recipe names, anywhere in it, by the name it is given."""
    found: dict[str, Path] = {}
    if isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            found |= plugin_files(item, folder)
    elif isinstance(value, str) and ".py:" in value:
        place = value.rpartition(":")[0]
        path = _locate(place, folder)
        if path is not None:
            found[place] = path
    return found


def file_hashes(value: Any, folder: Path | None = None) -> dict[str, str]:
    """SHA-256 of each of :func:`plugin_files`: its code is part of the recipe's identity."""
    files = plugin_files(value, folder)
    return {place: hashlib.sha256(path.read_bytes()).hexdigest() for place, path in files.items()}


def _entries(kind: str) -> list[EntryPoint]:
    return sorted(entry_points(group=KINDS[kind].group), key=lambda entry: entry.name)


def _load_entry(kind: str, entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as error:
        raise PluginError(
            f"{kind} {entry.name!r} from {entry.value} cannot be imported: {_last_line(error)}"
        ) from error


def _from_module(target: str) -> Any:
    module_name, _, attribute = target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ContrafactError:
        raise
    except Exception as error:
        raise PluginError(
            f"{module_name!r} cannot be imported: {_last_line(error)}",
            fix="install the package that holds it, or write path/to/file.py:object",
        ) from error
    return _attribute(module, attribute, target)


def _from_file(place: str, attribute: str, folder: Path | None) -> Any:
    path = _locate(place, folder)
    if path is None:
        raise PluginError(
            f"there is no file {place!r}", allowed="a path from the recipe's folder or from the current one"
        )
    name = f"contrafact_plugin_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    if name not in sys.modules:
        sys.modules[name] = _executed(name, path)
    return _attribute(sys.modules[name], attribute, f"{place}:{attribute}")


def _executed(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look a class up by its module while it is being made
    try:
        spec.loader.exec_module(module)
    except UserError:
        del sys.modules[name]
        raise
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise PluginError(f"{path.name} cannot be imported: {_last_line(error)}", fix=f"mend {path.name}") from error
    return module


def _locate(place: str, folder: Path | None) -> Path | None:
    # A run directory keeps the files that its recipe names in plugins/, so that it can be built again by itself.
    for base in (*([folder, folder / "plugins"] if folder is not None else []), Path.cwd()):
        if (base / place).is_file():
            return (base / place).resolve()
    return None


def _attribute(module: ModuleType, attribute: str, target: str) -> Any:
    if not hasattr(module, attribute):
        public = [name for name in vars(module) if not name.startswith("_")]
        raise PluginError(f"{target!r}: {module.__name__} has no {attribute!r}{did_you_mean(attribute, public)}")
    return getattr(module, attribute)


def _checked(
    made: Any, taken: Mapping[str, inspect.Parameter], options: Mapping[str, Any], where: str
) -> dict[str, Any]:
    from pydantic import ConfigDict, ValidationError, create_model

    parameters = {
        name: parameter
        for name, parameter in taken.items()
        if parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    }
    for name in options:
        if name not in parameters:
            raise RecipeError(
                f"{where} has an unknown option {name!r}{did_you_mean(name, parameters)}",
                allowed=", ".join(parameters) or "no options",
            )
    fields: dict[str, Any] = {
        name: (_hint(made, parameter), ... if parameter.default is parameter.empty else parameter.default)
        for name, parameter in parameters.items()
    }
    # Field names may begin with "model_" or shadow methods; a prefix keeps them out of pydantic's way.
    model = create_model(
        "Options",
        __config__=ConfigDict(arbitrary_types_allowed=True, strict=False),
        **{f"o_{name}": field for name, field in fields.items()},
    )
    try:
        checked = model(**{f"o_{name}": value for name, value in options.items()})
    except ValidationError as error:
        first = error.errors()[0]
        option = ".".join(str(part) for part in first["loc"]).removeprefix("o_")
        raise RecipeError(f"{where}.{option}: {first['msg']}, and {first['input']!r} was given") from None
    return {name: getattr(checked, f"o_{name}") for name in options}


def _hint(made: Any, parameter: inspect.Parameter) -> Any:
    function = made.__init__ if inspect.isclass(made) else made
    try:
        hints = inspect.get_annotations(function, eval_str=True)
    except Exception:  # noqa: BLE001  # an author's hint may name what only a type checker imports
        return Any
    return hints.get(parameter.name, Any)


def _summary(made: Any) -> str:
    return (inspect.getdoc(made) or "").partition("\n")[0]


def _last_line(error: BaseException) -> str:
    """``ZeroDivisionError: division by zero (models.py, line 12)``: the author's line, without a traceback."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error}"  # it names its own file and line
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "importlib" not in frame.filename]
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{place}"
