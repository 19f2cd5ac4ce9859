"""Comparisons and connectives of expressions, with three truth values: true, false, and none.

A comparison with nan has no truth value. ``and``, ``or`` and ``not`` are Kleene's (1952, *Introduction to
metamathematics*, sec. 64): a false term decides an ``and`` and a true one an ``or``, whatever the others are. Where no
operand can be nan nothing of this is computed; a column itself is taken to hold values, which whoever has it sees to.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np

from generators.scm.nodes import Array, Frame, Node, Told, Ufunc, folded, number, real

__all__ = ["all_of", "any_of", "choose", "compare", "negated", "truth"]


def truth(node: Node) -> Node:
    """The node as bool: a number is true unless it is 0, and neither where it is nan."""
    if node.boolean:
        return node
    if node.constant is not None:
        return number(bool(node.constant))
    run, shorter = node.run, node.truth
    if shorter is not None:
        return Node(shorter, boolean=True, fresh=False)
    if node.sure:
        return Node(lambda frame: np.not_equal(run(frame), 0), boolean=True)

    def told(frame: Frame) -> tuple[Any, Any]:
        values = run(frame)
        return np.not_equal(values, 0), _missing(values)

    return _doubtful(told)


def all_of(nodes: Sequence[Node]) -> Node:
    """Logical and of two nodes or more."""
    return _logical(np.logical_and, nodes, decisive=False)


def any_of(nodes: Sequence[Node]) -> Node:
    """Logical or of two nodes or more."""
    return _logical(np.logical_or, nodes, decisive=True)


def negated(test: Node) -> Node:
    """Logical not of a boolean node."""
    if test.constant is not None:
        return number(not test.constant)
    inner = test.told
    if inner is None:
        return Node(lambda frame: np.logical_not(test.run(frame)), boolean=True)

    def told(frame: Frame) -> tuple[Any, Any]:
        values, unknown = inner(frame)
        return np.logical_not(values), unknown

    return _doubtful(told)


def compare(sides: Sequence[Node], comparisons: Sequence[Ufunc]) -> Node:
    """``a < b <= c``: each neighbouring pair compared, and all of them together; each side is evaluated once."""
    nodes = [real(side) for side in sides]

    def compared(frame: Frame) -> tuple[list[Any], list[Any]]:
        values = [node.run(frame) for node in nodes]
        pairs = zip(comparisons, values[:-1], values[1:], strict=True)
        return [comparison(left, right) for comparison, left, right in pairs], values

    def run(frame: Frame) -> Any:
        return reduce(np.logical_and, compared(frame)[0])

    if all(node.constant is not None for node in nodes):
        return folded(run({}))
    if all(node.sure for node in nodes):
        return Node(run, boolean=True)

    def told(frame: Frame) -> tuple[Any, Any]:
        answers, values = compared(frame)
        gone = [None if node.sure else _missing(each) for node, each in zip(nodes, values, strict=True)]
        unknown = [_either(left, right) for left, right in pairwise(gone)]
        return _decided(np.logical_and, answers, unknown, decisive=False)

    return _doubtful(told)


def choose(condition: Node, yes: Node, no: Node) -> Node:
    """``yes`` where the condition holds, else ``no``; both sides are evaluated everywhere.

    Where the condition has no truth value neither has the choice, unless both sides are the same.
    """
    test = truth(condition)
    if test.constant is not None:
        return yes if test.constant else no
    boolean = yes.boolean and no.boolean
    left, right = (yes, no) if boolean else (real(yes), real(no))
    if boolean and any(node.told is not None for node in (test, left, right)):
        return _doubtful(_chosen(test, left, right))
    if test.told is None:
        run = test.run
        sure = left.sure and right.sure
        return Node(lambda frame: np.where(run(frame), left.run(frame), right.run(frame)), boolean=boolean, sure=sure)
    asked = test.told

    def numbers(frame: Frame) -> Array:
        holds, unknown = asked(frame)
        one, other = np.asarray(left.run(frame)), np.asarray(right.run(frame))
        values: Array = np.where(np.asarray(holds), one, other)
        return values if unknown is None else np.where(np.logical_and(unknown, one != other), np.nan, values)

    return Node(numbers)


def _chosen(test: Node, left: Node, right: Node) -> Told:
    asked, first, second = _told(test), _told(left), _told(right)

    def told(frame: Frame) -> tuple[Any, Any]:
        (holds, unasked), (one, no_one), (other, no_other) = asked(frame), first(frame), second(frame)
        values = np.where(holds, one, other)
        if unasked is None and no_one is None and no_other is None:
            return values, None
        no_one, no_other = (np.False_ if each is None else each for each in (no_one, no_other))
        unknown = np.where(holds, no_one, no_other)
        if unasked is not None:
            unknown = np.where(unasked, (one != other) | no_one | no_other, unknown)
        return values, unknown

    return told


def _logical(ufunc: Ufunc, nodes: Sequence[Node], *, decisive: bool) -> Node:
    tests = [truth(node) for node in nodes]
    if all(test.constant is not None for test in tests):
        return folded(reduce(ufunc, [test.constant for test in tests]))
    # A constant may stand among columns (`true and a > 0`): its broadcast is left to the ufunc.
    if all(test.told is None for test in tests):
        return Node(lambda frame: reduce(ufunc, [test.run(frame) for test in tests]), boolean=True)
    asked = [_told(test) for test in tests]

    def told(frame: Frame) -> tuple[Any, Any]:
        answers, unknown = zip(*(each(frame) for each in asked), strict=True)
        return _decided(ufunc, answers, unknown, decisive=decisive)

    return _doubtful(told)


def _decided(ufunc: Ufunc, answers: Sequence[Any], unknown: Sequence[Any], *, decisive: bool) -> tuple[Any, Any]:
    """Answers joined by ``and`` or ``or``, and where no answer that is known decides and one is not known."""
    joined = reduce(ufunc, answers)
    open_ = reduce(_either, unknown)
    if open_ is None:
        return joined, None
    for answer, mask in zip(answers, unknown, strict=True):
        settles = np.equal(answer, decisive)
        open_ = open_ & ~(settles if mask is None else settles & ~mask)
    # What decides is in `joined` already: a known false makes an `and` false, whatever the unknown ones read.
    return joined, open_


def _told(node: Node) -> Told:
    told, run = node.told, node.run
    return told if told is not None else lambda frame: (run(frame), None)


def _doubtful(told: Told) -> Node:
    return Node(lambda frame: told(frame)[0], boolean=True, told=told)


def _missing(values: Any) -> Any:
    mask = np.isnan(values)
    return mask if mask.any() else None


def _either(left: Any, right: Any) -> Any:
    """Where either mask is; None for none of both."""
    if left is None or right is None:
        return right if left is None else left
    return left | right
