"""Words that slots are filled with: lists of the recipe's, or one of our lexicons by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from contrafact.errors import RecipeError, did_you_mean
from contrafact.recipe import parse_yaml
from generators.scm.readers.levels import level_name

__all__ = ["Words", "lexicons", "words_of"]

Words = Mapping[tuple[str, ...], Sequence[str]]
"""Lists of words by the values of the concepts that decide among them, in order."""


@cache
def lexicons() -> Mapping[str, Mapping[str, list[str]]]:
    """Our lexicons, each a mapping of value to words."""
    path = Path(__file__).parent / "lexicons.yaml"
    known: Mapping[str, Mapping[str, list[str]]] = parse_yaml(path.read_text(encoding="utf-8"), path.name)
    return known


def words_of(given: Any, axes: Sequence[tuple[str, Sequence[str]]], where: str) -> Words:
    """The words of one slot.

    Parameters
    ----------
    given : str, list or mapping
        The name of a lexicon; a list, where no concept decides; or nested mappings, a level a concept.
    axes : sequence of (concept, values)

    Raises
    ------
    RecipeError
        For an unknown lexicon, a value without words, words for a value that is not there, or an empty list.
    """
    if isinstance(given, str):
        if given not in lexicons():
            names = lexicons()
            raise RecipeError(
                f"{where}: no lexicon is called {given!r}{did_you_mean(given, names)}", allowed=", ".join(names)
            )
        given = _of_lexicon(given, axes, where)
    return dict(_leaves(given, axes, (), where))


def _of_lexicon(name: str, axes: Sequence[tuple[str, Sequence[str]]], where: str) -> Any:
    known = lexicons()[name]
    if not axes:
        return [word for words in known.values() for word in words]
    missing = [value for value in axes[0][1] if value not in known]
    if len(axes) > 1 or missing:
        raise RecipeError(
            f"{where}: the lexicon {name!r} has words for {', '.join(known)}"
            + (f", and not for {', '.join(missing)}" if missing else ", and knows one concept only"),
            allowed=f"values among {', '.join(known)}",
            fix="write the words into the recipe",
        )
    return {value: known[value] for value in axes[0][1]}


def _leaves(
    given: Any, axes: Sequence[tuple[str, Sequence[str]]], above: tuple[str, ...], where: str
) -> list[tuple[tuple[str, ...], list[str]]]:
    if not axes:
        if not isinstance(given, list) or not given or not all(isinstance(word, str) for word in given):
            raise RecipeError(f"{where} is {given!r}", allowed="a list of texts, at least one")
        return [(above, given)]
    (concept, values), *inner = axes
    if not isinstance(given, Mapping):
        raise RecipeError(f"{where} is {given!r}", allowed=f"words for each {concept}: {', '.join(values)}")
    known = {level_name(key, values): each for key, each in given.items()}
    for value in [*known, *values]:
        if value not in values:
            raise RecipeError(
                f"{where} has words for {value!r}, which {concept} is never{did_you_mean(value, values)}",
                allowed=", ".join(values),
            )
        if value not in known:
            raise RecipeError(f"{where} has no words for {concept} = {value}", fix=f"add {value}: [...]")
    return [leaf for value in values for leaf in _leaves(known[value], inner, (*above, value), f"{where}.{value}")]
