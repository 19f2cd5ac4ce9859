"""The family of lists and texts: loops over what is seen, steered by what is hidden."""

from __future__ import annotations

from collections.abc import Callable

from generators.code.executable.branching import NAMES
from generators.code.executable.drawing import Draft, Draw, Knobs
from generators.code.executable.expressions import compare, op, plus, sum_of
from generators.code.executable.pruning import without_unread
from generators.code.executable.syntax import (
    Assign,
    Binary,
    Block,
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
    Return,
    Slice,
    Text,
    Update,
)

__all__ = ["sequences"]

_WORDS = [
    "anchor",
    "apricot",
    "balcony",
    "barrel",
    "biscuit",
    "blanket",
    "bridge",
    "button",
    "cabin",
    "candle",
    "canyon",
    "carpet",
    "castle",
    "cellar",
    "cherry",
    "chimney",
    "copper",
    "cotton",
    "dolphin",
    "dragon",
    "engine",
    "feather",
    "fiddle",
    "forest",
    "garden",
    "ginger",
    "glacier",
    "hammer",
    "harbour",
    "hazel",
    "island",
    "jacket",
    "kettle",
    "ladder",
    "lantern",
    "lemon",
    "magnet",
    "marble",
    "meadow",
    "mirror",
    "monkey",
    "needle",
    "orchard",
    "oyster",
    "paddle",
    "pencil",
    "pepper",
    "pillow",
    "planet",
    "pocket",
    "puzzle",
    "rabbit",
    "ribbon",
    "river",
    "saddle",
    "silver",
    "spider",
    "stable",
    "summer",
    "thunder",
    "timber",
    "tunnel",
    "turtle",
    "velvet",
    "violin",
    "walnut",
    "window",
    "winter",
    "yellow",
]
_VOWELS = Text("aeiou")
_Kind = Callable[[Draw, Knobs], tuple[Kind, Block]]


def sequences(draw: Draw, knobs: Knobs) -> Draft:
    """A list of whole numbers or a word, and one hidden number."""
    domain = {"r": knobs.domain}
    hidden = {"r": draw.between(*knobs.domain)}
    if draw.chance(0.5):
        returns, body = draw.pick(_OF_LISTS)(draw, knobs)
        body = without_unread(body)
        fact = [draw.between(*knobs.inputs) for _ in range(draw.between(3, 6))]
        other = list(fact)
        for place in draw.distinct(0, len(fact) - 1, draw.between(1, 2)):
            other[place] = draw.between(*knobs.inputs)
        function = Function(draw.pick(NAMES), (("values", "list"), ("r", "int")), returns, body)
        return Draft((function,), "values", fact, other, domain, hidden)
    returns, body = draw.pick(_OF_WORDS)(draw, knobs)
    function = Function(draw.pick(NAMES), (("word", "str"), ("r", "int")), returns, body)
    word = draw.pick(_WORDS)
    return Draft((function,), "word", word, draw.pick([each for each in _WORDS if each != word]), domain, hidden)


def _sum_above(draw: Draw, knobs: Knobs) -> tuple[Kind, Block]:
    small = draw.between(*knobs.constants)
    loss: Expression = Num(small) if draw.chance(0.5) else Name("r")
    test = compare("value", draw.pick((">", ">=", "<")), "r")
    arm = If(test, (Update("total", "+", Name("value")),), (Update("total", draw.pick(("-", "+")), loss),))
    return "int", (Assign("total", Num(0)), For("value", Name("values"), (arm,)), Return(Name("total")))


def _count_alike(draw: Draw, knobs: Knobs) -> tuple[Kind, Block]:
    base = draw.between(2, 4)
    test = compare(op("value", "%", base), "==", op("r", "%", base))
    arm = If(test, (Update("total", "+", Name("value")),), (Update("total", "+", Num(draw.between(1, 3))),))
    last = Return(Name("total") if draw.chance(0.5) else op("total", "+", Name("r")))
    return "int", (Assign("total", Num(0)), For("value", Name("values"), (arm,)), last)


def _rolling(draw: Draw, knobs: Knobs) -> tuple[Kind, Block]:
    step = op(plus(op("state", "*", draw.between(2, 5)), op("value", "+", "r")), "%", draw.between(7, 29))
    return "int", (
        Assign("state", Name("r") if draw.chance(0.5) else Num(draw.between(*knobs.constants))),
        For("value", Name("values"), (Assign("state", step),)),
        Return(Name("state")),
    )


def _at_place(draw: Draw, knobs: Knobs) -> tuple[Kind, Block]:
    size = Call("len", (Name("values"),))
    place = op("r", "%", size)
    most = Call(draw.pick(("max", "min", "sum")), (Name("values"),))
    last = op(sum_of([(draw.between(2, 3), "chosen")], 0), draw.pick(("+", "-")), most)
    if draw.chance(0.5):
        last = op(last, "+", Name("r"))
    return "int", (Assign("place", place), Assign("chosen", Item(Name("values"), Name("place"))), Return(last))


def _capped(draw: Draw, knobs: Knobs) -> tuple[Kind, Block]:
    room = op(sum_of([(draw.between(2, 3), "r")], draw.between(*knobs.constants)), "-", "total")
    turn: Block = (
        Assign("room", room),
        If(compare("value", "<=", "room"), (Update("total", "+", Name("value")), Update("taken", "+", Num(1)))),
    )
    last = Name(draw.pick(("total", "taken"))) if draw.chance(0.6) else op("total", "+", "taken")
    return "int", (
        Assign("total", Num(0)),
        Assign("taken", Num(0)),
        For("value", Name("values"), turn),
        Return(last),
    )


def _rotate(draw: Draw, knobs: Knobs) -> tuple[Kind, Block]:
    shift = sum_of([(draw.between(1, 3), "r")], draw.between(0, 3))
    place = Assign("cut", op(shift, "%", Call("len", (Name("word"),))))
    back = Slice(Name("word"), None, Name("cut"))
    front = Slice(Name("word"), Name("cut"), None)
    return "str", (place, Return(Binary("+", front, back)))


def _letters(draw: Draw, knobs: Knobs) -> tuple[Kind, Block]:
    size = Call("len", (Name("word"),))
    first, second = (
        Item(Name("word"), op(sum_of([(factor, "r")], draw.between(0, 4)), "%", size)) for factor in (1, 2)
    )
    return "str", (Return(Binary("+", first, second) if draw.chance(0.6) else second),)


def _vowels(draw: Draw, knobs: Knobs) -> tuple[Kind, Block]:
    weight: Expression = Name("r") if draw.chance(0.6) else op("r", "%", draw.between(3, 7))
    arm = If(
        Compare("in", Name("letter"), _VOWELS),
        (Update("total", "+", weight),),
        (Update("total", "+", Num(draw.between(*knobs.constants))),),
    )
    return "int", (Assign("total", Num(0)), For("letter", Name("word"), (arm,)), Return(Name("total")))


def _marked(draw: Draw, knobs: Knobs) -> tuple[Kind, Block]:
    base = draw.between(2, 4)
    turn: Block = (
        If(
            compare(op(op("place", "+", "r"), "%", base), "==", 0),
            (Update("kept", "+", Name("letter")),),
            (Update("kept", "+", Text(draw.pick(("-", "*", "_")))),) if draw.chance(0.5) else (),
        ),
        Update("place", "+", Num(1)),
    )
    return "str", (
        Assign("kept", Text("")),
        Assign("place", Num(0)),
        For("letter", Name("word"), turn),
        Return(Name("kept")),
    )


def _cut(draw: Draw, knobs: Knobs) -> tuple[Kind, Block]:
    size = Call("len", (Name("word"),))
    cut = Assign("cut", op("r", "%", size) if draw.chance(0.5) else Call("min", (op("r", "//", 2), size)))
    head, tail = Slice(Name("word"), None, Name("cut")), Slice(Name("word"), Name("cut"), None)
    last = Compare("in", Item(Name("word"), Num(0)), _VOWELS)
    return "str", (cut, If(last, (Return(head),)), Return(tail if draw.chance(0.5) else Binary("+", tail, Text("ay"))))


_OF_LISTS: tuple[_Kind, ...] = (_sum_above, _count_alike, _rolling, _at_place, _capped)
_OF_WORDS: tuple[_Kind, ...] = (_rotate, _letters, _vowels, _marked, _cut)
