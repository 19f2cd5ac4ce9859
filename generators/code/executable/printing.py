"""From trees to Python source, as a person would write it: four spaces, ``elif``, no bracket that is not needed."""

from __future__ import annotations

from collections.abc import Iterator

from generators.code.executable.syntax import (
    Assign,
    Binary,
    Block,
    Both,
    Call,
    Compare,
    Expression,
    For,
    Function,
    If,
    Item,
    Kind,
    Name,
    Num,
    Program,
    Return,
    Slice,
    Text,
    Update,
)

__all__ = ["expression_text", "source_of"]

_LEVELS = {"or": 1, "and": 2, "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4, "in": 4}
_LEVELS |= {"+": 5, "-": 5, "*": 6, "//": 6, "%": 6}
_HINTS: dict[Kind, str] = {"int": "int", "bool": "bool", "str": "str", "list": "list[int]"}
_STEP = "    "


def source_of(program: Program) -> str:
    """The module's source, ending with a line break."""
    return "\n\n".join("\n".join(_function(each)) + "\n" for each in program)


def expression_text(node: Expression, outer: int = 0) -> str:
    """An expression's source, in brackets where what is around it binds at least as strongly (``outer``)."""
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Num):
        return str(node.value)
    if isinstance(node, (Binary, Compare, Both)):  # a union is made anew at every call
        level = _LEVELS[node.op]
        # All operators here group to the left: the right side needs brackets at the same level.
        text = f"{expression_text(node.left, level)} {node.op} {expression_text(node.right, level + 1)}"
        return f"({text})" if level < outer else text
    if isinstance(node, Text):
        return f'"{node.value}"'
    if isinstance(node, Call):
        return f"{node.function}({', '.join(map(expression_text, node.arguments))})"
    if isinstance(node, Item):
        return f"{expression_text(node.sequence, 9)}[{expression_text(node.index)}]"
    return _slice(node)


def _slice(node: Slice) -> str:
    start, stop = ("" if end is None else expression_text(end) for end in (node.start, node.stop))
    return f"{expression_text(node.sequence, 9)}[{start}:{stop}]"


def _function(function: Function) -> Iterator[str]:
    parameters = ", ".join(f"{name}: {_HINTS[kind]}" for name, kind in function.parameters)
    yield f"def {function.name}({parameters}) -> {_HINTS[function.returns]}:"
    yield from _block(function.body, _STEP)


def _block(block: Block, indent: str) -> Iterator[str]:
    for each in block:
        if isinstance(each, Assign):
            yield f"{indent}{each.name} = {expression_text(each.value)}"
        elif isinstance(each, Update):
            yield f"{indent}{each.name} {each.op}= {expression_text(each.value)}"
        elif isinstance(each, Return):
            yield f"{indent}return {expression_text(each.value)}"
        elif isinstance(each, If):
            yield from _branch(each, indent, "if")
        else:
            head = (
                f"for {each.name} in {expression_text(each.sequence)}"
                if isinstance(each, For)
                else f"while {expression_text(each.test)}"
            )
            yield f"{indent}{head}:"
            yield from _block(each.body, indent + _STEP)


def _branch(node: If, indent: str, word: str) -> Iterator[str]:
    yield f"{indent}{word} {expression_text(node.test)}:"
    yield from _block(node.body, indent + _STEP)
    match node.orelse:
        case ():
            pass
        case (If() as inner,):
            yield from _branch(inner, indent, "elif")
        case _:
            yield f"{indent}else:"
            yield from _block(node.orelse, indent + _STEP)
