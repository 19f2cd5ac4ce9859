"""A setting: the concepts of a causal model in words, with styles, templates, personas and a reader of all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from generators.text.pieces import Piece, filled
from generators.text.structural.concepts import Concept, sentences_of
from generators.text.structural.grounding import Choices, Grounding

__all__ = ["Setting", "Style"]


@dataclass(frozen=True)
class Style:
    """One kind of text.

    Attributes
    ----------
    register : str
        Which wordings it uses.
    about : str
        What it is, for a language model: ``a terse clinical note``.
    templates : sequence of pieces
        Each names every concept.
    """

    name: str
    register: str
    about: str
    templates: Sequence[tuple[Piece, ...]]


@dataclass(frozen=True)
class Setting:
    """Everything that turns values of concepts into a text and back.

    Attributes
    ----------
    name : str
    styles, concepts : mapping of name to Style, Concept
    personas : sequence of mapping of slot to text
    details : mapping of slot to texts
        Drawn one by one, apart from the persona.
    digest : str
        Hash of all that was written.
    """

    name: str
    styles: Mapping[str, Style]
    personas: Sequence[Mapping[str, str]]
    concepts: Mapping[str, Concept]
    details: Mapping[str, Sequence[str]]
    digest: str

    @cached_property
    def choices(self) -> Choices:
        """What the grounding of a unit is drawn from."""
        return Choices(
            {name: len(style.templates) for name, style in self.styles.items()},
            len(self.personas),
            {name: concept.count for name, concept in self.concepts.items()},
            {name: len(texts) for name, texts in self.details.items()},
        )

    def slots(self, grounding: Grounding) -> dict[str, str]:
        """What the slots of a unit hold."""
        drawn = {name: self.details[name][index] for name, index in grounding.details.items()}
        return {**self.personas[grounding.persona], **drawn}

    def template(self, grounding: Grounding) -> tuple[Piece, ...]:
        """The template of a unit."""
        return self.styles[grounding.style].templates[grounding.template]

    def statement(self, name: str, value: str, grounding: Grounding) -> str:
        """What a unit's text says of one concept."""
        register = self.styles[grounding.style].register
        return self.concepts[name].says(value, grounding.wording[name], register, self.slots(grounding))

    def realise(self, values: Mapping[str, str], grounding: Grounding) -> str:
        """The text that tells these (written) values: a function of both, and of nothing else."""
        return filled(
            self.template(grounding),
            self.slots(grounding),
            lambda name: self.statement(name, values[name], grounding),
        )

    def spans(self, name: str, values: Mapping[str, str], grounding: Grounding) -> list[list[int]]:
        """Where the text that these values give speaks of one concept: [start, stop] in characters."""
        slots, found, place = self.slots(grounding), [], 0
        for piece in self.template(grounding):
            said = filled((piece,), slots, lambda each: self.statement(each, values[each], grounding))
            if piece == Piece("concept", name):
                found.append([place, place + len(said)])
            place += len(said)
        return found

    def read(self, text: str) -> dict[str, str | None]:
        """The value of each concept that a text tells, by patterns alone; None where it tells none, or two."""
        sentences = sentences_of(text)
        return {name: concept.read(sentences) for name, concept in self.concepts.items()}

    def told(self, grounding: Grounding) -> Iterator[str]:
        """Concepts in the order in which a unit's template tells them, each once."""
        yield from dict.fromkeys(each.text for each in self.template(grounding) if each.kind == "concept")
