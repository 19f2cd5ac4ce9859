"""What makes candidates: units from a source, and the generators that change them. See :mod:`contrafact.stages`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.errors import RowError
from contrafact.inputs import Input
from contrafact.isolation import one_by_one
from contrafact.record import PairShape
from contrafact.streams import Streams

if TYPE_CHECKING:
    from contrafact.engines.llm.request import Request

__all__ = ["Context", "Generator", "Recomputed", "RowGenerator", "Source"]


@dataclass(frozen=True)
class Context:
    """What a generator may know of the build besides its units.

    Attributes
    ----------
    streams : Streams
        Random numbers by (seed, what is being built, unit).
    recipe : str
        Identity of the recipe.
    seed : int
        The recipe's seed.
    start : int
        Position of the table's first unit in the whole source; the table's units follow one another from there.
    engines : Engines
        The machines that stages borrow (a language model, an embedder), shared by all shards.
    proof : int
        Rows from which on a stage that fails on all of them is taken to fail always.
    source : Source, optional
        All units: for a generator that looks for a unit's like among the others, whatever the shard.
    """

    streams: Streams
    recipe: str
    seed: int
    start: int = 0
    engines: Engines = field(default_factory=Engines)
    proof: int = 1
    source: Source | None = None


class Source(ABC):
    """Units, in an order that never changes, read by position."""

    @abstractmethod
    def rows(self) -> int | None:
        """How many units there are; None where they never end."""

    @abstractmethod
    def read(self, start: int, stop: int) -> pa.Table:
        """Units ``start`` to ``stop`` with a ``unit_id`` column (string, unique, the same in every run)."""

    def identity(self) -> Any:
        """JSON-like value that changes when the units do; part of the recipe's identity."""
        return None

    def inputs(self) -> Sequence[Input]:
        """Where the units are from and on what terms, as far as the source itself knows; for the card."""
        return ()


@dataclass(frozen=True)
class Recomputed:
    """What an oracle says again, from the stored record alone.

    Attributes
    ----------
    counterfactual : mapping of name to ndarray
        Members of the counterfactual struct that could be recomputed.
    label, counterfactual_label : pyarrow.Array
    factual : mapping of name to ndarray, optional
        Members of the factual struct that follow from the hidden truth.
    exact : ndarray of bool, shape (n,), optional
        Whether each pair's abduction was exact.
    held_fixed : pyarrow.Array of list of string, optional
        Members that each intervention could not move.
    computed : ndarray of bool, shape (n,), optional
        Whether each pair's labels were computed; all by default. Where they are the record's own, such as those that
        somebody asserted, they are compared and not counted as computed.
    """

    counterfactual: Mapping[str, NDArray[Any]]
    label: pa.Array
    counterfactual_label: pa.Array
    factual: Mapping[str, NDArray[Any]] | None = None
    exact: NDArray[np.bool_] | None = None
    held_fixed: pa.Array | None = None
    computed: NDArray[np.bool_] | None = None


class Generator(ABC):
    """Turns units into candidates.

    Attributes
    ----------
    name : str
        How recipes call it.
    task : str
        What a pair is for.
    label_source : str
        Who vouches for the labels, where :meth:`generate` does not say so for each pair.
    shard_rows : int
        Units in a shard where the recipe does not say.
    keeps_interpreter : bool
        Whether its work is done by Python itself, row by row, so that threads would wait for one another. Shards are
        then worked on by processes, where there are enough of them.
    citations : sequence of str
        Publications of the methods that it uses, for the card.
    """

    name: ClassVar[str]
    citations: ClassVar[Sequence[str]] = ()
    task: str = "counterfactual"
    label_source: str = "llm"
    shard_rows: ClassVar[int] = 1000
    keeps_interpreter: ClassVar[bool] = False

    @abstractmethod
    def shape(self) -> PairShape:
        """Fields of the pairs this generator makes. Asked once, before any work."""

    @abstractmethod
    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        """Candidates for these units, in the units' order; several a unit where that is asked for.

        Must have ``unit_id``, ``factual``, ``counterfactual``, ``intervention``, ``label`` and
        ``counterfactual_label``. May have ``exact``, ``label_source``, ``held_fixed``, ``group_id``, ``control_of``,
        ``scores``, ``hidden``, ``request_ids`` and ``cost`` (of the model's replies that a pair stands on), and
        ``reasons`` (non-empty where the unit could not be made). The core adds the rest.
        """

    def questions(self, units: pa.Table, context: Context) -> Sequence[Request] | None:
        """What :meth:`generate` would ask a language model about these units, as far as can be told before any answer.

        For estimates: it asks nothing itself. Empty where it never asks; None where the generator does not say.
        """
        return None

    def borrow(self, engines: Engines) -> None:  # noqa: B027  # a hook, no duty
        """Called once by the core, before any work: say with ``engines.need`` which machines :meth:`generate` will use.

        Their identities become part of the recipe's, and a language model is made sure of before the first shard. Raise
        ``RecipeError`` where the recipe's cannot serve.
        """

    def check_units(self, units: pa.Table) -> None:  # noqa: B027  # a hook, no duty
        """Called with the first unit of a named source, before any work and before anything is written.

        Raise ``DataError`` where the source lacks a column that :meth:`generate` reads, or has one of another type.
        """

    def source(self, seed: int) -> Source | None:
        """The generator's own units, where it has them (a causal model is its own source)."""
        return None

    def identity(self) -> Any:
        """JSON-like value that decides which noise a unit gets: the model, not what is done to it."""
        return self.name

    def borrowed(self) -> Any:
        """JSON-like value that tells which models of its own it opened in :meth:`borrow`; None where there are none.

        Part of the dataset's identity, and of no unit's noise. The recipe's own engines are in it already.
        """
        return None

    def recompute(self, pairs: pa.Table) -> Recomputed | None:
        """Every oracle value again from stored pairs (with their ``hidden`` column); None where there is no oracle."""
        return None

    def graph(self) -> Any:
        """The causal graph as a ``networkx.DiGraph`` over member fields, or None."""
        return None

    def supports(self) -> Mapping[str, Mapping[str, Any]]:
        """What values each member field may take: ``lower``, ``upper``, ``seen`` = [low, high] of the training data."""
        return {}

    def model_name(self) -> str | None:
        """What made the counterfactual, for ``provenance.model``."""
        return None

    def model_origin(self) -> str | None:
        """Where that model came from, one of :data:`contrafact.record.MODEL_ORIGINS`; None for no causal model.

        What holds in a fitted model is as true as the fit: ``exact`` then speaks of the model and not of the world.
        """
        return None

    def advice(self) -> Mapping[str, str]:
        """What a recipe's author can do about a reason that this generator gives, by the reason's whole text."""
        return {}

    def inputs(self) -> Sequence[Input]:
        """What the pairs are made from besides the recipe's source: tables, corpora, models, with their licences."""
        return ()

    def notes(self) -> Sequence[str]:
        """What a reader of the dataset must know: limits, assumptions, what was measured on the way."""
        return ()


class RowGenerator(Generator):
    """A generator for authors who think in rows: write :meth:`make`."""

    keeps_interpreter: ClassVar[bool] = True

    @abstractmethod
    def make(
        self, unit: Mapping[str, Any], rng: np.random.Generator
    ) -> Mapping[str, Any] | Iterable[Mapping[str, Any]]:
        """One candidate or several for one unit, as plain dictionaries. Raise ``RowError`` to reject with a reason.

        Called once for each unit: another exception rejects the unit too, and one on every unit stops the build.
        """

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        given = units.to_pylist()

        def made(position: int) -> list[dict[str, Any]]:
            unit = given[position]
            name = unit["unit_id"]
            try:
                found = self.make(unit, context.streams.generator(self.name, name))
                pairs = [found] if isinstance(found, Mapping) else found
                return [{"unit_id": name, "reasons": [], **pair} for pair in pairs]
            except RowError as error:
                return [{"unit_id": units["unit_id"][position].as_py(), "reasons": [f"{self.name}: {error}"]}]

        tried = self._each(made, units, context)
        schema = self._row_schema([row for rows in tried for row in rows])
        try:
            return pa.Table.from_pylist([row for rows in tried for row in rows], schema=schema)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            # Some pair holds what its field cannot: find whose, rather than make any unit again.
            tables = self._each(lambda row: pa.Table.from_pylist(tried[row], schema=schema).to_pylist(), units, context)
            return pa.Table.from_pylist([row for rows in tables for row in rows], schema=schema)

    def _each(
        self, made: Callable[[int], list[dict[str, Any]]], units: pa.Table, context: Context
    ) -> list[list[dict[str, Any]]]:
        """``made`` for each unit; a reject with the reason for one on which it fails."""
        tried = one_by_one(f"generator {self.name!r}", made, units.num_rows, context.proof)
        return [
            [{"unit_id": units["unit_id"][row].as_py(), "reasons": [f"{self.name}: {attempt.reason}"]}]
            if attempt.result is None
            else attempt.result
            for row, attempt in enumerate(tried)
        ]

    def _row_schema(self, rows: Sequence[Mapping[str, Any]]) -> pa.Schema:
        from contrafact.record import HIDDEN, pair_schema

        shape = self.shape()
        whole = pair_schema(shape)
        if shape.hidden:
            whole = whole.append(pa.field(HIDDEN, pa.struct(list(shape.hidden))))
        whole = whole.append(pa.field("request_ids", pa.list_(pa.string()))).append(pa.field("cost", pa.float64()))
        always = {"unit_id", "factual", "counterfactual", "intervention", "label", "counterfactual_label", "reasons"}
        present = always.union(*(row.keys() for row in rows))
        return pa.schema([column for column in whole if column.name in present])
