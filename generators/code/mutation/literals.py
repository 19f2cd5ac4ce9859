"""Edits of what is written out in a program: numbers, strings and truth values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.code.edits import Edit

if TYPE_CHECKING:
    import tree_sitter

__all__ = ["literal_edits"]

_PLAIN = re.compile(r"""(?P<quote>['"])(?P<inside>[^'"\\\n]*)(?P=quote)""")
_COUNTED = ("subscript", "slice", "binary_operator")
_NEIGHBOURS = {",": ";", ".": ",", " ": "_", "-": "_", "_": "-", "/": "\\\\", ":": ";", "0": "1", "(": "[", ")": "]"}
_LARGEST = 10**12


def literal_edits(node: tree_sitter.Node) -> Iterator[Edit]:
    """Another value in a literal's place."""
    written = (node.text or b"").decode()
    if node.type == "string" and _is_message(node):
        return
    afters = {"integer": _whole, "float": _real, "string": _string}.get(node.type, _truth)
    operation = "off_by_one" if node.type == "integer" and _counts(node) else "constant"
    for after in afters(written):
        yield Edit(node.start_byte, node.end_byte, after.encode(), operation)


def _is_message(node: tree_sitter.Node) -> bool:
    """Whether a string is only what an error says: no run is told from another by it."""
    parent = node.parent
    while parent is not None and not parent.type.endswith("_statement"):
        parent = parent.parent
    return parent is not None and parent.type in ("raise_statement", "assert_statement")


def _counts(node: tree_sitter.Node) -> bool:
    """Whether a number says where or how many: in an index, a slice, a sum, or a range."""
    parent = node.parent
    if parent is not None and parent.type == "unary_operator":
        parent = parent.parent
    if parent is None:
        return False
    if parent.type == "binary_operator":
        sign = parent.child_by_field_name("operator")
        return sign is not None and sign.type in ("+", "-")
    called = parent.parent.child_by_field_name("function") if parent.type == "argument_list" and parent.parent else None
    return parent.type in _COUNTED or (called is not None and called.text == b"range")


def _whole(written: str) -> Iterator[str]:
    if written.isdecimal() and int(written) < _LARGEST:
        yield str(int(written) + 1)
        if int(written) > 0:
            yield str(int(written) - 1)


def _real(written: str) -> Iterator[str]:
    try:
        value = float(written.replace("_", ""))
    except ValueError:  # an imaginary number
        return
    yield repr(value * 2) if value else "1.0"


def _truth(written: str) -> Iterator[str]:
    yield "False" if written == "True" else "True"


def _string(written: str) -> Iterator[str]:
    found = _PLAIN.fullmatch(written)
    if found is None or not found["inside"]:
        return
    inside, quote = found["inside"], found["quote"]
    if len(inside) == 1:
        yield f"{quote}{_NEIGHBOURS.get(inside, inside.swapcase() if inside.isalpha() else '')}{quote}"
    else:
        yield f"{quote}{inside[:-1]}{quote}"
