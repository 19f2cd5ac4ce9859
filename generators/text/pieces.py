"""Texts with places to fill: ``{slot}`` for what the grounding gives, ``[concept]`` for a statement of the model."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from contrafact.errors import RecipeError

__all__ = ["Piece", "filled", "parse", "slot_of"]

_PLACE = re.compile(r"\{(?P<slot>\w+)\}|\[(?P<concept>\w+)\]")


@dataclass(frozen=True)
class Piece:
    """A stretch of a text: ``literal``, or the name of a ``slot`` or of a ``concept``."""

    kind: str
    text: str


def parse(text: str, where: str, *, concepts: bool = True) -> tuple[Piece, ...]:
    """The pieces of a text, in order. Without ``concepts`` a bracket is a character like any other.

    Raises
    ------
    RecipeError
        For a brace or bracket that opens no place, or is not closed.
    """
    pieces: list[Piece] = []
    stop = 0
    marks = "{}[]" if concepts else "{}"
    for match in _PLACE.finditer(text):
        if match["concept"] and not concepts:
            continue
        pieces.append(Piece("literal", text[stop : match.start()]))
        kind = "slot" if match["slot"] else "concept"
        pieces.append(Piece(kind, match[kind]))
        stop = match.end()
    pieces.append(Piece("literal", text[stop:]))
    loose = next((mark for each in pieces if each.kind == "literal" for mark in marks if mark in each.text), None)
    if loose is not None:
        places = "{slot} and [concept]" if concepts else "{slot}"
        raise RecipeError(
            f"{where}: {loose!r} stands alone in {text!r}",
            allowed=f"{places}, opened and closed, with letters, digits and _ inside",
            fix=f"close it, or leave {loose!r} out",
        )
    return tuple(each for each in pieces if each.text)


def filled(pieces: tuple[Piece, ...], slots: Mapping[str, str], concept: Callable[[str], str] = str) -> str:
    """The text with every place filled."""
    return "".join(
        each.text
        if each.kind == "literal"
        else slot_of(each.text, slots)
        if each.kind == "slot"
        else concept(each.text)
        for each in pieces
    )


def slot_of(name: str, slots: Mapping[str, str]) -> str:
    """What a slot holds; ``{Person}`` is ``{person}`` with a capital."""
    if name in slots:
        return slots[name]
    text = slots[name[:1].lower() + name[1:]]
    return text[:1].upper() + text[1:]
