"""Every small edit of a C function that a tired programmer could have made, as one replaced stretch of bytes.

=================== ==================================================================================================
operation           the change
=================== ==================================================================================================
``boundary``        ``<`` to ``<=``, ``>=`` to ``>`` and back
``comparison``      another comparison: ``==`` to ``!=``, ``<`` to ``>`` …
``off_by_one``      a number of an index or a sum, one more or one less; ``i++`` to ``++i`` where its value is used
``constant``        another number, character or truth value
``arithmetic``      another operator: ``+`` to ``-``, ``<<`` to ``>>``, ``&`` to ``|``, ``+=`` to ``-=`` …
``sign``            a minus left out
``logical``         ``&&`` to ``||`` and back
``negation``        a ``!`` left out, or put before a condition
``guard_dropped``   an ``if`` that only leaves (return, break, continue, goto) or an ``assert``, left out
``guard_weakened``  one of the conditions that ``&&`` or ``||`` joins, left out
``swapped``         two neighbouring arguments of a call exchanged
``wrong_variable``  another parameter of the same type in the place of one
``wrong_call``      a function's sibling: ``strchr`` for ``strrchr``, ``isdigit`` for ``isalpha`` …
``removed_call``    a statement that only calls (``free``, ``unlock``, ``close``, ``memset`` …), left out
``removed_return``  a ``return`` of nothing, or an assignment's step back, that was forgotten
``removed_cast``    a conversion left out
``loop_exit``       ``break`` of a loop to ``continue`` and back
=================== ==================================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from contrafact.engines.syntax import parse
from generators.code.edits import Edit
from generators.code.mutation.c.nodes import declared_name, text

if TYPE_CHECKING:
    import tree_sitter

__all__ = ["C_OPERATIONS", "c_edits"]

C_OPERATIONS = (
    "arithmetic", "boundary", "comparison", "constant", "guard_dropped", "guard_weakened", "logical", "loop_exit",
    "negation", "off_by_one", "removed_call", "removed_cast", "removed_return", "sign", "swapped", "wrong_call",
    "wrong_variable",
)  # fmt: skip

_BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_COMPARISON = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "!=", "!=": "=="}
_ARITHMETIC = {
    "+": "-", "-": "+", "*": "+", "/": "*", "%": "/", "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "|",
    "+=": "-=", "-=": "+=", "*=": "+=", "/=": "*=", "%=": "/=", "|=": "&=", "&=": "|=", "^=": "|=", "<<=": ">>=",
    ">>=": "<<=", "++": "--", "--": "++",
}  # fmt: skip
_SIBLINGS = (
    ("strchr", "strrchr"), ("isdigit", "isalpha"), ("isupper", "islower"), ("toupper", "tolower"), ("min", "max"),
    ("MIN", "MAX"), ("floor", "ceil"), ("strspn", "strcspn"), ("strcmp", "strcasecmp"), ("isalnum", "isalpha"),
    ("fmin", "fmax"), ("c_isupper", "c_islower"), ("c_toupper", "c_tolower"), ("c_isdigit", "c_isalpha"),
)  # fmt: skip
_SIBLING = {name: other for pair in _SIBLINGS for name, other in (pair, pair[::-1])}
_LEAVING = ("return_statement", "break_statement", "continue_statement", "goto_statement")
_LOOPS = ("for_statement", "while_statement", "do_statement")
_CONDITIONED = ("if_statement", "while_statement", "do_statement")
_NUMBER = re.compile(r"(?P<digits>0|[1-9]\d*|0[xX][0-9a-fA-F]+)(?P<suffix>[uUlL]*)")
_LARGEST = 1 << 31
_SKIPPED = ("comment", "preproc_directive", "attribute_specifier", "gnu_asm_expression", "type_descriptor")

Maker = Callable[["tree_sitter.Node"], Iterator[Edit]]


def c_edits(code: bytes) -> list[Edit]:
    """All edits of a function's text, in the order of the text; none twice.

    Parameters
    ----------
    code : bytes
        One function definition, UTF-8.
    """
    root = parse(code, "c").root_node
    function = next((each for each in root.named_children if each.type == "function_definition"), None)
    body = None if function is None else function.child_by_field_name("body")
    if function is None or body is None:
        return []
    kin = _kin(function)
    found: dict[Edit, None] = {}
    waiting = [body]
    while waiting:
        node = waiting.pop()
        if node.type in _SKIPPED:
            continue
        for maker in _MAKERS.get(node.type, ()) if node.is_named else ():
            found.update(dict.fromkeys(maker(node)))
        found.update(dict.fromkeys(_other_variable(node, kin)))
        waiting.extend(reversed(node.children))
    return [edit for edit in found if code[edit.start : edit.stop] != edit.after]


def _replaced(node: tree_sitter.Node, after: str, operation: str) -> Edit:
    return Edit(node.start_byte, node.end_byte, after.encode(), operation)


def _joined(node: tree_sitter.Node) -> Iterator[Edit]:
    sign, left, right = (node.child_by_field_name(name) for name in ("operator", "left", "right"))
    if sign is None or left is None or right is None:
        return
    written = text(sign)
    if written in _BOUNDARY:
        yield _replaced(sign, _BOUNDARY[written], "boundary")
    if written in _COMPARISON:
        yield _replaced(sign, _COMPARISON[written], "comparison")
    if written in _ARITHMETIC:
        yield _replaced(sign, _ARITHMETIC[written], "arithmetic")
    if written in ("&&", "||"):
        yield _replaced(sign, "||" if written == "&&" else "&&", "logical")
        yield Edit(left.end_byte, right.end_byte, b"", "guard_weakened")
        yield Edit(left.start_byte, right.start_byte, b"", "guard_weakened")


def _assigned(node: tree_sitter.Node) -> Iterator[Edit]:
    sign = node.child_by_field_name("operator")
    if sign is not None and text(sign) in _ARITHMETIC:
        yield _replaced(sign, _ARITHMETIC[text(sign)], "arithmetic")


def _stepped(node: tree_sitter.Node) -> Iterator[Edit]:
    sign, inner = node.child_by_field_name("operator"), node.child_by_field_name("argument")
    parent = node.parent
    if sign is None or inner is None or parent is None:
        return
    if parent.type not in ("expression_statement", "for_statement", "comma_expression"):
        before = sign.start_byte < inner.start_byte
        yield _replaced(node, text(inner) + text(sign) if before else text(sign) + text(inner), "off_by_one")
    if parent.type != "for_statement":
        yield _replaced(sign, _ARITHMETIC[text(sign)], "arithmetic")


def _unary(node: tree_sitter.Node) -> Iterator[Edit]:
    sign, inner = node.child_by_field_name("operator"), node.child_by_field_name("argument")
    if sign is not None and inner is not None and text(sign) in ("!", "-"):
        yield Edit(node.start_byte, inner.start_byte, b"", "negation" if text(sign) == "!" else "sign")


def _conditioned(node: tree_sitter.Node) -> Iterator[Edit]:
    """A condition that is no comparison, turned round."""
    condition = node.child_by_field_name("condition")
    inner = None if condition is None else next(iter(condition.named_children), None)
    if inner is None or inner.type in ("unary_expression", "number_literal"):
        return
    sign = inner.child_by_field_name("operator") if inner.type == "binary_expression" else None
    if sign is None or text(sign) not in _COMPARISON:
        simple = inner.type in ("identifier", "call_expression", "subscript_expression", "field_expression")
        yield _replaced(inner, f"!{text(inner)}" if simple else f"!({text(inner)})", "negation")


def _guarded(node: tree_sitter.Node) -> Iterator[Edit]:
    body = node.child_by_field_name("consequence")
    if body is None or node.child_by_field_name("alternative") is not None:
        return
    inside = [body] if body.type != "compound_statement" else [e for e in body.named_children if e.type != "comment"]
    if len(inside) == 1 and inside[0].type in _LEAVING:
        yield from _without(node, "guard_dropped")


def _called(node: tree_sitter.Node) -> Iterator[Edit]:
    function, given = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or given is None:
        return
    if text(function) in _SIBLING:
        yield _replaced(function, _SIBLING[text(function)], "wrong_call")
    named = [each for each in given.named_children if each.type != "comment"]
    for one, other in pairwise(named):
        if text(one) != text(other):
            between = (given.text or b"")[one.end_byte - given.start_byte : other.start_byte - given.start_byte]
            after = (other.text or b"") + between + (one.text or b"")
            yield Edit(one.start_byte, other.end_byte, after, "swapped")


def _stated(node: tree_sitter.Node) -> Iterator[Edit]:
    inner = next(iter(node.named_children), None)
    if inner is not None and inner.type == "call_expression":
        function = inner.child_by_field_name("function")
        yield from _without(node, "guard_dropped" if function and text(function) == "assert" else "removed_call")


def _returned(node: tree_sitter.Node) -> Iterator[Edit]:
    """A return of nothing; one with a value would leave the value to chance."""
    if not node.named_children:
        yield from _without(node, "removed_return")


def _cast(node: tree_sitter.Node) -> Iterator[Edit]:
    inner = node.child_by_field_name("value")
    kind = node.child_by_field_name("type")
    if inner is not None and kind is not None and "*" not in text(kind):
        yield Edit(node.start_byte, inner.start_byte, b"", "removed_cast")


def _left(node: tree_sitter.Node) -> Iterator[Edit]:
    word = "break" if node.type == "break_statement" else "continue"
    at = node.parent
    while at is not None and at.type not in (*_LOOPS, "switch_statement"):
        at = at.parent
    if at is not None and (at.type in _LOOPS or word == "continue"):
        yield Edit(
            node.start_byte, node.start_byte + len(word), b"continue" if word == "break" else b"break", "loop_exit"
        )


def _number(node: tree_sitter.Node) -> Iterator[Edit]:
    minus = text(node).startswith("-")
    found = _NUMBER.fullmatch(text(node).removeprefix("-"))
    if found is None or _is_declared_size(node):
        return
    if minus:
        yield Edit(node.start_byte, node.start_byte + 1, b"", "sign")
    digits, suffix = found["digits"], found["suffix"]
    hexadecimal = digits[:2] in ("0x", "0X")
    value = int(digits, 16 if hexadecimal else 10)
    operation = "off_by_one" if _counts(node) else "constant"
    for after in (value + 1, value - 1):
        if 0 <= after < _LARGEST:
            digits = hex(after) if hexadecimal else str(after)
            yield _replaced(node, f"{'-' if minus else ''}{digits}{suffix}", operation)


def _counts(node: tree_sitter.Node) -> bool:
    """Whether a number says where or how many: in an index or a sum."""
    parent = node.parent
    if parent is None:
        return False
    sign = parent.child_by_field_name("operator") if parent.type == "binary_expression" else None
    return parent.type == "subscript_expression" or (sign is not None and text(sign) in ("+", "-"))


def _is_declared_size(node: tree_sitter.Node) -> bool:
    return node.parent is not None and node.parent.type in ("array_declarator", "bitfield_clause", "enumerator")


def _letter(node: tree_sitter.Node) -> Iterator[Edit]:
    inside = text(node)[1:-1]
    if len(inside) == 1 and inside.isascii() and inside.isprintable():
        after = inside.swapcase() if inside.isalpha() else chr(ord(inside) + 1)
        if after not in "'\\":
            yield _replaced(node, f"'{after}'", "constant")


def _truth(node: tree_sitter.Node) -> Iterator[Edit]:
    yield _replaced(node, "false" if text(node) == "true" else "true", "constant")


def _without(node: tree_sitter.Node, operation: str) -> Iterator[Edit]:
    """The statement with its lines; ``;`` in its place where it does not stand in a block by itself."""
    parent, root = node.parent, node
    while root.parent is not None:
        root = root.parent
    source = root.text or b""
    begin = root.start_byte
    first = source.rfind(b"\n", 0, node.start_byte - begin) + 1
    last = source.find(b"\n", node.end_byte - begin)
    alone = (
        last >= 0
        and not source[first : node.start_byte - begin].strip()
        and not source[node.end_byte - begin : last].strip()
    )
    if parent is None or parent.type not in ("compound_statement", "case_statement") or not alone:
        yield Edit(node.start_byte, node.end_byte, b";", operation)
    else:
        yield Edit(first + begin, last + 1 + begin, b"", operation)


def _kin(function: tree_sitter.Node) -> dict[str, str]:
    """For each parameter, the next one of the same type."""
    node = function.child_by_field_name("declarator")
    while node is not None and node.type != "function_declarator":
        node = node.child_by_field_name("declarator")
    given = None if node is None else node.child_by_field_name("parameters")
    by_kind: dict[str, list[str]] = {}
    for each in [] if given is None else given.named_children:
        declarator = each.child_by_field_name("declarator") if each.type == "parameter_declaration" else None
        name = declared_name(declarator)
        if declarator is not None and name is not None:
            stars = text(declarator).count("*") + text(declarator).count("[")
            kind = each.child_by_field_name("type")
            by_kind.setdefault(f"{'' if kind is None else text(kind)} {stars}", []).append(name)
    return {
        name: names[(place + 1) % len(names)]
        for names in by_kind.values()
        if len(names) > 1
        for place, name in enumerate(names)
    }


def _other_variable(node: tree_sitter.Node, kin: dict[str, str]) -> Iterator[Edit]:
    """Another parameter in the place of one that is read."""
    parent = node.parent
    if node.type != "identifier" or text(node) not in kin or parent is None:
        return
    if parent.type in ("assignment_expression", "init_declarator"):
        left = parent.child_by_field_name("left") or parent.child_by_field_name("declarator")
        if left == node:
            return
    if not parent.type.endswith("declarator"):
        yield _replaced(node, kin[text(node)], "wrong_variable")


_MAKERS: dict[str, tuple[Maker, ...]] = {
    "binary_expression": (_joined,),
    "assignment_expression": (_assigned,),
    "update_expression": (_stepped,),
    "unary_expression": (_unary,),
    "call_expression": (_called,),
    "cast_expression": (_cast,),
    "expression_statement": (_stated,),
    "return_statement": (_returned,),
    "number_literal": (_number,),
    "char_literal": (_letter,),
    "true": (_truth,),
    "false": (_truth,),
    "break_statement": (_left,),
    "continue_statement": (_left,),
    "if_statement": (_conditioned, _guarded),
    "while_statement": (_conditioned,),
    "do_statement": (_conditioned,),
}
