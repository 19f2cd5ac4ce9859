"""What a stage is: a function from an Arrow table to an Arrow table, and the one method that a plug-in writes.

::

    Source.read ─► units ─► Generator.generate ─► candidates ─► PairFilter.judge ─► SetFilter.decide ─► pairs

Columnar stages (:class:`Generator`, :class:`PairFilter`) see whole tables. Authors who think in rows subclass
:class:`RowGenerator` or :class:`RowFilter` and write ``make`` or ``judge_row``. Options are the keyword arguments of
``__init__``; their type hints are checked before any work starts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.generating import Context, Generator, Recomputed, RowGenerator, Source
from contrafact.inputs import Input
from contrafact.isolation import one_by_one

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

    ``citations`` name the publications of its method, for the card.
    ``proof`` is set by the core: pairs from which on a filter that fails on all of them is taken to fail always.
    """

    name: ClassVar[str]
    citations: ClassVar[Sequence[str]] = ()
    alias: str = ""
    generator: Generator | None = None
    engines: Engines = Engines()
    proof: int = 1
    keeps_interpreter: ClassVar[bool] = False
    """Whether it judges row by row in Python: see :class:`Generator`."""

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

    def inputs(self) -> Sequence[Input]:
        """What it judges with and others made: models, word lists, with their licences; for the card."""
        return ()

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

    keeps_interpreter: ClassVar[bool] = True

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
