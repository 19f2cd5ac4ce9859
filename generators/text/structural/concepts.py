"""A concept of a text: how each of its values is said, and how a value is read back from any text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contrafact.errors import RecipeError, did_you_mean
from generators.scm.readers.levels import level_name
from generators.scm.support import Support
from generators.text.pieces import Piece, filled, parse

__all__ = ["ANY", "Concept", "concept_of", "sentences_of"]

ANY = "any"
"""Register of wordings that serve in every style."""

NUMBER = ""
"""Key of the wordings of a numeric concept: they hold ``{value}`` and serve for every value."""

_KEYS = ("wordings", "read", "format")
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True)
class Concept:
    """One told variable of the model.

    Attributes
    ----------
    wordings : mapping of register to {value: wordings}
        As many wordings for every value, so that one index of the grounding serves them all.
    count : int
        Wordings of each value.
    patterns : mapping of value to patterns
        A sentence that matches one says that value. Those of a number have one group or several, of which the one that
        took part holds it.
    form : str
        How a number is written (a format specification); empty for the values of a level.
    """

    name: str
    wordings: Mapping[str, Mapping[str, Sequence[tuple[Piece, ...]]]]
    count: int
    patterns: Mapping[str, Sequence[re.Pattern[str]]]
    form: str = ""

    @property
    def numeric(self) -> bool:
        """Whether its values are numbers, written into the wordings."""
        return NUMBER in self.patterns

    def written(self, value: Any) -> str:
        """A value as the text writes it: a level by name, a truth as true or false, a number in its form."""
        if isinstance(value, bool):
            return str(value).lower()
        return format(value, self.form) if self.numeric else str(value)

    def says(self, value: str, wording: int, register: str, slots: Mapping[str, str]) -> str:
        """The statement of a (written) value."""
        known = self.wordings[register if register in self.wordings else ANY]
        if self.numeric:
            return filled(known[NUMBER][wording], {**slots, "value": value})
        return filled(known[value][wording], slots)

    def read(self, sentences: Sequence[str]) -> str | None:
        """The value that sentences tell; None where they tell none, or more than one."""
        if self.numeric:
            found = {number for sentence in sentences for number in self._numbers(sentence)}
        else:
            found = {
                value
                for value, patterns in self.patterns.items()
                if any(pattern.search(sentence) for pattern in patterns for sentence in sentences)
            }
        return found.pop() if len(found) == 1 else None

    def reads(self, text: str) -> str | None:
        """The value that a whole text tells."""
        return self.read(sentences_of(text))

    def _numbers(self, sentence: str) -> Iterator[str]:
        for pattern in self.patterns[NUMBER]:
            for match in pattern.finditer(sentence):
                yield next(group for group in match.groups() if group is not None)


def sentences_of(text: str) -> list[str]:
    """The sentences and lines of a text: patterns look at one at a time."""
    return [sentence for sentence in _SENTENCES.split(text) if sentence]


def concept_of(name: str, spec: Any, support: Support, registers: Sequence[str], where: str) -> Concept:
    r"""A concept as a setting writes it.

    ::

        fever:
          wordings: {note: {none: [Afebrile., No fever.], high: [Very feverish., High fever.]}}
          read: {none: [afebrile, no fever], high: [very feverish, high fever]}
        experience:                                 # a number
          wordings: {any: ["{value} years in the trade."]}
          read: ['(\d+) years in']
          format: d

    Raises
    ------
    RecipeError
        For a register or value without wordings, unequal numbers of wordings, an unknown value, or a pattern that is
        no regular expression.
    """
    if not isinstance(spec, Mapping) or not {"wordings", "read"} <= spec.keys() <= set(_KEYS):
        raise RecipeError(f"{where} is {spec!r}", allowed="wordings and read; where wanted format")
    values = _values(support)
    wordings = {
        str(register): _wordings(each, values, f"{where}.wordings.{register}")
        for register, each in _mapping(
            spec["wordings"], f"{where}.wordings", "{any: {low: [...], high: [...]}}"
        ).items()
    }
    for register in registers:
        if register not in wordings and ANY not in wordings:
            raise RecipeError(
                f"{where} has no wordings for the register {register!r}", fix=f"add {register}: or any: to its wordings"
            )
    counts = {len(each) for known in wordings.values() for each in known.values()}
    if len(counts) != 1:
        raise RecipeError(
            f"{where} has {' and '.join(map(str, sorted(counts)))} wordings",
            allowed="as many for every value and register: one index serves a unit before and after",
        )
    form = str(spec.get("format", "d" if support.kind == "integer" else "g")) if NUMBER in values else ""
    return Concept(name, wordings, counts.pop(), _patterns(spec["read"], values, f"{where}.read"), form)


def _values(support: Support) -> tuple[str, ...]:
    if support.kind == "categorical":
        return support.levels
    return ("false", "true") if support.kind == "boolean" else (NUMBER,)


def _wordings(given: Any, values: Sequence[str], where: str) -> dict[str, tuple[tuple[Piece, ...], ...]]:
    by_value = _by_value(given, values, where)
    found = {}
    for value, texts in by_value.items():
        found[value] = tuple(parse(text, where) for text in texts)
        for text, pieces in zip(texts, found[value], strict=True):
            if any(each.kind == "concept" for each in pieces):
                raise RecipeError(f"{where}: {text!r} holds another concept", fix="put [concept] into a template")
            if value == NUMBER and Piece("slot", "value") not in pieces:
                raise RecipeError(f"{where}: {text!r} does not tell the number", fix="write {value} in it")
    return found


def _patterns(given: Any, values: Sequence[str], where: str) -> dict[str, tuple[re.Pattern[str], ...]]:
    found = {}
    for value, texts in _by_value(given, values, where).items():
        try:
            found[value] = tuple(re.compile(text, re.IGNORECASE) for text in texts)
        except re.error as error:
            raise RecipeError(f"{where}: {error.pattern!r} is no regular expression: {error}") from None
        if value == NUMBER and not all(pattern.groups for pattern in found[value]):
            raise RecipeError(
                f"{where}: a pattern of a number has no group", fix=r"write (\d+) where the number stands"
            )
    return found


def _by_value(given: Any, values: Sequence[str], where: str) -> dict[str, list[str]]:
    """Lists of texts by value; one list alone for a number."""
    if values == (NUMBER,):
        given = {NUMBER: given}
    known = {level_name(key, values): each for key, each in _mapping(given, where, "{low: [...], high: [...]}").items()}
    for value in [*known, *values]:
        if value not in values:
            raise RecipeError(f"{where} has no value {value!r}{did_you_mean(value, values)}", allowed=", ".join(values))
        texts = known.get(value)
        if not isinstance(texts, list) or not texts or not all(isinstance(each, str) and each for each in texts):
            raise RecipeError(f"{where}{f'.{value}' if value else ''} is {texts!r}", allowed="a list of texts")
    return {value: known[value] for value in values}


def _mapping(given: Any, where: str, fix: str) -> Mapping[Any, Any]:
    if not isinstance(given, Mapping):
        raise RecipeError(f"{where} is {given!r}", allowed="a mapping", fix=fix)
    return given
