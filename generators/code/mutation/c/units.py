"""C functions out of a file, each with the declarations, macros and helpers that it needs and nothing else.

A file is read with its own headers in place, as a preprocessor would, but nothing is expanded: what is taken along is
text as it was written. Headers that lie beside the file are taken apart as well; all others are left as ``#include``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from contrafact.engines.syntax import parse, trouble, walk
from generators.code.mutation.c.impurity import impurity
from generators.code.mutation.c.nodes import declared_name, text
from generators.code.mutation.functions import NEEDED, Function, Unreadable, decoded

if TYPE_CHECKING:
    import tree_sitter

__all__ = ["Item", "Reader", "TranslationUnit", "c_functions_of", "without_include"]

Reader = Callable[[str], bytes | None]
"""The bytes of a file of the corpus by its path, with ``/``; None where there is none."""

_GENERATED = re.compile(
    r"^\s*(?:/?\*|//).*(?:generated (?:by|from)|do not edit|automatically generated)", re.IGNORECASE | re.MULTILINE
)
_HEAD = 1000
_CPLUSPLUS = re.compile(  # what opens and closes a block around all declarations, which no C parser understands
    rb"^[ \t]*#[ \t]*(?:ifdef[ \t]+|if[ \t]+defined[ \t(]*)__cplusplus\b[^\n]*\n"
    rb"(?:(?![ \t]*#[ \t]*(?:if|el))[^\n]*\n){0,5}?[ \t]*#[ \t]*endif\b[^\n]*",
    re.MULTILINE,
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_NAMES = ("identifier", "type_identifier")
_CONDITIONS = ("preproc_ifdef", "preproc_if")
_WRAPPERS = ("linkage_specification", "declaration_list", "ERROR")  # what is whole within an error is taken
_KINDS = ("preproc_ifdef", "preproc_if", "preproc_def", "preproc_function_def", "preproc_call", "type_definition",
          "declaration", "function_definition", "struct_specifier", "union_specifier", "enum_specifier")  # fmt: skip
_DEEPEST = 20
_REMEMBERED = 400


@dataclass(frozen=True)
class Item:
    """One declaration, macro or conditional part at the top of a file.

    Attributes
    ----------
    node : tree_sitter.Node
    text : str
    gives, needs : frozenset of str
        Names that it defines, and names that stand in it.
    """

    node: tree_sitter.Node
    text: str
    gives: frozenset[str]
    needs: frozenset[str]


@dataclass(frozen=True)
class _Include:
    """A header that is asked for; ``system`` is whether it is written in angle brackets."""

    name: str
    system: bool


@dataclass
class TranslationUnit:
    """A file with the headers beside it, as a list of items in the order in which a compiler would see them.

    Parameters
    ----------
    source : bytes
    path : str
        Within the corpus.
    read : callable
        How headers are found (:data:`Reader`).
    """

    source: bytes
    path: str
    read: Reader
    items: list[Item] = field(default_factory=list)
    includes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._seen = {self.path}
        self._own = _parts_of(self.source)
        self._take(self._own, self.path, 0)

    @property
    def definitions(self) -> list[tree_sitter.Node]:
        """The functions of the file itself."""
        return [
            each
            for part in self._own
            if isinstance(part, Item)
            for each in ([part.node] if part.node.type == "function_definition" else _definitions_in(part.node))
        ]

    @cached_property
    def givers(self) -> dict[str, list[int]]:
        """Places of the items that define a name."""
        found: dict[str, list[int]] = {}
        for place, item in enumerate(self.items):
            for name in item.gives:
                found.setdefault(name, []).append(place)
        return found

    def needed(self, node: tree_sitter.Node, name: str) -> list[Item]:
        """Items that a function needs, in order; not the function itself."""
        taken: set[int] = set()
        seen = {name}
        waiting = sorted(_needed_by(node) - seen)
        while waiting:
            each = waiting.pop()
            if each in seen:
                continue
            seen.add(each)
            for place in self.givers.get(each, ()):
                if place not in taken and self.items[place].node != node:
                    taken.add(place)
                    waiting.extend(self.items[place].needs - seen)
        return [self.items[place] for place in sorted(taken)]

    def _take(self, parts: Sequence[Item | _Include], path: str, depth: int) -> None:
        for each in parts:
            if isinstance(each, _Include):
                self._include(each, path, depth)
            elif "main" not in each.gives:
                self.items.append(each)

    def _include(self, include: _Include, path: str, depth: int) -> None:
        name = include.name
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
        places = [beside, posixpath.normpath(name)]
        if not include.system:  # a header that a build makes of a template
            places += [f"{each.removesuffix('.h')}.in.h" for each in places]
        for place in dict.fromkeys(places):
            if place in self._seen:
                return
            content = self.read(place) if depth < _DEEPEST else None
            if content is not None:
                self._seen.add(place)
                self._take(_parts_of(content), place, depth + 1)
                return
        if include.system and name not in self.includes:
            self.includes.append(name)


@lru_cache(maxsize=_REMEMBERED)
def _parts_of(content: bytes) -> tuple[Item | _Include, ...]:
    """What stands at the top of a file, guards opened; the same header is read once for all files that include it."""
    return tuple(_parts_at(parse(_CPLUSPLUS.sub(_blank, content), "c").root_node))


def _blank(found: re.Match[bytes]) -> bytes:
    """As many bytes and lines, and nothing in them."""
    return re.sub(rb"[^\n]", b" ", found[0])


def _parts_at(node: tree_sitter.Node) -> Iterator[Item | _Include]:
    for child in node.children:
        if child.type == "preproc_include":
            given = child.child_by_field_name("path")
            name = "" if given is None else text(given).strip('<>"')
            if given is not None and name and name != "config.h":  # which autoconf writes on the machine that builds
                yield _Include(name, given.type == "system_lib_string")
        elif (child.type in _CONDITIONS and _is_guard(child)) or child.type in _WRAPPERS:
            yield from _parts_at(child)
        elif child.is_named and child.type in _KINDS:
            written = text(child).strip("\r\n")
            if child.type.endswith("_specifier"):
                written += ";"  # which is no part of the node
            yield Item(child, written, frozenset(_given(child)), _needed_by(child))


def c_functions_of(source: bytes, path: str, read: Reader, *, most: int, generated: bool = False) -> list[Function]:
    """The functions of a C file, in its order; those within conditional parts as if their condition held.

    Parameters
    ----------
    path, read
        As in :class:`TranslationUnit`.
    most, generated
        As in :func:`generators.code.mutation.functions.functions_of`.

    Raises
    ------
    Unreadable
        For a file that is not UTF-8, says that it was generated, or has no function that parses (with the place).
    """
    head = decoded(source)[:_HEAD]
    if not generated and _GENERATED.search(head):
        raise Unreadable("it says that it was generated")
    unit = TranslationUnit(source, path, read)
    found = [each for each in (_function(unit, node, most) for node in unit.definitions) if each is not None]
    wrong = trouble(_CPLUSPLUS.sub(_blank, source), "c")
    if wrong is not None and not any(not each.objection for each in found):
        raise Unreadable(f"does not parse: {wrong}")
    return found


def _function(unit: TranslationUnit, node: tree_sitter.Node, most: int) -> Function | None:
    name = _declared(node)
    line = node.start_point[0] + 1
    code = text(node)
    if name is None or name == "main":
        return None
    if node.has_error:
        wrong = next((each for each in walk(node) if each.is_error or each.is_missing), node)
        row, column = wrong.start_point
        return Function(name, line, code[:most], objection=f"does not parse: line {row + 1}, column {column + 1}")
    if len(code) > most:
        return Function(name, line, "", objection=f"over {most} characters")
    needed = unit.needed(node, name)
    prelude = "\n".join([*(f"#include <{each}>" for each in unit.includes), *(each.text for each in needed)])
    if len(prelude) > NEEDED * most:
        return Function(name, line, code, objection=f"needs over {NEEDED * most} characters of its file")
    objection = next(filter(None, (impurity(each) for each in (node, *(item.node for item in needed)))), "")
    return Function(name, line, code, prelude, objection)


def without_include(source: str, header: str) -> str:
    """The text without the lines that include a header."""
    return re.sub(rf'^[ \t]*#[ \t]*include[ \t]*[<"]{re.escape(header)}[>"][^\n]*\n?', "", source, flags=re.MULTILINE)


def _is_guard(node: tree_sitter.Node) -> bool:
    """Whether a conditional part is only what keeps a header from being read twice, or C++ from renaming."""
    words = [text(each) for each in node.children[:2]]
    if words[0] == "#ifdef":
        return words[1:] == ["__cplusplus"]
    body = [each for each in node.named_children if each.type not in ("comment", "identifier")]
    if words[0] != "#ifndef" or not body or body[0].type != "preproc_def":
        return False
    name = body[0].child_by_field_name("name")
    return name is not None and text(name) == words[1]


def _definitions_in(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    """Functions within a conditional part, but not within one another."""
    if node.type not in (*_CONDITIONS, "preproc_else", "preproc_elif", "preproc_elifdef"):
        return []
    found = []
    for child in node.named_children:
        found += [child] if child.type == "function_definition" else _definitions_in(child)
    return found


def _needed_by(node: tree_sitter.Node) -> frozenset[str]:
    found: set[str] = set()
    for each in walk(node):
        if each.type in _NAMES:
            found.add(text(each))
        elif each.type == "preproc_arg":
            found.update(_WORD.findall(text(each)))
    return frozenset(found)


def _given(node: tree_sitter.Node) -> Iterator[str]:
    """Names that an item defines."""
    for each in (node, *_parts(node)):
        if each.type in ("preproc_def", "preproc_function_def"):
            name = each.child_by_field_name("name")
            if name is not None:
                yield text(name)
        elif each.type == "preproc_call":
            yield from _WORD.findall(text(each).partition("undef")[2])
        elif each.type in ("function_definition", "declaration", "type_definition"):
            yield from _declarators(each)
            yield from _tags(each)
        elif each.type in ("struct_specifier", "union_specifier", "enum_specifier"):
            yield from _tags(each)


def _parts(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """What stands in a conditional part, at any depth of conditions."""
    if node.type.startswith(("preproc_if", "preproc_el")):
        for child in node.named_children:
            yield child
            yield from _parts(child)


def _declarators(node: tree_sitter.Node) -> Iterator[str]:
    for each in node.children_by_field_name("declarator"):
        name = declared_name(each)
        if name is not None:
            yield name


def _tags(node: tree_sitter.Node) -> Iterator[str]:
    """Tags of structures that are spelt out here, and their enumerators."""
    kind = node if node.type.endswith("_specifier") else node.child_by_field_name("type")
    if kind is None or kind.child_by_field_name("body") is None:
        return
    name = kind.child_by_field_name("name")
    if name is not None:
        yield text(name)
    for each in walk(kind):
        if each.type == "enumerator":
            yield text(each.named_children[0])


def _declared(node: tree_sitter.Node) -> str | None:
    return declared_name(node.child_by_field_name("declarator"))
