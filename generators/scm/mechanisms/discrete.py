"""Discrete variables by inverse distribution function: one uniform a unit, and a monotone coupling of worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from contrafact.errors import ModelError
from generators.scm.functions import FunctionLike, settled_parents
from generators.scm.mechanisms.additive import unless_all
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.mechanisms.probability import ConditionalTable, level_functions, one_form
from generators.scm.support import Support

__all__ = ["Discrete"]


class Discrete(Mechanism):
    """``value = the k-th outcome``, where the unit's uniform lies in the k-th cell of the cumulative probabilities.

    The same uniform in two worlds couples them monotonically: what shifts the distribution upwards never lowers a
    unit (the monotonicity of Pearl 2009, sec. 9.2). Abduction draws the uniform from the observed cell, so it is not
    exact; under it, prediction gives back the observed value always.

    A row whose probabilities are no probabilities (nan, negative, all 0), or whose parents are outside the table, gets
    the smallest outcome less 1, which is outside the support.

    Parameters
    ----------
    levels : sequence of str, optional
        K names, in their order: the variable is categorical.
    values : sequence of int, optional
        K whole numbers, ascending, instead of levels: the variable is an integer.
    table : array_like, shape (levels of each parent ..., K), optional
        Probabilities, each row summing to 1.
    probabilities : mapping of level to str, float or callable, optional
        Used instead of a table; divided by their sum in each row.
    parents : sequence of str
        Names of the table's axes; with probabilities, only where there are more than they read.

    Raises
    ------
    ModelError
        For a table that is not one, a level left out, values that do not ascend.
    """

    kind = "discrete"
    noise_kind = "uniform"
    auxiliary = 1

    def __init__(
        self,
        levels: Sequence[str] | None = None,
        table: ArrayLike | None = None,
        *,
        values: Sequence[int] | None = None,
        probabilities: Mapping[Any, FunctionLike] | None = None,
        parents: Sequence[str] = (),
    ) -> None:
        one_form(table, probabilities, "probabilities", parents)
        self.support, self.values = _outcomes(levels, values)
        names = self.support.levels or tuple(map(str, self.values.tolist()))
        self.table = None if table is None else ConditionalTable(table, parents, names)
        self.functions = () if probabilities is None else level_functions(probabilities, names, "probabilities")
        self.parents = tuple(parents) if self.table else settled_parents(parents or None, *self.functions)
        self._names = names
        if self.table:
            self._cumulative_table = _cumulative(self.table.probabilities)

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return uniforms

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        cumulative, inside = self._cumulative(parents, len(noise))
        places = np.zeros(len(noise), dtype=np.int64)
        for edge in cumulative[:-1]:
            places += noise >= edge
        return np.where(inside, self.values[places], self.values[0] - 1)

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        rows = np.arange(len(values))
        cumulative, inside = self._cumulative(parents, len(values))
        places = np.minimum(np.searchsorted(self.values, values), len(self.values) - 1)
        low = np.where(places > 0, cumulative[places - 1, rows], 0.0)
        high = cumulative[places, rows]
        # Rounding may take the draw to the cell's open upper end.
        drawn = np.minimum(low + (high - low) * uniforms, np.nextafter(high, 0.0))
        possible = inside & (self.values[places] == values) & (low < high)
        noise = np.where(possible, np.maximum(drawn, low), uniforms)
        return Abduction(noise, exact=False, possible=unless_all(possible))

    def spec(self) -> dict[str, Any]:
        outcomes = {"levels": list(self.support.levels)} if self.support.levels else {"values": self.values.tolist()}
        spec: dict[str, Any] = {"mechanism": self.kind, **outcomes, "parents": list(self.parents)}
        if self.table:
            return {**spec, "table": self.table.given.tolist()}
        functions = zip(self._names, self.functions, strict=True)
        return {**spec, "probabilities": {name: function.spec() for name, function in functions}}

    def _cumulative(self, parents: Columns, rows: int) -> tuple[Floats, NDArray[np.bool_]]:
        if self.table is not None:
            places, inside = self.table.places(parents)
            shape = np.broadcast_to(places, (rows,))
            return self._cumulative_table[:, shape], np.broadcast_to(np.asarray(inside), (rows,))
        given = np.empty((len(self.functions), rows))
        for place, function in enumerate(self.functions):
            given[place] = function(parents)
        with np.errstate(invalid="ignore", over="ignore"):
            cumulative = _cumulative(given)
        # Axis 0 has a level a place: no row looks at another.
        return cumulative, (np.isfinite(given) & (given >= 0)).all(axis=0) & np.isfinite(cumulative[0])


def _outcomes(levels: Sequence[str] | None, values: Sequence[int] | None) -> tuple[Support, NDArray[np.int64]]:
    if (levels is None) == (values is None):
        raise ModelError("a discrete variable has levels or values, one of the two", fix="levels: [low, high]")
    if levels is not None:
        support = Support("categorical", tuple(str(level) for level in levels))
        return support, np.arange(len(support.levels))
    numbers = np.asarray(values)
    whole = numbers.ndim == 1 and numbers.size and numbers.dtype.kind in "iu"
    if not whole or (np.diff(numbers) <= 0).any():
        raise ModelError(f"values {values!r} do not serve", allowed="whole numbers, ascending", fix="values: [0, 1, 2]")
    listed = tuple(numbers.tolist()) if len(numbers) != numbers[-1] - numbers[0] + 1 else ()
    return Support("integer", lower=int(numbers[0]), upper=int(numbers[-1]), values=listed), numbers.astype(np.int64)


def _cumulative(probabilities: Floats) -> Floats:
    """Upper edge of each level's cell, shape (K, columns); levels of probability 0 get cells of no width."""
    edges: list[NDArray[Any]] = [probabilities[0]]
    for level in probabilities[1:]:
        edges.append(edges[-1] + level)
    # Divided by the last edge itself, so that from the last level that can occur on every edge is exactly 1.
    return np.array(edges) / np.where(edges[-1] > 0, edges[-1], np.nan)
