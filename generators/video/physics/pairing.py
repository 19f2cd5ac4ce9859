"""One scene and its counterfactuals: abduction (the stored noise), action, prediction, and the checks between."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contrafact.errors import RowError
from generators.video.physics.causes import changed_objects, parting, reached
from generators.video.physics.checks import unsound, unsound_world
from generators.video.physics.events.base import Event
from generators.video.physics.evidence import Evidence, Run
from generators.video.physics.factors import FACTORS, Action, Factor, chosen
from generators.video.physics.records import Filmed, Filming, film, member
from generators.video.physics.simulate import simulate
from generators.video.physics.variables import Value, Values, compose, descendants
from generators.video.physics.world import Timing, World

__all__ = ["Pairing", "Subject"]


@dataclass(frozen=True)
class Subject:
    """A scene: the event, the noise of its variables, and the clip's timing."""

    event: Event
    noise: Sequence[float]
    timing: Timing

    @cached_property
    def values(self) -> Values:
        """What the variables are in the factual scene."""
        return self.under(())

    @cached_property
    def run(self) -> Run:
        """The factual scene in motion."""
        return simulate(self.world(self.values))

    def under(self, actions: Sequence[Action]) -> Values:
        """What the variables would be under interventions, with the same noise."""
        return compose(self.event.variables(), self.noise, {each.variable: each.after for each in actions})

    def world(self, values: Values) -> World:
        """The world that follows from the variables."""
        return self.event.world(values, self.timing)

    def actions(self, factors: Sequence[Factor], choices: Sequence[float]) -> list[Action]:
        """One intervention for each factor that the event has; ``choices`` are two uniforms a factor, in order."""
        found = []
        for factor in factors:
            place = 2 * FACTORS.index(factor)
            action = chosen(self.event, factor, self.values, choices[place], choices[place + 1])
            if action is not None:
                found.append(action)
        return found


@dataclass
class Pairing:
    """Makes the rows of one scene; its factual clip is drawn once.

    Raises
    ------
    RowError
        From :meth:`row`, where the factual scene itself cannot be used.
    """

    subject: Subject
    filming: Filming
    _fact: dict[str, Any] | None = field(default=None, init=False)
    _filmed: Filmed | None = field(default=None, init=False)

    def row(self, actions: Sequence[Action]) -> dict[str, Any]:
        """A pair for a set of interventions, or a reject with the reason."""
        subject = self.subject
        self._check(Evidence(subject.run))
        told = self._told(actions)
        values = subject.under(actions)
        try:
            run = simulate(subject.world(values))
        except RowError as error:
            return told | {"reasons": [f"physics: {error}"]}
        reason = unsound(subject.event.variables(), actions, (subject.values, values), (subject.run, run))
        reason = reason or unsound_world(run)
        if reason:
            return told | {"reasons": [f"physics: {reason}"]}
        return told | self._pair(actions, values, run)

    def _pair(self, actions: Sequence[Action], values: Values, run: Run) -> dict[str, Any]:
        fact, filmed = self._factual()
        other = film(run, self.filming)
        event, subject = self.subject.event, self.subject
        variables = event.variables()
        asked = [each.variable for each in actions]
        when = reached(subject.run, run, changed_objects(subject.run, run))
        noise = zip(variables, subject.noise, strict=True)
        return {
            "factual": fact,
            "counterfactual": member(other, self.filming.look),
            "label": int(event.outcome(filmed.evidence)),
            "counterfactual_label": int(event.outcome(other.evidence)),
            "exact": True,
            "held_fixed": sorted({each.name for each in variables} - descendants(variables, asked)),
            "hidden": {
                "noise": [{"variable": each.name, "uniform": float(u)} for each, u in noise],
                "actions": json.dumps({each.variable: each.after for each in actions}),
            },
            "scores": {"dependence": None, "parted": parting(subject.run, run, when)},
        }

    def _factual(self) -> tuple[dict[str, Any], Filmed]:
        if self._fact is None or self._filmed is None:
            self._filmed = film(self.subject.run, self.filming)
            self._check(self._filmed.evidence)
            self._fact = member(self._filmed, self.filming.look)
        return self._fact, self._filmed

    def _check(self, evidence: Evidence) -> None:
        missing = self.subject.event.happened(evidence)
        if missing:
            raise RowError(f"the event did not take place: {missing}")
        wrong = unsound_world(evidence.run)
        if wrong:
            raise RowError(wrong)

    def _told(self, actions: Sequence[Action]) -> dict[str, Any]:
        return {
            "intervention": [
                {
                    "variable": each.variable,
                    "operation": "do",
                    "before": _text(each.before),
                    "after": _text(each.after),
                    "where": each.role,
                }
                for each in actions
            ],
        }


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)
