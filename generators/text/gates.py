"""Gates: what a replacement must not be, whatever a teacher thinks of it.

They are the heuristics of DISCO (Chen et al. 2023), comparing words where it compares substrings: ``snow`` holds no
``no``. ``residue`` is our own: of eight fills that a published run accepted, three were such pieces of the instruction
as ``replaced by ...``, one of them with a teacher's score of 0.90.

A gate sees lower-cased words without punctuation. No gate asks a model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contrafact.errors import RecipeError, did_you_mean
from generators.text.edits import Edit, edited_text
from generators.text.residue import has_blank, has_meta_phrase, has_residue
from generators.text.words import NEGATIONS, jaccard, within, words

__all__ = ["GATES", "Gate", "Proposal", "first_failed", "gates"]


@dataclass(frozen=True)
class Proposal:
    """What gates look at: an edit in its text, beside the text that it must not copy.

    Attributes
    ----------
    text : str
        The edited field before the edit.
    other : str
        The unit's other field; empty where the task has one field.
    target : str
        The label that the edit is meant to bring about.
    """

    edit: Edit
    text: str
    other: str = ""
    target: str = ""

    @property
    def fill(self) -> list[str]:
        """Words of the replacement."""
        return words(self.edit.after)

    @property
    def edited(self) -> list[str]:
        """Words of the whole text after the edit."""
        return words(edited_text(self.text, self.edit))


@dataclass(frozen=True)
class Gate:
    """A named test of a proposal; ``trips`` says whether it must be turned away."""

    name: str
    trips: Callable[[Proposal], bool]


def gates(*names: str) -> tuple[Gate, ...]:
    """The gates of these names, or all of them, in the order in which they are tried.

    Raises
    ------
    RecipeError
        For a name that no gate has.
    """
    for name in names:
        if name not in GATES:
            raise RecipeError(f"no gate is called {name!r}{did_you_mean(name, GATES)}", allowed=", ".join(GATES))
    return tuple(Gate(name, trips) for name, trips in GATES.items() if not names or name in names)


def first_failed(chosen: Sequence[Gate], proposal: Proposal) -> str | None:
    """Name of the first gate that turns the proposal away; None where all let it through."""
    return next((gate.name for gate in chosen if gate.trips(proposal)), None)


def _empty(proposal: Proposal) -> bool:
    """Nothing was filled in."""
    return not proposal.fill


def _unchanged(proposal: Proposal) -> bool:
    """The fill says what stood there."""
    return proposal.fill == words(proposal.edit.before) and bool(proposal.fill)


def _blank(proposal: Proposal) -> bool:
    """A placeholder is left over."""
    return has_blank(proposal.edit.after)


def _meta(proposal: Proposal) -> bool:
    """The fill speaks of the task: premise, hypothesis, sentence, label."""
    return has_meta_phrase(proposal.edit.after)


def _residue(proposal: Proposal) -> bool:
    """The fill holds a piece of the instruction, a chat prefix, quotes around it, or a second line."""
    return has_residue(proposal.edit.after, proposal.edit.before)


def _equals_other(proposal: Proposal) -> bool:
    """The fill is the other field."""
    return bool(proposal.fill) and proposal.fill == words(proposal.other)


def _contains_other(proposal: Proposal) -> bool:
    """The fill holds the whole other field and more."""
    other = words(proposal.other)
    return bool(other) and len(proposal.fill) > len(other) and within(other, proposal.fill)


def _within_other(proposal: Proposal) -> bool:
    """The fill is a part of the other field, two words or longer: one word says too little to be a copy."""
    other = words(proposal.other)
    return 2 <= len(proposal.fill) < len(other) and within(proposal.fill, other)


def _within_text(proposal: Proposal) -> bool:
    """The fill is a part of the text outside its place, two words or longer."""
    start, stop = proposal.edit.start, proposal.edit.stop
    sides = (words(proposal.text[:start]), words(proposal.text[stop:]))
    return len(proposal.fill) >= 2 and any(within(proposal.fill, side) for side in sides)


def _overlap_other(proposal: Proposal) -> bool:
    """Jaccard similarity of the fill and the other field over 0.6, where neither holds the other."""
    other = words(proposal.other)
    copied = within(proposal.fill, other) or within(other, proposal.fill)
    return not copied and jaccard(proposal.fill, other) > 0.6


def _overlap_text(proposal: Proposal) -> bool:
    """Jaccard similarity of the fill and the text around it over 0.35, where the text does not hold the fill."""
    start, stop = proposal.edit.start, proposal.edit.stop
    around = [*words(proposal.text[:start]), *words(proposal.text[stop:])]
    return not _within_text(proposal) and len(proposal.fill) >= 2 and jaccard(proposal.fill, around) > 0.35


def _negation(proposal: Proposal) -> bool:
    """A contradiction made by a negation word that did not stand there: too easy a contrast."""
    new = set(proposal.fill) - set(words(proposal.edit.before))
    return proposal.target == "contradiction" and bool(new & NEGATIONS)


def _sentence_copy(proposal: Proposal) -> bool:
    """The whole edited text became nearly the other field: Jaccard over 0.8, and it was not so before."""
    other = words(proposal.other)
    return jaccard(proposal.edited, other) > 0.8 >= jaccard(words(proposal.text), other)


GATES: dict[str, Callable[[Proposal], bool]] = {
    "empty": _empty,
    "unchanged": _unchanged,
    "blank": _blank,
    "meta": _meta,
    "residue": _residue,
    "equals_other": _equals_other,
    "contains_other": _contains_other,
    "within_other": _within_other,
    "within_text": _within_text,
    "overlap_other": _overlap_other,
    "overlap_text": _overlap_text,
    "negation": _negation,
    "sentence_copy": _sentence_copy,
}
"""Every gate by name, in the order in which they are tried."""
