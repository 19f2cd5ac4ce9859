"""What generators over simulated scenes share: units, the simulator they stand on, and how long a scene is run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Literal

from contrafact.errors import RecipeError
from contrafact.stages import RowGenerator, Source
from generators.video.physics.source import Scenes
from generators.video.physics.stage import prepare_drawing
from generators.video.physics.world import Timing

__all__ = ["EventName", "Limit", "SimulatedGenerator", "check_limits", "check_names", "timing_of"]

EventName = Literal["collision", "fall", "occlusion", "stacking", "containment", "chain"]
Limit = tuple[str, Any, bool, str]
"""An option's name, what was given, whether that is wrong, and what is allowed."""
_STEPS = 480  # of the simulation a second, at the least: with fewer, what slides begins to hop


class SimulatedGenerator(RowGenerator):
    """A generator whose units are scenes that MuJoCo moves and draws.

    Attributes
    ----------
    events : sequence of str
        What happens in the scenes, in turn.
    """

    label_source: str = "oracle"
    name: ClassVar[str]
    events: Sequence[EventName]

    def source(self, seed: int) -> Source | None:
        prepare_drawing()
        return Scenes(seed, self.events, self.identity())

    def identity(self) -> Any:
        return [self.name, list(self.events)]

    def model_name(self) -> str | None:
        from importlib.metadata import version

        return f"mujoco {version('mujoco')}"

    def borrowed(self) -> Any:
        # Another release of the simulator moves things otherwise in the last bits, and then by metres.
        return self.model_name()

    def model_origin(self) -> str | None:
        return "written"


def timing_of(seconds: float, rate: int, least: int) -> Timing:
    """So long at so many frames a second, and at the least so many frames."""
    return Timing(max(round(seconds * rate), least), rate, -(-_STEPS // rate))


def check_names(option: str, given: Sequence[str]) -> None:
    """Raise ``RecipeError`` for a list of names that is empty or has one twice."""
    if not given or len(set(given)) < len(given):
        raise RecipeError(f"generator.{option}: {list(given)} is empty or names one twice", fix="name each once")


def check_limits(limits: Iterable[Limit]) -> None:
    """Raise ``RecipeError`` for the first option that is out of its bounds."""
    for option, given, wrong, allowed in limits:
        if wrong:
            raise RecipeError(
                f"generator.{option}: {given!r} was given", allowed=allowed, fix=f"write {option}: as allowed"
            )
