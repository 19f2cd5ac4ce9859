"""Questions that a text answers by itself, and sentences that answer nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Puzzle", "puzzle", "unrelated"]


@dataclass(frozen=True)
class Puzzle:
    """A text, a question about it, its options, and the answer."""

    context: str
    question: str
    options: tuple[str, ...]
    answer: str


_NAMES = ("Ines", "Tomas", "Leila", "Otto", "Mina", "Ruben")
_GOODS = ("apples", "pencils", "stamps", "marbles", "tickets", "shells")
_POOLS: Sequence[Sequence[str]] = (
    (
        "Granite forms when magma cools slowly.",
        "Salt lowers the freezing point of water.",
        "Copper conducts electricity well.",
        "Limestone is made of shells and coral.",
    ),
    (
        "Owls turn their heads by up to three quarters of a circle.",
        "An octopus has three hearts.",
        "Bees tell each other where flowers are by dancing.",
        "Elephants hear with their feet as well.",
    ),
    (
        "The Danube flows through ten countries.",
        "Most of the world's lakes lie north of the tropics.",
        "A degree of latitude is about 111 kilometres.",
        "Deserts can be cold.",
    ),
    (
        "A sonnet has fourteen lines.",
        "The piano has 88 keys.",
        "Oil paint dries slowly.",
        "A fugue begins with one voice alone.",
    ),
    (
        "Bread rises because yeast gives off gas.",
        "Rice grows in flooded fields.",
        "Tea keeps best in the dark.",
        "Vinegar begins as wine or cider.",
    ),
    (
        "Sound travels faster in water than in air.",
        "A prism splits white light.",
        "Iron is drawn to a magnet.",
        "Ice is lighter than water.",
    ),
    (
        "Paper was first made from bark and rags.",
        "The abacus is older than the pen.",
        "Windmills once drained whole polders.",
        "Early clocks had one hand.",
    ),
)
"""Facts by subject. None of them is about a thing's colour, shape or number on a table."""


def unrelated(rng: np.random.Generator, sentences: int = 6) -> str:
    """A paragraph of sentences from all subjects, in an order that is drawn."""
    every = [each for pool in _POOLS for each in pool]
    return " ".join(every[int(at)] for at in rng.permutation(len(every))[:sentences])


def puzzle(rng: np.random.Generator) -> Puzzle:
    """A small sum in words, with its answer and three near misses as options."""
    name, goods = _NAMES[int(rng.integers(len(_NAMES)))], _GOODS[int(rng.integers(len(_GOODS)))]
    had, more, gave = (int(each) for each in rng.integers((6, 2, 1), (20, 10, 6)))
    left = had + more - gave
    context = f"{name} has {had} {goods}, buys {more} more and gives {gave} away."
    misses = list(dict.fromkeys([had - more + gave, left + 1, left - 1, had + more + gave]))
    wrong = [each for each in misses if each != left and each >= 0][:3]
    numbers = [left, *wrong]
    options = tuple(str(numbers[int(at)]) for at in rng.permutation(len(numbers)))
    return Puzzle(context, f"How many {goods} does {name} have left?", options, str(left))
