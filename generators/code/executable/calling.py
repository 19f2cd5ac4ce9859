"""The family of nested calls: small helpers, and a function that puts one into another."""

from __future__ import annotations

from collections.abc import Mapping

from generators.code.executable.branching import NAMES, draft_of
from generators.code.executable.drawing import Draft, Draw, Knobs, Range
from generators.code.executable.expressions import compare, linear, op, other_than, plus, sum_of, threshold
from generators.code.executable.syntax import (
    Assign,
    Block,
    Call,
    Expression,
    Function,
    If,
    Name,
    Num,
    Return,
)

__all__ = ["calls"]

_ONE = ("clip", "fold", "shift", "trim")
_TWO = ("blend", "merge", "weave", "pair_up")


def calls(draw: Draw, knobs: Knobs) -> Draft:
    """Two helpers, of one and of two arguments, called within each other ``depth`` deep."""
    ranges = {"x": knobs.inputs, "r": knobs.domain}
    span = (min(low for low, _ in ranges.values()), max(high for _, high in ranges.values()))
    one = Function(draw.pick(_ONE), (("a", "int"),), "int", _of_one(draw, knobs, span))
    two = Function(draw.pick(_TWO), (("a", "int"), ("b", "int")), "int", _of_two(draw, knobs, span))
    pair: tuple[Expression, Expression] = (Name("x"), Name("r"))
    inner = Call(two.name, pair if draw.chance(0.5) else (pair[1], pair[0]))
    body: tuple[Assign | If | Return, ...]
    value: Expression = Call(one.name, (inner,))
    for _ in range(draw.between(1, max(1, knobs.depth)) - 1):
        value = Call(two.name, (value, Call(one.name, (Name(draw.pick(("x", "r"))),))))
    if draw.chance(0.5):
        test = compare(Call(one.name, (Name("r"),)), draw.pick(("<", ">")), Name("x"))
        body = (If(test, (Return(value),)), Return(plus(inner, linear(draw, ("x", "r"), knobs.constants))))
    else:
        body = (Assign("first", value), Return(op(Name("first"), draw.pick(("+", "-")), _last(draw, one.name))))
    main = Function(draw.pick(NAMES), (("x", "int"), ("r", "int")), "int", body)
    return draft_of(draw, (one, two, main), ranges, "x")


def _last(draw: Draw, helper: str) -> Expression:
    name = Name(draw.pick(("x", "r")))
    return Call(helper, (name,)) if draw.chance(0.5) else name


def _of_one(draw: Draw, knobs: Knobs, span: Range) -> Block:
    kind = draw.uniform()
    if kind < 0.3:
        return (Return(Call(draw.pick(("min", "max")), (Name("a"), Num(threshold(draw, span))))),)
    if kind < 0.6:
        return (Return(op(sum_of([(draw.between(1, 3), "a")], draw.between(*knobs.constants)), "%", _base(draw))),)
    test = compare("a", draw.pick(("<", ">=")), threshold(draw, span))
    one = linear(draw, ("a",), knobs.constants)
    return (If(test, (Return(one),)), Return(other_than(one, lambda: linear(draw, ("a",), knobs.constants))))


def _of_two(draw: Draw, knobs: Knobs, span: Range) -> Block:
    kind = draw.uniform()
    if kind < 0.3:
        factors: Mapping[str, int] = {"a": draw.between(1, 3), "b": draw.between(1, 4)}
        return (Return(sum_of([(factor, name) for name, factor in factors.items()], draw.between(*knobs.constants))),)
    if kind < 0.5:
        return (Return(op(Call("abs", (op("a", "-", "b"),)), "+", draw.between(*knobs.constants))),)
    test = compare("a", draw.pick(("<", ">")), "b") if kind < 0.8 else compare("b", ">", threshold(draw, span))
    one, other = (linear(draw, ("a", "b"), knobs.constants, must) for must in ("b", "a"))
    return (If(test, (Return(one),)), Return(other))


def _base(draw: Draw) -> int:
    return draw.between(7, 23)
