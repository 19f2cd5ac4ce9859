"""The questions that are asked of every clip (CRONOS's five on plausibility), answered from state."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from generators.video.physics.events.base import Question
from generators.video.physics.evidence import Evidence
from generators.video.physics.motion import moves_by_itself, smooth

__all__ = ["common_questions"]


def common_questions(evidence: Evidence) -> Sequence[Question]:
    """Whether the background stands still, looks are kept, nothing new comes, motion is smooth, nothing moves itself.

    A world keeps its objects, their looks, its fixtures and its camera by construction: what could break these answers
    is a state that is none, so that is what is looked at.
    """
    run = evidence.run
    lasting = bool(np.isfinite(run.states).all()) and run.states.shape[1] == len(run.world.bodies)
    return (
        Question("background", "Does the background stay as it is all the time?", lasting),
        Question("looks", "Does every object keep its colour and its shape?", lasting),
        Question("new", "Does an object come into being during the clip?", not lasting),
        Question("smooth", "Does every object move smoothly, without jumping from one place to another?", smooth(run)),
        Question(
            "self_moving",
            "Does an object change its course in mid-air without touching anything?",
            moves_by_itself(run),
        ),
    )
