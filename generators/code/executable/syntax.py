"""The small language that programs are drawn in: its trees, and their types.

A program is a tuple of functions; each may call those before it, and the last one is the one that is asked about.
There is no recursion, and every value is a whole number, a truth value, a text or a list of whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = [
    "BUILTINS",
    "Assign",
    "Binary",
    "Block",
    "Both",
    "Call",
    "Compare",
    "Expression",
    "For",
    "Function",
    "If",
    "Item",
    "Kind",
    "Name",
    "Num",
    "Program",
    "Return",
    "Slice",
    "Statement",
    "Text",
    "Update",
    "While",
    "check_types",
]

Kind = Literal["int", "bool", "str", "list"]
Arithmetic = Literal["+", "-", "*", "//", "%"]
Comparison = Literal["<", "<=", ">", ">=", "==", "!=", "in"]

BUILTINS: Mapping[str, Kind] = {"abs": "int", "len": "int", "max": "int", "min": "int", "sum": "int"}
"""Functions of Python that programs may call, with what they give."""


@dataclass(frozen=True, slots=True)
class Num:
    """A whole number."""

    value: int


@dataclass(frozen=True, slots=True)
class Text:
    """A text in quotes."""

    value: str


@dataclass(frozen=True, slots=True)
class Name:
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic on whole numbers; ``+`` also joins texts."""

    op: Arithmetic
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison of two numbers or texts; ``in`` looks for one text in another."""

    op: Comparison
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Both:
    """Two truth values, joined by ``and`` or ``or``."""

    op: Literal["and", "or"]
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a built-in or of an earlier function."""

    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One element of a list or letter of a text."""

    sequence: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Slice:
    """Part of a list or text; an open end is None."""

    sequence: Expression
    start: Expression | None
    stop: Expression | None


Expression: TypeAlias = Num | Text | Name | Binary | Compare | Both | Call | Item | Slice


@dataclass(frozen=True, slots=True)
class Assign:
    """``name = value``."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Update:
    """``name op= value``."""

    name: str
    op: Arithmetic
    value: Expression


@dataclass(frozen=True, slots=True)
class If:
    """A branch; an ``orelse`` that is one branch alone is printed as ``elif``."""

    test: Expression
    body: Block
    orelse: Block = ()


@dataclass(frozen=True, slots=True)
class While:
    """A loop with a condition."""

    test: Expression
    body: Block


@dataclass(frozen=True, slots=True)
class For:
    """A loop over a list or over the letters of a text."""

    name: str
    sequence: Expression
    body: Block


@dataclass(frozen=True, slots=True)
class Return:
    """The end of a function."""

    value: Expression


Statement: TypeAlias = Assign | Update | If | While | For | Return
Block: TypeAlias = tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A function with the kinds of its parameters and of what it returns."""

    name: str
    parameters: tuple[tuple[str, Kind], ...]
    returns: Kind
    body: Block


Program: TypeAlias = tuple[Function, ...]


def check_types(program: Program) -> None:
    """Make sure that every name is set before it is read, and every value is of the kind that is needed.

    Raises
    ------
    TypeError
        Where it is not, with the place.
    """
    known: dict[str, Kind] = dict(BUILTINS)
    for function in program:
        scope: dict[str, Kind] = dict(function.parameters)
        _check_block(function.body, scope, known, function)
        if not _ends(function.body):
            raise TypeError(f"{function.name} may end without a return")
        known[function.name] = function.returns


def _check_block(block: Block, scope: dict[str, Kind], known: Mapping[str, Kind], inside: Function) -> None:
    for each in block:
        if isinstance(each, Assign):
            _expect(scope.get(each.name), _kind(each.value, scope, known), each, optional=True)
            scope[each.name] = _kind(each.value, scope, known)
        elif isinstance(each, Update):
            _kind(Binary(each.op, Name(each.name), each.value), scope, known)
        elif isinstance(each, Return):
            _expect(inside.returns, _kind(each.value, scope, known), each)
        elif isinstance(each, For):
            kind: Kind = "str" if _kind(each.sequence, scope, known) == "str" else "int"
            _check_block(each.body, {**scope, each.name: kind}, known, inside)
        else:
            _expect("bool", _kind(each.test, scope, known), each)
            branches = [dict(scope), dict(scope)]
            _check_block(each.body, branches[0], known, inside)
            if isinstance(each, If):
                _check_block(each.orelse, branches[1], known, inside)
                # A branch that returns sets nothing that is read after it.
                open_ends = [
                    found for found, end in zip(branches, (each.body, each.orelse), strict=True) if not _ends(end)
                ]
                common = set.intersection(*map(set, open_ends)) if open_ends else set()
                scope |= {name: open_ends[0][name] for name in common}


def _ends(block: Block) -> bool:
    """Whether every way through a block returns."""
    last = block[-1] if block else None
    return isinstance(last, Return) or (isinstance(last, If) and _ends(last.body) and _ends(last.orelse))


def _kind(node: Expression, scope: Mapping[str, Kind], known: Mapping[str, Kind]) -> Kind:
    if isinstance(node, Num):
        return "int"
    if isinstance(node, Text):
        return "str"
    if isinstance(node, Name):
        if node.name not in scope:
            raise TypeError(f"{node.name} is read before it is set")
        return scope[node.name]
    if isinstance(node, Call):
        for each in node.arguments:
            _kind(each, scope, known)
        return known[node.function]
    if isinstance(node, Item | Slice):
        ends = (node.index,) if isinstance(node, Item) else (node.start, node.stop)
        for end in ends:
            _expect("int", "int" if end is None else _kind(end, scope, known), node)
        kind = _kind(node.sequence, scope, known)
        return kind if isinstance(node, Slice) or kind == "str" else "int"
    left, right = _kind(node.left, scope, known), _kind(node.right, scope, known)
    _expect(left, right, node)
    if isinstance(node, Binary):
        _expect("str" if node.op == "+" and left == "str" else "int", left, node)
        return left
    _expect("bool" if isinstance(node, Both) else "str" if node.op == "in" else left, left, node)
    return "bool"


def _expect(wanted: Kind | None, found: Kind, where: object, *, optional: bool = False) -> None:
    if wanted != found and not (optional and wanted is None):
        raise TypeError(f"{found} where {wanted} is needed: {where}")
