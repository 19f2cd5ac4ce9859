"""The user's own code behind a plug-in: every module it imports that nobody installed, found without running anything.

Import statements are read from the source, also those inside functions. Left out are the standard library, what lies in
site-packages (it has a version), and this project's own packages (they have one too: in a development checkout it
stands still while the code moves, and ``validate`` is what finds the difference). A module whose name is put together
at run time is not found.
"""

from __future__ import annotations

import ast
import site
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["OURS", "OwnModule", "imports_of_file", "modules_of"]

OURS = ("contrafact", "filters", "flows", "generators")


@dataclass(frozen=True)
class OwnModule:
    """One module of the user's.

    Attributes
    ----------
    name : str
        Dotted, as it is imported.
    content : bytes
        Its source: as it is on disk, or, where Python itself imports it (``beside`` is False), as it was when this
        process first asked, because that is the code that the process goes on running.
    beside : bool
        Whether it was found beside the plug-in rather than on Python's own path.
    """

    name: str
    path: Path
    content: bytes
    package: bool
    beside: bool


def imports_of_file(
    path: Path, content: bytes, roots: Sequence[Path], last: Sequence[Path] = ()
) -> dict[str, OwnModule]:
    """Own modules that a file imports, by name, and all that these import.

    ``roots`` come before Python's path, and ``last`` after it.
    """
    walk = _Walk(roots, last)
    for name in _imported(content, ""):
        walk.add(name)
    return {name: each for name, each in walk.found.items() if each.path != path}


def modules_of(name: str, last: Sequence[Path] = ()) -> dict[str, OwnModule]:
    """An own module by its dotted name, its packages, and all that they import; empty for one that is not own.

    ``last`` is asked where Python's path does not have it.
    """
    walk = _Walk((), last)
    walk.add(name)
    return walk.found


class _Walk:
    def __init__(self, roots: Sequence[Path], last: Sequence[Path]) -> None:
        self.roots, self.last = roots, last
        self.found: dict[str, OwnModule] = {}

    def add(self, name: str) -> None:
        parts = name.split(".")
        if name in self.found or parts[0] in OURS or parts[0] in sys.stdlib_module_names:
            return
        place = self._place(parts[0])
        if place is None:
            return
        root, beside = place
        for depth in range(1, len(parts) + 1):
            path = root.joinpath(*parts[:depth])
            dotted = ".".join(parts[:depth])
            if dotted in self.found or not (file := _file(path)):
                continue
            content = file.read_bytes() if beside else _as_first_seen(file)
            package = file.name == "__init__.py"
            self.found[dotted] = OwnModule(dotted, file.resolve(), content, package, beside)
            for inner in _imported(content, dotted if package else dotted.rpartition(".")[0]):
                self.add(inner)

    def _place(self, top: str) -> tuple[Path, bool] | None:
        """The folder that holds a top-level module, and whether it is one of the roots, first or last."""
        for root in self.roots:
            if _file(root / top):
                return root, True
        folders = _on_python_path(top)
        if folders:
            return None if any(map(_installed, folders)) else (folders[0], False)
        kept = next(((root, True) for root in self.last if _file(root / top)), None)
        return kept or next(((root, True) for root in (*self.roots, *self.last) if (root / top).is_dir()), None)


def _file(path: Path) -> Path | None:
    """The source of a module, given where it lies without its suffix."""
    for each in (path / "__init__.py", path.parent / f"{path.name}.py"):
        if each.is_file():
            return each
    return None


def _parsed(content: bytes) -> ast.Module:
    """The syntax tree. Raises ``SyntaxError`` for what is no Python.

    Interpreters before 3.11.8 share one count of levels among all threads that parse, and say so by a SystemError
    where two did at once (gh-106905); the next try starts a new count.
    """
    for _ in range(9):
        try:
            return ast.parse(content)
        except SystemError:
            continue
    return ast.parse(content)


def _imported(content: bytes, package: str) -> Iterator[str]:
    """Full names that a module's import statements may load. ``package`` is what its relative imports start from."""
    try:
        tree = _parsed(content)
    except (SyntaxError, ValueError):
        return  # importing it says so, with the line
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".") if package else []
            parts = above[: len(above) - node.level + 1] if node.level else []
            base = ".".join([*parts, *([node.module] if node.module else [])])
            yield from (name for name in (base, *(f"{base}.{alias.name}" for alias in node.names)) if base)


def _on_python_path(top: str) -> list[Path]:
    """Folders in which Python finds a top-level module; none where it does not, or where it needs no file."""
    finders = [each for each in sys.meta_path if not getattr(each, "of_plugins", False)]
    spec = next((spec for each in finders if (spec := each.find_spec(top, None)) is not None), None)
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(place).resolve().parent for place in spec.submodule_search_locations]
    return [Path(spec.origin).resolve().parent] if spec.has_location and spec.origin else []


def _installed(folder: Path) -> bool:
    named = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    places = [*named, *site.getsitepackages(), site.getusersitepackages()]
    return any(folder.is_relative_to(Path(place).resolve()) for place in places)


_SEEN: dict[Path, bytes] = {}


def _as_first_seen(path: Path) -> bytes:
    return _SEEN.setdefault(path.resolve(), path.read_bytes())
