"""The ``specification`` generator: a program told by examples, and the nearby program that they rule out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import networkx as nx
import numpy as np
import pyarrow as pa

from contrafact.engines import Engines
from contrafact.errors import RecipeError, RowError, did_you_mean
from contrafact.record import PairShape
from contrafact.stages import Context, Generator, Recomputed, Source
from generators.code.specification.asking import TIMEOUT, Answer, Question, ask
from generators.code.specification.drafting import Choice, Draft, Sizes, draft_of
from generators.code.specification.grammar import draw_program
from generators.code.specification.reading import read_pattern
from generators.code.specification.records import SHAPE, Told, again, edit_size, pair_of, schema, told
from generators.code.specification.rewriting import rewriting_of
from generators.code.specification.tree import text_of
from generators.scm.units import UnitSource

__all__ = ["SpecificationGenerator"]

_OTHERS = 4  # programs in a pool that need not be near
_UNTOLD = "the examples leave another program of the pool"


class SpecificationGenerator(Generator):
    """Regular expressions told by examples, each beside one that is a single edit away.

    A pair holds a program (``pattern``), examples that a pragmatic speaker chose for it (``examples`` with their
    ``signs``), and the shortest ``string`` on which program and distractor disagree; its label is the verdict on that
    string. The counterfactual puts the distractor in the program's place: examples and string stay, signs and label
    follow. Every sign and label is ``re.fullmatch``'s, run in the sandbox; that the string is the shortest is proven on
    the automata of both (:mod:`generators.code.specification.automaton`).

    Parameters
    ----------
    column : str, optional
        Column of the recipe's source with patterns in Python's syntax. Without it programs are drawn
        (:mod:`generators.code.specification.grammar`).
    pool : int
        Programs that examples must tell the target from.
    strings : int
        Strings of which examples are chosen.
    examples : int
        Examples at the most.
    per_unit : int
        Distractors, a pair each, by the length of their distinguishing strings.
    distractor : {'drawn', 'shortest'}
        Whether a draw decides which verdict the target shall give and which kind of edit the distractor shall be, and
        the shortest string among those, or the shortest string of all programs one edit away.
    controls : bool
        Beside each pair its program in another spelling that is proven to be the same language, as its control.

    Raises
    ------
    RecipeError
        For a number that is out of range.
    """

    name: ClassVar[str] = "specification"
    citations: ClassVar[Sequence[str]] = (
        "Vaduguru, Fried & Pu (2024), Generating pragmatic examples to train neural program synthesizers, ICLR",
    )
    task = "program_specification"
    label_source = "oracle"
    shard_rows: ClassVar[int] = 500

    def __init__(
        self,
        column: str | None = None,
        pool: int = 24,
        strings: int = 60,
        examples: int = 8,
        per_unit: int = 1,
        distractor: Literal["drawn", "shortest"] = "drawn",
        controls: bool = False,
    ) -> None:
        ranges = {"pool": (pool, 2, 200), "strings": (strings, 8, 500), "examples": (examples, 2, 50)}
        for name, (given, low, high) in {**ranges, "per_unit": (per_unit, 1, 20)}.items():
            if not low <= given <= high:
                raise RecipeError(
                    f"generator.{name}: {given} was given", allowed=f"{low} to {high}", fix=f"write {name}: {low}"
                )
        self.column, self.examples, self.controls = column, examples, controls
        self.sizes = Sizes(pool, strings, per_unit, spread=distractor == "drawn")
        self._engines = Engines()

    def shape(self) -> PairShape:
        return SHAPE

    def source(self, seed: int) -> Source | None:
        return UnitSource(self.name, [seed, self.identity()], None) if self.column is None else None

    def identity(self) -> Any:
        return [self.name, self.column, vars(self.sizes), self.examples]

    def borrow(self, engines: Engines) -> None:
        self._engines = engines
        engines.need("sandbox", f"the generator {self.name}")

    def graph(self) -> nx.DiGraph:
        return nx.DiGraph([("pattern", "signs"), ("examples", "signs")])

    def notes(self) -> Sequence[str]:
        proven = (
            "That a string is the shortest on which two programs differ holds over printable ASCII; that examples tell"
            f" a program, among the pool of {self.sizes.pool} others at the most that was made for it."
        )
        counted = (
            "The scores survivors and random_survivors count the programs of the pool, the target among them, that"
            " agree with the chosen examples, and with as many drawn at random from the same strings."
        )
        return (proven, counted, *self._engines.sandbox.notes())

    def advice(self) -> Mapping[str, str]:
        return {
            f"{self.name}: {_UNTOLD}": "give more strings or examples",
            f"{self.name}: {TIMEOUT}": "rewrite the pattern so that a loop has one way round",
        }

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        rows = units.to_pylist()
        drafts = [self._draft(unit, context) for unit in rows]
        known = [each for _, each in drafts if isinstance(each, Draft)]
        spelled = {id(each): self._spelled(each, unit["unit_id"], context) for unit, (_, each) in
                   zip(rows, drafts, strict=True) if isinstance(each, Draft)}  # fmt: skip
        answers = iter(ask(context.engines.sandbox, [_question(each, spelled[id(each)]) for each in known]))
        made: list[dict[str, Any]] = []
        for unit, (pattern, draft) in zip(rows, drafts, strict=True):
            found: list[dict[str, Any] | str] = []
            if isinstance(draft, str):
                found = [draft]
            else:
                answer = next(answers)
                found = list(self._pairs(draft, answer, unit["unit_id"], context))
                found += self._controls(draft, spelled[id(draft)], answer, found, unit["unit_id"])
            for each in found:
                pair = self._reject(pattern, each) if isinstance(each, str) else each
                made.append({"unit_id": unit["unit_id"], **pair})
        return pa.Table.from_pylist(made, schema=schema())

    def recompute(self, pairs: pa.Table) -> Recomputed:
        return again(pairs, self.examples, self._engines.sandbox)

    def _reject(self, pattern: str | None, reason: str) -> dict[str, Any]:
        """A unit that could not be made, with its program where that is known."""
        factual = {} if pattern is None else {"factual": {"pattern": pattern}}
        return {**factual, "reasons": [f"{self.name}: {reason}"]}

    def _draft(self, unit: Mapping[str, Any], context: Context) -> tuple[str | None, Draft | str]:
        """(pattern of the unit, its draft or why there is none)."""
        draw = context.streams.generator(self.name, unit["unit_id"])
        pattern = None
        try:
            if self.column is None:
                target = draw_program(draw)
                pattern = text_of(target)
                others = [text_of(draw_program(draw)) for _ in range(_OTHERS)]
            else:
                pattern = _given(unit, self.column)
                target = read_pattern(pattern)
                others = _others(context, self.column, draw)
            exchange = self.column is None and self.sizes.pairs == 1
            draft = draft_of(target, others, self.sizes, draw, exchange=exchange)
        except RowError as error:
            return pattern, str(error)
        return draft.pool[0], draft

    def _pairs(self, draft: Draft, answer: Answer, unit_id: str, context: Context) -> Iterator[dict[str, Any] | str]:
        if answer.failures[0] is not None:
            yield answer.failures[0]
            return
        given = told(draft.pool, draft.strings, answer, self.examples)
        draw = context.streams.generator(self.name, "random", unit_id)
        drawn = draw.permutation(len(given.strings))[: len(given.chosen)].tolist()
        if given.left(given.chosen) > 1:
            yield _UNTOLD
            return
        for number, choice in enumerate(draft.choices):
            yield self._pair(draft, given, answer, (number, choice), given.left(drawn))

    def _spelled(self, draft: Draft, unit_id: str, context: Context) -> list[str | None]:
        """For each distractor the target in another spelling, by an edit about as long; None where there is none."""
        if not self.controls:
            return []
        draw = context.streams.generator(self.name, "control", unit_id)
        target = draft.pool[0]
        sizes = [edit_size(target, draft.pool[each.place]) for each in draft.choices]
        return [rewriting_of(target, size, draft.pool, draw) for size in sizes]

    def _controls(
        self,
        draft: Draft,
        spelled: Sequence[str | None],
        answer: Answer,
        pairs: Sequence[dict[str, Any] | str],
        unit_id: str,
    ) -> Iterator[dict[str, Any] | str]:
        """A control for each pair that stands, or why there is none."""
        if answer.failures[0] is not None or not spelled:
            return
        given = told(draft.pool, draft.strings, answer, self.examples)
        place = len(draft.pool) - 1
        for number, (rewriting, pair) in enumerate(zip(spelled, pairs, strict=False)):
            place += rewriting is not None
            if isinstance(pair, str):
                continue
            if rewriting is None:
                yield "no other spelling was found for a control"
                continue
            rows, column = (0, place), len(draft.strings) + number
            signs = [answer.verdicts[row, given.chosen].tolist() for row in rows]
            verdicts = [bool(answer.verdicts[row, column]) for row in rows]
            if signs[0] != signs[1] or verdicts[0] != verdicts[1] or answer.failures[place] is not None:
                yield "the engine tells two spellings apart whose automata are the same"
                continue
            both = dict(zip((draft.pool[0], rewriting), zip(signs, verdicts, strict=True), strict=True))
            choice = replace(draft.choices[number], kind="spelling")
            left = pair["scores"]["random_survivors"]
            yield {**pair_of(given, choice, rewriting, both, left), "control_of": f"{unit_id}/{number}"}

    def _pair(
        self, draft: Draft, given: Told, answer: Answer, chosen: tuple[int, Choice], random_left: int
    ) -> dict[str, Any] | str:
        number, choice = chosen
        failure = answer.failures[choice.place]
        if failure is not None:
            return f"the distractor: {failure}"
        column = len(draft.strings) + number
        verdicts = {
            draft.pool[place]: (answer.verdicts[place, given.chosen].tolist(), bool(answer.verdicts[place, column]))
            for place in (0, choice.place)
        }
        one, other = (each[1] for each in verdicts.values())
        if one == other:
            return "the engine does not tell the programs apart where their automata do"
        return pair_of(given, choice, draft.pool[choice.place], verdicts, random_left)


def _question(draft: Draft, spelled: Sequence[str | None]) -> Question:
    strings = [*draft.strings, *(each.string for each in draft.choices)]
    patterns = [*draft.pool, *(each for each in spelled if each is not None)]
    return Question(patterns, strings, (0, *(each.place for each in draft.choices)), draft.stress)


def _given(unit: Mapping[str, Any], column: str) -> str:
    if column not in unit:
        raise RecipeError(f"the source has no column {column!r}{did_you_mean(column, unit)}", allowed=", ".join(unit))
    given = unit[column]
    if not isinstance(given, str) or not given:
        raise RowError("there is no pattern")
    return given


def _others(context: Context, column: str, draw: np.random.Generator) -> list[str]:
    """Patterns from all over the source, as far as they can be read."""
    rows = None if context.source is None else context.source.rows()
    if context.source is None or not rows:
        return []
    found = []
    for place in draw.integers(rows, size=_OTHERS).tolist():
        (unit,) = context.source.read(place, place + 1).to_pylist()
        try:
            found.append(text_of(read_pattern(_given(unit, column))))
        except RowError:
            continue
    return found
