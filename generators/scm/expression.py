"""Expressions of recipes: ``"0.5*age + tanh(dose)"`` as a function of columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import ExpressionError, ModelError
from generators.scm.grammar import MAX_LENGTH, Walk, parse
from generators.scm.nodes import Frame

__all__ = ["Expression"]

_BLOCK = 65536
"""Rows evaluated at once: as many as a block of the engine, for the reasons that its own size has."""


class Expression:
    """One formula over columns, in a small language that is parsed and never executed.

    Parameters
    ----------
    text : str
        At most 2,000 characters. Numbers and names; ``+ - * / // % **``; comparisons, also chained; ``and``, ``or``,
        ``not``; ``a if c else b``; exp, log, log1p, expm1, sqrt, square, abs, sign, floor, ceil, round, sin, cos, tan,
        arctan, tanh, sinh, cosh, sigmoid, logit, softplus, relu, step, min, max, clip(x, low, high),
        where(c, a, b); pi, e, true, false. A categorical name is compared with a level: ``arm == 'high'``,
        ``arm in ('high', 'low')``.
    levels : mapping of name to sequence of str, optional
        Levels of the categorical names, in the order of their codes.
    known : collection of str, optional
        Names that may be used; any name where it is None. A known name that is also a constant (a variable called
        ``e``) is the variable.

    Raises
    ------
    ExpressionError
        For whatever is not in the language, with what was found and at which column.

    Examples
    --------
    >>> import numpy as np
    >>> Expression("a if b > 0 else -a")({"a": np.array([1.0, 2.0]), "b": np.array([1.0, -1.0])})
    array([ 1., -2.])
    """

    def __init__(
        self, text: str, levels: Mapping[str, Sequence[str]] | None = None, known: Collection[str] | None = None
    ) -> None:
        if not isinstance(text, str):
            raise ExpressionError(f"{text!r} is no expression", allowed="a text", fix='put it in quotes: "0.5*age"')
        self.text = text.strip() if len(text) <= MAX_LENGTH else text
        self.levels = {name: tuple(each) for name, each in (levels or {}).items()}
        self.known = None if known is None else tuple(known)
        # One line, so that the columns named in errors are those of the text.
        line = self.text.translate({ord(space): " " for space in "\n\r\t\f\v"})
        walk = Walk(line, self.levels, self.known)
        with np.errstate(all="ignore"):
            self._root = walk.node(parse(line))
        self.names: tuple[str, ...] = tuple(sorted(walk.names, key=walk.names.__getitem__))

    @property
    def boolean(self) -> bool:
        """Whether the result is a truth value (a comparison, a logical connective) and no number."""
        return self._root.boolean

    def __call__(self, columns: Frame) -> NDArray[Any]:
        """Value in each row.

        A boolean or integer column is taken as float64. Where a value does not exist (a division by zero, the
        logarithm of a negative number) it is inf or nan, without a warning. A comparison with a computed nan has no
        truth value, and ``and``, ``or`` and ``not`` pass that on (:mod:`generators.scm.logic`).

        Returns
        -------
        ndarray of float64 or bool, shape (n,)
            Shape () for an expression without names. Truth values are bool; they are 1.0, 0.0 and nan as soon as one
            of them does not exist.

        Raises
        ------
        ModelError
            For a missing column, or one that has more than one dimension.
        """
        if self._root.constant is not None:
            return np.asarray(self._root.constant)
        arrays = np.broadcast_arrays(*(self._column(columns, name) for name in self.names))
        frame = dict(zip(self.names, arrays, strict=True))
        with np.errstate(all="ignore"):
            return self._rows(frame, arrays[0].shape)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __reduce__(self) -> tuple[object, ...]:
        return (Expression, (self.text, self.levels, self.known))

    def _rows(self, frame: Frame, shape: tuple[int, ...]) -> NDArray[Any]:
        rows = shape[0] if shape else 1
        if rows == 1:
            # One row alone has strides of zero, for which NumPy takes other paths (a power becomes a square): it is
            # evaluated as two rows, so that its last bit is the one it has among others.
            pair = {name: np.repeat(values, 2) for name, values in frame.items()}
            return np.array(self._block(pair)[0]).reshape(shape)
        out = np.empty(rows, dtype=bool if self._root.boolean else np.float64)
        for start in range(0, rows, _BLOCK):
            stop = start + _BLOCK
            values = self._block({name: np.ascontiguousarray(each[start:stop]) for name, each in frame.items()})
            if out.dtype == bool and values.dtype != bool:  # from the first truth value on that does not exist
                out = out.astype(np.float64)
            out[start:stop] = values
        return out

    def _block(self, frame: Frame) -> NDArray[Any]:
        if self._root.told is None:
            return np.asarray(self._root.run(frame))
        truth, unknown = self._root.told(frame)
        values: NDArray[Any] = np.asarray(truth)
        return values if unknown is None or not unknown.any() else np.where(unknown, np.nan, values)

    def _column(self, columns: Frame, name: str) -> NDArray[Any]:
        if name not in columns:
            raise ModelError(f"{self.text!r} needs {name!r}, and there is no such column", allowed=", ".join(columns))
        values = np.asarray(columns[name])
        if values.ndim > 1:
            raise ModelError(
                f"{name!r} in {self.text!r} has shape {values.shape}", allowed="one value a row: shape (n,)"
            )
        return values
