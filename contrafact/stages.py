"""What a stage is: a function from an Arrow table to an Arrow table, and the one method that a plug-in writes.

::

    Source.read ─► units ─► Generator.generate ─► candidates ─► PairFilter.judge ─► SetFilter.decide ─► pairs

Columnar stages (:class:`Generator`, :class:`PairFilter`) see whole tables. Authors who think in rows subclass
:class:`RowGenerator` or :class:`RowFilter` and write ``make`` or ``judge_row``. Options are the keyword arguments of
``__init__``; their type hints are checked before any work starts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.errors import RowError
from contrafact.isolation import one_by_one
from contrafact.record import PairShape
from contrafact.streams import Streams

if TYPE_CHECKING:
    from contrafact.engines.llm.request import Request

__all__ = [
    "Context",
    "Generator",
    "Judgement",
    "PairFilter",
    "Recomputed",
    "RowFilter",
    "RowGenerator",
    "SetFilter",
    "Sketches",
    "Source",
]


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
    """

    streams: Streams
    recipe: str
    seed: int
    start: int = 0
    engines: Engines = field(default_factory=Engines)
    proof: int = 1


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
    """

    counterfactual: Mapping[str, NDArray[Any]]
    label: pa.Array
    counterfactual_label: pa.Array
    factual: Mapping[str, NDArray[Any]] | None = None
    exact: NDArray[np.bool_] | None = None
    held_fixed: pa.Array | None = None


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
    """

    name: ClassVar[str]
    task: str = "counterfactual"
    label_source: str = "llm"
    shard_rows: ClassVar[int] = 1000

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

        For estimates: it asks nothing itself. None where the generator does not say.
        """
        return None

    def source(self, seed: int) -> Source | None:
        """The generator's own units, where it has them (a causal model is its own source)."""
        return None

    def identity(self) -> Any:
        """JSON-like value that decides which noise a unit gets: the model, not what is done to it."""
        return self.name

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

    def notes(self) -> Sequence[str]:
        """What a reader of the dataset must know: limits, assumptions, what was measured on the way."""
        return ()


class RowGenerator(Generator):
    """A generator for authors who think in rows: write :meth:`make`."""

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


@dataclass(frozen=True)
class Judgement:
    """A filter's answer on n pairs: it deletes nothing.

    Attributes
    ----------
    passed : ndarray of bool, shape (n,)
    reason : str or ndarray of object, shape (n,)
        Why a pair failed: one text for all that fail, or one each. A category, without the pair's own values, so that
        reasons can be counted. The core puts the filter's alias before it where it is not there.
    scores : mapping of name to array of shape (n,)
    groups : pyarrow.Array of string, optional
        New ``group_id`` of each pair (set filters only): what must stay in one split.
    label_source : str, optional
        Who vouches for the labels of the pairs that passed, where this filter is a witness: it replaces a weaker one.
    """

    passed: NDArray[np.bool_]
    reason: str | NDArray[Any] = ""
    scores: Mapping[str, NDArray[Any] | pa.Array] = field(default_factory=dict)
    groups: pa.Array | None = None
    label_source: str | None = None


class _Filter(ABC):
    """What both kinds of filter share. ``alias`` is the name the recipe gives it; scores and reasons begin with it.

    ``proof`` is set by the core: pairs from which on a filter that fails on all of them is taken to fail always.
    """

    name: ClassVar[str]
    alias: str = ""
    generator: Generator | None = None
    engines: Engines = Engines()
    proof: int = 1

    def bind(self, alias: str, generator: Generator) -> None:
        """Called once by the core: the recipe's name for this filter, and the generator whose pairs it will see.

        Raise ``RecipeError`` here when the filter cannot work on such pairs.
        """
        self.alias, self.generator = alias, generator

    def borrow(self, engines: Engines) -> None:
        """Called once by the core, after :meth:`bind`: the machines that judging may use, still unstarted."""
        self.engines = engines

    def identity(self) -> Any:
        """JSON-like value that changes with what this filter reads besides its options, such as a model's weights.

        Part of the recipe's identity; None where there is nothing of the kind.
        """
        return None

    def score_fields(self) -> Sequence[pa.Field]:
        """Fields this filter adds to ``scores``; one float named after its alias unless overridden."""
        return [pa.field(self.alias, pa.float64())]


class PairFilter(_Filter):
    """Judges pairs by themselves, shard by shard.

    Attributes
    ----------
    thresholds : frozenset of str
        Options that only draw the line between scores. Where no other option changed, ``refilter`` asks
        :meth:`redecide` instead of judging again.
    witness : str or None
        The ``label_source`` of its judgements, where they have one.
    """

    thresholds: ClassVar[frozenset[str]] = frozenset()
    witness: ClassVar[str | None] = None

    def redecide(self, pairs: pa.Table) -> Judgement | None:
        """The verdicts of :meth:`judge` from the scores that are stored in ``pairs``; None where they do not suffice.

        Where it is None the pairs are judged again, which is refused as soon as that asks a model.
        """
        return None

    @abstractmethod
    def judge(self, pairs: pa.Table) -> Judgement:
        """Verdicts on candidates in record form, with the ``hidden`` column where the generator gives one.

        Only pairs that could be made come here: every one has a counterfactual.
        """


class RowFilter(PairFilter):
    """A pair filter for authors who think in rows: write :meth:`judge_row`."""

    @abstractmethod
    def judge_row(self, pair: Mapping[str, Any]) -> bool | tuple[bool, str] | tuple[bool, str, float]:
        """``True``, or ``(False, reason)``, or ``(verdict, reason, score)``."""

    def judge(self, pairs: pa.Table) -> Judgement:
        given = pairs.to_pylist()
        tried = one_by_one(
            f"filter {self.alias!r}", lambda row: _whole_answer(self.judge_row(given[row])), len(given), self.proof
        )
        answers = [each.result or (False, f"{self.alias}: failed: {each.reason}", np.nan) for each in tried]
        passed, reasons, scores = zip(*answers, strict=True) if answers else ((), (), ())
        values = np.array(scores, dtype=np.float64)
        return Judgement(np.array(passed, dtype=bool), np.array(reasons, dtype=object), {self.alias: values})


def _whole_answer(answer: bool | tuple[Any, ...]) -> tuple[bool, str, float]:
    if isinstance(answer, tuple):
        verdict, reason, *score = answer
        return bool(verdict), reason, float(score[0]) if score else float(verdict)
    return bool(answer), "failed", float(answer)


class Sketches(ABC):
    """The sketches of all shards, in the order of units, read from disk one at a time and as often as wanted."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __iter__(self) -> Iterator[pa.Table]: ...

    @property
    @abstractmethod
    def rows(self) -> int:
        """Pairs in all shards."""


class SetFilter(_Filter):
    """Judges a pair against the whole set: each shard gives a small sketch, one place decides, the shards apply."""

    def regroups(self) -> bool:
        """Whether its judgements carry ``groups``. One filter of a recipe may: groups of two could cut each other."""
        return False

    def quota(self, pairs: int | None) -> None:
        """Told by the core before :meth:`decide`: how many accepted pairs are wanted at the most; None for any number.

        The core cuts what is too much in the order of units, which keeps no proportion. A filter whose answer is one
        (a balance) overrides this and lets no more than so many pass by itself. Only the last of a recipe's filters
        that drops pairs is told.
        """

    @abstractmethod
    def sketch(self, pairs: pa.Table) -> pa.Table:
        """One small row a pair (hashes, codes), in the pairs' order. No row for a pair is not allowed."""

    @abstractmethod
    def decide(self, sketches: Sketches) -> Iterator[Judgement]:
        """One judgement a shard, in order, from the sketches alone.

        The core adds to each sketch a boolean column ``alive``: False where a pair is already rejected. Must depend
        on the order of units, never of arrival. Memory must stay flat as shards grow.
        """
