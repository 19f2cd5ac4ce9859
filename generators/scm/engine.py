"""The one engine behind sampling, abduction and prediction: blocks of rows that fit the processor's cache.

Whole columns, one operation after the other, write and read back several columns as large as the data. Done for some
thousand rows at a time, everything in between stays in cache, and only what goes in and comes out passes through main
memory. Mechanisms work element by element, so the answers are the same bits whatever the blocks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.streams import Streams
from generators.scm.interventions import Changed, as_column
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.model import SCM
from generators.scm.support import Support

__all__ = ["BLOCK_ROWS", "Gathered", "Recovered", "Step", "compute", "cut", "each_block", "recover", "steps_of"]

BLOCK_ROWS = 65536
"""512 KiB a float64 column: what a variable needs stays in the second-level cache. Smaller blocks are no faster on one
thread, and make calls so short that two threads fight for the interpreter lock and are slower than one; larger blocks
leave the cache and take twice the time."""

_NO_NOISE: NDArray[np.float64] = np.empty(0)


@dataclass(frozen=True)
class Step:
    """One variable that is computed.

    Attributes
    ----------
    before : Mechanism, optional
        The factual mechanism, where rows that it gives the same value keep their fact.
    """

    name: str
    mechanism: Mechanism
    support: Support
    before: Mechanism | None = None


def steps_of(
    model: SCM,
    computed: Collection[str],
    *,
    settled: bool = False,
    changed: Collection[str] = (),
    factual: SCM | None = None,
) -> list[Step]:
    """The computed variables of a (sub)model in topological order.

    Parameters
    ----------
    settled : bool
        Whether rows whose prediction is the factual one keep their fact. A value set by do is never exchanged.
    changed : collection of str
        Variables whose factual mechanism is that of ``factual``, and unknown where it is not given.
    """
    steps = []
    for name, variable in model.variables.items():
        if name not in computed:
            continue
        before = None
        if settled and not _is_set(variable.mechanism):
            known = factual if name in changed else model
            before = known.variables[name].mechanism if known else None
        steps.append(Step(name, variable.mechanism, variable.support, before))
    return steps


def recover(
    model: SCM, names: Iterable[str], facts: Columns, streams: Streams, first: int, last: int
) -> dict[str, Abduction]:
    """Abduction of the named variables for units ``first`` to ``last``, whose facts are given."""
    answers = {}
    for name in names:
        mechanism = model.variables[name].mechanism
        width = mechanism.auxiliary
        uniforms = streams.uniforms(f"abduct:{name}", first, last, width) if width else np.empty((last - first, 0))
        answers[name] = mechanism.abduct(_parents(mechanism, facts), facts[name], uniforms)
    return answers


def compute(
    steps: Iterable[Step],
    facts: Columns,
    noise: Mapping[str, NDArray[Any]],
    place: slice,
    rows: int,
    again: Mapping[str, Floats | None] | None = None,
) -> dict[str, NDArray[Any]]:
    """Prediction, step by step, for the rows at ``place`` out of ``rows``.

    Parameters
    ----------
    facts, noise : mapping of name to ndarray, shape (block,)
        Cut to the block. Facts stand in for what no step computes.
    again : mapping of name to ndarray, optional
        What abduction knows of the factual predictions; the rest of them are computed.

    Returns
    -------
    dict of name to ndarray, shape (block,), one a step
    """
    world, values, count = dict(facts), {}, place.stop - place.start
    for step in steps:
        mechanism = step.mechanism
        if isinstance(mechanism, Changed):
            mechanism = mechanism.window(step.name, place, rows)
        own = _NO_NOISE if _is_set(mechanism) else noise[step.name]
        column = as_column(mechanism.predict(_parents(mechanism, world), own), step.support, count)
        if step.before is not None:
            before = again.get(step.name) if again else None
            if before is None:
                before = step.before.predict(_parents(step.before, facts), own)
            column = _settled(column, as_column(before, step.support, count), facts[step.name])
        world[step.name] = values[step.name] = column
    return values


def each_block(rows: int, work: Callable[[slice], None], *, block: int = 0, workers: int | None = 1) -> None:
    """Call ``work`` for every block of rows, on as many threads as asked (all cores for None).

    NumPy lets go of the interpreter lock while it computes; neither blocks nor threads change a bit.
    """
    bounds = [*range(0, max(rows, 1), max(block or BLOCK_ROWS, 2)), rows]
    if bounds[-1] - bounds[-2] < 2 and len(bounds) > 2:
        # NumPy computes a single row by other paths than a column (a power, say): no block is one row of several.
        bounds = [*bounds[:-2], rows]
    blocks = [slice(first, last) for first, last in pairwise(bounds)]
    threads = max(1, min(workers or os.cpu_count() or 1, len(blocks)))
    if threads == 1:
        _in_turn(work, blocks)
        return
    cuts = [len(blocks) * share // threads for share in range(threads + 1)]
    shares = [blocks[first:last] for first, last in pairwise(cuts)]
    with ThreadPoolExecutor(threads, thread_name_prefix="scm") as pool:
        list(pool.map(lambda share: _in_turn(work, share), shares))


def cut(columns: Columns, place: slice, rows: int) -> Columns:
    """The rows at ``place``; the columns themselves where these are all."""
    if place.stop - place.start == rows:
        return columns
    return {name: column[place] for name, column in columns.items()}


@dataclass
class Gathered:
    """Whole columns of ``rows`` values, put together from blocks; a single block is taken as it is."""

    rows: int
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: int, steps: Sequence[Step], block: int = 0) -> Gathered:
        """Empty columns for what the steps compute.

        All reals lie in one piece of memory: the system hands out one large piece with far fewer page faults than
        several small ones, which is a tenth of the time of a linear model.
        """
        if rows <= (block or BLOCK_ROWS):
            return cls(rows)
        reals = [step.name for step in steps if step.support.kind == "real"]
        whole = np.empty((len(reals), -(-rows // 8) * 8))  # each column begins on a cache line of its own
        return cls(rows, {name: row[:rows] for name, row in zip(reals, whole, strict=True)})

    def put(self, parts: Mapping[str, NDArray[Any]], place: slice) -> None:
        """Take the columns of one block. Several threads may do so at once."""
        if place.stop - place.start == self.rows:
            self.columns.update(parts)
            return
        for name, part in parts.items():
            whole = self.columns.get(name)
            if whole is None:  # of two threads that come here at once, both get the array of the first
                whole = self.columns.setdefault(name, np.empty((self.rows, *part.shape[1:]), dtype=part.dtype))
            whole[place] = part


@dataclass
class Recovered:
    """What abduction says of ``rows`` units, put together from blocks."""

    noise: Gathered
    ess: Gathered
    possible: NDArray[np.bool_]
    drawn: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, rows: int) -> Recovered:
        """Nothing recovered yet, everything possible."""
        return cls(Gathered(rows), Gathered(rows), np.ones(rows, dtype=bool))

    def put(self, answers: Mapping[str, Abduction], place: slice, *, keep_noise: bool = True) -> None:
        """Take the answers for one block."""
        self.drawn |= {name for name, answer in answers.items() if not answer.exact}
        for answer in answers.values():
            if answer.possible is not None:
                self.possible[place] &= answer.possible
        self.ess.put({name: answer.ess for name, answer in answers.items() if answer.ess is not None}, place)
        if keep_noise:
            self.noise.put({name: answer.noise for name, answer in answers.items()}, place)


def _settled(column: NDArray[Any], before: NDArray[Any], fact: NDArray[Any]) -> NDArray[Any]:
    """The fact where the prediction is the factual one, bit for bit: ``f + (x - f)`` may differ from ``x``."""
    real = column.dtype == np.float64  # then compared as whole numbers, so that one nan is like the other
    same = column.view(np.int64) == before.view(np.int64) if real else column == before
    return np.where(same, fact, column) if np.count_nonzero(same) else column


def _is_set(mechanism: Mechanism) -> bool:
    return isinstance(mechanism, Changed) and mechanism.operation == "do"


def _parents(mechanism: Mechanism, values: Columns) -> dict[str, NDArray[Any]]:
    return {name: values[name] for name in mechanism.parents}


def _in_turn(work: Callable[[slice], None], blocks: Iterable[slice]) -> None:
    for place in blocks:
        work(place)
