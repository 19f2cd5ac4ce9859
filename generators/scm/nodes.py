"""What an expression is made of: nodes that turn columns into a column.

A node whose array belongs to nobody else is *fresh*: the operation above it may write its own result there. Together
with evaluation in blocks (see ``expression``) this keeps every temporary in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Frame", "Node", "Run", "Told", "Ufunc", "column", "folded", "number", "real"]

Array = NDArray[Any]
Frame = Mapping[str, Array]
"""One block of columns by name, all contiguous and of one length."""

Ufunc = Callable[..., Any]
Run = Callable[[Frame], Any]
Told = Callable[[Frame], tuple[Any, Any]]
"""From a frame to truth values, and to the rows in which there is none: a mask, or None where every row has one."""


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
    sure : bool
        Of a number: never nan where no column is.
    told : callable, optional
        Of a boolean that may not exist in some row: its truth, and where it does not (there ``run`` says anything).
    """

    run: Run
    boolean: bool = False
    fresh: bool = True
    constant: float | bool | None = None
    truth: Run | None = None
    sure: bool = False
    told: Told | None = None


def number(value: float | bool) -> Node:
    """A constant, which is finite."""
    return Node(lambda frame: value, boolean=isinstance(value, bool), fresh=False, constant=value, sure=True)


def column(name: str) -> Node:
    """A column, as float64 in arithmetic and as it is where only its truth counts."""

    def load(frame: Frame) -> Array:
        values = frame[name]
        return values if values.dtype == np.float64 else values.astype(np.float64)

    def load_truth(frame: Frame) -> Array:
        values = frame[name]
        return values if values.dtype == np.bool_ else values != 0

    return Node(load, fresh=False, truth=load_truth, sure=True)


def folded(value: Any) -> Node:
    """The constant that an operation on constants gives."""
    return number(bool(value) if isinstance(value, np.bool_ | bool) else float(value))


def real(node: Node) -> Node:
    """The node as a number: true is 1, false is 0, and nan where there is no truth value."""
    if not node.boolean:
        return node
    if node.constant is not None:
        return number(float(node.constant))
    told = node.told
    if told is None:
        return Node(lambda frame: node.run(frame).astype(np.float64), sure=True)

    def run(frame: Frame) -> Array:
        truth, unknown = told(frame)
        values: Array = np.asarray(truth).astype(np.float64)
        return values if unknown is None else np.where(unknown, np.nan, values)

    return Node(run)
