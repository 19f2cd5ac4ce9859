"""Statements of a program, and how many of them an edit touched."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from contrafact.engines.syntax.trees import Language, leaves, parse

if TYPE_CHECKING:
    import tree_sitter

__all__ = ["is_statement", "statements", "statements_touched"]

_CLAUSES = frozenset({"elif_clause", "else_clause", "except_clause", "finally_clause", "case_clause"})
_OTHERS = frozenset({"declaration", "function_definition", "class_definition", "decorated_definition"})
_BODIES = frozenset({"compound_statement"})


def is_statement(node: tree_sitter.Node) -> bool:
    """Whether a node is a statement, or a clause such as ``else`` that stands like one. A block is none."""
    kind = node.type
    return (kind.endswith("_statement") and kind not in _BODIES) or kind in _CLAUSES or kind in _OTHERS


def statements(source: bytes, language: Language) -> list[tuple[bytes, ...]]:
    """Each statement's own tokens, in the order of the text: those of statements within it are left to them.

    A tuple without tokens is a statement that only holds others. White space, indentation and comments are in none.
    """
    root = parse(source, language).root_node
    found: list[list[bytes]] = []
    waiting: list[tuple[tree_sitter.Node, int]] = [(root, -1)]
    while waiting:
        node, owner = waiting.pop()
        if is_statement(node):
            owner = len(found)
            found.append([])
        if owner >= 0 and (not node.children or node.type in ("string", "string_literal")):
            found[owner].extend(leaf.text or b"" for leaf in leaves(node))
        else:
            waiting.extend((child, owner) for child in reversed(node.children))
    return [tuple(own) for own in found]


def statements_touched(before: bytes, after: bytes, language: Language) -> int:
    """Statements inserted, deleted or changed between two programs.

    Of a stretch where they differ the longer side counts: one condition weakened is 1; a guard of two statements (the
    condition, and the ``raise`` below it) dropped is 2.
    """
    olds, news = statements(before, language), statements(after, language)
    blocks = SequenceMatcher(None, olds, news, autojunk=False).get_opcodes()
    return sum(max(i2 - i1, j2 - j1) for tag, i1, i2, j1, j2 in blocks if tag != "equal")
