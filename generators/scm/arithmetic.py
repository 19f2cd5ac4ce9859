"""What an expression is made of: nodes that turn columns into a column, and the functions the language knows.

A node whose array belongs to nobody else is *fresh*: the operation above it may write its own result there. Together
with evaluation in blocks (see ``expression``) this keeps every temporary in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = [
    "FUNCTIONS",
    "Frame",
    "Node",
    "Ufunc",
    "all_of",
    "any_of",
    "apply",
    "chain",
    "choose",
    "column",
    "compare",
    "negated",
    "number",
    "truth",
]

Array = NDArray[Any]
Frame = Mapping[str, Array]
"""One block of columns by name, all contiguous and of one length."""

Ufunc = Callable[..., Any]
Run = Callable[[Frame], Any]
Builder = Callable[[Sequence["Node"]], "Node"]


@dataclass(frozen=True)
class Node:
    """One operation, compiled.

    Attributes
    ----------
    run : callable
        From a frame to an array of float64, or of bool where ``boolean``.
    fresh : bool
        The array may be overwritten.
    constant : float or bool, optional
        The value, where no column takes part in it.
    truth : callable, optional
        A shorter way to the node's truth value than ``run(frame) != 0``.
    """

    run: Run
    boolean: bool = False
    fresh: bool = True
    constant: float | bool | None = None
    truth: Run | None = None


def number(value: float | bool) -> Node:
    """A constant."""
    return Node(lambda frame: value, boolean=isinstance(value, bool), fresh=False, constant=value)


def column(name: str) -> Node:
    """A column, as float64 in arithmetic and as it is where only its truth counts."""

    def load(frame: Frame) -> Array:
        values = frame[name]
        return values if values.dtype == np.float64 else values.astype(np.float64)

    def load_truth(frame: Frame) -> Array:
        values = frame[name]
        return values if values.dtype == np.bool_ else values != 0

    return Node(load, fresh=False, truth=load_truth)


def apply(ufunc: Ufunc, node: Node) -> Node:
    """``ufunc`` of one real value."""
    inner = _real(node)
    if inner.constant is not None:
        return _folded(ufunc(inner.constant))
    run = inner.run
    if not inner.fresh:
        return Node(lambda frame: ufunc(run(frame)))

    def in_place(frame: Frame) -> Any:
        values = run(frame)
        return ufunc(values, out=values)

    return Node(in_place)


def chain(first: Node, steps: Sequence[tuple[Ufunc, Node]]) -> Node:
    """``first``, then each step's ufunc with what there is so far and the step's node: ``a + b - c * ...``.

    A chain is a loop and not a nest, so that a sum of hundreds of terms takes no depth.
    """
    head = _real(first)
    pending = [(ufunc, _real(node)) for ufunc, node in steps]
    while pending and head.constant is not None and pending[0][1].constant is not None:
        ufunc, node = pending.pop(0)
        head = _folded(ufunc(head.constant, node.constant))
    if not pending:
        return head
    moves, fresh = [], head.fresh
    for ufunc, node in pending:
        moves.append(_move(ufunc, node, fresh))
        fresh = True
    run = head.run

    def go(frame: Frame) -> Any:
        values = run(frame)
        for move in moves:
            values = move(values, frame)
        return values

    return Node(go)


def truth(node: Node) -> Node:
    """The node as bool: a number is true unless it is 0."""
    if node.boolean:
        return node
    if node.constant is not None:
        return number(bool(node.constant))
    run, shorter = node.run, node.truth
    if shorter is not None:
        return Node(shorter, boolean=True, fresh=False)
    return Node(lambda frame: np.not_equal(run(frame), 0), boolean=True)


def all_of(nodes: Sequence[Node]) -> Node:
    """Logical and of two nodes or more."""
    return _logical(np.logical_and, nodes)


def any_of(nodes: Sequence[Node]) -> Node:
    """Logical or of two nodes or more."""
    return _logical(np.logical_or, nodes)


def negated(test: Node) -> Node:
    """Logical not of a boolean node."""
    if test.constant is not None:
        return number(not test.constant)
    return Node(lambda frame: np.logical_not(test.run(frame)), boolean=True)


def compare(sides: Sequence[Node], comparisons: Sequence[Ufunc]) -> Node:
    """``a < b <= c``: each neighbouring pair compared, and all of them together; each side is evaluated once."""
    nodes = [_real(side) for side in sides]

    def run(frame: Frame) -> Any:
        values = [node.run(frame) for node in nodes]
        pairs = zip(comparisons, values[:-1], values[1:], strict=True)
        return reduce(np.logical_and, [comparison(left, right) for comparison, left, right in pairs])

    if all(node.constant is not None for node in nodes):
        return _folded(run({}))
    return Node(run, boolean=True)


def choose(condition: Node, yes: Node, no: Node) -> Node:
    """``yes`` where the condition holds, else ``no``; both sides are evaluated everywhere."""
    test = truth(condition)
    if test.constant is not None:
        return yes if test.constant else no
    boolean = yes.boolean and no.boolean
    left, right = (yes, no) if boolean else (_real(yes), _real(no))
    return Node(lambda frame: np.where(test.run(frame), left.run(frame), right.run(frame)), boolean=boolean)


def _real(node: Node) -> Node:
    if not node.boolean:
        return node
    if node.constant is not None:
        return number(float(node.constant))
    return Node(lambda frame: node.run(frame).astype(np.float64))


def _folded(value: Any) -> Node:
    return number(bool(value) if isinstance(value, np.bool_ | bool) else float(value))


def _move(ufunc: Ufunc, node: Node, fresh: bool) -> Callable[[Any, Frame], Any]:
    if ufunc is np.power and node.constant == 2.0:
        return lambda values, frame: np.square(values, out=values if fresh else None)
    run = node.run
    if fresh:
        return lambda values, frame: ufunc(values, run(frame), out=values)
    if not node.fresh:
        return lambda values, frame: ufunc(values, run(frame))

    def into_second(values: Any, frame: Frame) -> Any:
        other = run(frame)
        return ufunc(values, other, out=other)

    return into_second


def _logical(ufunc: Ufunc, nodes: Sequence[Node]) -> Node:
    tests = [truth(node) for node in nodes]
    if all(test.constant is not None for test in tests):
        return _folded(reduce(ufunc, [test.constant for test in tests]))
    # A constant may stand among columns (`true and a > 0`): its broadcast is left to the ufunc.
    return Node(lambda frame: reduce(ufunc, [test.run(frame) for test in tests]), boolean=True)


def _unary(ufunc: Ufunc) -> tuple[int, int, Builder]:
    return 1, 1, lambda nodes: apply(ufunc, nodes[0])


def _folding(ufunc: Ufunc) -> tuple[int, int, Builder]:
    return 2, 64, lambda nodes: chain(nodes[0], [(ufunc, node) for node in nodes[1:]])


def _clip(nodes: Sequence[Node]) -> Node:
    values, low, high = nodes
    return chain(values, [(np.maximum, low), (np.minimum, high)])


FUNCTIONS: dict[str, tuple[int, int, Builder]] = {
    **{name: _unary(getattr(np, name)) for name in ("exp", "log", "log1p", "expm1", "sqrt", "abs", "sin", "cos")},
    **{name: _unary(getattr(np, name)) for name in ("tan", "tanh", "sinh", "cosh", "arctan", "sign", "floor", "ceil")},
    "round": _unary(np.rint),
    "square": _unary(np.square),
    "sigmoid": _unary(special.expit),
    "logit": _unary(special.logit),
    "softplus": (1, 1, lambda nodes: chain(nodes[0], [(np.logaddexp, number(0.0))])),
    "relu": (1, 1, lambda nodes: chain(nodes[0], [(np.maximum, number(0.0))])),
    "step": (1, 1, lambda nodes: chain(nodes[0], [(np.heaviside, number(1.0))])),
    "min": _folding(np.minimum),
    "minimum": _folding(np.minimum),
    "max": _folding(np.maximum),
    "maximum": _folding(np.maximum),
    "clip": (3, 3, _clip),
    "where": (3, 3, lambda nodes: choose(*nodes)),
}
"""Fewest and most arguments, and what builds the node. ``step(x)`` is 1 from 0 on; ``round`` goes to the even one."""
