"""Do the pairs help? Small students trained with and without them, and what they get right on pairs held out.

::

    running ─► reading (pairs, held-out pairs) ─► inputs (features) ─► arms ─► students ─► measures ─► bootstrap
               elsewhere (another distribution)                                effects: functions for your own models
"""

from __future__ import annotations

from contrafact.evaluation.effects import cace, effect_error, faithfulness_error, icace, order_faithfulness
from contrafact.evaluation.running import Settings, evaluate
from contrafact.evaluation.writing import write_evaluation

__all__ = [
    "Settings",
    "cace",
    "effect_error",
    "evaluate",
    "faithfulness_error",
    "icace",
    "order_faithfulness",
    "write_evaluation",
]
