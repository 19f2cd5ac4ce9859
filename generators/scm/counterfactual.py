"""Counterfactuals of observed units, in blocks that fit the processor's cache.

Abduction, action and prediction over whole columns write and read back several columns as large as the data. Done
for a few thousand rows at a time, everything in between stays in cache, and only facts and answers pass through main
memory. Mechanisms work element by element, so the answers are the same bits as those of the unblocked operations.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import InterventionError, ModelError
from contrafact.streams import Streams
from generators.scm.interventions import Action, Intervention, as_column, intervene
from generators.scm.mechanisms.base import Abduction, Columns
from generators.scm.model import SCM
from generators.scm.operations import Posterior

__all__ = ["BLOCK_ROWS", "counterfactual"]

BLOCK_ROWS = 32768
"""256 KiB a float64 column. Smaller blocks are no faster on one thread, and on several their short calls fight for the
interpreter lock; whole columns are slower by a third."""

_NO_NOISE: NDArray[np.float64] = np.empty(0)


def counterfactual(
    model: SCM,
    facts: Columns,
    intervention: Intervention,
    streams: Streams | None = None,
    start: int = 0,
    *,
    keep_noise: bool = True,
    block: int = BLOCK_ROWS,
    workers: int | None = None,
) -> tuple[dict[str, NDArray[Any]], Posterior]:
    """Pearl's three steps from facts alone (Pearl 2009, theorem 7.1.7), for the variables that they can change.

    The values equal bit for bit those of ``single(model, abduct(model, facts, streams, start).noise, n, intervention,
    facts, keep_unmoved=True)``. Noise is recovered only where it is used: neither a variable that is not recomputed
    nor one set by do has any.

    Parameters
    ----------
    facts : mapping of name to ndarray, shape (n,)
        A value for every variable, in the memory form of its support.
    intervention : Intervention
        Its values may be scalars or arrays of shape (n,).
    streams : Streams, optional
        Needed where a noise has to be drawn from its posterior.
    start : int
        Number of the first unit; posterior draws belong to the unit.
    keep_noise : bool
        False leaves ``posterior.noise`` empty, and saves writing it out.
    block, workers : int
        Rows in a block, and threads that share the blocks (all cores unless given). They decide the speed and nothing
        else: NumPy lets go of the interpreter lock while it computes.

    Returns
    -------
    values : dict of name to ndarray, shape (n,)
        In topological order; a column that cannot have changed is the factual array itself.
    posterior : Posterior
        Noise, ``exact``, ``possible`` and ``ess`` of the variables whose noise was used, and of no others.

    Raises
    ------
    ModelError
        Where a variable has no facts, or where a noise has to be drawn and ``streams`` is missing.
    InterventionError
        For an unknown variable, two actions on one variable, or an array of another length than the facts.
    """
    _check_facts(model, facts)
    rows = len(facts[model.order[0]])
    work = _Work.of(model, intervention, rows, streams, start)
    work.run(model, intervention, facts, keep_noise=keep_noise, shares=_shares(_bounds(rows, block), workers))
    values = {name: work.values.get(name, facts[name]) for name in work.order}
    return values, Posterior(work.noise, work.exact, work.possible, work.ess)


@dataclass
class _Work:
    """What has to be computed, and the whole columns that the blocks fill."""

    model: SCM
    order: tuple[str, ...]
    targets: frozenset[str]
    abducted: tuple[str, ...]
    values: dict[str, NDArray[Any]]
    possible: NDArray[np.bool_]
    streams: Streams
    start: int
    noise: dict[str, NDArray[Any]] = field(default_factory=dict)
    ess: dict[str, NDArray[Any]] = field(default_factory=dict)
    exact: bool = True

    @classmethod
    def of(cls, model: SCM, intervention: Intervention, rows: int, streams: Streams | None, start: int) -> _Work:
        submodel = intervene(model, intervention)
        targets = intervention.targets(model)
        reached = targets | submodel.descendants(targets)
        computed = [name for name in submodel.order if name in reached]
        fixed = {action.variable for action in intervention.actions if action.operation == "do"}
        abducted = tuple(name for name in computed if name not in fixed)
        _check_streams(model, abducted, streams)
        values = {name: np.empty(rows, dtype=submodel.variables[name].support.dtype) for name in computed}
        possible = np.ones(rows, dtype=bool)
        return cls(model, submodel.order, targets, abducted, values, possible, streams or Streams(0), start)

    def run(
        self, model: SCM, intervention: Intervention, facts: Columns, *, keep_noise: bool, shares: list[list[int]]
    ) -> None:
        """Fill the whole columns, a thread a share of neighbouring blocks."""

        def compute(bounds: list[int]) -> None:
            for place, submodel in _blocks(model, intervention, len(self.possible), bounds):
                window = {name: column[place] for name, column in facts.items()}
                noise = self.abduct(window, place)
                self.predict(submodel, window, noise, place)
                if keep_noise:
                    self.keep(noise, place)

        if len(shares) == 1:
            compute(shares[0])
            return
        with ThreadPoolExecutor(len(shares), thread_name_prefix="counterfactual") as pool:
            list(pool.map(compute, shares))

    def abduct(self, facts: Columns, place: slice) -> dict[str, NDArray[Any]]:
        noise = {}
        start, stop = self.start + place.start, self.start + place.stop
        for name in self.abducted:
            mechanism = self.model.variables[name].mechanism
            width = mechanism.auxiliary
            uniforms = self.streams.uniforms(f"abduct:{name}", start, stop, width) if width else _empty(stop - start)
            answer = mechanism.abduct({each: facts[each] for each in mechanism.parents}, facts[name], uniforms)
            noise[name] = answer.noise
            self._judge(name, answer, place)
        return noise

    def predict(self, submodel: SCM, facts: Columns, noise: Mapping[str, NDArray[Any]], place: slice) -> None:
        world = dict(facts)
        moved: dict[str, NDArray[np.bool_]] = {}
        for name, whole in self.values.items():
            variable, fact = submodel.variables[name], facts[name]
            parents = {each: world[each] for each in variable.mechanism.parents}
            column = variable.mechanism.predict(parents, noise.get(name, _NO_NOISE))
            if not _is_column(column, fact.shape, whole.dtype):
                column = as_column(column, variable.support, len(fact))
            if name not in self.targets:
                column = _settled(column, fact, [moved[each] for each in parents if each in moved])
            # One comparison a variable, where the unblocked operation makes one a child.
            moved[name] = column != fact
            world[name] = column
            whole[place] = column

    def keep(self, noise: Mapping[str, NDArray[Any]], place: slice) -> None:
        for name, part in noise.items():
            _fill(self.noise, name, part, place, len(self.possible))

    def _judge(self, name: str, answer: Abduction, place: slice) -> None:
        if not answer.exact:  # several threads may come here: all they ever write is False
            self.exact = False
        if answer.possible is not None:
            self.possible[place] &= answer.possible
        if answer.ess is not None:
            _fill(self.ess, name, answer.ess, place, len(self.possible))


def _blocks(model: SCM, intervention: Intervention, rows: int, bounds: list[int]) -> Iterator[tuple[slice, SCM]]:
    """Where each block lies, and the submodel with the values of these rows."""
    per_unit = {place: action for place, action in enumerate(intervention.actions) if _is_per_unit(action, rows)}
    size, submodel, windows = -1, model, {}
    for first, last in pairwise(bounds):
        if last - first != size:
            # A submodel costs far more than a block, so one serves all blocks of a size: its arrays are refilled.
            size = last - first
            windows = {place: np.empty(size, dtype=action.value.dtype) for place, action in per_unit.items()}
            submodel = intervene(model, _with_values(intervention, windows))
        for place, window in windows.items():
            window[:] = per_unit[place].value[first:last]
        yield slice(first, last), submodel


def _bounds(rows: int, block: int) -> list[int]:
    bounds = [*range(0, max(rows, 1), max(block, 2)), rows]
    # NumPy computes a single row by other paths than a column (a power, say): a block never is one row of several.
    return bounds if bounds[-1] - bounds[-2] > 1 or len(bounds) == 2 else [*bounds[:-2], rows]


def _shares(bounds: list[int], workers: int | None) -> list[list[int]]:
    """The bounds of neighbouring blocks, a list a thread; as many threads as cores unless given."""
    blocks = len(bounds) - 1
    count = max(1, min(workers or os.cpu_count() or 1, blocks))
    cuts = [blocks * share // count for share in range(count + 1)]
    return [bounds[first : last + 1] for first, last in pairwise(cuts)]


def _with_values(intervention: Intervention, values: Mapping[int, NDArray[Any]]) -> Intervention:
    actions = [replace(each, value=values.get(place, each.value)) for place, each in enumerate(intervention.actions)]
    return replace(intervention, actions=tuple(actions))


def _is_per_unit(action: Action, rows: int) -> bool:
    if not isinstance(action.value, np.ndarray) or action.value.ndim == 0:
        return False
    if action.value.shape != (rows,):
        raise InterventionError(
            f"{action.operation} {action.variable} has values of shape {action.value.shape} for {rows} units",
            allowed=f"one value for all, or an array of shape ({rows},)",
            fix="give one value a unit, in the order of the facts",
        )
    return True


def _settled(column: NDArray[Any], fact: NDArray[Any], moved: list[NDArray[np.bool_]]) -> NDArray[Any]:
    # A row none of whose parents moved keeps its factual value: f + (x - f) may differ from x in the last bit.
    any_moved = moved[0]
    for other in moved[1:]:
        any_moved = any_moved | other
    return column if any_moved.all() else np.where(any_moved, column, fact)


def _fill(columns: dict[str, NDArray[Any]], name: str, part: NDArray[Any], place: slice, rows: int) -> None:
    whole = columns.get(name)
    if whole is None:  # of two threads that come here at once, both get the array of the first
        whole = columns.setdefault(name, np.empty((rows, *part.shape[1:]), dtype=part.dtype))
    whole[place] = part


def _is_column(values: NDArray[Any], shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    array = isinstance(values, np.ndarray)
    return array and values.shape == shape and values.dtype == dtype and values.flags.c_contiguous


def _empty(rows: int) -> NDArray[np.float64]:
    return np.empty((rows, 0))


def _check_facts(model: SCM, facts: Columns) -> None:
    missing = [name for name in model.variables if name not in facts]
    if missing:
        raise ModelError(
            f"a counterfactual from facts needs a value for {', '.join(missing)}, and the facts have none",
            allowed=f"facts of {', '.join(model.variables)}",
            fix="sample the units from the model, whose noise is then known, or leave latent variables out",
        )


def _check_streams(model: SCM, abducted: tuple[str, ...], streams: Streams | None) -> None:
    drawn = [name for name in abducted if model.variables[name].mechanism.auxiliary]
    if drawn and streams is None:
        raise ModelError(
            f"the noise of {', '.join(drawn)} is not unique, and there are no random streams to draw it from",
            fix="give streams=Streams(seed)",
        )
