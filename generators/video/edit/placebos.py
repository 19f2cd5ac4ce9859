"""A pair's placebo as a row: the factual again, with grain where the edit was, the same question, the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from generators.video.edit.operations import Frames, Masks
from generators.video.edit.placebo import grain, size_of
from generators.video.edit.records import clip_of
from generators.video.questions.measured import MEASURES, measured

__all__ = ["placebo_row"]


def placebo_row(
    pair: Mapping[str, Any], frames: Frames, touched: Masks, rate: Fraction, control_of: str, rng: np.random.Generator
) -> dict[str, Any]:
    """The control of a pair; where grain moves the answer of a measurement, a reject that says so.

    Parameters
    ----------
    frames : ndarray of uint8, shape (T, H, W, 3)
        The pair's factual.
    touched : ndarray of bool, shape (T, H, W)
        What the pair's edit touched.
    control_of : str
        The pair's id.
    """
    fact = pair["factual"]
    noisy = grain(frames, touched, pair["scores"]["edit_size"], rng)
    if fact["kind"] == "measured" and not _answered_alike(fact, noisy):
        return {"control_of": control_of, "reasons": ["edit: grain would move the measured answer"]}
    size = size_of(frames, noisy, touched)
    change = pair["intervention"][0]
    return {
        "factual": fact,
        "counterfactual": {**fact, **clip_of(noisy, rate)},
        "intervention": [{"variable": "grain", "operation": "placebo", "before": "as it was",
                          "after": f"grain of {size:.2f} grey levels", "where": change["where"]}],
        "label": pair["label"],
        "counterfactual_label": pair["label"],
        "label_source": pair["label_source"],
        "held_fixed": ["question", "options", "answer", "caption", "kind"],
        "scores": {"edit_size": size},
        # The pair's edits are told too: the question is about them, and its answer follows from them.
        "hidden": {name: pair["hidden"][name] for name in ("edit", "factual_edit", "touched")} | {"placebo": "grain"},
        "control_of": control_of,
    }  # fmt: skip


def _answered_alike(fact: Mapping[str, Any], frames: Any) -> bool:
    name = next(name for name, (question, _, _) in MEASURES.items() if question == fact["question"])
    return bool(measured(name, frames) == fact["answer"])
