"""Word problems of the grade-school kind: each tells a small program whose hidden input is a quantity nobody noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from generators.code.executable.drawing import Draft, Draw, Knobs, Range, Story
from generators.code.executable.expressions import compare, op
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
    Update,
    While,
)

__all__ = ["STORIES", "word_problem"]

_Teller = Callable[[Draw, Range], tuple[Function, Range, Story]]


def word_problem(draw: Draw, knobs: Knobs) -> Draft:
    """One of the stories; its unknown quantity has as many values as the knob ``domain``."""
    low = max(1, knobs.domain[0])
    domain = (low, max(low + 4, knobs.domain[1]))
    function, inputs, story = draw.pick(STORIES)(draw, domain)
    (visible, _), (hidden, _) = function.parameters
    fact = draw.between(*inputs)
    other = draw.between(inputs[0], inputs[1] - 1)
    other += other >= fact
    return Draft((function,), visible, fact, other, {hidden: domain}, {hidden: draw.between(*domain)}, story)


def _function(name: str, visible: str, hidden: str, body: Sequence[Assign | If | Return | Update | While]) -> Function:
    return Function(name, ((visible, "int"), (hidden, "int")), "int", tuple(body))


def _call(name: str, *arguments: Expression | str | int) -> Call:
    made = tuple(
        Name(each) if isinstance(each, str) else Num(each) if isinstance(each, int) else each for each in arguments
    )
    return Call(name, made)


def _bakery(draw: Draw, domain: Range) -> tuple[Function, Range, Story]:
    each, price = draw.between(2, 4), draw.between(4, 9)
    cheap = draw.between(2, price - 1)
    body = (
        Assign("sold", _call("min", "rolls", op("customers", "*", each))),
        Assign("left", op("rolls", "-", "sold")),
        Return(op(op("sold", "*", price), "+", op("left", "*", cheap))),
    )
    story = Story(
        "A bakery starts the day with some rolls on the shelf.< How many is not known, but it is a whole number "
        f"from {domain[0]} to {domain[1]}.> Every customer buys {each} rolls, or all that are left if there are "
        f"fewer. A roll costs {price} coins. Rolls that are left over in the evening go to a farm for {cheap} coins "
        "each.",
        "There were {hidden} rolls on the shelf that day.",
        "That day {fact} customers came, and the bakery took {result} coins in all.",
        "Suppose that {other} customers had come that day instead, and that everything else had been the same.",
        "How many coins would the bakery have taken in all?",
        "That day {other} customers came.",
        "How many coins did the bakery take in all?",
    )
    return _function("takings", "customers", "rolls", body), (2, max(6, domain[1] // each + 1)), story


def _bus(draw: Draw, domain: Range) -> tuple[Function, Range, Story]:
    seats, fare = domain[1] + draw.between(0, 6), draw.between(4, 9)
    standing = draw.between(2, fare - 1)
    body = (
        Assign("free", op(Num(seats), "-", "aboard")),
        If(compare("joining", "<=", "free"), (Return(op("joining", "*", fare)),)),
        Return(op(op("free", "*", fare), "+", op(op("joining", "-", "free"), "*", standing))),
    )
    story = Story(
        f"A bus with {seats} seats comes to a stop. Some passengers are already on board, each in a seat of their "
        f"own<; how many is not known, but it is a whole number from {domain[0]} to {domain[1]}>. Of the people who "
        f"get on at the stop, those who find a free seat pay {fare} coins each, and those who have to stand pay "
        f"{standing} coins each.",
        "There were {hidden} passengers on board before the stop.",
        "At the stop {fact} people got on, and together they paid {result} coins.",
        "Suppose that {other} people had got on instead, and that everything else had been the same.",
        "How many coins would they have paid together?",
        "At the stop {other} people got on.",
        "How many coins did they pay together?",
    )
    return _function("fares", "joining", "aboard", body), (2, domain[1] + 4), story


def _orchard(draw: Draw, domain: Range) -> tuple[Function, Range, Story]:
    box, price = draw.between(5, 12), draw.between(3, 9)
    body = (
        Assign("boxes", op(op("trees", "*", "yield_each"), "//", box)),
        Return(op("boxes", "*", price)),
    )
    story = Story(
        "In an orchard every tree bears the same weight of apples.< It is a whole number of kilograms from "
        f"{domain[0]} to {domain[1]}, but it is not known which.> The apples of all the trees that are picked are "
        f"put together and packed into boxes of {box} kilograms. Only full boxes are sold, at {price} coins each.",
        "Every tree bore exactly {hidden} kg of apples.",
        "This year {fact} trees were picked, and the boxes brought in {result} coins.",
        "Suppose that {other} trees had been picked instead, and that everything else had been the same.",
        "How many coins would the boxes have brought in?",
        "This year {other} trees were picked.",
        "How many coins did the boxes bring in?",
    )
    return _function("income", "trees", "yield_each", body), (2, 15), story


def _library(draw: Draw, domain: Range) -> tuple[Function, Range, Story]:
    grace, days = draw.between(2, 5), draw.between(8, 14)
    cap = days * (domain[1] * draw.between(3, 7) // 10 + 1)
    body = (
        Assign("charged", _call("max", 0, op("days", "-", grace))),
        Return(_call("min", cap, op("charged", "*", "rate"))),
    )
    story = Story(
        f"A library lends books and charges a fine when one comes back late. The first {grace} days are free. Each "
        f"day after that costs the same number of cents<, a whole number from {domain[0]} to {domain[1]} that is "
        f"not known>. No fine is ever higher than {cap} cents.",
        "Each day after the free ones cost exactly {hidden} cents.",
        "A book came back {fact} days late, and the fine was {result} cents.",
        "Suppose that the book had come back {other} days late instead, and that everything else had been the same.",
        "How many cents would the fine have been?",
        "A book came back {other} days late.",
        "How many cents was the fine?",
    )
    return _function("fine", "days", "rate", body), (grace, grace + days), story


def _tank(draw: Draw, domain: Range) -> tuple[Function, Range, Story]:
    hours, least, refill = draw.between(3, 6), draw.between(10, 15), draw.between(11, 20)
    base = least + draw.between(0, 5)
    turn: Block = (
        Update("water", "-", Name("used")),
        If(compare("water", "<", least), (Update("water", "+", Num(refill)),)),
        Update("hours", "-", Num(1)),
    )
    body = (
        Assign("water", op(Num(base), "+", "extra")),
        Assign("hours", Num(hours)),
        While(compare("hours", ">", 0), turn),
        Return(Name("water")),
    )
    story = Story(
        f"In the morning a tank holds {base} litres of water and some more<; how much more is not known, but it is "
        f"a whole number of litres from {domain[0]} to {domain[1]}>. The same amount is used up every hour. The "
        f"level is checked at the end of every hour: if fewer than {least} litres are left, a pump adds {refill} "
        "litres at once.",
        f"In the morning there were {{hidden}} litres more than {base} in the tank.",
        f"With {{fact}} litres used up every hour, the tank held {{result}} litres after {hours} hours.",
        "Suppose that {other} litres had been used up every hour instead, and that everything else had been the same.",
        f"How many litres would the tank have held after {hours} hours?",
        "Every hour {other} litres were used up.",
        f"How many litres did the tank hold after {hours} hours?",
    )
    return _function("litres", "used", "extra", body), (2, 9), story


def _museum(draw: Draw, domain: Range) -> tuple[Function, Range, Story]:
    full = draw.between(5, 12)
    cheap = draw.between(3, full - 1)
    party = (domain[0] + domain[1]) // 2 + draw.between(2, 6)
    body = (
        Assign("people", op("teachers", "+", "pupils")),
        If(compare("people", ">=", party), (Return(op("people", "*", cheap)),)),
        Return(op("people", "*", full)),
    )
    story = Story(
        "Some pupils visit a museum together with their teachers.< How many pupils there are is not known, but it "
        f"is a whole number from {domain[0]} to {domain[1]}.> A ticket costs {full} coins. When {party} people or "
        f"more come together, a ticket costs only {cheap} coins for each of them. Teachers need tickets too.",
        "The number of pupils was {hidden}.",
        "With {fact} teachers, the tickets for all of them cost {result} coins.",
        "Suppose that {other} teachers had come along instead, and that everything else had been the same.",
        "How many coins would the tickets for all of them have cost?",
        "The number of teachers was {other}.",
        "How many coins did the tickets for all of them cost?",
    )
    return _function("tickets", "teachers", "pupils", body), (2, 9), story


def _jackets(draw: Draw, domain: Range) -> tuple[Function, Range, Story]:
    free, off = draw.between(3, 4), draw.between(5, 15)
    edge = (domain[0] + domain[1]) * draw.between(2, 4)
    body = (
        Assign("paid", op("jackets", "-", op("jackets", "//", free))),
        Assign("total", op("paid", "*", "price")),
        If(compare("total", ">", edge), (Update("total", "-", Num(off)),)),
        Return(Name("total")),
    )
    nth = {3: "third", 4: "fourth"}[free]
    story = Story(
        f"In a shop all jackets have the same price<, a whole number of coins from {domain[0]} to {domain[1]} that "
        f"is not known>. Of the jackets that a customer buys, every {nth} one is free. If what is then to be paid "
        f"is more than {edge} coins, the shop takes {off} coins off.",
        "The price of a jacket was exactly {hidden} coins.",
        "A customer bought {fact} jackets and paid {result} coins.",
        "Suppose that the customer had bought {other} jackets instead, and that everything else had been the same.",
        "How many coins would the customer have paid?",
        "A customer bought {other} jackets.",
        "How many coins did the customer pay?",
    )
    return _function("bill", "jackets", "price", body), (2, 12), story


def _hens(draw: Draw, domain: Range) -> tuple[Function, Range, Story]:
    kept, box = draw.between(2, 5), draw.pick((6, 10, 12))
    body = (
        Assign("stored", op(_call("max", 0, op("eggs", "-", kept)), "*", "days")),
        Return(op("stored", "//", box)),
    )
    story = Story(
        f"On a farm the hens lay the same number of eggs every day<, a whole number from {domain[0]} to {domain[1]} "
        f"that is not known>. Each day the farmer eats {kept} of them, or all of them if there are fewer, and "
        f"stores the rest. At the end the stored eggs are packed into boxes of {box}; eggs that do not fill a box "
        "are left out.",
        "The hens laid exactly {hidden} eggs every day.",
        "After {fact} days of storing, the number of full boxes was {result}.",
        "Suppose that eggs had been stored for {other} days instead, and that everything else had been the same.",
        "What would the number of full boxes have been?",
        "Eggs were stored for {other} days.",
        "What was the number of full boxes?",
    )
    return _function("boxes", "days", "eggs", body), (2, 14), story


def _savings(draw: Draw, domain: Range) -> tuple[Function, Range, Story]:
    every, taken = draw.between(2, 4), draw.between(2, 5)
    goal = domain[1] + draw.between(15, 45)
    turn: Block = (
        Update("coins", "+", Name("added")),
        Update("weeks", "+", Num(1)),
        If(compare(op("weeks", "%", every), "==", 0), (Update("coins", "-", Num(taken)),)),
    )
    body = (
        Assign("coins", Name("start")),
        Assign("weeks", Num(0)),
        While(compare("coins", "<", goal), turn),
        Return(Name("weeks")),
    )
    nth = {2: "second", 3: "third", 4: "fourth"}[every]
    story = Story(
        f"A money box holds some coins.< How many is not known, but it is a whole number from {domain[0]} to "
        f"{domain[1]}.> Every week the same number of coins is put in. At the end of every {nth} week, {taken} "
        f"coins are taken out again. The box is opened as soon as it holds {goal} coins or more at the end of a "
        "week, after any coins have been taken out.",
        "At the start the number of coins in the box was {hidden}.",
        "With {fact} coins put in every week, the box was opened after {result} weeks.",
        "Suppose that {other} coins had been put in every week instead, and that everything else had been the same.",
        "After how many weeks would the box have been opened?",
        "Every week {other} coins were put in.",
        "After how many weeks was the box opened?",
    )
    return _function("weeks_needed", "added", "start", body), (4, 12), story


def _lift(draw: Draw, domain: Range) -> tuple[Function, Range, Story]:
    places, price, fee = draw.between(3, 8), draw.between(2, 5), draw.between(6, 15)
    body = (
        Assign("people", op("joining", "+", "waiting")),
        Assign("rides", op(op("people", "+", places - 1), "//", places)),
        Return(op(op("rides", "*", fee), "+", op("joining", "*", price))),
    )
    story = Story(
        f"A mountain lift carries up to {places} people at a time. Some people are waiting at the bottom<; how many "
        f"is not known, but it is a whole number from {domain[0]} to {domain[1]}>. Then a group joins them, and the "
        f"lift brings everybody up in as few rides as possible. The leader of the group pays for all: {fee} coins "
        f"for every ride, and {price} coins more for each person in the group.",
        "The number of people who were waiting before the group came was {hidden}.",
        "The group consisted of {fact} people, and its leader paid {result} coins.",
        "Suppose that the group had consisted of {other} people instead, and that everything else had been the same.",
        "How many coins would its leader have paid?",
        "The group consisted of {other} people.",
        "How many coins did its leader pay?",
    )
    return _function("payment", "joining", "waiting", body), (2, 20), story


STORIES: tuple[_Teller, ...] = (
    _bakery,
    _bus,
    _orchard,
    _library,
    _tank,
    _museum,
    _jackets,
    _hens,
    _savings,
    _lift,
)
"""Every story that there is."""
