"""What families share: sums of named values, and conditions that are sometimes true and sometimes false."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar

from generators.code.executable.drawing import Draw, Range
from generators.code.executable.syntax import Arithmetic, Binary, Both, Compare, Comparison, Expression, Name, Num

__all__ = [
    "MIXED",
    "Subject",
    "compare",
    "condition",
    "linear",
    "op",
    "other_than",
    "plus",
    "range_of",
    "sum_of",
    "threshold",
]

T = TypeVar("T")
MIXED = "mixed"
"""Name of a sum that a function begins with."""

Subject = tuple[str, ...]
"""What a condition is about: the names it compares, ``%`` first where it looks at a remainder."""

_ORDER: tuple[Literal["<", "<=", ">", ">="], ...] = ("<", "<=", ">", ">=")


def op(left: Expression | str, sign: Arithmetic, right: Expression | str | int) -> Binary:
    """Arithmetic on expressions, names and numbers."""
    return Binary(sign, _node(left), _node(right))


def plus(left: Expression, right: Expression) -> Expression:
    """A sum without brackets: ``a + (b - c)`` is ``a + b - c``."""
    if isinstance(right, Binary) and right.op in ("+", "-"):
        return Binary(right.op, plus(left, right.left), right.right)
    return Binary("+", left, right)


def other_than(known: T, make: Callable[[], T]) -> T:
    """Something drawn that is not what is there already; the same after all where ten draws give nothing else."""
    for _ in range(10):
        made = make()
        if made != known:
            return made
    return made


def compare(left: Expression | str, sign: Comparison, right: Expression | str | int) -> Compare:
    """A comparison of expressions, names and numbers."""
    return Compare(sign, _node(left), _node(right))


def sum_of(terms: Sequence[tuple[int, str]], constant: int) -> Expression:
    """``2 * x - r + 5`` from ``[(2, "x"), (-1, "r")]`` and 5; begins with what is positive."""
    ordered = sorted(terms, key=lambda term: term[0] < 0)
    pieces: list[tuple[int, Expression]] = [(factor, _scaled(abs(factor), name)) for factor, name in ordered]
    if constant:
        place = 0 if pieces and pieces[0][0] < 0 and constant > 0 else len(pieces)
        pieces.insert(place, (constant, Num(abs(constant))))
    if not pieces:
        return Num(0)
    first, whole = pieces[0]
    if first < 0:
        whole = Binary("-", Num(0), whole)
    for sign, piece in pieces[1:]:
        whole = Binary("+" if sign > 0 else "-", whole, piece)
    return whole


def linear(draw: Draw, names: Sequence[str], constants: Range, must: str | None = None) -> Expression:
    """A sum of one or two of the names with small factors, and often a constant; ``must`` is always among them."""
    chosen = [draw.pick(names)] if must is None else [must]
    others = [name for name in names if name not in chosen]
    if others and draw.chance(0.7):
        chosen.append(draw.pick(others))
        chosen.sort(key=list(names).index)  # one order everywhere, so that equal sums are equal trees
    factors = [draw.pick((1, 1, 1, 2, 2, 3, 4)) for _ in chosen]
    if len(factors) > 1 and draw.chance(0.35):
        factors[draw.between(0, 1)] *= -1
    constant = draw.between(*constants) * draw.pick((1, 1, -1)) if draw.chance(0.7) else 0
    if len(factors) == 1 and factors[0] == 1 and not constant:
        factors[0] = 2
    return sum_of(list(zip(factors, chosen, strict=True)), constant)


def condition(
    draw: Draw, ranges: Mapping[str, Range], must: str | None = None, used: frozenset[Subject] = frozenset()
) -> tuple[Expression, frozenset[Subject]]:
    """A condition on one or two of the names, true for a fair share of their values, and all subjects used by now.

    It is about nothing that is ``used`` already, so that no branch is dead because an outer one decides it.
    """
    first, subject = _simple(draw, ranges, must, used)
    used |= {subject}
    if not draw.chance(0.15):
        return first, used
    second, subject = _simple(draw, ranges, None, used)
    if subject in used:
        return first, used
    return Both(draw.pick(("and", "or")), first, second), used | {subject}


def range_of(terms: Sequence[tuple[int, str]], constant: int, ranges: Mapping[str, Range]) -> Range:
    """The range of a sum whose names have these ranges."""
    ends = [(factor * ranges[name][0], factor * ranges[name][1]) for factor, name in terms]
    return constant + sum(map(min, ends)), constant + sum(map(max, ends))


def threshold(draw: Draw, within: Range) -> int:
    """A number in the middle half of a range, at least 1."""
    low, high = within
    quarter = (high - low) // 4
    return max(1, draw.between(low + quarter, max(low + quarter, high - quarter)))


def _simple(
    draw: Draw, ranges: Mapping[str, Range], must: str | None, used: frozenset[Subject]
) -> tuple[Compare, Subject]:
    """A comparison and its subject; after ten draws one that is used is taken."""
    for _ in range(10):
        test, subject = _compared(draw, ranges, must)
        if subject not in used:
            break
    return test, subject


def _compared(draw: Draw, ranges: Mapping[str, Range], must: str | None) -> tuple[Compare, Subject]:
    name = must or draw.pick(list(ranges))
    kind = draw.uniform()
    if kind < 0.25:
        base = draw.between(2, 4)
        sign: Comparison = draw.pick(("==", "==", "!="))
        return compare(op(name, "%", base), sign, draw.between(0, base - 1)), ("%", name)
    others = [other for other in ranges if other != name]
    if kind < 0.5 and others:
        other = draw.pick(others)
        first, second = (each for each in ranges if each in (name, other))
        if kind < 0.35 and MIXED not in (first, second):  # a sum is mostly larger than its own parts
            return compare(first, draw.pick(_ORDER), second), ("<", first, second)
        edge = threshold(draw, range_of([(1, first), (1, second)], 0, ranges))
        return compare(op(first, "+", second), draw.pick(_ORDER), edge), ("+", first, second)
    return compare(name, draw.pick(_ORDER), threshold(draw, ranges[name])), (name,)


def _scaled(factor: int, name: str) -> Expression:
    return Name(name) if factor == 1 else Binary("*", Num(factor), Name(name))


def _node(given: Expression | str | int) -> Expression:
    if isinstance(given, str):
        return Name(given)
    return Num(given) if isinstance(given, int) else given
