"""How each parameter of a C function is made: a number, a text, numbers in a row with their count, a structure.

A pointer alone does not say what it points to; names and neighbours do. A whole number called ``n``, ``len`` or
``size`` counts what the pointers before it point to; ``char *`` without a count is a text; numbers without one end in
a zero, or are one cell that the function fills.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contrafact.engines.syntax import walk
from generators.code.mutation.c.nodes import declared_name, text
from generators.code.mutation.c.types import ITSELF, VOID, Array, Int, Kind, Other, Pointer, Real, Record, Types

if TYPE_CHECKING:
    import tree_sitter

__all__ = [
    "Cells",
    "Hole",
    "Nothing",
    "Result",
    "Scalar",
    "Signature",
    "Size",
    "Slot",
    "Structure",
    "Text",
    "signature_of",
]

_COUNTS = re.compile(
    r"^(n|m|l|k|cnt|num|count|counts|len|length|size|sz|nbytes|bytes|cap|capacity|max|limit|elems|nelem|nmemb|total)$"
    r"|(_n|_?len|_?length|_?size|_?sz|_?count|_?num|_cnt|_max|_cap|_bytes|_elems)$"
    r"|^(n|num|no|len|size|count)_?[a-z]*\d?$",
    re.IGNORECASE,
)
_INDEXED = ("subscript_expression", "update_expression", "binary_expression", "assignment_expression")


@dataclass(frozen=True)
class Scalar:
    """A number."""

    name: str
    kind: Int | Real


@dataclass(frozen=True)
class Size:
    """A whole number that says how many cells the slots called ``of`` have."""

    name: str
    kind: Int
    of: tuple[str, ...]


@dataclass(frozen=True)
class Text:
    """A text with its terminator; where it is not ``const``, with room behind it."""

    name: str
    kind: Int
    const: bool


@dataclass(frozen=True)
class Cells:
    """Numbers in a row.

    ``count`` is fixed, or None; ``size`` is whether another slot says how many, ``ends`` whether a zero ends them,
    ``inside`` whether they stand within a structure rather than behind a pointer.
    """

    name: str
    kind: Int | Real
    const: bool
    count: int | None = None
    size: bool = False
    ends: bool = False
    inside: bool = False


@dataclass(frozen=True)
class Hole:
    """Room for one pointer, which the function fills."""

    name: str


@dataclass(frozen=True)
class Nothing:
    """A null pointer: the next one of a list that has one element."""

    name: str


@dataclass(frozen=True)
class Structure:
    """A structure made of slots; ``pointer`` is whether its address is given."""

    name: str
    spelling: str
    slots: tuple[Slot, ...]
    pointer: bool
    const: bool


Slot = Scalar | Size | Text | Cells | Hole | Nothing | Structure


@dataclass(frozen=True)
class Result:
    """What comes back: ``way`` is ``nothing``, ``number``, ``text``, ``place`` (an address) or ``structure``."""

    way: str
    spelling: str = ""
    kind: Kind = VOID
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True)
class Signature:
    """A function's slots and result; ``objection`` says why it cannot be called."""

    slots: tuple[Slot, ...] = ()
    result: Result = Result("nothing")
    objection: str = ""


class _CannotBeMade(Exception):  # noqa: N818  # a finding about a type
    pass


def signature_of(definition: tree_sitter.Node, types: Types) -> Signature:
    """How a function is called, from its definition."""
    try:
        return _signature(definition, types)
    except _CannotBeMade as error:
        return Signature(objection=str(error))


def _signature(definition: tree_sitter.Node, types: Types) -> Signature:
    function, kind = _function(definition, types)
    declared = [each for each in _parameters(function) if text(each) != "void"]
    if any(each.type == "variadic_parameter" for each in declared):
        raise _CannotBeMade("takes any number of arguments")
    if any(each.type != "parameter_declaration" for each in declared):
        raise _CannotBeMade("declares its parameters in the old way")
    pairs = [_parameter(each, types, number) for number, each in enumerate(declared)]
    slots = _slots(pairs, definition, "its parameter")
    return Signature(slots, _result(kind, definition))


def _function(definition: tree_sitter.Node, types: Types) -> tuple[tree_sitter.Node, Kind]:
    """The declarator with the parameters, and the type of what is returned."""
    kind = types.of(definition, None)
    const = any(each.type == "type_qualifier" and text(each) == "const" for each in definition.children)
    node = definition.child_by_field_name("declarator")
    while node is not None and node.type != "function_declarator":
        if node.type == "pointer_declarator":
            kind, const = Pointer(kind, const), False
        inner = node.child_by_field_name("declarator")
        node = inner if inner is not None else next(iter(node.named_children), None)
    if node is None:
        raise _CannotBeMade("is declared in a way that is not understood")
    return node, kind


def _parameters(function: tree_sitter.Node) -> list[tree_sitter.Node]:
    given = function.child_by_field_name("parameters")
    return [] if given is None else [each for each in given.named_children if each.type != "comment"]


def _parameter(node: tree_sitter.Node, types: Types, number: int) -> tuple[str, Kind]:
    """(name, type); an array is a pointer, as the language has it."""
    declarator = node.child_by_field_name("declarator")
    name = declared_name(declarator) or f"unnamed{number}"
    kind = types.of(node, declarator)
    if isinstance(kind, Array):
        const = any(each.type == "type_qualifier" and text(each) == "const" for each in node.children)
        kind = Pointer(kind.of, const, kind.count)
    return name, kind


def _slots(given: Sequence[tuple[str, Kind]], where: tree_sitter.Node, role: str) -> tuple[Slot, ...]:
    """Slots of parameters, or of a structure's fields."""
    counted = _counted(given)
    sizes = {size: tuple(names) for size, names in counted.items()}
    owned = {name for names in sizes.values() for name in names}
    return tuple(
        Size(name, kind, sizes[name])
        if name in sizes and isinstance(kind, Int)
        else _slot(name, kind, name in owned, where, role)
        for name, kind in given
    )


def _counted(given: Sequence[tuple[str, Kind]]) -> dict[str, list[str]]:
    """For each whole number that counts, the pointers whose cells it counts.

    Those of one type that stand before it, else the next one.
    """
    found: dict[str, list[str]] = {}
    waiting: list[str] = []
    last: Kind | None = None
    for place, (name, kind) in enumerate(given):
        if isinstance(kind, Pointer) and _has_cells(kind):
            waiting = [*(waiting if kind.to == last else ()), name]
            last = kind.to
        elif isinstance(kind, Int) and not kind.choices and kind.bits >= 16 and _COUNTS.search(name):
            after = given[place + 1 : place + 2]
            if waiting:
                found[name] = waiting
                waiting = []
            elif after and _has_cells(after[0][1]) and not _counts_next(given[place + 2 : place + 3]):
                found[name] = [after[0][0]]
    counted = {each for names in found.values() for each in names}
    return {name: names for name, names in found.items() if name not in counted}


def _counts_next(given: Sequence[tuple[str, Kind]]) -> bool:
    return bool(given) and isinstance(given[0][1], Int) and _COUNTS.search(given[0][0]) is not None


def _has_cells(kind: Kind) -> bool:
    numbers = isinstance(kind, Pointer) and isinstance(kind.to, Int | Real)
    return numbers or (isinstance(kind, Pointer) and kind.to == Other("void"))


def _slot(name: str, kind: Kind, counted: bool, where: tree_sitter.Node, role: str) -> Slot:
    match kind:
        case Int() | Real():
            return Scalar(name, kind)
        case Record():
            return Structure(name, kind.spelling, _fields(kind, where), pointer=False, const=True)
        case Array(of=Int() | Real() as of, count=int() as count):
            return Cells(name, of, const=False, count=count, inside=True)
        case Pointer(to=Record() as to, const=const):
            return Structure(name, to.spelling, _fields(to, where), pointer=True, const=const)
        case Pointer(to=Other(what=what)) if what == ITSELF:
            return Nothing(name)
        case Pointer(to=Pointer(to=Int() | Real() | Record() | Other("void")), const=const) if not const:
            return Hole(name)
        case Pointer(to=Int() | Real() as to, const=const, count=count):
            return _cells(name, to, const, count, counted, where)
        case Pointer(to=Other("void"), const=const) if counted:
            return Cells(name, Int(8, signed=False), const, size=True)
    raise _CannotBeMade(f"{role} {name} is {_named(kind)}")


def _cells(
    name: str, to: Int | Real, const: bool, count: int | None, counted: bool, where: tree_sitter.Node
) -> Slot:  # fmt: skip
    if counted:
        return Cells(name, to, const, size=True)
    if count is not None:
        return Cells(name, to, const, count=count)
    if isinstance(to, Int) and to.bits == 8 and not to.truth:
        return Text(name, to, const)
    if isinstance(to, Int) and (const or _walked(name, where)):
        return Cells(name, to, const, ends=True)
    return Cells(name, to, const, count=1)


def _walked(name: str, where: tree_sitter.Node) -> bool:
    """Whether a pointer is indexed or moved, and not only followed."""
    for each in walk(where):
        if each.type == "identifier" and text(each) == name and each.parent is not None:
            if each.parent.type == "subscript_expression" and text(each.parent.named_children[-1]) != "0":
                return True
            if each.parent.type in _INDEXED[1:3]:
                return True
    return False


def _fields(kind: Record, where: tree_sitter.Node) -> tuple[Slot, ...]:
    return _slots(kind.fields, where, f"{kind.spelling}, whose")


def _result(kind: Kind, where: tree_sitter.Node) -> Result:
    match kind:
        case Other("void"):
            return Result("nothing")
        case Int() | Real():
            return Result("number", kind=kind)
        case Pointer(to=Int(bits=8, truth=False)):
            return Result("text", kind=kind)
        case Pointer(to=Int() | Real() | Record() | Other("void")):
            return Result("place", kind=kind)
        case Record(spelling=spelling):
            return Result("structure", spelling, kind, _fields(kind, where))
    raise _CannotBeMade(f"returns {_named(kind)}")


def _named(kind: Kind) -> str:
    """A type in words, for a reason."""
    match kind:
        case Other(what=what):
            plain = what.startswith(("a ", "an ", "of ", "long ")) or what == "void" or "which" in what
            return what if plain else f"a {what}, of which nothing is known"
        case Pointer(to=Other("a function")):
            return "a pointer to a function"
        case Pointer(to=to):
            return f"a pointer to {_named(to)}"
        case Array():
            return "an array of a size that is no plain number"
        case Record(spelling=spelling):
            return f"a {spelling}"
    return "a number"


def flattened(slots: Sequence[Slot]) -> Iterator[Slot]:
    """All slots, those of structures after them."""
    for each in slots:
        yield each
        if isinstance(each, Structure):
            yield from flattened(each.slots)
