"""Whether a scene's outcome depends on a hidden property: CoPhy's filter, as a score.

CoPhy keeps a pair only where the outcome differs among settings of what no picture shows. Here the score is the share
of settings whose outcome is not the factual one; nothing is drawn for it.
"""

from __future__ import annotations

from contrafact.errors import RowError
from generators.video.physics.evidence import Evidence
from generators.video.physics.factors import HIDDEN_FACTORS, Action, settings
from generators.video.physics.pairing import Subject
from generators.video.physics.simulate import simulate

__all__ = ["dependence"]


def dependence(subject: Subject, action: Action, most: int) -> float | None:
    """Share of at most ``most`` settings of the factor under which the outcome is another than the factual one.

    None for a factor that pictures show.
    """
    if action.factor not in HIDDEN_FACTORS:
        return None
    before = subject.event.outcome(Evidence(subject.run))
    tried = flipped = 0
    for value in settings(subject.event, action.factor, action.role, action.before)[:most]:
        other = Action(action.factor, action.variable, action.role, action.before, value)
        try:
            run = simulate(subject.world(subject.under([other])))
        except RowError:
            continue
        tried += 1
        flipped += subject.event.outcome(Evidence(run)) != before
    return flipped / tried if tried else None
