"""Who may import whom, and what no file may grow into. The checker is itself checked on planted violations."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("contrafact", "filters", "flows", "generators")
MAY_IMPORT = {
    "contrafact": {"contrafact"},
    "filters": {"contrafact", "filters"},
    "generators": {"contrafact", "generators"},
    "flows": {"contrafact", "filters", "flows", "generators", "prefect"},
}
WATCHED = {*PACKAGES, "prefect"}
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60


@dataclass(frozen=True)
class Import:
    """One imported name: ``target`` is as full as the statement makes it; ``at_import`` if it runs with the module."""

    target: str
    line: int
    at_import: bool


def module_name(path: Path) -> str:
    """Dotted name of a file, relative to the repository."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(source: str, module: str, *, package: bool = False) -> Iterator[Import]:
    """Every import of a module, in functions and under ``TYPE_CHECKING`` too."""
    yield from _imports(ast.parse(source), module if package else module.rpartition(".")[0], at_import=True)


def _imports(node: ast.AST, package: str, *, at_import: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, at_import) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = _absolute(child, package)
            yield from (Import(f"{base}.{alias.name}", child.lineno, at_import) for alias in child.names)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from _imports(ast.Module(child.body, []), package, at_import=False)
            yield from _imports(ast.Module(child.orelse, []), package, at_import=at_import)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(child, package, at_import=at_import and not inside)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def forbidden_imports(source: str, module: str, *, package: bool = False) -> list[str]:
    """Imports that the layering does not allow, as ``module:line imports target``."""
    allowed = MAY_IMPORT[module.partition(".")[0]]
    return [
        f"{module}:{each.line} imports {each.target}"
        for each in imports_of(source, module, package=package)
        if (top := each.target.partition(".")[0]) in WATCHED and top not in allowed
    ]


def parents(module: str) -> list[str]:
    """``a`` and ``a.b`` for ``a.b.c``."""
    return [module[:at] for at, letter in enumerate(module) if letter == "."]


def within(module: str, package: str) -> bool:
    return f"{module}.".startswith(f"{package}.")


def cycles(sources: Mapping[str, tuple[str, bool]]) -> list[list[str]]:
    """Groups of modules that import one another while they are imported. ``sources``: name to (text, is a package)."""
    graph: nx.DiGraph = nx.DiGraph()
    graph.add_nodes_from(sources)
    for module, (source, package) in sources.items():
        for each in imports_of(source, module, package=package):
            # `from a.b import c` is the module a.b.c where there is one, else something inside a.b.
            target = each.target if each.target in sources else each.target.rpartition(".")[0]
            if each.at_import and target in sources:
                graph.add_edge(module, target)
                # Python runs the packages around a module first: those that the importer is not in itself count too.
                graph.add_edges_from((module, around) for around in parents(target) if not within(module, around))
    loops = [group for group in nx.strongly_connected_components(graph) if len(group) > 1]
    return sorted([sorted(group) for group in loops] + [[node] for node in nx.nodes_with_selfloops(graph)])


def calls_of_eval(source: str) -> list[int]:
    """Lines that call ``eval``, ``exec`` or ``compile``, by name or through ``builtins``."""
    banned = {"eval", "exec", "compile"}
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in banned)
            or (
                isinstance(node.func, ast.Attribute)
                and node.func.attr in banned
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in {"builtins", "__builtins__"}
            )
        )
    ]


def long_functions(source: str) -> list[str]:
    """Names of functions over the limit of lines, decorators and docstring included."""
    return [
        f"{node.name} ({node.end_lineno - node.lineno + 1} lines)"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MOST_LINES_OF_A_FUNCTION
    ]


def house() -> dict[str, tuple[str, bool]]:
    """Every module of the packages: name to (text, is a package)."""
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {module_name(path): (path.read_text(encoding="utf-8"), path.name == "__init__.py") for path in files}


HOUSE = house()
everywhere = pytest.mark.parametrize("module", sorted(HOUSE))


def test_the_house_was_found() -> None:
    assert set(PACKAGES) <= set(HOUSE)
    assert "contrafact.errors" in HOUSE


@everywhere
def test_a_module_imports_only_what_its_layer_may(module: str) -> None:
    source, package = HOUSE[module]
    assert forbidden_imports(source, module, package=package) == []


def test_no_module_imports_itself_through_others() -> None:
    assert cycles(HOUSE) == []


@everywhere
def test_nothing_calls_eval_or_exec(module: str) -> None:
    assert calls_of_eval(HOUSE[module][0]) == []


@everywhere
def test_a_file_and_its_functions_stay_readable(module: str) -> None:
    source = HOUSE[module][0]
    assert len(source.splitlines()) <= MOST_LINES
    assert long_functions(source) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("contrafact.store.shards", "import generators.scm.model"),
        ("contrafact.store.shards", "def f():\n    from filters import effect"),
        ("contrafact.pipeline", "from flows.build import build"),
        ("contrafact.pipeline", "import prefect"),
        ("contrafact.pipeline", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import generators"),
        ("generators.scm.model", "class A:\n    def f(self):\n        from prefect import task"),
        ("generators.scm.model", "import numpy, flows.cli"),
        ("filters.graph", "from generators.scm.model import SCM"),
        ("filters.graph", "import importlib\nasync def f():\n    import prefect.flows"),
    ],
)
def test_a_planted_import_against_the_layers_is_found(module: str, source: str) -> None:
    assert len(forbidden_imports(source, module)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("generators.text.edit", "from generators.scm import model\nfrom contrafact.errors import UserError"),
        ("filters.graph", "import contrafact.record as record\nfrom . import effect"),
        ("flows.build", "import prefect\nfrom generators import scm\nfrom filters import graph\nimport contrafact"),
        ("contrafact.engines.llm", "import openai\nfrom contrafact import errors\nfrom ..errors import UserError"),
        ("contrafact.plugins", "import prefectural\nname = 'generators.scm'"),
    ],
)
def test_allowed_imports_pass(module: str, source: str) -> None:
    assert forbidden_imports(source, module) == []


def test_relative_imports_are_resolved() -> None:
    found = imports_of("from ..errors import UserError\nfrom . import locks", "contrafact.store.shards")
    assert [each.target for each in found] == ["contrafact.errors.UserError", "contrafact.store.locks"]
    found = imports_of("from .shards import Shard", "contrafact.store", package=True)
    assert [each.target for each in found] == ["contrafact.store.shards.Shard"]


def test_a_planted_cycle_is_found() -> None:
    sources = {
        "contrafact": ("", True),
        "contrafact.a": ("from contrafact import b", False),
        "contrafact.b": ("from .c import thing", False),
        "contrafact.c": ("try:\n    import contrafact.a\nexcept ImportError:\n    pass", False),
        "contrafact.d": ("import contrafact.a", False),
    }
    assert cycles(sources) == [["contrafact.a", "contrafact.b", "contrafact.c"]]
    # An import inside a function, or for types alone, does not run with the module.
    sources["contrafact.c"] = ("def f():\n    import contrafact.a", False)
    assert cycles(sources) == []
    sources["contrafact.c"] = ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import contrafact.a", False)
    assert cycles(sources) == []


def test_a_cycle_through_the_packages_around_modules_is_found() -> None:
    sources = {
        "generators.a": ("from generators.a.one import x", True),
        "generators.a.one": ("from generators.b.two import y", False),
        "generators.a.leaf": ("", False),
        "generators.b": ("", True),
        "generators.b.two": ("from generators.a.leaf import z", False),
    }
    assert cycles(sources) == [["generators.a", "generators.a.one", "generators.b.two"]]
    sources["generators.b.two"] = ("", False)
    assert cycles(sources) == []


def test_a_planted_eval_is_found_and_its_namesakes_are_not() -> None:
    assert calls_of_eval("x = 1\ny = eval('x')") == [2]
    assert calls_of_eval("import builtins\nbuiltins.exec('x')\ncompile('x', 'f', 'exec')") == [2, 3]
    assert calls_of_eval("model.eval()\nre.compile('x')\nast.parse('x', mode='eval')\nevaluate(1)") == []


def test_a_planted_long_function_is_found() -> None:
    longest = "def f():\n" + "    x = 1\n" * (MOST_LINES_OF_A_FUNCTION - 1)
    assert long_functions(longest) == []
    assert long_functions(longest + "    x = 1\n") == ["f (61 lines)"]
