"""A measurement as a question: one that two clips answer otherwise, with its options in a fair order."""

from __future__ import annotations

import numpy as np

from generators.video.edit.operations import Frames
from generators.video.questions.asking import Item, placed
from generators.video.questions.measured import MEASURES, measured

__all__ = ["measured_item"]


def measured_item(one: Frames, other: Frames, number: int, rng: np.random.Generator) -> Item | None:
    """A question of :data:`MEASURES` with a clear and different answer for both clips; None where there is none."""
    names = list(MEASURES)
    for at in rng.permutation(len(names)):
        name = names[int(at)]
        question, options, _ = MEASURES[name]
        answers = measured(name, one), measured(name, other)
        if answers[0] is not None and answers[1] is not None and answers[0] != answers[1]:
            given = [answers[0], answers[1]]
            return placed("measured", question, given, [each for each in options if each not in given], number)
    return None
