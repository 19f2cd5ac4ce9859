"""Running the Python file of a plug-in, with the modules beside it, as they are on disk at this moment."""

from __future__ import annotations

import hashlib
import importlib.util
import linecache
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from contrafact.owncode import OwnModule, imports_of_file

__all__ = ["offered", "run_file"]


class _Loader(SourceFileLoader):
    """Runs the very bytes that were hashed: a compiled copy may be older than a file changed within the same second."""

    def __init__(self, name: str, path: Path, content: bytes) -> None:
        super().__init__(name, str(path))
        self.content = content

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.content, self.path)


class _Finder(MetaPathFinder):
    """Finds the modules beside plug-ins, also when a function imports one later."""

    of_plugins = True

    def __init__(self) -> None:
        self.modules: dict[str, OwnModule] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        found = self.modules.get(fullname)
        if found is not None:
            loader = _Loader(fullname, found.path, found.content)
            inside = [str(found.path.parent)] if found.package else None
            return importlib.util.spec_from_file_location(
                fullname, found.path, loader=loader, submodule_search_locations=inside
            )
        return None


_FINDER = _Finder()


@contextmanager
def offered(modules: Mapping[str, OwnModule], folders: Sequence[Path] = ()) -> Iterator[None]:
    """Let Python import these modules, from now on, and whatever else lies in ``folders`` for as long as this lasts.

    Copies that were loaded before, of other files by these names or of older content, are forgotten.
    """
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    if any(_stale(each) for each in modules.values()):
        for name, each in modules.items():
            if each.beside or _stale(each):
                sys.modules.pop(name, None)
                linecache.cache.pop(str(each.path), None)
    for name, each in modules.items():
        if each.beside:
            _FINDER.modules[name] = each
        else:
            _FINDER.modules.pop(name, None)
    before = list(sys.path)
    # Last, so that a file called random.py beside a plug-in is not taken for the standard one by everybody else.
    sys.path += [str(folder) for folder in folders if str(folder) not in sys.path]
    try:
        yield
    finally:
        sys.path[:] = before


def run_file(path: Path, content: bytes, roots: Sequence[Path], last: Sequence[Path] = ()) -> ModuleType:
    """The module of a plug-in's file. The same content, its imports included, is run once a process.

    Modules that it imports are looked for in ``roots``, on Python's path, and in ``last``.

    Raises
    ------
    Exception
        Whatever the file raises; nothing of it stays loaded then.
    """
    helpers = imports_of_file(path, content, roots, last)
    digest = hashlib.sha256(str(path).encode())
    for each in (content, *(helpers[name].content for name in sorted(helpers))):
        digest.update(hashlib.sha256(each).digest())
    name = f"contrafact_plugin_{path.stem}_{digest.hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    linecache.cache.pop(str(path), None)  # inspect would show the file's earlier text
    spec = importlib.util.spec_from_file_location(name, path, loader=_Loader(name, path, content))
    assert spec is not None  # noqa: S101  # a loader was given
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look a class up by its module while it is being made
    try:
        with offered(helpers, [*roots, *last]):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _stale(module: OwnModule) -> bool:
    loaded = sys.modules.get(module.name)
    if loaded is None:
        return False
    loader = getattr(loaded.__spec__, "loader", None)
    if isinstance(loader, _Loader):
        return not module.beside or (loader.path, loader.content) != (str(module.path), module.content)
    return module.beside and Path(getattr(loaded, "__file__", None) or ".").resolve() != module.path
