"""Arithmetic of expressions, and the functions the language knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import special

from generators.scm.logic import choose
from generators.scm.nodes import Frame, Node, Ufunc, folded, number, real

__all__ = ["FUNCTIONS", "apply", "chain"]

Builder = Callable[[Sequence[Node]], Node]

_NEVER_NAN: frozenset[Ufunc] = frozenset(
    [
        *(np.negative, np.positive, np.abs, np.sign, np.floor, np.ceil, np.rint, np.square, np.exp, np.expm1),
        *(np.tanh, np.sinh, np.cosh, np.arctan, special.expit, np.minimum, np.maximum),
    ]
)
"""Of numbers that are not nan these give none, infinities included."""


def apply(ufunc: Ufunc, node: Node) -> Node:
    """``ufunc`` of one real value."""
    inner = real(node)
    if inner.constant is not None:
        return folded(ufunc(inner.constant))
    run, sure = inner.run, inner.sure and ufunc in _NEVER_NAN
    if not inner.fresh:
        return Node(lambda frame: ufunc(run(frame)), sure=sure)

    def in_place(frame: Frame) -> Any:
        values = run(frame)
        return ufunc(values, out=values)

    return Node(in_place, sure=sure)


def chain(first: Node, steps: Sequence[tuple[Ufunc, Node]]) -> Node:
    """``first``, then each step's ufunc with what there is so far and the step's node: ``a + b - c * ...``.

    A chain is a loop and not a nest, so that a sum of hundreds of terms takes no depth.
    """
    head = real(first)
    pending = [(ufunc, real(node)) for ufunc, node in steps]
    while pending and head.constant is not None and pending[0][1].constant is not None:
        ufunc, node = pending.pop(0)
        head = folded(ufunc(head.constant, node.constant))
    if not pending:
        return head
    sure = head.sure and all(ufunc in _NEVER_NAN and node.sure for ufunc, node in pending)
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

    return Node(go, sure=sure)


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
