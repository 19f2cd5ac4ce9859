"""The ``structural`` generator: a causal model decides what a text says (after LIBERTy, arXiv 2601.10700).

::

    noise ──► concepts ──► label                      do(concept) ──► its descendants
                 │                       same noise,        │
    grounding ───┴──► text               same grounding ────┴──► text

Pearl's three steps happen in the model; the text of either world is a function of its concepts and of the unit's
grounding, so that a counterfactual text differs from the factual one by what follows from the intervention alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.engines.llm.request import Request
from contrafact.errors import RecipeError
from contrafact.record import HIDDEN, PairShape, levels_of
from contrafact.stages import Context, Generator, Recomputed, Source
from contrafact.streams import Streams
from generators.scm.generator import SCMGenerator
from generators.scm.operations import sample
from generators.scm.units import UnitSource
from generators.text.controls import CONTROL_SCORES, AskedControls, Rewording, Spec, maker_of, read_controls
from generators.text.structural.checking import TEXT, checked
from generators.text.structural.grounding import GROUNDING, Grounding, draw, grounding_field, stored
from generators.text.structural.opening import read_setting, written_setting
from generators.text.structural.placebos import CONTROL_WORDING, beside, joined, recompute_controls
from generators.text.structural.writing import By, Example, Mode, Writer, Written

__all__ = ["TEXT", "StructuralGenerator"]

_POOL = 64
_CONTROLS = {"grammar": ("wording", "rules", "llm"), "llm": ("rules", "llm")}
Values = Mapping[str, str]


@dataclass(frozen=True)
class _Sides:
    """Both texts of each candidate, with the values that they tell; None where a world has none."""

    grounding: Sequence[Grounding]
    before: Sequence[Values | None]
    after: Sequence[Values | None]


class StructuralGenerator(Generator):
    """Texts that tell the concepts of a causal model, before and after an intervention on it.

    Parameters
    ----------
    setting : str or mapping
        What the concepts are called in words: ``disease``, ``cv``, ``violence``, a YAML file, or written out
        (:mod:`generators.text.structural.opening`).
    interventions : mapping or list of mappings
        What is changed: see :mod:`generators.scm.interventions`.
    scm : str or mapping, optional
        The model (:func:`generators.scm.loading.load_model`); the setting's own by default.
    label : str or mapping, optional
        As for ``scm``; the setting's own by default.
    realiser : {'grammar', 'llm'}
        Who writes: the setting's templates and wordings, or the language model of ``engines.llm``.
    must_read : {'changed', 'all'}
        Which concepts the reader must find in both texts, as they are in the model, for a pair to pass: those that
        were intervened on or followed from it, or every one. Of a language model's texts those that the label depends
        on are always among them: an oracle's label of a text that says something else would be wrong.
    by : {'text', 'sentence'}
        What the language model is asked for at a time (:mod:`generators.text.structural.writing`).
    mode : {'completion', 'chat'}
        How it is asked.
    shots, max_tokens : int
        Examples in a prompt, and tokens of the longest text.
    per_unit, facts, abduction, domain
        As for the generator ``scm``.
    control : str or mapping, optional
        Beside each pair its factual text said otherwise, about as many words being changed: by ``wording`` (other
        wordings of the same concepts; the grammar's texts only), by ``rules`` or by the ``llm``
        (:func:`generators.text.controls.read_controls`).

    Raises
    ------
    RecipeError
        For a setting that does not fit the model, a member called ``text``, or an unknown kind of control.
    """

    name: ClassVar[str] = "structural"
    citations: ClassVar[Sequence[str]] = (
        "LIBERTy (2026), structural counterfactuals of text from a causal model of its concepts, arXiv:2601.10700",
    )
    label_source = "oracle"
    shard_rows: ClassVar[int] = 2000
    keeps_interpreter: ClassVar[bool] = True

    def __init__(
        self,
        setting: str | dict[str, Any],
        interventions: dict[str, Any] | list[dict[str, Any]],
        scm: str | dict[str, Any] | None = None,
        label: str | dict[str, Any] | None = None,
        realiser: Literal["grammar", "llm"] = "grammar",
        must_read: Literal["changed", "all"] = "changed",
        by: By = "text",
        mode: Mode = "completion",
        shots: int = 2,
        max_tokens: int = 400,
        per_unit: Literal["all", "one"] = "all",
        facts: Literal["sampled", "table"] | None = None,
        abduction: Literal["known", "observed"] = "known",
        domain: str | list[str] | None = None,
        control: Spec = None,
        folder: Path | None = None,
    ) -> None:
        name, spec = written_setting(setting, folder)
        model, labelled = scm or spec.get("scm"), label or spec.get("label")
        for option, value in (("scm", model), ("label", labelled)):
            if value is None:
                raise RecipeError(f"the setting {name!r} has no {option}, and the recipe none", fix=f"name {option}")
        assert model is not None and labelled is not None  # noqa: S101, PT018  # just checked
        self.scm = SCMGenerator(model, interventions, labelled, per_unit, facts, abduction, domain, folder)
        self.setting = read_setting(name, spec, self.scm.model)
        if TEXT in self.scm.model.variables:
            raise RecipeError(f"a variable of the model is called {TEXT!r}, as the member that holds the text is")
        for option, value in (("shots", shots), ("max_tokens", max_tokens)):
            if value < 1:
                raise RecipeError(f"generator.{option} is {value}", allowed="1 or more")
        self.realiser, self.must_read = realiser, must_read
        self.writer, self.shots = Writer(self.setting, by, mode, shots, max_tokens), shots
        self.control = read_controls(control, _CONTROLS[realiser])
        self.maker = None if self.control is None or self.control.is_own else maker_of(self.control)
        self.task = self.scm.task

    @property
    def rewords(self) -> bool:
        """Whether controls are other wordings by the grammar."""
        return self.control is not None and self.control.is_own

    @property
    def grounding(self) -> pa.Field:
        """The field of the hidden truth that holds a unit's grounding."""
        return grounding_field(self.setting.choices)

    @cached_property
    def demanded(self) -> frozenset[str]:
        """Concepts that every text must tell as they are: the label's causes where a language model writes."""
        if self.must_read == "all":
            return frozenset(self.setting.concepts)
        if self.realiser == "grammar":
            return frozenset()  # its texts are functions of the concepts, read or not
        graph, labelled = self.scm.graph(), self.scm.labeller.depends
        return frozenset(self.setting.concepts) & labelled.union(*(nx.ancestors(graph, name) for name in labelled))

    def borrow(self, engines: Engines) -> None:
        if self.maker is not None:
            self.maker.borrow(engines, self.name)

    def shape(self) -> PairShape:
        inner = self.scm.shape()
        recalls = [pa.field(f"recall_{name}", pa.float64()) for name in self.setting.concepts]
        wording = [pa.field(CONTROL_WORDING, self.grounding.type.field("wording").type)] if self.rewords else []
        return PairShape(
            [*inner.members, pa.field(TEXT, pa.string())],
            inner.label,
            [*inner.hidden, self.grounding, *wording],
            [*inner.scores, pa.field("concept_recall", pa.float64()), *recalls,
             *(() if self.control is None else CONTROL_SCORES)],
        )  # fmt: skip

    def source(self, seed: int) -> Source:
        return UnitSource(self.setting.name, [seed, self.identity()], self.scm.units.count)

    def identity(self) -> Any:
        # The wordings too: they are what a stored text is made of again, and a file's name does not tell them.
        return {**self.scm.identity(), "setting": self.setting.digest}

    def graph(self) -> nx.DiGraph:
        graph = self.scm.graph()
        graph.add_edges_from((name, TEXT) for name in self.setting.concepts)
        return graph

    def supports(self) -> Mapping[str, Mapping[str, Any]]:
        return self.scm.supports()

    def model_name(self) -> str:
        return self.scm.model_name()

    def notes(self) -> Sequence[str]:
        told = ", ".join(self.setting.concepts)
        who = "a language model wrote them" if self.realiser == "llm" else "templates and wordings made them"
        recall = (
            "`recall_<concept>` is the share of a pair's two texts out of which the setting's patterns read the value"
            " that the model gives the concept (1, 0.5 or 0); `concept_recall` is their mean."
        )
        label = "The label is computed by the model from its variables, and from nothing that was read in a text."
        controls = () if self.control is None else (Rewording.note if self.maker is None else self.maker.note,)
        return (*self.scm.notes(), f"Texts tell {told}; {who}. {label}", *self._unmade(), recall, *controls)

    def _unmade(self) -> Sequence[str]:
        """What `validate` cannot do, and what holds instead."""
        if self.realiser == "grammar":
            return ()
        read = ", ".join(name for name in self.setting.concepts if name in self.demanded) or "none"
        note = (
            "`contrafact validate` computes every label again and no text: what a language model wrote follows from"
            f" nothing that is stored. Instead the reader must find these in every text that passed: {read}, and what"
            " its intervention changed."
        )
        return (note,)

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        table, owner, sides = self._candidates(units, context)
        before, after = self._texts(sides, owner, context)
        made = checked(table, self, sides, before, after)
        return made if self.control is None else beside(made, self, sides, context)

    def questions(self, units: pa.Table, context: Context) -> Sequence[Request] | None:
        if isinstance(self.maker, AskedControls):
            return None
        if self.realiser == "grammar":
            return []
        _, owner, sides = self._candidates(units, context)
        asked = self._requests(sides, owner, context)
        return list(dict.fromkeys(request for of_text in asked if of_text for request in of_text))

    def recompute(self, pairs: pa.Table) -> Recomputed:
        controls = np.zeros(pairs.num_rows, dtype=bool)
        if self.control is not None and "control_of" in pairs.column_names:
            controls = np.asarray(pairs["control_of"].combine_chunks().is_valid())
        rows = [np.flatnonzero(~controls), np.flatnonzero(controls)]
        if not len(rows[1]):
            return self._recomputed(pairs)
        placebos = recompute_controls(self, pairs.take(rows[1]).combine_chunks())
        if not len(rows[0]):
            return placebos
        order = np.argsort(np.concatenate(rows))
        return joined(self._recomputed(pairs.take(rows[0]).combine_chunks()), placebos, order)

    def _recomputed(self, pairs: pa.Table) -> Recomputed:
        again = self.scm.recompute(pairs)
        if self.realiser == "llm":
            return again  # what a model wrote follows from nothing that is stored
        grounding = stored(pairs[HIDDEN].combine_chunks().field(GROUNDING).to_pylist())
        assert again.factual is not None  # noqa: S101  # the model computes it from the noise
        facts, world = dict(again.factual), dict(again.counterfactual)
        facts[TEXT], world[TEXT] = self.realised(facts, grounding), self.realised(world, grounding)
        return Recomputed(world, again.label, again.counterfactual_label, facts, again.exact, again.held_fixed)

    def _candidates(self, units: pa.Table, context: Context) -> tuple[pa.Table, NDArray[np.int64], _Sides]:
        """The model's candidates, the place of each one's unit among the units, and what its texts tell."""
        table = self.scm.generate(units, context).combine_chunks()
        owner = np.asarray(pc.index_in(table["unit_id"].combine_chunks(), units["unit_id"].combine_chunks()))
        drawn = draw(self.setting.choices, context.streams, context.start, context.start + units.num_rows)
        return table, owner, self._sides(table, [drawn[int(row)] for row in owner])

    def realised(self, columns: Mapping[str, NDArray[Any]], grounding: Sequence[Grounding]) -> NDArray[Any]:
        """The grammar's texts of values, shape (n,), object."""
        names = self._named({name: pa.array(columns[name]) for name in self.setting.concepts}, len(grounding))
        made = [
            None if values is None else self.setting.realise(values, each)
            for values, each in zip(names, grounding, strict=True)
        ]
        return np.array(made, dtype=object)

    def _sides(self, table: pa.Table, grounding: Sequence[Grounding]) -> _Sides:
        worlds = []
        for member in ("factual", "counterfactual"):
            struct = table[member].combine_chunks()
            columns = {name: pc.struct_field(struct, name) for name in self.setting.concepts}
            worlds.append(self._named(columns, table.num_rows))
        return _Sides(grounding, *worlds)

    def _named(self, columns: Mapping[str, pa.Array], rows: int) -> list[Values | None]:
        """The (written) values of every concept, row by row; None for a row that lacks one."""
        written = {}
        for name, column in columns.items():
            levels = levels_of(self.scm.model.variables[name].support.arrow(name))
            values = column.to_pylist() if levels is None else pa.array(levels, pa.string()).take(column).to_pylist()
            concept = self.setting.concepts[name]
            written[name] = [None if value is None else concept.written(value) for value in values]
        rows_of = [{name: column[row] for name, column in written.items()} for row in range(rows)]
        return [None if None in row.values() else row for row in rows_of]  # type: ignore[misc]  # no None is left

    def _texts(
        self, sides: _Sides, owner: NDArray[np.int64], context: Context
    ) -> tuple[list[Written | None], list[Written | None]]:
        if self.realiser == "grammar":
            made = [self._grammar(side, sides.grounding) for side in (sides.before, sides.after)]
            return made[0], made[1]
        questions = self._requests(sides, owner, context)
        worlds = zip((*sides.before, *sides.after), (*sides.grounding, *sides.grounding), strict=True)
        units: list[Example] = [(values, grounding) for values, grounding in worlds if values is not None]
        answers = iter(self.writer.write(context.engines.llm, [each for each in questions if each is not None], units))
        texts = [None if each is None else next(answers) for each in questions]
        return texts[: len(owner)], texts[len(owner) :]

    def _grammar(self, side: Sequence[Values | None], grounding: Sequence[Grounding]) -> list[Written | None]:
        return [
            None if values is None else Written(self.setting.realise(values, each))
            for values, each in zip(side, grounding, strict=True)
        ]

    def _requests(self, sides: _Sides, owner: NDArray[np.int64], context: Context) -> list[tuple[Request, ...] | None]:
        """Questions for the factual texts, and after them for the counterfactual ones."""
        pool, shown = self._pool()
        found: list[tuple[Request, ...] | None] = []
        first, last = context.start, context.start + (int(owner.max()) + 1 if len(owner) else 0)
        seeds = context.streams.uniforms("text-seed", first, last)
        for side in (sides.before, sides.after):
            for values, each, place in zip(side, sides.grounding, owner, strict=True):
                if values is None:
                    found.append(None)
                    continue
                draw_at = int(seeds[place] * 2**31)
                places = [(draw_at + shot) % len(pool) for shot in range(self.shots)]
                examples = self.writer.examples(pool, shown, places, each.style)
                found.append(self.writer.requests(values, each, examples, draw_at))
        return found

    def _pool(self) -> tuple[list[Values], list[Grounding]]:
        """Units of their own, of which the grammar writes the examples."""
        streams = Streams(0, "structural examples")
        values, _ = sample(self.scm.model, streams, 0, _POOL)
        named = self._named({name: pa.array(values[name]) for name in self.setting.concepts}, _POOL)
        drawn = draw(self.setting.choices, streams, 0, _POOL)
        kept = [(each, ground) for each, ground in zip(named, drawn, strict=True) if each is not None]
        return [each for each, _ in kept], [ground for _, ground in kept]
