"""Methods: units of their own, whose text is their whole class, and whose call makes an object first.

A call's arguments are those that the class cannot be made without, then the method's; what a call leaves in the object
is compared as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from generators.code.edits import Edit

__all__ = ["Method", "edits_within", "method_of", "methods_in"]

Definition = ast.FunctionDef | ast.AsyncFunctionDef
_PLAIN = ("staticmethod", "classmethod")


@dataclass(frozen=True)
class Method:
    """One method of a class.

    Attributes
    ----------
    node : ast.FunctionDef or ast.AsyncFunctionDef
    bound : bool
        Whether it is called on an object, and not on its class.
    maker : list of ast.arg
        Parameters without which no object is made.
    start, stop : int
        Its bytes within the text of the class.
    objection : str
        Why it cannot be called.
    """

    owner: str
    node: Definition
    bound: bool
    maker: tuple[ast.arg, ...]
    start: int
    stop: int
    objection: str = ""

    @property
    def call(self) -> str:
        """Text of a function ``_called`` that makes the object and calls."""
        if not self.bound:
            return f"_called = {self.owner}.{self.node.name}\n"
        count = len(self.maker)
        return (
            f"def _called(*given, **named):\n    global _own\n    _own = {self.owner}(*given[:{count}])\n"
            f"    return _own.{self.node.name}(*given[{count}:], **named)\n"
        )


def methods_in(node: ast.ClassDef) -> Iterator[str]:
    """Names of a class's methods that are worth a call: no special ones, nothing that a decorator has changed."""
    for each in node.body:
        if not isinstance(each, Definition) or (each.name.startswith("__") and each.name.endswith("__")):
            continue
        if all(isinstance(mark, ast.Name) and mark.id in _PLAIN for mark in each.decorator_list):
            yield each.name


def method_of(code: str, name: str) -> Method | None:
    """The method that ``Class.method`` names in the text of the class; None for a plain function."""
    owner, found, own = name.partition(".")
    if not found:
        return None
    tree = next(each for each in ast.parse(code).body if isinstance(each, ast.ClassDef))
    node = next(each for each in tree.body if isinstance(each, Definition) and each.name == own)
    marks = {each.id for each in node.decorator_list if isinstance(each, ast.Name)}
    bound = "staticmethod" not in marks and "classmethod" not in marks
    maker, objection = _maker(tree) if bound else ((), "")
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    lines = code.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: first - 1]))
    stop = sum(map(len, lines[: (node.end_lineno or first) - 1])) + (node.end_col_offset or 0)
    return Method(owner, node, bound, tuple(maker), start, stop, objection)


def edits_within(found: list[Edit], method: Method) -> list[Edit]:
    """Edits of a method's text, moved to where it stands in the class."""
    at = method.start
    return [Edit(each.start + at, each.stop + at, each.after, each.operation) for each in found]


def _maker(tree: ast.ClassDef) -> tuple[tuple[ast.arg, ...], str]:
    """Parameters without which no object of a class is made, and why none can be."""
    begin = next((each for each in tree.body if isinstance(each, Definition) and each.name == "__init__"), None)
    if begin is not None:
        places = [*begin.args.posonlyargs, *begin.args.args]
        needed = places[1 : len(places) - len(begin.args.defaults)] if len(begin.args.defaults) < len(places) else []
        if any(each is None for each in begin.args.kw_defaults):
            return (), "its class is made with keywords"
        return tuple(needed), ""
    marks = [ast.unparse(each) for each in tree.decorator_list]
    if any("dataclass" in each for each in marks) and not tree.bases:
        fields = [each for each in tree.body if isinstance(each, ast.AnnAssign) and each.value is None]
        return tuple(
            ast.arg(each.target.id, each.annotation) for each in fields if isinstance(each.target, ast.Name)
        ), ""  # fmt: skip
    if any(ast.unparse(each) != "object" for each in tree.bases):
        return (), "its class is made by another class"
    return (), ""
