"""Families that branch: if/else, long chains of it, and several hidden variables."""

from __future__ import annotations

from collections.abc import Mapping

from generators.code.executable.drawing import Draft, Draw, Knobs, Range
from generators.code.executable.expressions import (
    MIXED,
    Subject,
    compare,
    condition,
    linear,
    other_than,
    range_of,
    sum_of,
    threshold,
)
from generators.code.executable.pruning import read_by
from generators.code.executable.syntax import (
    Assign,
    Block,
    Expression,
    Function,
    If,
    Name,
    Program,
    Return,
    Statement,
    Update,
)

__all__ = ["NAMES", "draft_of", "if_else", "if_else_long", "several_hidden", "tree"]

NAMES = ("score", "route", "adjust", "weigh", "rate", "plan", "settle", "charge", "assess", "grade", "tune", "derive")
"""What functions are called; it says nothing of what they do."""

_HIDDEN = ("r", "s", "t")
_FEW = 7  # values of a hidden variable where there are two; where there are three, 5
_RESULT = "result"


def if_else(draw: Draw, knobs: Knobs) -> Draft:
    """Nested branches, up to ``depth``, over the input and one hidden variable."""
    return _nested(draw, knobs, {"x": knobs.inputs, "r": knobs.domain})


def several_hidden(draw: Draw, knobs: Knobs) -> Draft:
    """The same over several hidden variables with few values each."""
    low = knobs.domain[0]
    few = _FEW if knobs.hidden == 2 else 5
    high = min(knobs.domain[1], low + few - 1)
    return _nested(draw, knobs, {"x": knobs.inputs, **dict.fromkeys(_HIDDEN[: knobs.hidden], (low, high))})


def if_else_long(draw: Draw, knobs: Knobs) -> Draft:
    """A chain of ``elif`` over rising bounds; each arm has a sum of its own."""
    ranges = {"x": knobs.inputs, "r": knobs.domain}
    terms = [(1, "x"), (draw.pick((1, 2, 3)), "r")] if draw.chance(0.8) else [(1, "x")]
    within = range_of(terms, 0, ranges)
    count = draw.between(max(3, knobs.branches - 1), knobs.branches + 1)
    step = max(1, (within[1] - within[0]) // (3 * count))  # no band so narrow that nothing falls into it
    bounds = [each * step for each in draw.distinct(within[0] // step + 1, (within[1] - 1) // step, count)]
    subject: Expression = sum_of(terms, 0)
    body: list[Statement] = []
    if len(terms) > 1:
        body.append(Assign("total", subject))
        subject = Name("total")
    chain: Block = _leaf(draw, knobs, ranges)
    leaf = chain
    for bound in reversed(bounds):
        leaf = other_than(leaf, lambda: _leaf(draw, knobs, ranges))
        arm = leaf
        if knobs.depth > 1 and draw.chance(0.2):
            test, _ = condition(draw, {"r": knobs.domain}, "r")
            arm = (If(test, leaf, other_than(leaf, lambda: _leaf(draw, knobs, ranges))),)
        chain = (If(compare(subject, "<", bound), arm, chain),)
    body += [*chain, Return(Name(_RESULT))]
    return draft_of(draw, (_function(draw, ranges, tuple(body)),), ranges, "x")


def draft_of(draw: Draw, program: Program, ranges: Mapping[str, Range], visible: str) -> Draft:
    """A draft with drawn values: the fact, another input, and the hidden ones. All inputs are whole numbers."""
    fact = draw.between(*ranges[visible])
    low, high = ranges[visible]
    other = draw.between(low, high - 1)
    other += other >= fact  # any but the fact, all alike likely
    domain = {name: each for name, each in ranges.items() if name != visible}
    return Draft(program, visible, fact, other, domain, {name: draw.between(*each) for name, each in domain.items()})


def tree(
    draw: Draw, knobs: Knobs, ranges: Mapping[str, Range], depth: int, used: frozenset[Subject] = frozenset()
) -> Block:
    """Branches within branches that all set ``result``."""
    hidden = [name for name in ranges if name != "x"]
    if depth == 0:
        return _leaf(draw, knobs, ranges)
    test, used = condition(draw, ranges, draw.pick(hidden) if draw.chance(0.35) else None, used)
    # One arm goes all the way down, so that the depth is what was drawn.
    other = draw.between(0, depth - 1)
    deep = tree(draw, knobs, ranges, depth - 1, used)
    arms = [deep, other_than(deep, lambda: tree(draw, knobs, ranges, other, used))]
    if draw.chance(0.5):
        arms.reverse()
    return (If(test, arms[0], arms[1]),)


def _nested(draw: Draw, knobs: Knobs, ranges: dict[str, Range]) -> Draft:
    inside = dict(ranges)
    body: list[Statement] = []
    if draw.chance(0.35):
        hidden = draw.pick([name for name in ranges if name != "x"])
        terms = [(draw.pick((1, 2)), "x"), (draw.pick((1, 2, 3)), hidden)]
        constant = draw.between(*knobs.constants) if draw.chance(0.5) else 0
        body.append(Assign(MIXED, sum_of(terms, constant)))
        inside[MIXED] = range_of(terms, constant, ranges)
    branches = tree(draw, knobs, inside, draw.between(1, knobs.depth))
    read = read_by(branches)
    if MIXED in read:
        read |= read_by(tuple(body))
    else:
        body = []
    idle = [name for name in ranges if name not in read and name != "x"]
    if not idle and draw.chance(0.4):
        body += _returning(branches)
    else:
        added = [Update(_RESULT, "+", sum_of([(draw.between(1, 3), name)], 0)) for name in idle]
        body += [*branches, *added, *_afterwards(draw, knobs, ranges), Return(Name(_RESULT))]
    return draft_of(draw, (_function(draw, ranges, tuple(body)),), ranges, "x")


def _leaf(draw: Draw, knobs: Knobs, ranges: Mapping[str, Range]) -> Block:
    hidden = [name for name in ranges if name != "x"]
    value = linear(draw, list(ranges), knobs.constants, draw.pick(hidden) if draw.chance(0.7) else None)
    return (Assign(_RESULT, value),)


def _afterwards(draw: Draw, knobs: Knobs, ranges: Mapping[str, Range]) -> Block:
    """Sometimes one more step on the result."""
    kind = draw.uniform()
    if kind < 0.15:
        return (Update(_RESULT, "%", sum_of([], draw.between(5, 17))),)
    if kind < 0.3:
        edge = threshold(draw, range_of([(2, name) for name in ranges], 0, ranges))
        return (If(compare(_RESULT, ">", edge), (Update(_RESULT, "-", _constant(draw, knobs)),)),)
    return ()


def _constant(draw: Draw, knobs: Knobs) -> Expression:
    return sum_of([], draw.between(*knobs.constants))


def _returning(block: Block) -> Block:
    """The same branches, returning at once; what follows a branch that returned needs no ``else``."""
    (last,) = block
    if isinstance(last, Assign):
        return (Return(last.value),)
    assert isinstance(last, If)  # noqa: S101  # a tree holds nothing else
    return (If(last.test, _returning(last.body)), *_returning(last.orelse))


def _function(draw: Draw, ranges: Mapping[str, Range], body: Block) -> Function:
    return Function(draw.pick(NAMES), tuple((name, "int") for name in ranges), "int", body)
