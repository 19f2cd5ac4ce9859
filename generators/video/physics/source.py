"""Units of simulated video: an endless row of scenes, each an event and the uniforms that decide everything in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from contrafact.identity import identity_of
from contrafact.stages import Source
from contrafact.streams import Streams
from generators.video.physics.events import EVENTS
from generators.video.physics.factors import FACTORS

__all__ = ["Scenes", "noise_of"]

_CHOICES = 2 * len(FACTORS)


class Scenes(Source):
    """Scenes of the named events, one event after the other.

    Parameters
    ----------
    seed : int
    events : sequence of str
    identity : any
        What decides the noise: the causal model's name and version.
    """

    def __init__(self, seed: int, events: Sequence[str], identity: Any) -> None:
        self.events, self.streams = tuple(events), Streams(seed, identity_of(identity))
        self.stem = f"scene-{identity_of([seed, identity])[:6]}"
        self.width = max(len(EVENTS[name].variables()) for name in self.events)

    def rows(self) -> int | None:
        return None

    def read(self, start: int, stop: int) -> pa.Table:
        numbers = np.arange(start, stop)
        noise = self.streams.uniforms("scene", start, stop, self.width).reshape(len(numbers), -1)
        choices = self.streams.uniforms("choices", start, stop, _CHOICES)
        return pa.table(
            {
                "unit_id": [f"{self.stem}-{number:09d}" for number in numbers],
                "event": [self.events[number % len(self.events)] for number in numbers],
                "noise": pa.array(list(noise), pa.list_(pa.float64())),
                "choices": pa.array(list(choices), pa.list_(pa.float64())),
            }
        )

    def identity(self) -> Any:
        return [list(self.events), self.stem]


def noise_of(unit: Mapping[str, Any]) -> list[float]:
    """The uniforms of a unit's variables, as many as its event has."""
    own: list[float] = unit["noise"][: len(EVENTS[unit["event"]].variables())]
    return own
