"""The record of an edit as facts: what, to what, from when to when. All that is asked or told comes from here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any, Literal

from generators.video.edit.regions import REGIONS, THIRDS, third_of
from generators.video.questions.words import WORDS

__all__ = ["Fact", "read_fact"]


@dataclass(frozen=True)
class Fact:
    """One edit of one clip.

    Attributes
    ----------
    operation : str
        One of :data:`generators.video.questions.words.WORDS`.
    place : {'frame', 'region', 'object'}
    where : str
        The region, or what the object is called; empty for the whole picture.
    start, stop : int
        Frames [start, stop).
    frames : int
        Of the whole clip.
    rate : str
        Frames a second, as a fraction.
    values : mapping
        The operation's numbers.
    margin : int
        Pixels of background around an object that its mask holds.
    """

    operation: str
    place: Literal["frame", "region", "object"]
    where: str
    start: int
    stop: int
    frames: int
    rate: str
    values: Mapping[str, Any] = field(default_factory=dict)
    margin: int = 0

    @property
    def subject(self) -> str:
        """What it is done to, in words."""
        if self.place == "frame":
            return "the whole picture"
        return f"the {self.where} of the picture" if self.where in REGIONS else _definite(self.where)

    @property
    def third(self) -> str | None:
        """The part of the clip that it lies in; None where it is in more than one."""
        number = third_of(self.start, self.stop, self.frames)
        return None if number is None else THIRDS[number]

    @property
    def thing(self) -> str:
        """What the numbers name: a colour or a figure."""
        return str(self.values.get("colour") or self.values.get("figure") or "")

    @property
    def seconds(self) -> tuple[float, float]:
        """When it begins and ends."""
        rate = float(Fraction(self.rate))
        return self.start / rate, self.stop / rate

    def say(self, form: Literal["verb", "ask", "key"], operation: str | None = None) -> str:
        """A form of :class:`~generators.video.questions.words.Words` of this operation, or of another."""
        text: str = getattr(WORDS[operation or self.operation], form)
        return text.replace("{thing}", self.thing or "red ball")

    def text(self) -> str:
        """As JSON, for the record."""
        return json.dumps(asdict(self), sort_keys=True)


def _definite(thing: str) -> str:
    """A thing with its article: "the dog", also where masks and detectors call it "a dog"."""
    first, _, rest = thing.partition(" ")
    if first.lower() == "one":  # of several: it says so by itself
        return thing
    return f"the {rest if rest and first.lower() in ('a', 'an', 'the') else thing}"


def read_fact(text: str) -> Fact:
    """The fact of :meth:`Fact.text`."""
    return Fact(**json.loads(text))
