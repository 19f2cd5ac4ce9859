"""``physics``: simulated clips and what they would have been, had one factor been another.

Each unit is a scene: an event and uniforms. From these the variables of its causal model follow, from these a world,
and MuJoCo moves it. The counterfactual keeps every uniform, replaces one variable, and runs again (CRONOS,
arXiv:2605.23699; CoPhy, arXiv:1909.12000; CLEVRER, arXiv:1910.01442).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import pyarrow as pa

from contrafact.errors import RecipeError, RowError
from contrafact.record import PairShape
from contrafact.stages import Recomputed
from generators.video.physics.blender.worker import Blender, find_python
from generators.video.physics.dependence import dependence
from generators.video.physics.events import EVENTS
from generators.video.physics.factors import FACTORS, Factor
from generators.video.physics.mjcf import Look
from generators.video.physics.pairing import Pairing, Subject
from generators.video.physics.recompute import recomputed
from generators.video.physics.records import Filming, Output, shape_of
from generators.video.physics.simulated import (
    EventName,
    Limit,
    SimulatedGenerator,
    check_limits,
    check_names,
    timing_of,
)
from generators.video.physics.source import noise_of
from generators.video.physics.world import Timing

__all__ = ["Physics"]

_MOST_FACTORS = 5
_SMALLEST, _LARGEST = 32, 1920


class Physics(SimulatedGenerator):
    """Pairs of clips from a simulator, with masks, states, contacts and questions answered from state.

    Parameters
    ----------
    events : sequence of str
        What happens, in turn.
    interventions : sequence of str
        Factors to vary.
    design : str
        ``single``: a pair for each factor. ``factorial``: a pair for each non-empty set of factors varied together.
    per_unit : int, optional
        With ``single``: so many of the factors for each scene, drawn anew for each; all of them unless given.
    size : sequence of two int
        Width and height in pixels.
    rate : int
        Frames a second.
    seconds : float, optional
        How long clips last; the event's own length unless given.
    shadows : str
        ``none``, ``soft`` (a blot under each object) or ``cast`` (by the lamp; several times slower).
    multisampling : int
        Samples a pixel at edges: 0 (fastest), 2, 4 or 8.
    outputs : sequence of str
        Besides the clip: ``masks``, ``depth``, ``flow``, ``preview``.
    preview : str
        ``h264`` or ``webp``.
    draw : str
        ``mujoco``, or ``blender``: ray-traced by Cycles in an environment of its own, some hundred times slower.
    samples : int
        Rays a pixel, with ``draw: blender``.
    settings : int
        In how many other settings of a hidden factor (mass, friction, gravity, velocity) a scene is run, to see whether
        its outcome depends on it (score ``dependence``).
    """

    name: ClassVar[str] = "physics"
    task: str = "video question answering"
    shard_rows: ClassVar[int] = 8
    citations: ClassVar[Sequence[str]] = (
        "CRONOS (arXiv:2605.23699): factors varied one at a time, and yes/no questions on plausibility",
        "Baradel et al. 2020, CoPhy (arXiv:1909.12000): pairs whose outcome depends on a hidden property",
        "Yi et al. 2020, CLEVRER (arXiv:1910.01442): what would have happened without an object",
    )

    def __init__(
        self,
        events: Sequence[EventName] = get_args(EventName),
        interventions: Sequence[Factor] = FACTORS,
        design: Literal["single", "factorial"] = "single",
        per_unit: int | None = None,
        size: Sequence[int] = (320, 240),
        rate: int = 24,
        seconds: float | None = None,
        shadows: Literal["none", "soft", "cast"] = "soft",
        multisampling: Literal[0, 2, 4, 8] = 4,
        outputs: Sequence[Output] = ("masks",),
        preview: Literal["h264", "webp"] = "h264",
        settings: int = 4,
        draw: Literal["mujoco", "blender"] = "mujoco",
        samples: int = 16,
    ) -> None:
        check_names("events", events)
        check_names("interventions", interventions)
        _check_numbers(design, interventions, size, rate, seconds, per_unit, settings)
        self.events, self.interventions, self.design, self.per_unit = events, interventions, design, per_unit
        self.look = Look(size[0], size[1], shadows, multisampling)
        self.rate, self.seconds, self.settings = rate, seconds, settings
        if draw == "blender":
            find_python()
        blender = Blender(self.look, samples) if draw == "blender" else None
        self.filming = Filming(self.look, tuple(outputs), preview, blender)
        _check_possible(events, interventions)

    def shape(self) -> PairShape:
        return shape_of(self.filming.outputs)

    def make(self, unit: Mapping[str, Any], rng: np.random.Generator) -> Iterable[Mapping[str, Any]]:
        event = EVENTS[unit["event"]]
        subject = Subject(event, noise_of(unit), self._timing(unit["event"]))
        pairing = Pairing(subject, self.filming)
        actions = subject.actions(self.interventions, unit["choices"])
        if not actions:
            raise RowError("the event has none of the factors that are to be varied")
        rows = []
        for cell in self._cells(actions, rng):
            row = pairing.row(cell)
            if not row.get("reasons") and self.settings and len(cell) == 1:
                row["scores"]["dependence"] = dependence(subject, cell[0], self.settings)
            rows.append(row)
        return rows

    def recompute(self, pairs: pa.Table) -> Recomputed | None:
        return recomputed(pairs)

    def notes(self) -> Sequence[str]:
        return (
            "Motion is MuJoCo's: contacts give way a little, and nothing breaks or bends.",
            "Questions speak of roles (the moving object, the screen), never of looks, so that they fit both clips.",
            "The factual scene is drawn from the model's own distribution; counterfactual settings are spread wider.",
        )

    def _timing(self, event: str) -> Timing:
        return timing_of(self.seconds or EVENTS[event].seconds, self.rate, 2)

    def _cells(self, actions: Sequence[Any], rng: np.random.Generator) -> Iterator[tuple[Any, ...]]:
        """Sets of interventions, each of which makes one pair."""
        if self.design == "factorial":
            for count in range(1, len(actions) + 1):
                yield from combinations(actions, count)
            return
        chosen = range(len(actions))
        if self.per_unit is not None and self.per_unit < len(actions):
            chosen = sorted(np.argsort(rng.random(len(actions)), kind="stable")[: self.per_unit])  # type: ignore[assignment]
        for number in chosen:
            yield (actions[number],)


def _check_possible(events: Sequence[str], interventions: Sequence[str]) -> None:
    """Raise where an event has none of the factors: every one of its scenes would be a reject."""
    for name in events:
        if not set(interventions) & set(EVENTS[name].targets):
            raise RecipeError(
                f"generator.interventions: none of {', '.join(interventions)} can be varied in the event {name!r}",
                allowed=", ".join(EVENTS[name].targets),
                fix=f"add one of these, or leave {name} out of events",
            )


def _check_numbers(
    design: str,
    interventions: Sequence[str],
    size: Sequence[int],
    rate: int,
    seconds: float | None,
    per_unit: int | None,
    settings: int,
) -> None:
    if design == "factorial" and len(interventions) > _MOST_FACTORS:
        raise RecipeError(
            f"generator.interventions: {len(interventions)} factors in a full factorial are"
            f" {2 ** len(interventions) - 1} pairs a scene",
            allowed=f"at most {_MOST_FACTORS} factors with design: factorial",
            fix="name fewer, or write design: single",
        )
    if design == "factorial" and per_unit is not None:
        raise RecipeError("generator.per_unit: a full factorial has all its cells", fix="leave per_unit out")
    wrong = len(size) != 2 or any(not _SMALLEST <= each <= _LARGEST for each in size)
    limits: tuple[Limit, ...] = (
        ("size", list(size), wrong, f"[width, height], each from {_SMALLEST} to {_LARGEST}"),
        ("rate", rate, not 1 <= rate <= 120, "1 to 120 frames a second"),
        ("seconds", seconds, seconds is not None and not 0.25 <= seconds <= 20, "0.25 to 20"),
        ("per_unit", per_unit, per_unit is not None and per_unit < 1, "1 or more"),
        ("settings", settings, not 0 <= settings <= 16, "0 to 16"),
    )
    check_limits(limits)
