"""What families draw with: uniforms that belong to a unit, and the knobs of difficulty."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from generators.code.executable.syntax import Program

__all__ = ["LANE", "Draft", "Draw", "Knobs", "Range", "Story"]

T = TypeVar("T")
LANE = 128
"""Uniforms that are drawn for a unit at a time."""

Range = tuple[int, int]
"""Lowest and highest value of a whole number, both included."""


class Draw:
    """A unit's uniforms, one after another.

    Parameters
    ----------
    first : sequence of float
    more : callable
        Gives lane 1, 2, ... of the same unit when ``first`` has run out.
    """

    def __init__(self, first: Sequence[float], more: Callable[[int], Sequence[float]]) -> None:
        self._uniforms, self._more, self._at, self._lane = first, more, 0, 0

    def uniform(self) -> float:
        """The next uniform on (0, 1)."""
        if self._at == len(self._uniforms):
            self._lane += 1
            self._uniforms, self._at = self._more(self._lane), 0
        self._at += 1
        return self._uniforms[self._at - 1]

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included."""
        return low + int(self.uniform() * (high - low + 1))

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[int(self.uniform() * len(options))]

    def chance(self, share: float) -> bool:
        """True in this share of draws."""
        return self.uniform() < share

    def distinct(self, low: int, high: int, count: int) -> list[int]:
        """So many different whole numbers of a range, in order; all of them where there are fewer."""
        left = list(range(low, high + 1))
        return sorted(left.pop(int(self.uniform() * len(left))) for _ in range(min(count, len(left))))


@dataclass(frozen=True)
class Knobs:
    """How hard programs are; see :class:`generators.code.executable.generator.ExecutableGenerator`."""

    depth: int = 2
    branches: int = 5
    hidden: int = 2
    constants: Range = (1, 12)
    domain: Range = (0, 20)
    inputs: Range = (0, 30)
    turns: int = 60


@dataclass(frozen=True)
class Story:
    """A word problem's sentences. ``{fact}``, ``{other}``, ``{result}`` and names of hidden values stand for values.

    Attributes
    ----------
    background : str
        What holds in either world. What stands in ``<>`` says that a quantity is unknown, and is left out for the twin,
        which is told it.
    known : str
        Tells the unknown quantity, for the interventional twin.
    fact : str
        What was seen.
    suppose : str
        The other input, everything else being the same.
    ask : str
        The question of both twins' second halves, without the condition.
    forward : str
        The other input as a plain statement, for the interventional twin.
    """

    background: str
    known: str
    fact: str
    suppose: str
    ask: str
    forward: str
    forward_ask: str


@dataclass(frozen=True)
class Draft:
    """A drawn item before anything was run.

    Attributes
    ----------
    program : Program
        Its last function takes the visible input and then the hidden ones.
    visible : str
        Name of the visible input.
    fact, other : int, str or list of int
        The input that was seen, and the one that is asked about.
    domain : mapping of hidden name to Range
        What each hidden input may be.
    hidden : mapping of hidden name to int
        What it was.
    story : Story, optional
        For word problems.
    """

    program: Program
    visible: str
    fact: Any
    other: Any
    domain: Mapping[str, Range]
    hidden: Mapping[str, int]
    story: Story | None = None
