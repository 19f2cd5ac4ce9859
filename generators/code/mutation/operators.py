"""Every small edit of a Python function that a tired programmer could have made, as one replaced stretch of bytes.

=================== ==================================================================================================
operation           the change
=================== ==================================================================================================
``boundary``        ``<`` to ``<=``, ``>=`` to ``>`` and back
``comparison``      another comparison: ``==`` to ``!=``, ``<`` to ``>``, ``in`` to ``not in``, ``is`` to ``is not``
``off_by_one``      a whole number of an index, a slice, a range or a sum, one more or one less
``constant``        another number, string, or truth value
``arithmetic``      another operator: ``+`` to ``-``, ``//`` to ``*``, ``+=`` to ``-=``, ``&`` to ``|`` …
``sign``            a minus left out
``logical``         ``and`` to ``or`` and back
``negation``        a ``not`` left out, or put before a condition
``guard_dropped``   an ``if`` that only leaves (return, raise, continue, break) or an ``assert``, left out
``guard_weakened``  one of the conditions that ``and`` or ``or`` joins, left out
``swapped``         two neighbouring arguments of a call exchanged
``wrong_variable``  another parameter in the place of one
``wrong_call``      a function's sibling: ``min`` for ``max``, ``lstrip`` for ``rstrip``, ``find`` for ``rfind`` …
``slice``           ``x[a:]`` to ``x[:a]`` and back
``removed_return``  a ``return`` that was forgotten before its value
``removed_call``    a statement that only calls (``append``, ``close``, ``release`` …), left out
``removed_await``   an ``await`` left out
``loop_exit``       ``break`` to ``continue`` and back
=================== ==================================================================================================

Docstrings, annotations, decorators and comments are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from contrafact.engines.syntax import parse
from generators.code.edits import Edit
from generators.code.mutation.literals import literal_edits
from generators.code.mutation.removals import removal_edits

if TYPE_CHECKING:
    import tree_sitter

__all__ = ["OPERATIONS", "edits"]

OPERATIONS = (
    "arithmetic", "boundary", "comparison", "constant", "guard_dropped", "guard_weakened", "logical", "loop_exit",
    "negation", "off_by_one", "removed_await", "removed_call", "removed_return", "sign", "slice", "swapped",
    "wrong_call", "wrong_variable",
)  # fmt: skip

_BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_COMPARISON = {
    "<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "!=", "!=": "==", "in": "not in", "not in": "in",
    "is": "is not", "is not": "is",
}  # fmt: skip
_ARITHMETIC = {
    "+": "-", "-": "+", "*": "+", "/": "*", "//": "*", "%": "//", "**": "*", "<<": ">>", ">>": "<<", "&": "|",
    "|": "&", "^": "|", "+=": "-=", "-=": "+=", "*=": "+=", "/=": "*=", "//=": "*=", "%=": "//=", "|=": "&=",
    "&=": "|=", "<<=": ">>=", ">>=": "<<=", "^=": "|=",
}  # fmt: skip
_SIBLINGS = (
    ("min", "max"), ("any", "all"), ("startswith", "endswith"), ("lstrip", "rstrip"), ("find", "rfind"),
    ("index", "rindex"), ("partition", "rpartition"), ("split", "rsplit"), ("lower", "upper"), ("ljust", "rjust"),
    ("floor", "ceil"), ("isalpha", "isdigit"), ("bisect_left", "bisect_right"), ("append", "extend"),
    ("removeprefix", "removesuffix"), ("intersection", "union"), ("match", "search"), ("keys", "values"),
)  # fmt: skip
_SIBLING = {name: other for pair in _SIBLINGS for name, other in (pair, pair[::-1])}
_CONDITIONED = ("if_statement", "elif_clause", "while_statement", "conditional_expression", "if_clause")
_SKIPPED = ("comment", "type", "decorator", "import_statement", "import_from_statement", "global_statement")

Maker = Callable[["tree_sitter.Node"], Iterator[Edit]]


def edits(code: bytes) -> list[Edit]:
    """All edits of a function's text, in the order of the text; none twice.

    Parameters
    ----------
    code : bytes
        One function, from its ``def`` (or decorator) on, UTF-8.
    """
    parameters = _parameters(parse(code, "python").root_node)
    found: dict[Edit, None] = {}
    waiting = [parse(code, "python").root_node]
    while waiting:
        node = waiting.pop()
        if node.type in _SKIPPED or _is_docstring(node):
            continue
        for maker in _MAKERS.get(node.type, ()) if node.is_named else ():  # a keyword is called as its statement is
            found.update(dict.fromkeys(maker(node)))
        found.update(dict.fromkeys(_negated(node)))
        found.update(dict.fromkeys(_other_variable(node, parameters)))
        waiting.extend(reversed(node.children))
    return [edit for edit in found if code[edit.start : edit.stop] != edit.after]


def _is_docstring(node: tree_sitter.Node) -> bool:
    return node.type == "expression_statement" and node.child_count == 1 and node.children[0].type in _STRINGS


_STRINGS = ("string", "concatenated_string")


def text(node: tree_sitter.Node) -> str:
    """A node's own text."""
    return (node.text or b"").decode()


def replaced(node: tree_sitter.Node, after: str, operation: str) -> Edit:
    """The edit that puts ``after`` in the place of a node."""
    return Edit(node.start_byte, node.end_byte, after.encode(), operation)


def _compared(node: tree_sitter.Node) -> Iterator[Edit]:
    for sign in node.children:
        if not sign.is_named:
            written = " ".join(text(sign).split())
            if written in _BOUNDARY:
                yield replaced(sign, _BOUNDARY[written], "boundary")
            if written in _COMPARISON:
                yield replaced(sign, _COMPARISON[written], "comparison")


def _operated(node: tree_sitter.Node) -> Iterator[Edit]:
    sign = node.child_by_field_name("operator")
    if sign is not None and text(sign) in _ARITHMETIC:
        yield replaced(sign, _ARITHMETIC[text(sign)], "arithmetic")


def _joined(node: tree_sitter.Node) -> Iterator[Edit]:
    sign, left, right = (node.child_by_field_name(name) for name in ("operator", "left", "right"))
    if sign is None or left is None or right is None:
        return
    yield replaced(sign, "or" if text(sign) == "and" else "and", "logical")
    yield Edit(left.end_byte, right.end_byte, b"", "guard_weakened")
    yield Edit(left.start_byte, right.start_byte, b"", "guard_weakened")


def _unnegated(node: tree_sitter.Node) -> Iterator[Edit]:
    inner = node.child_by_field_name("argument")
    if inner is not None:
        yield Edit(node.start_byte, inner.start_byte, b"", "negation" if node.type == "not_operator" else "sign")


def _negated(node: tree_sitter.Node) -> Iterator[Edit]:
    parent = node.parent
    if parent is None or parent.type not in _CONDITIONED or not node.is_named:
        return
    condition = parent.child_by_field_name("condition")
    if parent.type == "conditional_expression":
        condition = parent.named_children[1] if parent.named_child_count > 1 else None
    if parent.type == "if_clause":
        condition = parent.named_children[0]
    if condition is not None and condition.id == node.id and node.type not in ("not_operator", "comparison_operator"):
        simple = node.type in ("identifier", "call", "attribute", "subscript", "parenthesized_expression")
        yield replaced(node, f"not {text(node)}" if simple else f"not ({text(node)})", "negation")


def _called(node: tree_sitter.Node) -> Iterator[Edit]:
    function, given = node.child_by_field_name("function"), node.child_by_field_name("arguments")
    if function is None or given is None or given.type != "argument_list":
        return
    name = function.child_by_field_name("attribute") if function.type == "attribute" else function
    if name is not None and name.type == "identifier" and text(name) in _SIBLING:
        yield replaced(name, _SIBLING[text(name)], "wrong_call")
    named = [each for each in given.named_children if each.type != "comment"]
    plain = [each for each in named if each.type not in ("keyword_argument", "list_splat", "dictionary_splat")]
    for one, other in pairwise(plain):
        if text(one) != text(other) and named.index(other) == named.index(one) + 1:
            between = (given.text or b"")[one.end_byte - given.start_byte : other.start_byte - given.start_byte]
            after = (other.text or b"") + between + (one.text or b"")
            yield Edit(one.start_byte, other.end_byte, after, "swapped")


def _sliced(node: tree_sitter.Node) -> Iterator[Edit]:
    bounds = [each for each in node.named_children if each.type != "comment"]
    if len(bounds) == 1 and text(node).count(":") == 1:
        bound = text(bounds[0])
        yield replaced(node, f":{bound}" if text(node).rstrip().endswith(":") else f"{bound}:", "slice")


def _left(node: tree_sitter.Node) -> Iterator[Edit]:
    yield replaced(node, "continue" if text(node) == "break" else "break", "loop_exit")


def _parameters(root: tree_sitter.Node) -> list[str]:
    """Parameters of the function itself, in order, without ``*`` and ``**`` ones."""
    node = next((each for each in root.named_children if each.type != "comment"), None)
    if node is not None and node.type == "decorated_definition":
        node = node.child_by_field_name("definition")
    given = None if node is None else node.child_by_field_name("parameters")
    names = []
    for each in [] if given is None else given.named_children:
        name = each if each.type == "identifier" else each.child_by_field_name("name")
        if each.type == "typed_parameter" and each.named_children[0].type == "identifier":
            name = each.named_children[0]
        if name is not None and name.type == "identifier":
            names.append(text(name))
    return names


def _other_variable(node: tree_sitter.Node, parameters: list[str]) -> Iterator[Edit]:
    """The next parameter in the place of one that is read."""
    if node.type != "identifier" or len(parameters) < 2 or text(node) not in parameters or not _is_read(node):
        return
    place = parameters.index(text(node))
    yield replaced(node, parameters[(place + 1) % len(parameters)], "wrong_variable")


def _is_read(node: tree_sitter.Node) -> bool:
    parent = node.parent
    if parent is None or parent.type in _NAMING:
        return False
    if parent.type in ("assignment", "augmented_assignment", "for_statement", "for_in_clause", "named_expression"):
        left = parent.child_by_field_name("left") or parent.child_by_field_name("name")
        return left is None or left.id != node.id
    if parent.type == "attribute":
        inner = parent.child_by_field_name("object")
        return inner is not None and inner.id == node.id
    if parent.type in ("keyword_argument", "default_parameter", "typed_default_parameter"):
        name = parent.child_by_field_name("name")
        return name is None or name.id != node.id
    return True


_NAMING = (
    "parameters", "lambda_parameters", "typed_parameter", "function_definition", "pattern_list", "tuple_pattern",
    "delete_statement", "list_splat_pattern", "dictionary_splat_pattern", "nonlocal_statement", "as_pattern_target",
)  # fmt: skip

_MAKERS: dict[str, tuple[Maker, ...]] = {
    "comparison_operator": (_compared,),
    "binary_operator": (_operated,),
    "augmented_assignment": (_operated,),
    "boolean_operator": (_joined,),
    "not_operator": (_unnegated,),
    "unary_operator": (lambda node: _unnegated(node) if text(node).startswith("-") else iter(()),),
    "call": (_called,),
    "slice": (_sliced,),
    "break_statement": (_left,),
    "continue_statement": (_left,),
    **dict.fromkeys(("integer", "float", "true", "false", "string"), (literal_edits,)),
    **dict.fromkeys(
        ("if_statement", "assert_statement", "return_statement", "expression_statement", "await"), (removal_edits,)
    ),
}
