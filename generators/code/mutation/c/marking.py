"""Marks in a C function: which of its statements a call comes to, and in which of them an edit stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contrafact.engines.syntax import parse, walk
from contrafact.engines.syntax.statements import is_statement
from generators.code.edits import Edit

if TYPE_CHECKING:
    import tree_sitter

__all__ = ["mark_of", "marked"]

_BLOCKS = ("compound_statement", "case_statement")
_BODIES = ("if_statement", "else_clause", "while_statement", "for_statement", "do_statement")
_UNMARKED = ("case_statement", "labeled_statement", "function_definition")


def marked(code: str) -> tuple[str, int]:
    """The function with ``cf_marks[k] = 1;`` before its k-th statement, and how many there are."""
    source = code.encode()
    places = _places(source)
    pieces: list[tuple[int, bytes]] = []
    for number, (node, braced) in enumerate(places):
        mark = b"cf_marks[%d] = 1; " % number
        pieces.append((node.start_byte, b"{ " + mark if braced else mark))
        if braced:
            pieces.append((node.end_byte, b" }"))
    made, last = [], 0
    for at, text in sorted(pieces, key=lambda each: (each[0], each[1] != b" }")):
        made += [source[last:at], text]
        last = at
    whole = b"".join([*made, source[last:]]).decode()
    return f"static unsigned char cf_marks[{max(1, len(places))}];\n{whole}", len(places)


def mark_of(code: str, edit: Edit) -> int | None:
    """Number of the smallest marked statement that an edit stands in; None where there is none."""
    source = code.encode()
    inside = source[edit.start : edit.stop]
    first = edit.start + len(inside) - len(inside.lstrip())
    last = max(first, edit.stop - 1)
    found = None
    for number, (node, _) in enumerate(_places(source)):
        if node.start_byte <= first and (last < node.end_byte or first < node.end_byte):
            found = number  # later ones are within earlier ones, or behind them
    return found


def _places(source: bytes) -> list[tuple[tree_sitter.Node, bool]]:
    """Statements in the order of the text, and whether braces are needed to put something before one."""
    found = []
    for node in walk(parse(source, "c").root_node):
        parent = node.parent
        if parent is None or not is_statement(node) or node.type in _UNMARKED:
            continue
        if parent.type in _BLOCKS:
            if parent.type == "case_statement" and node == parent.child_by_field_name("value"):
                continue
            found.append((node, False))
        elif parent.type in _BODIES and not _is_head(node, parent):
            found.append((node, True))
    return found


def _is_head(node: tree_sitter.Node, parent: tree_sitter.Node) -> bool:
    """Whether a node is what stands in a loop's parentheses."""
    return parent.type == "for_statement" and node == parent.child_by_field_name("initializer")
