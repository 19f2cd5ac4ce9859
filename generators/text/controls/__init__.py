"""Controls: for each pair a meaning-preserving edit of the same text and the same size, whose label must not move.

What a model's answer does under a target edit says little by itself: any edit of that size moves some answers. A
control is the placebo that it is measured against (``contrafact audit``).
"""

from __future__ import annotations

from generators.text.controls.asked import AskedControls
from generators.text.controls.attaching import CONTROL_SCORES, Maker, numbered, with_controls
from generators.text.controls.change import Control, Rewrite, Target
from generators.text.controls.opening import ControlSpec, Spec, maker_of, open_controls, read_controls
from generators.text.controls.reworded import Rewording, Way

__all__ = [
    "CONTROL_SCORES",
    "AskedControls",
    "Control",
    "ControlSpec",
    "Maker",
    "Rewording",
    "Rewrite",
    "Spec",
    "Target",
    "Way",
    "maker_of",
    "numbered",
    "open_controls",
    "read_controls",
    "with_controls",
]
