"""Edits that leave what a program does as it is: the placebo beside an edit that does not.

========== ================================================================================================
mirrored   ``a < b`` to ``b > a``; ``a == b`` to ``b == a``
commuted   ``a + 1`` to ``1 + a``; ``a or b`` to ``b or a`` where neither can fail
spelled    ``x += 1`` to ``x = x + 1`` and back; in C, ``i++;`` to ``++i;``
renamed    a parameter or a variable of one function, everywhere in it
========== ================================================================================================

What is exchanged holds no call, index or division, so that the order in which it is asked cannot matter. Whoever uses
one runs both programs all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from contrafact.engines.syntax import Language, parse, token_distance, trouble, walk
from generators.code.edits import Edit, edited

if TYPE_CHECKING:
    import tree_sitter

__all__ = ["between", "nearest", "preserving_edits"]

_MIRROR = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_COMPARISONS = ("comparison_operator", "binary_expression")
_SUMS = ("binary_operator", "binary_expression")
_JOINS = ("boolean_operator", "binary_expression")
_RISKY = ("call", "call_expression", "subscript", "subscript_expression", "attribute", "field_expression", "await",
          "pointer_expression", "update_expression", "assignment_expression", "named_expression", "lambda")  # fmt: skip
_NUMBER = re.compile(r"\d+")
_NAMES = ("value", "item", "entry", "result", "place", "given", "found", "other", "left", "number", "part", "state")
_FUNCTIONS = ("function_definition",)


def preserving_edits(source: bytes, language: Language, *, parameters: bool = False) -> list[Edit]:
    """All of them, in the order of the text, renamings last; each leaves a program that parses.

    ``parameters`` is whether parameters are renamed as well, for programs that are called by position.
    """
    root = parse(source, language).root_node
    found: dict[bytes, Edit] = {}
    for node in walk(root):
        for edit in (*_of_node(node, language), *_renamed(source, node, language, parameters=parameters)):
            after = edited(source, edit)
            if after != source and after not in found and trouble(after, language) is None:
                found[after] = edit
    return sorted(found.values(), key=lambda each: (each.operation == "renamed", each.start, each.stop, each.after))


def nearest(
    source: bytes, language: Language, size: float, rng: np.random.Generator, *, parameters: bool = False, most: int = 6
) -> list[Edit]:  # fmt: skip
    """The edits whose distance in tokens is nearest to ``size``, a draw among equals first; ``most`` at the most."""
    edits = preserving_edits(source, language, parameters=parameters)
    order = rng.permutation(len(edits)).tolist()
    sizes = [token_distance(source, edited(source, each), language) for each in edits]
    return [edits[place] for place in sorted(order, key=lambda place: abs(sizes[place] - size))[:most]]


def between(before: bytes, after: bytes, operation: str) -> Edit:
    """The one stretch in which two texts differ, cut between characters."""
    old, new = before.decode(), after.decode()
    start, least = 0, min(len(old), len(new))
    while start < least and old[start] == new[start]:
        start += 1
    stop = 0
    while stop < least - start and old[-1 - stop] == new[-1 - stop]:
        stop += 1
    begin = len(old[:start].encode())
    return Edit(begin, len(old[: len(old) - stop].encode()), new[start : len(new) - stop].encode(), operation)


def _text(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode()


def _of_node(node: tree_sitter.Node, language: Language) -> Iterator[Edit]:
    if node.child_count == 3 and node.type in {*_COMPARISONS, *_SUMS, *_JOINS}:
        yield from _exchanged(node)
    elif node.type in ("augmented_assignment", "assignment_expression", "assignment"):
        yield from _assigned(node)
    elif language == "c":
        yield from _spelled(node)


def _exchanged(node: tree_sitter.Node) -> Iterator[Edit]:
    left, sign, right = node.children
    written = _text(sign)
    safe = not any(each.type in _RISKY for side in (left, right) for each in walk(side))
    plain = all(_is_operand(side) for side in (left, right))
    if written in _MIRROR and plain and (safe or _NUMBER.fullmatch(_text(right)) or right.type in ("none", "null")):
        yield _put(node, f"{_text(right)} {_MIRROR[written]} {_text(left)}", "mirrored")
    elif written == "+" and plain and safe and any(_NUMBER.fullmatch(_text(side)) for side in (left, right)):
        yield _put(node, f"{_text(right)} + {_text(left)}", "commuted")
    elif written in ("or", "and", "||", "&&") and safe and not _joins(left) and not _joins(right):
        yield _put(node, f"{_text(right)} {written} {_text(left)}", "commuted")


def _is_operand(node: tree_sitter.Node) -> bool:
    """Whether a side can be written on the other side without brackets."""
    if node.type in _COMPARISONS and node.type != "binary_expression":
        return False
    if node.type not in ("binary_expression", "binary_operator"):
        return node.type not in (
            "boolean_operator",
            "not_operator",
            "conditional_expression",
            "lambda",
            "unary_expression",
        )
    return node.child_count == 3 and _text(node.children[1]) in ("+", "-", "*")


def _joins(node: tree_sitter.Node) -> bool:
    return node.type == "boolean_operator" or (
        node.type == "binary_expression" and _text(node.children[1]) in ("||", "&&")
    )


def _assigned(node: tree_sitter.Node) -> Iterator[Edit]:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None or left.type != "identifier":
        return
    sign = node.child_by_field_name("operator")
    name, value = _text(left), _text(right)
    if sign is not None and _text(sign) in ("+=", "-=", "*=") and _NUMBER.fullmatch(value):
        yield _put(node, f"{name} = {name} {_text(sign)[0]} {value}", "spelled")
    elif right.type in _SUMS and right.child_count == 3:
        first, between_, last = map(_text, right.children)
        if first == name and between_ in ("+", "-", "*") and _NUMBER.fullmatch(last):
            yield _put(node, f"{name} {between_}= {last}", "spelled")


def _spelled(node: tree_sitter.Node) -> Iterator[Edit]:
    parent = node.parent
    if (
        node.type == "update_expression"
        and parent is not None
        and parent.type in ("expression_statement", "for_statement")
    ):
        sign, inner = node.child_by_field_name("operator"), node.child_by_field_name("argument")
        if sign is not None and inner is not None:
            first = sign.start_byte < inner.start_byte
            yield _put(node, _text(inner) + _text(sign) if first else _text(sign) + _text(inner), "spelled")


def _renamed(source: bytes, node: tree_sitter.Node, language: Language, *, parameters: bool) -> Iterator[Edit]:
    """Each name that a function binds, everywhere in it; not where a keyword argument would have to follow."""
    if node.type not in _FUNCTIONS or (node.parent is not None and node.parent.parent is not None):
        return
    used = {_text(each) for each in walk(node) if each.type.endswith("identifier")}
    everywhere = {word.decode() for word in re.findall(rb"[A-Za-z_]\w*", source)}
    fresh = [name for name in _NAMES if name not in everywhere]
    for name in sorted(_bound(node, language, parameters=parameters) & used):
        places = [
            each for each in walk(node) if each.type == "identifier" and _text(each) == name and not _is_named(each)
        ]
        words = len(re.findall(rb"\b" + re.escape(name.encode()) + rb"\b", source[node.start_byte : node.end_byte]))
        if fresh and places and words == len(places):  # neither in a text, nor a field of that name
            after = bytearray(source)
            for each in reversed(places):
                after[each.start_byte : each.end_byte] = fresh[len(name) % len(fresh)].encode()
            yield between(source, bytes(after), "renamed")


def _is_named(node: tree_sitter.Node) -> bool:
    parent = node.parent
    if parent is None:
        return True
    named = parent.type == "keyword_argument" and parent.child_by_field_name("name") == node
    return named or (parent.type == "attribute" and parent.child_by_field_name("attribute") == node)


def _bound(node: tree_sitter.Node, language: Language, *, parameters: bool) -> set[str]:
    """Variables of one function that nothing outside of it can name."""
    found: set[str] = set()
    for each in walk(node):
        if language == "python" and each.type == "parameters" and parameters:
            found.update(_text(one) for one in each.named_children if one.type == "identifier")
        elif language == "python" and each.type == "assignment":
            left = each.child_by_field_name("left")
            if left is not None and left.type == "identifier":
                found.add(_text(left))
        elif language == "c" and each.type in (
            "declaration",
            "init_declarator",
            *(["parameter_declaration"] if parameters else []),
        ):
            declarator = each.child_by_field_name("declarator")
            while declarator is not None and declarator.type in (
                "pointer_declarator",
                "array_declarator",
                "init_declarator",
            ):
                declarator = declarator.child_by_field_name("declarator")
            if declarator is not None and declarator.type == "identifier":
                found.add(_text(declarator))
    if any(each.type in ("global_statement", "nonlocal_statement") for each in walk(node)):
        return set()
    if language == "python" and not parameters:
        given = node.child_by_field_name("parameters")
        found -= {_text(each) for each in walk(given) if each.type == "identifier"} if given is not None else set()
    return found


def _put(node: tree_sitter.Node, after: str, operation: str) -> Edit:
    return Edit(node.start_byte, node.end_byte, after.encode(), operation)
