"""Controls of template pairs: the factual text with other words of the same lists, for the same concepts and label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from contrafact.record import HIDDEN
from contrafact.stages import Context
from generators.text.controls import Maker, Rewording, Rewrite, Way, numbered, with_controls
from generators.text.template.spec import Templates

if TYPE_CHECKING:
    from generators.text.template.generator import TemplateGenerator

__all__ = ["CONTROL_PICKS", "TEXT", "beside"]

TEXT = "text"
"""The member that holds the text."""

CONTROL_PICKS = "control_picks"
"""Field of the hidden truth: the picks of a control's text, where its words are the template's."""

_TOLERANCE = 0.5
_OTHER, _FREE = 1.0, 2.0  # words of concepts that did not change, and words that tell of none, are taken for size only


def beside(rows: Sequence[Mapping[str, Any]], generator: TemplateGenerator, context: Context) -> list[dict[str, Any]]:
    """The pairs, those of each unit followed by their controls."""
    pairs = dict(numbered(rows))
    maker = _maker(generator, pairs)
    taken = maker.taken if isinstance(maker, Rewording) else {}
    return [
        row if row.get("control_of") is None else _control(row, generator, pairs, taken)
        for row in with_controls(rows, (TEXT,), maker, context, generator.name)
    ]


def _maker(generator: TemplateGenerator, pairs: Mapping[str, Mapping[str, Any]]) -> Maker:
    if generator.maker is not None:
        return generator.maker
    assert generator.control is not None  # noqa: S101  # nothing is made where none are wanted
    ways = {pair: list(_ways(row, generator.templates)) for pair, row in pairs.items()}
    return Rewording(ways, generator.control.options.get("tolerance", _TOLERANCE))


def _ways(row: Mapping[str, Any], templates: Templates) -> Iterator[Way]:
    """Every other word of every slot that stands once in the template, for the values that the pair's fact has."""
    hidden = row[HIDDEN]
    values = {name: list(each.values)[row["factual"][name]] for name, each in templates.concepts.items()}
    changed = {each["variable"] for each in row["intervention"]}
    pieces = templates.fill(hidden["template"], values, hidden["picks"])
    often = Counter(templates.slot(piece.text).name for _, piece in pieces if piece.kind == "slot")
    place = 0
    for text, piece in pieces:
        start, place = place, place + len(text)
        if piece.kind != "slot" or often[(slot := templates.slot(piece.text)).name] > 1:
            continue
        odd = 0.0 if changed & set(slot.by) else _OTHER if slot.by else _FREE
        words = slot.words[tuple(values[name] for name in slot.by)]
        for index in range(len(words)):
            said = templates.said(piece, values, _pick(index, len(words)))
            if said != text:
                yield Way(Rewrite(start, place, said, "wording", certain=True, odd=odd), slot.name, index)


def _pick(index: int, count: int) -> float:
    """A pick that chooses one word of so many."""
    return (index + 0.5) / count


def _control(
    row: dict[str, Any],
    generator: TemplateGenerator,
    pairs: Mapping[str, Mapping[str, Any]],
    taken: Mapping[str, Mapping[str, int]],
) -> dict[str, Any]:
    """A control with the hidden truth of its pair, and the picks of its own words."""
    hidden, concepts = pairs[row["control_of"]][HIDDEN], generator.templates.concepts
    own: dict[str, Any] = {CONTROL_PICKS: None} if generator.rewords else {}
    chosen = taken.get(row["control_of"])
    if chosen is not None and row.get("counterfactual") is not None:
        values = {name: list(each.values)[row["factual"][name]] for name, each in concepts.items()}
        slots = {name: generator.templates.slots[name] for name in chosen}
        counts = {name: len(slot.words[tuple(values[each] for each in slot.by)]) for name, slot in slots.items()}
        picks = {name: _pick(index, counts[name]) for name, index in chosen.items()}
        own = {CONTROL_PICKS: {**hidden["picks"], **picks}}
        row["exact"] = True
    return {**row, HIDDEN: {**hidden, **own}, "held_fixed": list(concepts)}
