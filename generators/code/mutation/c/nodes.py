"""What a node of a C tree says: its text, and the name at the bottom of a declarator."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tree_sitter

__all__ = ["NAMES", "declared_name", "text"]

NAMES = ("identifier", "type_identifier")


def text(node: tree_sitter.Node) -> str:
    """A node's own text; what is no UTF-8 in it, replaced."""
    return (node.text or b"").decode("utf-8", "replace")


def declared_name(node: tree_sitter.Node | None) -> str | None:
    """The name at the bottom of a declarator: ``x`` of ``*(*x)[3]``."""
    while node is not None and node.type not in (*NAMES, "field_identifier"):
        inner = node.child_by_field_name("declarator")
        node = inner if inner is not None else next(iter(node.named_children), None)
    return None if node is None else text(node)
