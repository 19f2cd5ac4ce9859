"""Types of C as far as values of them can be made: numbers, enumerations, pointers, arrays, structures.

Names are looked up in the declarations that a function brings along; those of the C library that are numbers are known.
Sizes are those of 64-bit Linux (LP64).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contrafact.engines.syntax import walk
from generators.code.mutation.c.nodes import declared_name
from generators.code.mutation.c.nodes import text as _text

if TYPE_CHECKING:
    import tree_sitter

__all__ = ["ITSELF", "VOID", "Array", "Int", "Kind", "Other", "Pointer", "Real", "Record", "Types"]


@dataclass(frozen=True)
class Int:
    """A whole number; ``choices`` are the names of an enumeration's values, ``char`` is whether it is ``char``."""

    bits: int
    signed: bool
    char: bool = False
    choices: tuple[str, ...] = ()
    truth: bool = False


@dataclass(frozen=True)
class Real:
    """A ``float`` or ``double``."""

    bits: int


@dataclass(frozen=True)
class Pointer:
    """An address; ``const`` is whether what is there may not be written. ``count`` is that of ``int a[4]``."""

    to: Kind
    const: bool
    count: int | None = None


@dataclass(frozen=True)
class Array:
    """So many in a row; ``count`` is None where it is not a plain number."""

    of: Kind
    count: int | None


@dataclass(frozen=True)
class Record:
    """A structure: how its type is written, and its fields with their types."""

    spelling: str
    fields: tuple[tuple[str, Kind], ...]


@dataclass(frozen=True)
class Other:
    """A type of which no value can be made; ``what`` says which: ``void``, ``a function``, ``FILE``."""

    what: str


Kind = Int | Real | Pointer | Array | Record | Other

_SIZED = {"char": 8, "short": 16, "int": 32, "long": 64}
_KNOWN: dict[str, Kind] = {
    "bool": Int(8, signed=False, truth=True), "_Bool": Int(8, signed=False, truth=True), "void": Other("void"),
    "float": Real(32), "double": Real(64), "wchar_t": Int(32, signed=True), "wint_t": Int(32, signed=False),
    "char16_t": Int(16, signed=False), "char32_t": Int(32, signed=False), "off_t": Int(64, signed=True),
    "mode_t": Int(32, signed=False), "socklen_t": Int(32, signed=False),
    **{name: Int(64, signed=False) for name in ("size_t", "uintptr_t", "uintmax_t", "ulong", "u_long")},
    **{name: Int(64, signed=True) for name in ("ssize_t", "ptrdiff_t", "intptr_t", "intmax_t")},
    **{name: Int(32, signed=False) for name in ("uint", "u_int")},
    "ushort": Int(16, signed=False), "u_char": Int(8, signed=False),
    **{f"{sign}int{bits}_t": Int(bits, signed=not sign) for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"{sign}int_least{bits}_t": Int(bits, signed=not sign) for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"{sign}int_fast{bits}_t": Int(64 if bits > 8 else 8, signed=not sign)
       for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip
VOID = Other("void")
"""Nothing."""

ITSELF = "itself"
"""What a structure's pointer to its own kind points to."""

_BASIC = ("char", "short", "int", "long", "double", "float", "signed", "unsigned")
_DEEPEST = 12
_TYPE_WORDS = re.compile(r"[A-Za-z_][\w ]*")


@dataclass
class Types:
    """The types that some declarations define, by name."""

    nodes: Iterable[tree_sitter.Node]
    _named: dict[str, tuple[tree_sitter.Node, tree_sitter.Node]] = field(default_factory=dict)
    _tagged: dict[str, tree_sitter.Node] = field(default_factory=dict)
    _macros: dict[str, str] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for node in self.nodes:
            for each in walk(node):
                if each.type == "type_definition":
                    self._typedef(each)
                elif each.type in ("struct_specifier", "union_specifier", "enum_specifier"):
                    name = each.child_by_field_name("name")
                    if name is not None and each.child_by_field_name("body") is not None:
                        self._tagged.setdefault(_text(name), each)
                elif each.type == "preproc_def":
                    name, value = (each.child_by_field_name(key) for key in ("name", "value"))
                    if name is not None and value is not None and _TYPE_WORDS.fullmatch(_text(value).strip()):
                        self._macros.setdefault(_text(name), _text(value).strip())

    def _typedef(self, node: tree_sitter.Node) -> None:
        kind = node.child_by_field_name("type")
        for each in node.children_by_field_name("declarator"):
            if kind is not None:
                name = _declared(each)
                self._named.setdefault(name, (node, each))

    def of(self, node: tree_sitter.Node, declarator: tree_sitter.Node | None, depth: int = 0) -> Kind:
        """The type of a declaration (parameter, field, typedef or function) with one of its declarators."""
        base = self._base(node, depth)
        const = any(each.type == "type_qualifier" and _text(each) == "const" for each in node.children)
        return _applied(base, declarator, const=const)

    def _base(self, node: tree_sitter.Node, depth: int) -> Kind:
        kind = node.child_by_field_name("type")
        if kind is None or depth > _DEEPEST:
            return Other("of no type that is known")
        if kind.type == "enum_specifier":
            return self._enum(kind)
        if kind.type == "union_specifier":
            return Other("a union")
        if kind.type == "struct_specifier":
            return self._record(kind, f"struct {_text_of(kind.child_by_field_name('name'))}", depth)
        return self.named(_text(kind), depth)

    def named(self, words: str, depth: int = 0) -> Kind:
        """The type of this name."""
        parts = words.split()
        if parts and all(each in _BASIC for each in parts):
            return _number(parts)
        if words in self._named and depth <= _DEEPEST:
            node, declarator = self._named[words]
            kind = node.child_by_field_name("type")
            if kind is not None and kind.type == "struct_specifier":
                return _applied(self._record(kind, words, depth), declarator, const=False)
            return self.of(node, declarator, depth + 1)
        if words in self._macros and depth <= _DEEPEST:
            return self.named(self._macros[words], depth + 1)
        return _KNOWN.get(words, Other(words))

    def _enum(self, kind: tree_sitter.Node) -> Kind:
        whole = kind if kind.child_by_field_name("body") is not None else self._tagged.get(
            _text_of(kind.child_by_field_name("name"))
        )  # fmt: skip
        if whole is None:
            return Int(32, signed=True)
        names = tuple(_text(each.named_children[0]) for each in walk(whole) if each.type == "enumerator")
        return Int(32, signed=True, choices=names)

    def _record(self, kind: tree_sitter.Node, spelling: str, depth: int) -> Kind:
        name = _text_of(kind.child_by_field_name("name"))
        whole = kind if kind.child_by_field_name("body") is not None else self._tagged.get(name)
        body = None if whole is None else whole.child_by_field_name("body")
        if name and name in self._open:
            return Other(ITSELF)
        if body is None or depth > _DEEPEST:
            return Other(spelling)
        self._open.append(name)
        try:
            return self._with_fields(body, spelling, depth)
        finally:
            self._open.pop()

    def _with_fields(self, body: tree_sitter.Node, spelling: str, depth: int) -> Kind:
        fields: list[tuple[str, Kind]] = []
        for each in body.named_children:
            if each.type != "field_declaration":
                continue
            if any(part.type == "bitfield_clause" for part in each.children):
                return Other(f"{spelling}, which has bit fields")
            declarators = each.children_by_field_name("declarator")
            if not declarators:
                return Other(f"{spelling}, which has parts without a name")
            fields += [(_declared(one), self.of(each, one, depth + 1)) for one in declarators]
        return Record(spelling, tuple(fields))


def _number(parts: list[str]) -> Kind:
    if "double" in parts or "float" in parts:
        return Other("long double") if "long" in parts else Real(32 if "float" in parts else 64)
    bits = next((_SIZED[each] for each in ("char", "short", "long") if each in parts), 32)
    return Int(bits, signed="unsigned" not in parts, char=parts == ["char"])


def _applied(base: Kind, declarator: tree_sitter.Node | None, *, const: bool) -> Kind:
    """A declarator is read from the outside in: the pointer that is nearest to the type comes first."""
    kind, node = base, declarator
    while node is not None:
        if node.type in ("pointer_declarator", "abstract_pointer_declarator", "pointer_type_declarator"):
            kind, const = Pointer(kind, const), any(_text(each) == "const" for each in node.children)
        elif node.type in ("array_declarator", "abstract_array_declarator"):
            size = node.child_by_field_name("size")
            kind = Array(kind, int(_text(size)) if size is not None and _text(size).isdigit() else None)
        elif node.type in ("function_declarator", "abstract_function_declarator"):
            kind = Other("a function")
        inner = node.child_by_field_name("declarator")
        if inner is None and node.type in ("parenthesized_declarator", "abstract_parenthesized_declarator"):
            inner = next(iter(node.named_children), None)
        node = inner
    return kind


def _declared(node: tree_sitter.Node) -> str:
    return declared_name(node) or ""


def _text_of(node: tree_sitter.Node | None) -> str:
    return "" if node is None else _text(node)
