"""The family of ``while`` loops: each one ends, because something falls or rises in every turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from generators.code.executable.branching import NAMES, draft_of
from generators.code.executable.drawing import Draft, Draw, Knobs, Range
from generators.code.executable.expressions import compare, condition, linear, op, other_than, sum_of, threshold
from generators.code.executable.pruning import without_unread
from generators.code.executable.syntax import (
    Assign,
    Binary,
    Block,
    Expression,
    Function,
    If,
    Name,
    Num,
    Return,
    Update,
    While,
)

__all__ = ["loop"]

_Body = Callable[[Draw, Knobs, Mapping[str, Range]], Block]


def loop(draw: Draw, knobs: Knobs) -> Draft:
    """One of several kinds of loops over the input and one hidden variable."""
    ranges = {"x": knobs.inputs, "r": knobs.domain}
    body = without_unread(draw.pick(_KINDS)(draw, knobs, ranges))
    function = Function(draw.pick(NAMES), (("x", "int"), ("r", "int")), "int", body)
    return draft_of(draw, (function,), ranges, "x")


def _climb(draw: Draw, knobs: Knobs, ranges: Mapping[str, Range]) -> Block:
    """Add up until a limit is reached, and count the turns."""
    start, step = ("x", "r") if draw.chance(0.5) else ("r", "x")
    step_low = ranges[step][0]
    least = max(1, 1 - step_low)
    pace = sum_of([(1, step)], draw.between(least, least + 4))
    limit = ranges[start][1] + draw.between(*knobs.constants) * 3
    turn = (Update("total", "+", pace), *_sometimes(draw, knobs, "total"), Update("steps", "+", Num(1)))
    return (
        Assign("total", Name(start)),
        Assign("steps", Num(0)),
        While(compare("total", draw.pick(("<", "<=")), limit), turn),
        Return(_outcome(draw, "total", "steps")),
    )


def _countdown(draw: Draw, knobs: Knobs, ranges: Mapping[str, Range]) -> Block:
    """Go down from the input, adding what a condition decides."""
    inside = {"left": ranges["x"], "r": ranges["r"]}
    one = linear(draw, list(inside), knobs.constants)
    other = other_than(one, lambda: linear(draw, list(inside), knobs.constants))
    test, _ = condition(draw, inside, draw.pick(("left", "r")))
    arm = If(test, (Update("total", "+", one),))
    if draw.chance(0.6):
        arm = If(arm.test, arm.body, (Update("total", draw.pick(("+", "-")), other),))
    step = Num(draw.between(2, 5)) if draw.chance(0.6) else sum_of([(1, "r")], draw.between(1, 3) - ranges["r"][0])
    return (
        Assign("left", Name("x")),
        Assign("total", Num(0) if draw.chance(0.5) else Name("r")),
        While(compare("left", ">", 0), (arm, Update("left", "-", step))),
        Return(Name("total")),
    )


def _digits(draw: Draw, knobs: Knobs, ranges: Mapping[str, Range]) -> Block:
    """Take a number apart in some base and add its digits up."""
    base = draw.between(2, 10)
    number = sum_of([(draw.between(2, 9), "x"), (draw.between(1, 5), "r")], draw.between(*knobs.constants))
    digit: Expression = op("number", "%", base)
    if draw.chance(0.4):
        digit = Binary("*", digit, Name("place"))
    weighted = digit != op("number", "%", base)
    turn: Block = (Update("total", "+", digit), Update("number", "//", Num(base)))
    turn += (Update("place", "+", Num(1)),) if weighted else _sometimes(draw, knobs, "total")
    return (
        Assign("number", number),
        *((Assign("place", Num(1)),) if weighted else ()),
        Assign("total", Num(0)),
        While(compare("number", ">", 0), turn),
        Return(Name("total") if draw.chance(0.6) else op(sum_of([(draw.between(2, 4), "total")], 0), "+", Name("x"))),
    )


def _halve(draw: Draw, knobs: Knobs, ranges: Mapping[str, Range]) -> Block:
    """Halve what is even, take something off what is odd, and count."""
    start = sum_of([(draw.between(1, 4), "x"), (draw.between(1, 4), "r")], draw.between(*knobs.constants))
    less = Update("value", "-", Num(draw.pick((1, 3, 5))))
    more: Block = (less, Update("odd", "+", Num(1))) if draw.chance(0.5) else (less,)
    turn: Block = (If(compare(op("value", "%", 2), "==", 0), (Update("value", "//", Num(2)),), more),)
    counted = len(more) > 1
    return (
        Assign("value", start),
        Assign("steps", Num(0)),
        *((Assign("odd", Num(0)),) if counted else ()),
        While(compare("value", ">", draw.between(1, 6)), (*turn, Update("steps", "+", Num(1)))),
        Return(_outcome(draw, "value", "odd" if counted else "steps")),
    )


def _remainder(draw: Draw, knobs: Knobs, ranges: Mapping[str, Range]) -> Block:
    """Euclid's loop on two sums."""
    first = sum_of([(draw.between(1, 4), "x")], draw.between(*knobs.constants))
    second = sum_of([(draw.between(1, 4), "r")], draw.between(*knobs.constants))
    turn: Block = (
        Assign("rest", op("a", "%", "b")),
        Assign("a", Name("b")),
        Assign("b", Name("rest")),
        Update("steps", "+", Num(1)),
    )
    return (
        Assign("a", first),
        Assign("b", second),
        Assign("steps", Num(0)),
        While(compare("b", ">", 0), turn),
        Return(_outcome(draw, "a", "steps")),
    )


def _spend(draw: Draw, knobs: Knobs, ranges: Mapping[str, Range]) -> Block:
    """Buy for as long as the money lasts; each time it costs more."""
    money = sum_of([(draw.between(2, 6), "x")], draw.between(10, 30))
    price = sum_of([(1, "r")], draw.between(1, 4) - min(0, ranges["r"][0]))
    rise = Num(draw.between(1, 4)) if draw.chance(0.7) else op("bought", "%", draw.between(2, 4))
    turn: Block = (Update("money", "-", Name("price")), Update("bought", "+", Num(1)), Update("price", "+", rise))
    return (
        Assign("money", money),
        Assign("price", price),
        Assign("bought", Num(0)),
        While(compare("money", ">=", "price"), turn),
        Return(_outcome(draw, "money", "bought")),
    )


def _chase(draw: Draw, knobs: Knobs, ranges: Mapping[str, Range]) -> Block:
    """Two numbers move toward each other until they have met."""
    up, down = draw.between(1, 5), draw.between(1, 3)
    low = sum_of([(1, "x")], 0) if draw.chance(0.5) else op("x", "//", draw.between(2, 3))
    high = sum_of([(draw.between(2, 4), "r")], threshold(draw, ranges["x"]) + draw.between(*knobs.constants))
    turn: Block = (Update("low", "+", Num(up)), Update("high", "-", Num(down)), *_sometimes(draw, knobs, "low"))
    return (
        Assign("low", low),
        Assign("high", high),
        Assign("steps", Num(0)),
        While(compare("low", "<", "high"), (*turn, Update("steps", "+", Num(1)))),
        Return(_outcome(draw, draw.pick(("low", "high")), "steps")),
    )


_KINDS: tuple[_Body, ...] = (_climb, _countdown, _digits, _halve, _remainder, _spend, _chase)


def _sometimes(draw: Draw, knobs: Knobs, name: str) -> Block:
    """Now and then a branch in the loop that lets a number rise further."""
    if not draw.chance(0.5):
        return ()
    test = compare(op(name, "%", draw.between(2, 4)), "==", draw.between(0, 1))
    return (If(test, (Update(name, "+", Num(draw.between(*knobs.constants))),)),)


def _outcome(draw: Draw, value: str, count: str) -> Expression:
    """What is left, how often it went round, or both in one number."""
    kind = draw.uniform()
    if kind < 0.3:
        return Name(value)
    if kind < 0.5:
        return Name(count)
    return sum_of([(1, value), (draw.between(2, 10), count)], 0)
