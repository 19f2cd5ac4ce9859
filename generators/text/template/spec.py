"""What a recipe says of templates, read whole and checked: concepts with roles, slots with words, and the label."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from contrafact.errors import RecipeError, did_you_mean
from generators.scm.readers.levels import level_name
from generators.text.pieces import Piece, parse
from generators.text.template.lexicons import Words, words_of

__all__ = ["ROLES", "Concept", "Labelling", "Slot", "Templates", "read_templates"]

ROLES = ("treatment", "control", "confounder")
_CONCEPT_KEYS = ("role", "values")
_SLOT_KEYS = ("by", "words")


@dataclass(frozen=True)
class Concept:
    """Something that a text tells by the words of some slots.

    Attributes
    ----------
    role : {'treatment', 'control', 'confounder'}
        A treatment is what pairs change. Neither of the others ever moves; a confounder is one that is known to go with
        treatment and label.
    values : mapping of value to float
        Chances, which sum to 1.
    """

    name: str
    role: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Slot:
    """A place in a template: which concepts decide its words (none for words that nothing moves), and the words."""

    name: str
    by: tuple[str, ...]
    words: Words

    def word(self, values: Mapping[str, str], pick: float) -> str:
        """The word for the concepts' values; ``pick`` from 0 to 1 chooses among those of the list."""
        words = self.words[tuple(values[name] for name in self.by)]
        return words[min(int(pick * len(words)), len(words) - 1)]


@dataclass(frozen=True)
class Labelling:
    """The label as it follows from concepts."""

    by: tuple[str, ...]
    table: Mapping[tuple[str, ...], str]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The label set, in the order in which it was written."""
        return tuple(dict.fromkeys(self.table.values()))

    def of(self, values: Mapping[str, str]) -> str:
        """The label of a text with these values."""
        return self.table[tuple(values[name] for name in self.by)]

    def chances(self, concepts: Mapping[str, Concept]) -> dict[str, float]:
        """How often each label comes up."""
        found = dict.fromkeys(self.names, 0.0)
        for key, label in self.table.items():
            chance = 1.0
            for name, value in zip(self.by, key, strict=True):
                chance *= concepts[name].values[value]
            found[label] += chance
        return found


@dataclass(frozen=True)
class Templates:
    """Everything that texts are made of."""

    concepts: Mapping[str, Concept]
    slots: Mapping[str, Slot]
    texts: tuple[tuple[Piece, ...], ...]
    labelling: Labelling

    @cached_property
    def treatments(self) -> tuple[str, ...]:
        """Names of the treatments."""
        return tuple(name for name, concept in self.concepts.items() if concept.role == "treatment")

    def slot(self, name: str) -> Slot:
        """The slot of a place; ``{She}`` is ``{she}`` with a capital."""
        return self.slots[name if name in self.slots else name[:1].lower() + name[1:]]

    def movable(self, template: int) -> tuple[str, ...]:
        """Treatments that a template tells."""
        told = {by for piece in self.texts[template] if piece.kind == "slot" for by in self.slot(piece.text).by}
        return tuple(name for name in self.treatments if name in told)

    def fill(self, template: int, values: Mapping[str, str], picks: Mapping[str, float]) -> list[tuple[str, Piece]]:
        """The text as a list of (what stands there, the piece of the template that it stands for)."""
        return [
            (self.said(piece, values, picks[self.slot(piece.text).name] if piece.kind == "slot" else 0.0), piece)
            for piece in self.texts[template]
        ]

    def said(self, piece: Piece, values: Mapping[str, str], pick: float) -> str:
        """What stands in the place of a piece; ``pick`` chooses the word of a slot."""
        if piece.kind == "literal":
            return piece.text
        word = self.slot(piece.text).word(values, pick)
        return word if piece.text in self.slots else word[:1].upper() + word[1:]


def read_templates(
    templates: Sequence[Any], concepts: Mapping[str, Any], slots: Mapping[str, Any], label: Any
) -> Templates:
    """Templates as a recipe writes them.

    Raises
    ------
    RecipeError
        For unbalanced braces, an unknown slot, concept or role, an empty lexicon, a template that tells no treatment,
        words that no template uses, or a label that does not follow from the concepts.
    """
    named = {str(name): _concept(str(name), spec) for name, spec in concepts.items()}
    if not any(concept.role == "treatment" for concept in named.values()):
        raise RecipeError("generator.concepts has no treatment, and nothing to change", fix="role: treatment")
    filled = {str(name): _slot(str(name), spec, named) for name, spec in slots.items()}
    if not templates or not all(isinstance(text, str) and text for text in templates):
        raise RecipeError(f"generator.templates is {templates!r}", allowed="a list of texts, at least one")
    parsed = tuple(parse(text.strip(), "generator.templates", concepts=False) for text in templates)
    found = Templates(named, filled, parsed, _labelling(label, named))
    for place, text in enumerate(templates):
        _check_template(found, place, text)
    return found


def _concept(name: str, spec: Any) -> Concept:
    where = f"generator.concepts.{name}"
    if not isinstance(spec, Mapping) or not set(spec) <= set(_CONCEPT_KEYS) or "values" not in spec:
        raise RecipeError(f"{where} is {spec!r}", allowed="values and role", fix="{role: treatment, values: [a, b]}")
    role, given = str(spec.get("role", "control")), spec["values"]
    if role not in ROLES:
        raise RecipeError(f"{where}.role is {role!r}{did_you_mean(role, ROLES)}", allowed=", ".join(ROLES))
    if isinstance(given, list):
        given = {level_name(value): 1 for value in given} if len({*map(str, given)}) == len(given) else None
    weights = {level_name(value): weight for value, weight in given.items()} if isinstance(given, Mapping) else {}
    if len(weights) < 2 or not all(_is_weight(weight) for weight in weights.values()):
        raise RecipeError(
            f"{where}.values is {spec['values']!r}",
            allowed="two or more different values, or {value: weight} with weights above 0",
        )
    whole = sum(weights.values())
    return Concept(name, role, {value: weight / whole for value, weight in weights.items()})


def _is_weight(given: Any) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool) and 0 < given < float("inf")


def _slot(name: str, spec: Any, concepts: Mapping[str, Concept]) -> Slot:
    where = f"generator.slots.{name}"
    if isinstance(spec, list | str):
        spec = {"words": spec}
    if not isinstance(spec, Mapping) or not set(spec) <= set(_SLOT_KEYS) or "words" not in spec:
        raise RecipeError(f"{where} is {spec!r}", allowed="words, and by: the concept that decides among them")
    by = _names(spec.get("by", []), concepts, f"{where}.by")
    axes = [(concept, tuple(concepts[concept].values)) for concept in by]
    return Slot(name, by, words_of(spec["words"], axes, f"{where}.words"))


def _names(given: Any, concepts: Mapping[str, Concept], where: str) -> tuple[str, ...]:
    names = tuple(str(each) for each in ([given] if isinstance(given, str) else given))
    for name in names:
        if name not in concepts:
            raise RecipeError(
                f"{where} names {name!r}, which is no concept{did_you_mean(name, concepts)}",
                allowed=", ".join(concepts),
            )
    return names


def _labelling(given: Any, concepts: Mapping[str, Concept]) -> Labelling:
    if isinstance(given, str):
        (name,) = _names(given, concepts, "generator.label")
        return Labelling((name,), {(value,): value for value in concepts[name].values})
    if not isinstance(given, Mapping) or set(given) != {"by", "table"}:
        raise RecipeError(
            f"generator.label is {given!r}", allowed="a concept, or by (concepts) and table (a label for their values)"
        )
    by = _names(given["by"], concepts, "generator.label.by")
    keys = list(itertools.product(*(concepts[name].values for name in by)))
    table = {key: _entry(given["table"], key, concepts, by) for key in keys}
    if len(set(table.values())) < 2:
        raise RecipeError("generator.label.table gives every text one label", fix="name two labels or more")
    return Labelling(by, table)


def _entry(table: Any, key: tuple[str, ...], concepts: Mapping[str, Concept], by: Sequence[str]) -> str:
    for name, value in zip(by, key, strict=True):
        known = {level_name(each, tuple(concepts[name].values)): row for each, row in _rows(table, key).items()}
        if value not in known:
            raise RecipeError(
                f"generator.label.table has no row for {name} = {value}", allowed=", ".join(concepts[name].values)
            )
        table = known[value]
    if isinstance(table, Mapping | list):
        raise RecipeError("generator.label.table is nested too deep", allowed="one level a concept of by")
    return level_name(table)


def _rows(table: Any, key: tuple[str, ...]) -> Mapping[Any, Any]:
    if not isinstance(table, Mapping):
        raise RecipeError(
            f"generator.label.table has {table!r} for {', '.join(key)}", allowed="one level a concept of by"
        )
    return table


def _check_template(templates: Templates, place: int, text: str) -> None:
    for piece in templates.texts[place]:
        if piece.kind == "slot":
            try:
                templates.slot(piece.text)
            except KeyError:
                raise RecipeError(
                    f"generator.templates: {text!r} has an unknown slot {{{piece.text}}}"
                    f"{did_you_mean(piece.text, templates.slots)}",
                    allowed=", ".join(templates.slots),
                    fix=f"describe {piece.text} under generator.slots",
                ) from None
    if not templates.movable(place):
        raise RecipeError(
            f"generator.templates: {text!r} tells no treatment: both texts of a pair would be the same",
            allowed=f"a slot whose words follow from {' or '.join(templates.treatments)}",
        )
