"""One question for two clips, with answers that differ, from the facts of both; wrong answers are false for both.

A pair sets an edited clip against the clip as it was filmed, or two edits against each other that differ in one thing.
Without the second kind "nothing happens" would be the right answer every other time, and who never looks would know
it. For the same reason wrong answers are edits that are right elsewhere, any two options could be told apart (else the
third would be the right one), and the answer for the clip as it was filmed is in the same words whatever was edited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Literal, get_args

import numpy as np

from generators.video.edit.drawn import FIGURES
from generators.video.edit.regions import REGIONS, THIRDS
from generators.video.edit.semantic import COLOURS
from generators.video.questions.facts import Fact
from generators.video.questions.words import WORDS, confused, sentence

__all__ = ["ASKED", "LETTERS", "NONE", "Asked", "Item", "ask", "asked_of", "placed", "possible"]

Asked = Literal["event", "yesno", "when", "where"]
ASKED: tuple[Asked, ...] = get_args(Asked)
LETTERS = ("A", "B", "C", "D")
NONE = "None of the others."
_EVENTS = 3  # edits that a question about an event names
_Said = tuple[str, str]  # an operation, and the thing that its description names
_THINGS = {"recolour": tuple(COLOURS), "replace": tuple(FIGURES)}  # what their descriptions name


@dataclass(frozen=True)
class Item:
    """A question with its options.

    Attributes
    ----------
    kind : str
        Which kind of question.
    question : str
    options : tuple of str
    right : tuple of int
        Position of the factual's answer, and of the counterfactual's.
    """

    kind: str
    question: str
    options: tuple[str, ...]
    right: tuple[int, int]


def possible(facts: tuple[Fact | None, Fact]) -> list[Asked]:
    """The kinds of question that these two clips answer differently. The first fact is None for a clip as filmed."""
    one, other = facts
    found: list[Asked] = []
    if one is None or one.operation != other.operation:
        found.append("event")
        found.append("yesno")
    told = [each for each in facts if each is not None]
    if len({each.say("verb") for each in told}) > 1:
        return found  # when and where are asked of one thing that happens
    thirds, places = {each.third for each in told}, {each.where for each in told}
    if None not in thirds and (one is None or len(thirds) == 2):
        found.append("when")
    if all(each.place == "region" and each.where in REGIONS for each in told) and (one is None or len(places) == 2):
        found.append("where")
    return found


def ask(
    kind: Asked, facts: tuple[Fact | None, Fact], others: Sequence[str], number: int, rng: np.random.Generator
) -> Item | None:
    """A question of one kind.

    Parameters
    ----------
    others : sequence of str
        Operations that may stand as wrong answers: such as neither clip shows by nature.
    number : int
        Of the pair among all: the right answers' positions go round with it.

    Returns
    -------
    Item or None
        None where there are too few wrong answers.
    """
    question, answers = asked_of(kind, facts)
    if kind == "yesno":
        return placed(kind, question, answers, [], number)
    if kind == "when":
        rest = ["at no time", *(f"in the {third}" for third in THIRDS)]
        return placed(kind, question, answers, _without(rest, answers), number)
    if kind == "where":
        rest = ["no part", *(f"the {name}" for name in REGIONS)]
        return placed(kind, question, answers, _without(rest, answers), number)
    wrong = _wrong(facts, others, rng)
    return None if wrong is None else placed(kind, question, answers, wrong, number)


def asked_of(kind: Asked, facts: tuple[Fact | None, Fact]) -> tuple[str, tuple[str, str]]:
    """A question of one kind in words, and the right answers of the factual and of the counterfactual."""
    one, other = facts
    if kind == "yesno":
        return f"Does {other.subject} {other.say('ask')}?", (
            "no" if one is None or one.operation != other.operation else "yes",
            "yes",
        )
    if kind == "when":
        whens = ("at no time" if one is None else f"in the {one.third}", f"in the {other.third}")
        return f"When does {other.subject} {other.say('ask')}?", whens
    if kind == "where":
        places = ("no part" if one is None else f"the {one.where}", f"the {other.where}")
        return f"Which part of the picture {other.say('verb')}?", places
    return f"Which of these is true of {other.subject}?", (_event(one), _event(other))


def _event(told: Fact | None) -> str:
    return NONE if told is None else sentence(f"it {told.say('verb')}")


def _wrong(facts: tuple[Fact | None, Fact], others: Sequence[str], rng: np.random.Generator) -> list[str] | None:
    """Wrong answers: what is false for both. Between two edits, that nothing happens is one of them.

    Of all that could stand beside the right ones, each operation is as likely. None where nothing could.
    """
    told = [(each.operation, each.thing if each.operation in _THINGS else "") for each in facts if each is not None]
    free = [(name, thing) for name in others for thing in _THINGS.get(name, ("",))]
    fitting = [each for each in combinations(free, _EVENTS - len(told)) if _all_apart((*told, *each))]
    if not fitting:
        return None
    weights = np.array([prod(1 / len(_THINGS.get(name, ("",))) for name, _ in each) for each in fitting])
    drawn = fitting[int(rng.choice(len(fitting), p=weights / weights.sum()))]
    wrong = [_said(*drawn[int(place)]) for place in rng.permutation(len(drawn))]
    return wrong if facts[0] is None else [NONE, *wrong]


def _all_apart(said: Sequence[_Said]) -> bool:
    """Whether no two could be taken for each other. One operation with two things is told apart by these."""
    return all(
        one[1] != other[1] if one[0] == other[0] else not confused(one[0], other[0])
        for one, other in combinations(said, 2)
    )


def _said(operation: str, thing: str) -> str:
    """What an operation that was not done would be called."""
    return sentence(f"it {WORDS[operation].verb.replace('{thing}', thing)}")


def _without(every: Sequence[str], taken: Sequence[str]) -> list[str]:
    return [each for each in every if each not in taken]


def placed(kind: str, question: str, answers: Sequence[str], wrong: Sequence[str], number: int) -> Item:
    """The options in an order in which both right answers have been in every place equally often."""
    size = len(answers) + len(wrong)
    first = number % size
    second = (first + 1 + number // size % (size - 1)) % size
    rest = list(wrong)
    options = [
        answers[0] if place == first else answers[1] if place == second else rest.pop(0) for place in range(size)
    ]
    return Item(kind, question, tuple(options), (first, second))
