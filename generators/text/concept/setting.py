"""What is changed and what is held: the part of a recipe that matching and rewriting share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import pyarrow as pa

from contrafact.engines import Engines
from contrafact.errors import RecipeError, did_you_mean
from contrafact.record import LABEL_SOURCES
from contrafact.stages import Context
from generators.text.concept.concepts import Concept, Texts, read_texts
from generators.text.concept.records import members

__all__ = ["DRAWN", "Setting", "open_setting"]

DRAWN = ("another", "each")
"""Targets that are no value."""

_ANNOTATED = {"annotation": "construction", "teacher": "teacher", "llm": "llm"}
_UNREAD = "llm"  # nobody read it


@dataclass(frozen=True)
class Setting:
    """What one generator changes and holds.

    Attributes
    ----------
    name : str
        The generator's, with which reasons begin.
    change, label : int
        Places among the concepts of the one that changes, and of the pair's label.
    held : tuple of int
        Places of the confounders.
    k : int
        Pairs of a unit and target at the most.
    labels_from : str
        Where the labels of a source's column come from: ``annotation``, ``teacher`` or ``llm``.
    """

    name: str
    concepts: Sequence[Concept]
    field: str
    group: str | None
    change: int
    label: int
    held: tuple[int, ...]
    strict: bool
    target: str
    k: int
    longest: int
    labels_from: str

    @property
    def changed(self) -> Concept:
        """The concept that changes."""
        return self.concepts[self.change]

    @property
    def held_names(self) -> list[str]:
        """Names of the confounders."""
        return [self.concepts[place].name for place in self.held]

    def read(self, units: pa.Table, engines: Engines) -> Texts:
        """Texts and concepts of units. Raises ``DataError`` where the source lacks a column."""
        return read_texts(units, self.concepts, self.field, self.group, self.longest, engines)

    def targets(self, unit_id: str, value: int, context: Context) -> tuple[int, ...]:
        """Codes that a unit is to get; none where it has the target already."""
        values = self.changed.values
        others = [code for code in range(len(values)) if code != value]
        if self.target == "each":
            return tuple(others)
        if self.target == "another":
            drawn = int(context.streams.generator("target", unit_id).integers(len(others))) if len(others) > 1 else 0
            return (others[drawn],)
        return tuple(code for code in others if values[code] == self.target)

    def factual(self, texts: Texts, place: int) -> dict[str, Any]:
        """The factual side of a pair, and its label."""
        codes = texts.codes[place]
        text = str(texts.texts[place])
        return {"factual": members(self.concepts, self.field, text, codes), "label": int(codes[self.label])}

    def already(self) -> str:
        """Why a unit that has the target is no unit of a pair: nothing would change."""
        return f"{self.name}: {self.changed.name} is {self.target} already"

    def witness(self, *annotated: bool, rewritten: bool = False) -> str:
        """Who vouches for labels, of which each comes from a column or from the concept's reader: the weakest.

        Parameters
        ----------
        rewritten : bool
            Whether the reader also read one from a text that a language model wrote.
        """
        reader = self.concepts[self.label].reader
        read = _UNREAD if reader is None else reader.witness
        said = [_ANNOTATED[self.labels_from] if each else read for each in annotated]
        if rewritten:
            said.append(_UNREAD if reader is None else reader.of_rewrites)
        return max(said, key=LABEL_SOURCES.index)

    def directions(self) -> list[tuple[str, str]]:
        """Every (value, target) that may be asked for."""
        return [each for each in permutations(self.changed.values, 2) if self.target in (*DRAWN, each[1])]


def open_setting(
    name: str,
    concepts: Sequence[Concept],
    change: str,
    hold: Sequence[str] | None,
    label: str | None,
    field: str,
    target: str,
    numbers: Mapping[str, int],
    *,
    group: str | None,
    strict: bool,
    labels_from: str,
) -> Setting:
    """A setting from a recipe's options, ``numbers`` being ``k`` and ``longest``.

    Raises
    ------
    RecipeError
        For a name that no concept has, a target that is no value, a held concept that changes, or a number below 1.
    """
    names = [each.name for each in concepts]
    held = [each for each in names if each != change] if hold is None else hold
    for option, each in (("change", change), ("label", label or change), *(("hold", each) for each in held)):
        if each not in names:
            what = f"generator.{option}: no concept is called {each!r}{did_you_mean(each, names)}"
            raise RecipeError(what, allowed=", ".join(names))
    if change in held:
        raise RecipeError(f"generator.hold names {change!r}, which changes", fix=f"remove {change} from hold")
    if field in names:
        raise RecipeError(f"a concept is called {field!r}, as the text is", fix="rename the concept; set its column")
    known = (*DRAWN, *concepts[names.index(change)].values)
    if target not in known:
        raise RecipeError(f"generator.target {target!r}{did_you_mean(target, known)}", allowed=", ".join(known))
    for option, value in numbers.items():
        if value < 1:
            raise RecipeError(f"generator.{option} is {value}", allowed="1 or more")
    places = tuple(names.index(each) for each in held)
    changed, labelled = names.index(change), names.index(label or change)
    return Setting(
        name, concepts, field, group, changed, labelled, places, strict, target, numbers["k"], numbers["longest"],
        labels_from,
    )  # fmt: skip
