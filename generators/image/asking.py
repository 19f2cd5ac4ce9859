"""Questions about scenes: what is asked, which things the answer stands on, and the answer, from the list of things."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from generators.image.scenes import COLOURS, SHAPES, Scene

__all__ = ["ABSENT", "Question", "answer_of", "ask"]

ABSENT = "there is none"


@dataclass(frozen=True)
class Question:
    """A question about a scene.

    Attributes
    ----------
    kind : {'colour', 'shape', 'count'}
    what : str
        The shape whose colour is asked, the colour whose shape is asked, or the colour that is counted.
    """

    kind: str
    what: str

    @property
    def text(self) -> str:
        """The question in words."""
        return {
            "colour": f"What colour is the {self.what}?",
            "shape": f"What shape is the {self.what} thing?",
            "count": f"How many {self.what} things are there?",
        }[self.kind]

    @property
    def options(self) -> tuple[str, ...]:
        """All answers there may be, but for *unknown*."""
        if self.kind == "count":
            return tuple(map(str, range(6)))
        return (*(COLOURS if self.kind == "colour" else SHAPES), ABSENT)

    def evidence(self, scene: Scene) -> list[int]:
        """Positions of the things that the answer stands on."""
        key = "shape" if self.kind == "colour" else "colour"
        return [at for at, each in enumerate(scene.things) if getattr(each, key) == self.what]


def answer_of(question: Question, scene: Scene) -> str:
    """The answer, from the list of things."""
    found = [scene.things[at] for at in question.evidence(scene)]
    if question.kind == "count":
        return str(len(found))
    if not found:
        return ABSENT
    return found[0].colour if question.kind == "colour" else found[0].shape


def ask(scene: Scene, rng: np.random.Generator) -> Question:
    """A question that one answer fits: about a thing that is the only one of its shape or colour, or a count."""
    shapes, colours = Counter(each.shape for each in scene.things), Counter(each.colour for each in scene.things)
    found = [Question("colour", name) for name, count in sorted(shapes.items()) if count == 1]
    found += [Question("shape", name) for name, count in sorted(colours.items()) if count == 1]
    found += [Question("count", name) for name, count in sorted(colours.items()) if count < len(scene.things)]
    found = found or [Question("count", name) for name in sorted(colours)]
    return found[int(rng.integers(len(found)))]
