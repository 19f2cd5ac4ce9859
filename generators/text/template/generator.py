"""The ``template`` generator: slots filled by concepts, of which a pair changes one (CausaLM, CheckList, CounterGen).

Whether the label moves is written into the recipe: it follows from concepts. A treatment among them gives a directional
test (the label must move with it), one that is not among them an invariance test (the label must stay).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.errors import RecipeError
from contrafact.identity import identity_of
from contrafact.record import HIDDEN, PairShape, class_label, pair_schema
from contrafact.stages import Context, Generator, Recomputed, Source
from contrafact.streams import Streams
from generators.scm.units import UnitSource
from generators.text.controls import CONTROL_SCORES, Rewording, Spec, maker_of, read_controls
from generators.text.pieces import Piece
from generators.text.template.bias import Bias, bias_of
from generators.text.template.placebos import CONTROL_PICKS, TEXT, beside
from generators.text.template.spec import Templates, read_templates

__all__ = ["TEXT", "TemplateGenerator"]

_CONTROLLED = ["held_fixed", "reasons", "label_source", "scores", "control_of"]
_CONTROLS = ("wording", "rules", "llm")


class TemplateGenerator(Generator):
    """Sentences from templates; a pair changes one concept and nothing else.

    Parameters
    ----------
    templates : list of str
        With ``{slot}`` in them; ``{Slot}`` is the same with a capital.
    concepts : mapping
        ``{gender: {role: treatment, values: [female, male]}}``. Roles: ``treatment`` (what pairs change), ``control``
        and ``confounder`` (neither ever moves). Values may have weights: ``{rare: 1, common: 9}``.
    slots : mapping
        Words of each slot: a list, or ``{by: gender, words: {female: [...], male: [...]}}``; ``by`` may list several
        concepts. In place of words the name of a lexicon (:mod:`generators.text.template.lexicons`). One draw a slot
        and unit chooses the word, before and after alike.
    label : str or mapping
        The concept that is the label, or ``{by: concept, table: {value: label}}``.
    bias : mapping or list of mappings, optional
        ``{concept, value, label, kind, correlation}``: a concept that goes with a label more often than chance
        (:mod:`generators.text.template.bias`).
    target : {'another', 'each'}
        One other value of the treatment, drawn for the unit, or each of them.
    per_unit : {'one', 'all'}
        One of the treatments that the unit's template tells, drawn, or all of them, one after another.
    control : str or mapping, optional
        Beside each pair its factual text in other words, about as many being changed: by ``wording`` (other words of
        the slots' own lists, for the same concepts), by ``rules`` or by the ``llm``
        (:func:`generators.text.controls.read_controls`).

    Raises
    ------
    RecipeError
        For anything in templates, concepts, slots, label, bias or control that cannot be used.
    """

    name: ClassVar[str] = "template"
    label_source = "construction"
    shard_rows: ClassVar[int] = 5000
    keeps_interpreter: ClassVar[bool] = True

    def __init__(
        self,
        templates: list[str],
        concepts: dict[str, Any],
        slots: dict[str, Any],
        label: str | dict[str, Any],
        bias: dict[str, Any] | list[dict[str, Any]] | None = None,
        target: Literal["another", "each"] = "another",
        per_unit: Literal["one", "all"] = "one",
        control: Spec = None,
    ) -> None:
        self.templates: Templates = read_templates(templates, concepts, slots, label)
        if TEXT in self.templates.concepts:
            raise RecipeError(f"a concept is called {TEXT!r}, as the member that holds the text is")
        self.target, self.per_unit = target, per_unit
        self.control = read_controls(control, _CONTROLS)
        self.maker = None if self.control is None or self.control.is_own else maker_of(self.control)
        chances = {name: concept.values for name, concept in self.templates.concepts.items()}
        labelling = self.templates.labelling
        labels = labelling.chances(self.templates.concepts)
        given = [bias] if isinstance(bias, dict) else bias or []
        found = [bias_of(each, chances, labels, labelling.by) for each in given]
        self.biases: dict[str, Bias] = {each.concept: each for each in found}
        if len(self.biases) < len(found):
            raise RecipeError("generator.bias names one concept twice", allowed="one bias a concept")
        self.spec = [templates, concepts, slots, label, [vars(each) for each in found]]

    def shape(self) -> PairShape:
        concepts = self.templates.concepts
        members = [class_label(name, list(concept.values)) for name, concept in concepts.items()]
        picks = pa.struct([(name, pa.float64()) for name in self.templates.slots])
        return PairShape(
            [*members, pa.field(TEXT, pa.string())],
            class_label("label", self.templates.labelling.names),
            [pa.field("template", pa.int32()), pa.field("picks", picks),
             *([pa.field(CONTROL_PICKS, picks)] if self.rewords else [])],
            () if self.control is None else CONTROL_SCORES,
        )  # fmt: skip

    @property
    def rewords(self) -> bool:
        """Whether controls are other words of the templates' own lists."""
        return self.control is not None and self.control.is_own

    def borrow(self, engines: Engines) -> None:
        if self.maker is not None:
            self.maker.borrow(engines, self.name)

    def source(self, seed: int) -> Source:
        return UnitSource(self.name, [seed, self.identity()], None)

    def identity(self) -> Any:
        return [self.name, identity_of(self.spec)]

    def notes(self) -> Sequence[str]:
        labelling = self.templates.labelling
        moves = [name for name in self.templates.treatments if name in labelling.by]
        stays = [name for name in self.templates.treatments if name not in labelling.by]
        said = [f"The label follows from {' and '.join(labelling.by)} by construction."]
        said += [f"Directional: the label moves as its table says when {' or '.join(moves)} does."] if moves else []
        said += [f"Invariance: the label stays when {' or '.join(stays)} moves."] if stays else []
        for role in ("control", "confounder"):
            named = [name for name, concept in self.templates.concepts.items() if concept.role == role]
            said += [f"Held fixed ({role}): {', '.join(named)}."] if named else []
        if self.control is not None:
            said.append(Rewording.note if self.maker is None else self.maker.note)
        return (*said, *(bias.note() for bias in self.biases.values()))

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        rows = units.num_rows
        values, template, picks = self._drawn(context.streams, context.start, context.start + rows)
        made: list[dict[str, Any]] = []
        for row, unit_id in enumerate(units["unit_id"].to_pylist()):
            of_unit = {name: column[row] for name, column in values.items()}
            chosen = {name: float(column[row]) for name, column in picks.items()}
            draw = context.streams.generator("treatment", unit_id)
            for treatment, value in self._changes(of_unit, int(template[row]), draw):
                made.append(self._pair(unit_id, int(template[row]), of_unit, chosen, treatment, value))
        if self.control is not None:
            made = beside(made, self, context)
        return pa.Table.from_pylist(made, schema=self._schema())

    def recompute(self, pairs: pa.Table) -> Recomputed:
        rows = pairs.to_pylist()
        concepts, labels = self.templates.concepts, self.templates.labelling
        worlds: dict[str, dict[str, list[Any]]] = {}
        told: dict[str, list[int]] = {}
        held, exact = [], []
        for member in ("factual", "counterfactual"):
            worlds[member], told[member] = {name: [] for name in (*concepts, TEXT)}, []
        for row in rows:
            # What a control's edits are about is the text, which is no concept.
            changed = {each["variable"]: each["after"] for each in row["intervention"] if each["variable"] in concepts}
            before = {name: list(concepts[name].values)[row["factual"][name]] for name in concepts}
            for member, values in (("factual", before), ("counterfactual", {**before, **changed})):
                for name in concepts:
                    worlds[member][name].append(list(concepts[name].values).index(values[name]))
                worlds[member][TEXT].append(self._text(row, member, values))
                told[member].append(labels.names.index(labels.of(values)))
            held.append([name for name in concepts if name not in changed])
            exact.append(row.get("control_of") is None or row[HIDDEN].get(CONTROL_PICKS) is not None)
        return Recomputed(
            _columns(worlds["counterfactual"]),
            pa.array(told["factual"], pa.int64()),
            pa.array(told["counterfactual"], pa.int64()),
            _columns(worlds["factual"]),
            np.array(exact, dtype=bool),
            pa.array(held, pa.list_(pa.string())),
        )

    def _text(self, row: Mapping[str, Any], member: str, values: Mapping[str, str]) -> str:
        """The text of stored values; of a control whose words rules or a model chose, the stored one."""
        hidden, picks = row[HIDDEN], row[HIDDEN]["picks"]
        if member == "counterfactual" and row.get("control_of") is not None:
            if hidden.get(CONTROL_PICKS) is None:
                return str(row[member][TEXT])
            picks = hidden[CONTROL_PICKS]
        return "".join(text for text, _ in self.templates.fill(hidden["template"], values, picks))

    def _drawn(
        self, streams: Streams, start: int, stop: int
    ) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64], dict[str, NDArray[np.float64]]]:
        """Concept values, template and picks of units: what the label follows from first, then what is biased by it."""
        concepts, labelling = self.templates.concepts, self.templates.labelling
        values: dict[str, NDArray[Any]] = {}
        order = [*labelling.by, *(name for name in concepts if name not in labelling.by)]
        labels: NDArray[Any] = np.empty(0)
        for name in order:
            uniforms = streams.uniforms(f"concept:{name}", start, stop)
            known = np.array(list(concepts[name].values), dtype=object)
            if name not in self.biases:
                values[name] = known[_places(list(concepts[name].values.values()), uniforms)]
                continue
            if not len(labels):
                columns = zip(*(values[each] for each in labelling.by), strict=True)
                labels = np.array([labelling.table[tuple(key)] for key in columns], dtype=object)
            bias = self.biases[name]
            inside = known[_places(_tilted(concepts[name].values, bias.value, bias.inside), uniforms)]
            outside = known[_places(_tilted(concepts[name].values, bias.value, bias.outside), uniforms)]
            values[name] = np.where(labels == bias.label, inside, outside)
        template = (streams.uniforms("template", start, stop) * len(self.templates.texts)).astype(np.int64)
        picks = {name: streams.uniforms(f"slot:{name}", start, stop) for name in self.templates.slots}
        return {name: values[name] for name in concepts}, template, picks

    def _changes(self, values: Mapping[str, str], template: int, draw: np.random.Generator) -> list[tuple[str, str]]:
        """(treatment, new value) for each pair of a unit."""
        movable = self.templates.movable(template)
        chosen = movable if self.per_unit == "all" else (movable[int(draw.integers(len(movable)))],)
        found = []
        for treatment in chosen:
            others = [value for value in self.templates.concepts[treatment].values if value != values[treatment]]
            wanted = others if self.target == "each" else [others[int(draw.integers(len(others)))]]
            found += [(treatment, value) for value in wanted]
        return found

    def _pair(
        self,
        unit_id: str,
        template: int,
        values: Mapping[str, str],
        picks: Mapping[str, float],
        treatment: str,
        value: str,
    ) -> dict[str, Any]:
        after = {**values, treatment: value}
        one, other = (self.templates.fill(template, each, picks) for each in (values, after))
        members = [self._member(each, pieces) for each, pieces in ((values, one), (after, other))]
        same = members[0][TEXT] == members[1][TEXT]
        names, labels = self.templates.labelling.names, self.templates.labelling
        where = json.dumps({"field": TEXT, "spans": self._spans(one, treatment)})
        change = {
            "variable": treatment,
            "operation": "swap",
            "before": values[treatment],
            "after": value,
            "where": where,
        }
        return {
            "unit_id": unit_id,
            "factual": members[0],
            "counterfactual": members[1],
            "intervention": [change],
            "label": names.index(labels.of(values)),
            "counterfactual_label": names.index(labels.of(after)),
            "exact": True,
            "held_fixed": [name for name in values if name != treatment],
            "reasons": [f"{self.name}: the text did not change"] if same else [],
            HIDDEN: {"template": template, "picks": dict(picks)},
        }

    def _member(self, values: Mapping[str, str], pieces: Sequence[tuple[str, Piece]]) -> dict[str, Any]:
        codes = {name: list(concept.values).index(values[name]) for name, concept in self.templates.concepts.items()}
        return {**codes, TEXT: "".join(text for text, _ in pieces)}

    def _spans(self, pieces: Sequence[tuple[str, Piece]], treatment: str) -> list[list[int]]:
        """Where the factual text has words that follow from the treatment."""
        spans, place = [], 0
        for text, piece in pieces:
            if piece.kind == "slot" and treatment in self.templates.slot(piece.text).by:
                spans.append([place, place + len(text)])
            place += len(text)
        return spans

    def _schema(self) -> pa.Schema:
        shape = self.shape()
        given = ["unit_id", "factual", "counterfactual", "intervention", "label", "counterfactual_label", "exact"]
        own = ["held_fixed", "reasons"] if self.control is None else _CONTROLLED
        whole = pair_schema(shape)
        fields = [whole.field(name) for name in (*given, *own)]
        paid = [pa.field("request_ids", pa.list_(pa.string())), pa.field("cost", pa.float64())]
        return pa.schema([*fields, *(paid if self.control else ()), pa.field(HIDDEN, pa.struct(list(shape.hidden)))])


def _places(chances: Sequence[float], uniforms: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places in a list by their chances, from uniforms."""
    edges = np.cumsum(chances)[:-1]
    return np.searchsorted(edges, uniforms, side="right").astype(np.int64)


def _tilted(values: Mapping[str, float], value: str, chance: float) -> list[float]:
    """Chances with that of one value given, and the others in their old proportion."""
    rest = 1 - values[value]
    return [chance if name == value else (1 - chance) * each / rest for name, each in values.items()]


def _columns(lists: Mapping[str, list[Any]]) -> dict[str, NDArray[Any]]:
    return {name: np.array(column, dtype=object if name == TEXT else np.int64) for name, column in lists.items()}
