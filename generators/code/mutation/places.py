"""Which lines of a function an edit stands in, so that one can ask whether a call ever came there."""

from __future__ import annotations

from contrafact.engines.syntax import parse
from contrafact.engines.syntax.statements import is_statement
from generators.code.edits import Edit

__all__ = ["lines_of"]


def lines_of(code: bytes, edit: Edit) -> range | None:
    """Lines of the edited statement, from 0, down to where the edit ends; None for the function's own head.

    The head (a default, say) takes part in every call.
    """
    last = max(edit.start, edit.stop - 1)
    # An edit that takes whole lines begins in the white space before its statement.
    first = edit.start + len(code[edit.start : edit.stop]) - len(code[edit.start : edit.stop].lstrip())
    node = parse(code, "python").root_node.descendant_for_byte_range(min(first, last), min(first, last))
    while node is not None and not is_statement(node):
        node = node.parent
    if node is None or node.type in ("function_definition", "decorated_definition"):
        return None
    return range(node.start_point[0], code.count(b"\n", 0, max(last, node.start_byte)) + 1)
