"""Phrases filled in by a language model toward a wanted label (after DISCO: Chen et al. 2023, ACL).

A text is parsed into phrases; each of some of them is taken out, and a model is asked what could stand there so that
the text gets the target label. One phrase is replaced at its own offsets; the rest stays as it is, byte for byte. The
model never says what the label is: the target is the recipe's, and only asserted (``llm``) until a teacher filter
confirms it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa

from contrafact.engines import Engines
from contrafact.engines.llm import Reply, Request, Sampling
from contrafact.errors import RecipeError, RowError, did_you_mean
from contrafact.stages import Context
from generators.text.base import TextGenerator, Unit
from generators.text.controls import Spec
from generators.text.demonstrations import Demonstration, open_demonstrations
from generators.text.edits import Edit, Failed, Span
from generators.text.fills import fill_of
from generators.text.parsing import LONGEST, PARSER
from generators.text.prompts import Place, request_for, shown_words
from generators.text.spans import KINDS, spans_of
from generators.text.words import listed, words

__all__ = ["PhrasalGenerator"]

_SAMPLING: dict[str, float | int] = {
    "temperature": 0.8,
    "top_p": 1.0,
    "max_tokens": 24,
    "frequency_penalty": 0.4,
    "presence_penalty": 0.2,
}
_RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "max_tokens": (1, 4096),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
}
_EMPTY_WORDS = listed(
    "i it you me we they he she this that these those what who which when where why how here there my your us them him"
    " her his its our their am is are was were be been do does did have has had will would can could just so also too"
    " and or but if as of to"
)
"""Words that carry no fact and no feeling: a phrase of nothing else is not worth a question."""


@dataclass(frozen=True)
class _Asked:
    """One question and where its answer goes."""

    place: Place
    span: Span
    request: Request
    ours: Sequence[str]


class PhrasalGenerator(TextGenerator):
    """Replaces one phrase by what a language model fills in toward the target label.

    Parameters
    ----------
    mode : str
        ``completion``, ``insertion`` (for endpoints that take a suffix) or ``chat``
        (:mod:`generators.text.prompts`).
    spans : int
        Phrases of a unit that are tried, drawn by unit.
    samples : int
        Fills that are asked for each of them; DISCO asks for one.
    kinds : list of str, optional
        Kinds of phrases (:data:`generators.text.spans.KINDS`); all by default.
    span_words : int
        Words of the longest phrase.
    demonstrations : str, optional
        File of examples (:func:`generators.text.demonstrations.open_demonstrations`); our own by default, which know
        NLI, and the labels negative, neutral and positive.
    shots : int
        Examples in a prompt; DISCO shows four.
    choose : str
        The examples ``nearest`` to the unit in the embedder's space, or drawn at ``random``.
    sampling : mapping, optional
        ``temperature``, ``top_p``, ``max_tokens``, ``frequency_penalty`` and ``presence_penalty`` where they are not to
        be 0.8, 1, 24, 0.4 and 0.2. DISCO has 0.8, 1, 256, 0.8 and 0.5; penalties so high drive a small model out of the
        language.
    stop : list of str, optional
        More sequences at which a fill ends; it always ends with its line.
    task, target, per_unit, corpus, gates, parser, longest, control
        As for every text generator (:class:`~generators.text.base.TextGenerator`).

    Raises
    ------
    RecipeError
        For an unknown kind of phrase or sampling parameter, a number outside its range, or a direction between labels
        that no example shows.
    DataError
        For a file of examples that cannot be used.
    """

    name: ClassVar[str] = "phrasal"
    citations: ClassVar[Sequence[str]] = (
        "Chen et al. (2023), DISCO: distilling counterfactuals with large language models, ACL",
    )
    shard_rows: ClassVar[int] = 100

    def __init__(
        self,
        task: dict[str, Any],
        target: str = "another",
        mode: Literal["completion", "insertion", "chat"] = "completion",
        spans: int = 3,
        samples: int = 1,
        per_unit: int = 3,
        kinds: list[str] | None = None,
        span_words: int = 8,
        demonstrations: str | None = None,
        shots: int = 4,
        choose: Literal["nearest", "random"] = "nearest",
        sampling: dict[str, float] | None = None,
        stop: list[str] | None = None,
        corpus: str | None = None,
        gates: list[str] | None = None,
        parser: str = PARSER,
        longest: int = LONGEST,
        folder: Path = Path(),
        control: Spec = None,
    ) -> None:
        super().__init__(task, target, per_unit, corpus, gates, parser, longest, control)
        counts = {"spans": spans, "samples": samples, "span_words": span_words, "shots": shots}
        for option, value in counts.items():
            if value < 1:
                raise RecipeError(f"generator.{option} is {value}", allowed="1 or more")
        self.mode, self.choose, self.spans, self.samples = mode, choose, spans, samples
        self.span_words, self.shots = span_words, shots
        self.kinds = _kinds(kinds)
        self.stop = _stops(stop)
        self.sampling = _sampling(sampling or {}, self.stop)
        path = None if demonstrations is None else folder / demonstrations
        self.demonstrations = open_demonstrations(self.text_task, path)
        self.demonstrations.need(self._directions(), self.text_task.edited)

    def borrow(self, engines: Engines) -> None:
        super().borrow(engines)
        self._check_mode(engines)
        engines.need("llm", f"the generator {self.name}")
        if self.choose == "nearest":
            engines.need("embedder", f"the generator {self.name}")

    def propose(self, units: list[Unit], context: Context) -> list[list[Edit | Failed]]:
        asked = self._asked(units, context)
        requests = [each.request for of_unit in asked for each in of_unit]
        replies = iter(context.engines.llm.ask(requests) if requests else ())
        return [
            [self._edit(each, next(replies)) for each in of_unit] or [Failed("no span")] for of_unit in asked
        ]  # fmt: skip

    def questions(self, units: pa.Table, context: Context) -> list[Request] | None:
        if self.asks_for_controls:
            return None
        self.text_task.check(units.schema)
        ready: list[Unit] = []
        for place, row in enumerate(units.to_pylist()):
            with suppress(RowError):
                ready.extend(self._units(row, context.start + place, context))
        return [each.request for of_unit in self._asked(ready, context) for each in of_unit]

    def identity(self) -> Any:
        return [super().identity(), self.demonstrations.identity()]

    def notes(self) -> Sequence[str]:
        asserted = (
            "labels of filled-in phrases are only asserted: a language model was asked for them and may have failed"
            " (label source llm) unless a teacher confirms them (teacher)"
        )
        return [*super().notes(), asserted]

    def _asked(self, units: Sequence[Unit], context: Context) -> list[list[_Asked]]:
        """Every question, by unit. All that is drawn is drawn by unit, target and place."""
        self._check_mode(context.engines)
        if not units:
            return []
        found = spans_of([unit.texts[self.text_task.edited] for unit in units], self.parser)
        drawn = [self._drawn(unit, spans, context) for unit, spans in zip(units, found, strict=True)]
        examples = self._examples([unit for unit, spans in zip(units, drawn, strict=True) if spans], context)
        return [
            [each for span in spans for each in self._of_span(unit, span, examples[unit.unit_id, unit.target], context)]
            for unit, spans in zip(units, drawn, strict=True)
        ]

    def _check_mode(self, engines: Engines) -> None:
        if self.mode == "insertion" and (engines.settings.get("llm") or {}).get("backend", "local") == "local":
            raise RecipeError(
                "generator.mode insertion needs an endpoint that takes a suffix, which the local one does not",
                allowed="completion or chat with engines.llm.backend: local",
                fix="set generator.mode: completion",
            )

    def _drawn(self, unit: Unit, spans: Sequence[Span], context: Context) -> list[Span]:
        text = unit.texts[self.text_task.edited]
        fit = [span for span in spans if span.kind in self.kinds and self._worth(text, span)]
        order = context.streams.generator("spans", unit.unit_id, unit.target).permutation(len(fit))
        return [fit[place] for place in order[: self.spans]]

    def _worth(self, text: str, span: Span) -> bool:
        """Whether a phrase of whole words says something, and is short enough."""
        inside = words(text[span.start : span.stop])
        around = (text[: span.start][-1:], text[span.stop :][:1])
        whole = not any(edge.isalnum() or edge in "'’" for edge in around if edge)  # noqa: RUF001
        return whole and 0 < len(inside) <= self.span_words and not _EMPTY_WORDS.issuperset(inside)

    def _examples(self, units: Sequence[Unit], context: Context) -> dict[tuple[str, str], Sequence[Demonstration]]:
        if self.choose == "nearest" and units:
            chosen = self.demonstrations.nearest(units, self.text_task.fields, self.shots, context)
        else:
            chosen = [self.demonstrations.at_random(unit, self.shots, context) for unit in units]
        return {(unit.unit_id, unit.target): each for unit, each in zip(units, chosen, strict=True)}

    def _of_span(self, unit: Unit, span: Span, examples: Sequence[Demonstration], context: Context) -> Iterator[_Asked]:
        task = self.text_task
        field = task.fields.index(task.edited)
        place = Place(
            tuple(unit.texts[name] for name in task.fields), field, span.start, span.stop, unit.label, unit.target
        )  # fmt: skip
        draw = context.streams.generator("fill", unit.unit_id, unit.target, span.start, span.stop)
        sampling = replace(self.sampling, seed=int(draw.integers(2**31)))
        ours = shown_words(task, examples)
        for sample in range(self.samples):
            yield _Asked(place, span, request_for(self.mode, task, place, examples, sampling, sample), ours)

    def _edit(self, asked: _Asked, reply: Reply) -> Edit | Failed:
        ids, cost = (reply.key,), reply.usage.cost or 0.0
        try:
            fill = fill_of(reply, asked.place, self.stop, asked.ours)
        except RowError as error:
            return Failed(str(error), ids, cost)
        place, span, field = asked.place, asked.span, self.text_task.edited
        return Edit(field, span.start, span.stop, place.before, fill, "infill", span.kind, ids, cost)

    def _directions(self) -> list[tuple[str, str]]:
        """Every pair of labels that may be asked for."""
        labels = self.text_task.labels
        if self.target == "keep":
            return [(label, label) for label in labels]
        targets = [self.target] if self.target in labels else labels
        return [(label, target) for label, target in permutations(labels, 2) if target in targets]


def _kinds(given: list[str] | None) -> tuple[str, ...]:
    for kind in given or ():
        if kind not in KINDS:
            raise RecipeError(f"no phrase is of kind {kind!r}{did_you_mean(kind, KINDS)}", allowed=", ".join(KINDS))
    return tuple(given or KINDS)


def _stops(given: list[str] | None) -> tuple[str, ...]:
    stops = tuple(dict.fromkeys(["\n", *(given or ())]))
    if len(stops) > 4 or "" in stops:
        raise RecipeError(
            f"generator.stop is {given}", allowed="up to three sequences, none empty, besides the newline"
        )
    return stops


def _sampling(given: Mapping[str, float], stops: tuple[str, ...]) -> Sampling:
    for name, value in given.items():
        if name not in _RANGES:
            known = ", ".join(_RANGES)
            raise RecipeError(f"generator.sampling has no {name!r}{did_you_mean(name, _RANGES)}", allowed=known)
        low, high = _RANGES[name]
        if not low <= value <= high:
            raise RecipeError(f"generator.sampling.{name} is {value}", allowed=f"{low} to {high}")
    chosen: dict[str, Any] = {**_SAMPLING, **given}
    return Sampling(**{**chosen, "max_tokens": int(chosen["max_tokens"]), "stop": stops})
