"""Pairs that a recipe gives without meaning to: those that change nothing, and those that a unit has already.

A fixed value is the one that some units have (``do: {treated: true}``), and interventions of one recipe may come to the
same (``do: {treated: another}`` beside it). Such pairs are no use, or count a unit twice, and are rejected.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contrafact.errors import RecipeError
from contrafact.identity import identity_of
from generators.scm.interventions import Intervention
from generators.scm.mechanisms.base import Columns, Mechanism
from generators.scm.requests import Request, Wanted

__all__ = ["ADVICE", "NOTHING", "TWICE", "Repeats", "changes_nothing", "check_different"]

NOTHING = "scm: the intervention changes nothing for this unit"
TWICE = "scm: another intervention of the recipe asks the same of this unit"

ADVICE: Mapping[str, str] = {
    NOTHING: "do: {x: another} always gives another value than the unit has (a null that is meant: do: {x: same})",
    TWICE: "leave out the intervention that the others cover, or write per_unit: one",
}
"""What can be done about such a reason."""

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


def changes_nothing(request: Request, settled: Intervention, facts: Columns, world: Columns, rows: int) -> Mask:
    """Units for which the intervention leaves all that it acts on as it is, and with it everything. Shape (rows,).

    Another mechanism or environment that gives a unit the value it has is an answer, and no such case; nor is what
    was asked for in so many words (``same``, a shift by 0, a scale by 1).
    """
    meant = any(each.operation == "soft" for each in request.wanted) or all(map(_is_null, request.wanted))
    if settled.domain is not None or meant:
        return np.zeros(rows, dtype=bool)
    still = np.ones(rows, dtype=bool)
    for action in settled.actions:
        still &= world[action.variable] == facts[action.variable]
    return still


def check_different(requests: Sequence[Request]) -> None:
    """Raise ``RecipeError`` where two interventions are the same for every unit.

    Policies included: what is drawn for a unit hangs on the unit and the variable, and not on the place in the list.
    """
    seen: dict[str, int] = {}
    for position, request in enumerate(requests, start=1):
        asked = sorted([each.variable, each.operation, str(each.policy), _told(each.value)] for each in request.wanted)
        key = identity_of([request.domain, asked])
        if key in seen:
            raise RecipeError(
                f"interventions {seen[key]} and {position} are the same: every unit would have each such pair twice",
                allowed="different interventions, or per_unit: one, where a repeated one is drawn more often",
                fix=f"leave out intervention {position}",
            )
        seen[key] = position


@dataclass
class Repeats:
    """What the units of a shard were asked so far.

    Parameters
    ----------
    requests : sequence of Request
    rows : int
        Units of the shard.
    """

    requests: Sequence[Request]
    rows: int
    seen: dict[str, list[tuple[Mask, Mapping[str, Any]]]] = field(default_factory=dict)

    def of(self, position: int, settled: Intervention, there: str, picked: Rows | None) -> Mask:
        """Those of the picked units that an earlier request asked the same. Shape (picked,)."""
        rows = self.rows if picked is None else len(picked)
        twice = np.zeros(rows, dtype=bool)
        if not self._may_repeat(position):
            return twice
        key = identity_of([there, sorted([each.variable, each.operation, _kind(each)] for each in settled.actions)])
        asked = {each.variable: each.value for each in settled.actions if each.operation == "do"}
        place: Any = slice(None) if picked is None else picked
        for where, before in self.seen.get(key, ()):
            again = where[place].copy()
            for name, value in asked.items():
                again &= (before[name][place] if np.ndim(before[name]) else before[name]) == value
            twice |= again
        self._remember(key, asked, place, picked)
        return twice

    def _may_repeat(self, position: int) -> bool:
        """Whether another request acts on the same variables by the same operations."""
        names = [sorted((each.variable, each.operation) for each in request.wanted) for request in self.requests]
        return names.count(names[position]) > 1

    def _remember(self, key: str, asked: Mapping[str, Any], place: Any, picked: Rows | None) -> None:
        where = np.zeros(self.rows, dtype=bool)
        where[place] = True
        whole: dict[str, Any] = {}
        for name, value in asked.items():
            whole[name] = value
            if np.ndim(value) and picked is not None:
                whole[name] = np.zeros(self.rows, dtype=np.asarray(value).dtype)
                whole[name][picked] = value
        self.seen.setdefault(key, []).append((where, whole))


def _is_null(wanted: Wanted) -> bool:
    unit = {"shift": 0, "scale": 1}
    return wanted.policy == "same" or (wanted.operation in unit and wanted.value == unit[wanted.operation])


def _kind(action: Any) -> str:
    """What besides a value of do tells one action on a variable from another."""
    return "" if action.operation == "do" else _told(action.value)


def _told(value: Any) -> str:
    return identity_of(value.spec()) if isinstance(value, Mechanism) else repr(value)
