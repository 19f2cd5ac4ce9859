"""Where functions come from: the standard library, an installed package, a folder, what a git history held.

One unit a function, in an order drawn from the seed. A file that cannot be read is a unit too, so that it is told of.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import subprocess
import sysconfig
import warnings
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from contrafact.engines.sandbox import Unstorable
from contrafact.engines.sandbox.inside.values import encode
from contrafact.engines.syntax import Language
from contrafact.errors import DataError, RecipeError, did_you_mean
from contrafact.identity import hash_strings
from contrafact.stages import Source
from generators.code.mutation.functions import Function, Unreadable, functions_of

__all__ = ["UNIT", "CodeSource", "File", "Taking", "open_corpus", "table_of"]

UNIT = pa.schema(
    [
        pa.field("unit_id", pa.string(), nullable=False),
        pa.field("path", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("name", pa.string()),
        pa.field("code", pa.string()),
        pa.field("prelude", pa.string()),
        pa.field("objection", pa.string()),
        pa.field("examples", pa.list_(pa.string())),
    ]
)
"""A unit: a function with what it needs, why it cannot be used, and calls with plain arguments that were seen of it."""


@dataclass(frozen=True)
class Taking:
    """Which functions are taken: of at most ``most`` characters, in one language, of generated files or not."""

    most: int
    generated: bool = False
    language: Language = "python"

    @property
    def endings(self) -> tuple[str, ...]:
        """What names of files end in."""
        return (".py",) if self.language == "python" else (".c", ".h")


@dataclass(frozen=True)
class File:
    """A file of a corpus: its path with ``/``, its bytes, how files beside it are read, and why it cannot be used."""

    path: str
    content: bytes
    read: Callable[[str], bytes | None] = lambda _: None
    objection: str = ""


_ALLOWED = (
    "stdlib, {stdlib: [MODULE, ...]}, {package: NAME}, {folder: PATH}, with history: COMMITS or files: [GLOB, ...]"
)
_KEYS = ("stdlib", "folder", "package", "history", "files")
_SKIPPED = frozenset({"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo", "tkinter",
                      "ensurepip", "pydoc_data", "__pycache__", "distutils", "lib-dynload", "venv"})  # fmt: skip
_EXAMPLES = 20
_LARGE = 20_000_000


class CodeSource(Source):
    """Functions, all known before work begins."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def rows(self) -> int:
        return int(self.table.num_rows)

    def read(self, start: int, stop: int) -> pa.Table:
        return self.table.slice(start, stop - start)

    def identity(self) -> str:
        digest = hashlib.sha256()
        for row in self.table.to_pylist():
            digest.update(repr(sorted(row.items())).encode())
        return digest.hexdigest()


def open_corpus(corpus: str | Mapping[str, Any], folder: Path, taking: Taking, seed: int | None = None) -> CodeSource:
    """Functions that a recipe's ``corpus`` names.

    In the order of files, the first ones are those of one module, and often all unusable for one reason. By a hash they
    are a sample of the whole corpus, however few are asked for. A history keeps its order: the newest come first.

    Parameters
    ----------
    corpus : str or mapping
        ``stdlib``, or ``{stdlib: [MODULE, ...]}``; ``{package: NAME}`` of an installed package; or ``{folder: PATH}``,
        with ``history: N`` what the last N commits changed in it, as it was before and after each, and with
        ``files: [GLOB, ...]`` those files alone whose path below the folder fits one of these.
    folder : Path
        Where a relative path starts.
    taking : Taking
    seed : int, optional
        Of the hash that orders the functions; they stand as in their files unless given.

    Raises
    ------
    RecipeError
        For a corpus that is none of these.
    DataError
        For a folder or package that is not there, holds no file of the language, or has no git history.
    """
    table = table_of(_named(corpus, folder, taking), taking)
    if not table.num_rows:
        kind = "Python files" if taking.language == "python" else "files of C"
        raise DataError("the corpus holds no function", fix=f"name a folder or package with {kind}")
    if seed is not None and not (isinstance(corpus, Mapping) and "history" in corpus):
        order = np.argsort(hash_strings(table["unit_id"], f"corpus {seed}"), kind="stable")
        table = table.take(pa.array(order))
    return CodeSource(table)


def _named(corpus: str | Mapping[str, Any], folder: Path, taking: Taking) -> Iterator[File]:
    if corpus == "stdlib":
        corpus = {"stdlib": None}
    if not isinstance(corpus, Mapping):
        raise RecipeError(f"generator.corpus {corpus!r} is none{did_you_mean(corpus, ['stdlib'])}", allowed=_ALLOWED)
    for key in corpus:
        if key not in _KEYS:
            raise RecipeError(f"generator.corpus has no {key!r}{did_you_mean(str(key), _KEYS)}", allowed=_ALLOWED)
    if sum(key in corpus for key in _KEYS[:3]) != 1 or ({"history", "files"} & set(corpus) and "folder" not in corpus):
        raise RecipeError(f"generator.corpus {dict(corpus)} names no one place", allowed=_ALLOWED)
    if "stdlib" in corpus:
        if taking.language != "python":
            raise RecipeError("generator.corpus stdlib is Python's", fix="name a folder: {folder: PATH}")
        names = corpus["stdlib"]
        return _files(_stdlib(), _stdlib(), taking) if names is None else _modules(_stdlib(), names)
    if "package" in corpus:
        root = _package(str(corpus["package"]))
        return _files(root, root.parent, taking)
    found = _folder(folder, str(corpus["folder"]), corpus.get("history"), taking)
    return found if "files" not in corpus else _some(found, corpus["files"])


def _some(files: Iterator[File], globs: Any) -> Iterator[File]:
    if not isinstance(globs, list) or not globs or not all(isinstance(each, str) for each in globs):
        raise RecipeError(
            f"generator.corpus.files: {globs!r} was given", allowed='a list of patterns, such as "str*.c"'
        )
    return (each for each in files if any(fnmatchcase(each.path.rpartition("@")[2], glob) for glob in globs))


def _stdlib() -> Path:
    return Path(sysconfig.get_paths()["stdlib"])


def _folder(folder: Path, name: str, history: Any, taking: Taking) -> Iterator[File]:
    root = Path(name).expanduser()
    root = folder / root if (folder / root).is_dir() else root
    if not root.is_dir():
        raise DataError(f"there is no folder {name!r}", fix="check generator.corpus.folder")
    if history is None:
        return _files(root, root, taking, within=root.resolve())
    if isinstance(history, bool) or not isinstance(history, int) or history < 1:
        raise RecipeError(f"generator.corpus.history: {history!r} was given", allowed="a whole number from 1 up")
    return _history(root, history, taking)


def _modules(root: Path, names: Any) -> Iterator[File]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RecipeError(f"generator.corpus.stdlib: {names!r} was given", allowed="a list of modules")
    places = []
    for name in sorted(set(names)):
        whole = root / name.replace(".", "/")
        places.append(whole / "__init__.py" if whole.is_dir() else whole.with_suffix(".py"))
        if not places[-1].is_file():
            raise DataError(f"the standard library has no module {name!r} in Python", fix="correct corpus.stdlib")
    return (File(path.relative_to(root).as_posix(), path.read_bytes()) for path in places)


def _package(name: str) -> Path:
    if not all(part.isidentifier() for part in name.split(".")):
        raise DataError(
            f"generator.corpus.package: {name!r} is no name of a package",
            allowed="a name that can be imported, such as networkx",
            fix="write corpus: {folder: PATH} for a folder",
        )
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise DataError(f"no package {name!r} with Python files is installed", fix=f"pip install {name}")
    origin = Path(spec.origin)
    return origin.parent if spec.submodule_search_locations else origin


def _files(root: Path, base: Path, taking: Taking, within: Path | None = None) -> Iterator[File]:
    """Every file of the language, in the order of paths; its path is relative to ``base``.

    Parameters
    ----------
    within : Path, optional
        A resolved folder that links must not leave: what lies elsewhere was not offered, and may be private.
    """

    def leaves(path: Path) -> bool:
        return within is not None and not path.resolve().is_relative_to(within)

    def read(name: str) -> bytes | None:
        path = base / name
        inside = ".." not in Path(name).parts and not Path(name).is_absolute() and not leaves(path)
        return path.read_bytes() if inside and path.is_file() and path.stat().st_size <= _LARGE else None

    found = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.suffix in taking.endings)
    for path in found:
        parts = path.relative_to(base).parts
        if _SKIPPED.intersection(part.lower() for part in parts[:-1]) or not path.is_file():
            continue
        if leaves(path):
            yield File("/".join(parts), b"", objection="is a link that leads out of the corpus folder")
        else:
            yield File("/".join(parts), path.read_bytes() if path.stat().st_size <= _LARGE else b"\xff", read)


def _history(root: Path, commits: int, taking: Taking) -> Iterator[File]:
    """What the last commits changed, as it was before and after: ``<commit>/<path>``, the newest first."""
    wanted = [f"*{ending}" for ending in taking.endings]
    log = _git(root, "log", f"-{commits}", "--no-merges", "--format=%x00%H", "--name-only", "--relative", "--", *wanted)
    for entry in filter(None, log.decode("utf-8", "replace").split("\0")):
        commit, *paths = entry.split("\n")
        for path in sorted(filter(None, paths)):
            for version in (commit, f"{commit}^"):
                content = _shown(root, version, path)
                if content is not None:  # it was there then
                    beside = partial(_beside, root, version)
                    yield File(f"{commit[:12]}{version[len(commit) :]}@{path}", content, beside)


def _beside(root: Path, version: str, name: str) -> bytes | None:
    """A header as it was in that commit; names of files carry the commit before an ``@``."""
    return _shown(root, version, name.partition("@")[2] or name)


def _shown(root: Path, version: str, path: str) -> bytes | None:
    try:
        return _git(root, "show", f"{version}:./{path}")
    except DataError:
        return None


def _git(root: Path, *words: str) -> bytes:
    try:
        command = ["git", "-C", str(root), *words]
        return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout  # noqa: S603
    except FileNotFoundError:
        raise DataError("a git history is read by git, which is not installed", fix="apt-get install git") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines()
        raise DataError(
            f"git {words[0]} failed in {root.name}: {said[0] if said else error.returncode}",
            fix="leave history out, or give a folder within a git repository",
        ) from None


def table_of(files: Iterator[File], taking: Taking) -> pa.Table:
    """Units of all files' functions; the same text of one name is taken once."""
    rows: list[dict[str, Any]] = []
    seen: dict[str, list[str]] = {}
    known: set[tuple[str, str]] = set()
    for file in files:
        found = list(_units(file, taking))
        rows.extend(row for row in found if not row["code"] or (row["code"], row["prelude"]) not in known)
        known.update((row["code"], row["prelude"]) for row in found)
        if taking.language == "python":
            _calls(file.content, seen)
    for row in rows:
        row["examples"] = sorted(set(seen.get(row["name"] or "", ())), key=lambda text: (len(text), text))[:_EXAMPLES]
    return pa.Table.from_pylist(rows, schema=UNIT)


def _functions(file: File, taking: Taking) -> list[Function]:
    if file.objection:
        raise Unreadable(file.objection)
    content = file.content.removeprefix(BOM_UTF8)  # it is no part of any function
    if taking.language == "python":
        return functions_of(content, most=taking.most, generated=taking.generated)
    from generators.code.mutation.c.units import c_functions_of

    return c_functions_of(content, file.path, file.read, most=taking.most, generated=taking.generated)


def _units(file: File, taking: Taking) -> Iterator[dict[str, Any]]:
    path = file.path
    stem = path.removesuffix(".py").replace("/", ".") if taking.language == "python" else path
    nothing: dict[str, Any] = {"path": path, "line": None, "name": None, "code": None, "prelude": None}
    try:
        functions = _functions(file, taking)
    except Unreadable as error:
        yield {**nothing, "unit_id": stem, "objection": f"the file {_general(str(error))}"}
        return
    times: dict[str, int] = {}
    for each in functions:
        times[each.name] = times.get(each.name, 0) + 1
        again = "" if times[each.name] == 1 else f"#{times[each.name]}"
        made = {"line": each.line, "name": each.name, "code": each.code, "prelude": each.prelude}
        yield {**nothing, **made, "unit_id": f"{stem}:{each.name}{again}", "objection": each.objection}


def _general(reason: str) -> str:
    return reason if reason.startswith(("does", "is")) else f"cannot be used: {reason}"


def _calls(source: bytes, seen: dict[str, list[str]]) -> None:
    """Add every call whose arguments are all written out, by the function's name, doctests among them."""
    import doctest

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
            texts = [ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, _DOCUMENTED)]
            examples = [each.source for text in texts if ">>>" in text for each in _examples(doctest, text)]
            trees = [tree, *(parsed for each in examples if (parsed := _parsed(each)) is not None)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for each in (node for one in trees for node in ast.walk(one) if isinstance(node, ast.Call)):
        name = each.func.id if isinstance(each.func, ast.Name) else getattr(each.func, "attr", "")
        text = _literal(each)
        if text is not None:
            seen.setdefault(name, []).append(text)


_DOCUMENTED = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _examples(doctest: Any, text: str) -> Sequence[Any]:
    try:
        found: Sequence[Any] = doctest.DocTestParser().get_examples(text)
    except ValueError:  # indented in a way that doctest does not take
        return ()
    return found


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None


def _literal(call: ast.Call) -> str | None:
    """Arguments and keywords as the sandbox writes values; None where one is not written out."""
    if not call.args and not call.keywords:
        return None
    try:
        given = [ast.literal_eval(each) for each in call.args]
        named = {each.arg or "": ast.literal_eval(each.value) for each in call.keywords}
        return None if "" in named else encode([given, named])
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, Unstorable):
        return None
