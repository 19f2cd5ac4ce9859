"""Edits that leave something out: a guard, a call, a ``return``, an ``await``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from generators.code.edits import Edit

if TYPE_CHECKING:
    import tree_sitter

__all__ = ["removal_edits"]

_LEAVING = ("return_statement", "raise_statement", "continue_statement", "break_statement")


def removal_edits(node: tree_sitter.Node) -> Iterator[Edit]:
    """What can be left out at this node."""
    if node.type == "if_statement":
        if _is_guard(node):
            yield from _statement(node, "guard_dropped")
    elif node.type == "assert_statement":
        yield from _statement(node, "guard_dropped")
    elif node.type == "return_statement":
        if node.named_children:
            yield Edit(node.start_byte, node.named_children[0].start_byte, b"", "removed_return")
    elif node.type == "await":
        yield Edit(node.start_byte, node.named_children[0].start_byte, b"", "removed_await")
    elif node.named_child_count == 1 and node.named_children[0].type in ("call", "await"):
        yield from _statement(node, "removed_call")


def _is_guard(node: tree_sitter.Node) -> bool:
    body = node.child_by_field_name("consequence")
    if body is None or node.child_by_field_name("alternative") is not None:
        return False
    inside = [each for each in body.named_children if each.type != "comment"]
    return len(inside) == 1 and inside[0].type in _LEAVING


def _statement(node: tree_sitter.Node, operation: str) -> Iterator[Edit]:
    """The statement with its line; ``pass`` in its place where nothing else stands in the block."""
    parent = node.parent
    if parent is None:
        return
    beside = [each for each in parent.named_children if each.type != "comment"]
    if len(beside) < 2:
        yield Edit(node.start_byte, node.end_byte, b"pass", operation)
        return
    root = parent
    while root.parent is not None:
        root = root.parent
    source = root.text or b""
    # The tree's text begins where its first token does.
    start, stop = node.start_byte - root.start_byte, node.end_byte - root.start_byte
    first = source.rfind(b"\n", 0, start) + 1
    last = source.find(b"\n", stop)
    last = len(source) if last < 0 else last + 1
    if source[first:start].strip() or source[stop:last].strip():  # something else stands in the line
        yield Edit(node.start_byte, node.end_byte, b"pass", operation)
        return
    if last == len(source) and not source.endswith(b"\n"):  # the last line: take the line end before it
        first = len(source[:first].rstrip(b"\r\n"))
    yield Edit(first + root.start_byte, last + root.start_byte, b"", operation)
