"""Probabilities of a discrete variable given its parents: checked tables, and one function a level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contrafact.errors import ModelError, did_you_mean
from generators.scm.functions import Function, FunctionLike, as_function
from generators.scm.mechanisms.base import Columns, Floats
from generators.scm.support import Support

__all__ = ["ConditionalTable", "level_functions", "one_form"]

_TOLERANCE = 1e-6


class ConditionalTable:
    """A conditional probability table.

    Parameters
    ----------
    table : array_like, shape (levels of parent 1, levels of parent 2, ..., K)
    parents : sequence of str
        One a leading axis; a parent's code (or False, True, or whole number) is its place on the axis.
    levels : sequence of str
        Names of the K outcomes, for messages.

    Attributes
    ----------
    given : ndarray of float64
        The table as it was given.
    probabilities : ndarray of float64, shape (K, configurations)
        Divided by each configuration's sum.

    Raises
    ------
    ModelError
        For a table of another shape, a number outside [0, 1], or a configuration whose sum is not 1 within 1e-6.
    """

    def __init__(self, table: ArrayLike, parents: Sequence[str], levels: Sequence[str]) -> None:
        try:
            self.given: Floats = np.asarray(table, dtype=np.float64)
        except (TypeError, ValueError):
            raise ModelError(
                "the table is not a full block of numbers", fix="give each row one number a level"
            ) from None
        self.parents, self.sizes = tuple(parents), self.given.shape[:-1]
        if self.given.ndim != len(self.parents) + 1 or self.given.shape[-1] != len(levels):
            last = f"{len(levels)}: {', '.join(levels)}"
            raise ModelError(
                f"the table has shape {self.given.shape}",
                allowed=f"one axis for each of [{', '.join(parents)}], and a last one of {last}",
            )
        self._check()
        rows = self.given.reshape(-1, len(levels))
        self.probabilities: Floats = np.ascontiguousarray((rows / rows.sum(axis=1, keepdims=True)).T)

    def places(self, parents: Columns) -> tuple[NDArray[np.int64], NDArray[np.bool_] | bool]:
        """Configuration of each row, and whether its parents' codes are in the table.

        Returns
        -------
        places : ndarray of int64, shape (n,), or () without parents
            0 where the codes are not in the table.
        inside : ndarray of bool, shape (n,), or True
        """
        places: NDArray[np.int64] = np.zeros((), dtype=np.int64)
        inside: NDArray[np.bool_] | bool = True
        for name, size in zip(self.parents, self.sizes, strict=True):
            column = parents[name]
            with np.errstate(invalid="ignore"):
                codes = column.astype(np.int64)
            fits = (codes >= 0) & (codes < size) & (codes == column)
            inside = inside & fits
            places = places * size + np.where(fits, codes, 0)
        return places, inside

    def check(self, supports: Mapping[str, Support]) -> None:
        """Raise ``ModelError`` unless every axis has a row for each value of its parent, and no more."""
        for name, size in zip(self.parents, self.sizes, strict=True):
            support = supports[name]
            values = support.discrete
            if not values or values[0] < 0:
                raise ModelError(
                    f"the table has {name!r} as an axis, whose values cannot be places on it: {support.text()}",
                    allowed="parents with levels, true or false, or few whole numbers from 0",
                    fix=f"compute from {name}, with logits or probabilities, in the place of the table",
                )
            rows = values[-1] + 1
            if size != rows:
                named = ", ".join(support.levels) or f"{int(values[0])} to {int(values[-1])}"
                raise ModelError(
                    f"the table has {size} rows along {name!r}, which takes {rows} places ({named})",
                    allowed="one row a value, in the values' order; whole numbers from 0 on",
                    fix=f"give the table {rows} rows along {name}",
                )

    def _check(self) -> None:
        sums = self.given.sum(axis=-1)
        outside = ~((self.given >= 0) & (self.given <= 1)).all(axis=-1)
        for wrong, what in (
            (outside, "has a number outside [0, 1]"),
            (np.abs(sums - 1) > _TOLERANCE, "sums to {:.9g}"),
        ):
            if wrong.any():
                place = tuple(int(each) for each in np.argwhere(wrong)[0])
                where = ", ".join(f"{name} = {code}" for name, code in zip(self.parents, place, strict=True))
                row = self.given[place].tolist()
                raise ModelError(
                    f"the table's row {row}{' at ' + where if where else ''} {what.format(sums[place])}",
                    allowed="numbers in [0, 1] that sum to 1 within 1e-6",
                    fix="mend that row",
                )


def level_functions(values: Mapping[Any, FunctionLike], levels: Sequence[Any], what: str) -> tuple[Function, ...]:
    """One function a level, in the levels' order. Raises ``ModelError`` for a level left out or unknown."""
    if not isinstance(values, Mapping):
        raise ModelError(f"{what} {values!r} are not a mapping", allowed=f"{what}: {{{levels[0]}: ..., ...}}")
    by_name = {str(level): value for level, value in values.items()}
    names = [str(level) for level in levels]
    for name in [*by_name, *names]:
        if name not in names or name not in by_name:
            problem = (
                f"has no level {name!r}{did_you_mean(name, names)}" if name not in names else f"lacks level {name!r}"
            )
            raise ModelError(f"{what} {problem}", allowed=f"one entry for each of {', '.join(names)}")
    return tuple(as_function(by_name[name]) for name in names)


def one_form(table: Any, functions: Any, name: str, parents: Sequence[str]) -> None:
    """Raise ``ModelError`` unless exactly one of a table and level functions is given."""
    if (table is None) == (functions is None):
        what = "neither a table nor" if table is None else "both a table and"
        raise ModelError(f"there are {what} {name}", allowed=f"one of table, {name}", fix=f"write table: or {name}:")
    if isinstance(parents, str):
        raise ModelError(f"parents {parents!r} is one text", allowed="a list of names", fix=f"parents: [{parents}]")
