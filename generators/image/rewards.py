"""DeFacto's rewards for answers that must stand on evidence, as pure functions (arXiv:2509.20912, section 3).

A picture is asked about in three variants: ``positive`` (as it is), ``random`` (something else is masked) and
``counterfactual`` (the evidence is masked, so that the right answer is *unknown*). Standard library alone, so that
frameworks for reinforcement learning can import it anywhere.

The authors' code looks for ``unknown``, ``no`` or ``none`` anywhere in a response, and so takes "I know it is not" for
an abstention. Here the answer itself must be the word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Said", "Variant", "answer_reward", "format_reward", "iou", "read_response", "region_reward", "reward"]

Box = Sequence[float]
"""Left, top, right and bottom in pixels; right and bottom lie outside."""
Variant = Literal["positive", "random", "counterfactual"]

ABSTENTION = "unknown"
WEIGHTS = (1.0, 0.2, 0.2)
"""Of answer, format and region (the paper's figures; the authors' first code added the three as they are)."""
_COUNTED = 0.5
_FORM = re.compile(r"\s*<think>(.*)</think>\s*<answer>(.*?)</answer>\s*", re.DOTALL)
_ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)
_BOX = re.compile(r"<box>(.*?)</box>", re.DOTALL)
_AROUND = " \t\r\n.!?,;:*_`\"'()"


@dataclass(frozen=True)
class Said:
    """What a response says.

    Attributes
    ----------
    answer : str, optional
        Of the last ``<answer>``; None where there is none.
    boxes : tuple of boxes
        Every box between ``<box>`` and ``</box>``; what cannot be read as one is left out.
    """

    answer: str | None
    boxes: tuple[tuple[float, float, float, float], ...]


def read_response(response: str) -> Said:
    """The answer and the boxes of a response ``<think><box>[[l,t,r,b]]</box>…</think><answer>…</answer>``."""
    answers = _ANSWER.findall(response)
    boxes = [box for part in _BOX.findall(response) for box in _boxes(part)]
    return Said(answers[-1] if answers else None, tuple(boxes))


def answer_reward(said: str | None, answer: str, variant: Variant) -> float:
    """Evidence in sight: 1 where right, 0 where wrong, -1 for an abstention. Evidence masked: 1 for it, else -1."""
    abstains = _plain(said) == ABSTENTION
    if variant == "counterfactual":
        return 1.0 if abstains else -1.0
    if abstains:
        return -1.0
    return float(said is not None and _plain(said) == _plain(answer))


def format_reward(response: str) -> float:
    """1 where the response is one ``<think>`` and one ``<answer>`` in this order and nothing else, else 0."""
    found = _FORM.fullmatch(response)
    return float(found is not None and not any("<think>" in each or "<answer>" in each for each in found.groups()))


def region_reward(boxes: Sequence[Box], evidence: Sequence[Box], elsewhere: Sequence[Box], variant: Variant) -> float:
    """Whether the boxes lie on the evidence.

    Evidence in sight: the boxes' best overlaps with the evidence, less those with regions that the answer does not
    stand on, within -1 and 1; an overlap counts where it is above a half. Evidence masked: 1 for no box, else -1.
    """
    if variant == "counterfactual":
        return -1.0 if boxes else 1.0
    gain = sum(_best(each, evidence) - _best(each, elsewhere) for each in boxes)
    return max(-1.0, min(1.0, gain))


def reward(
    response: str,
    answer: str,
    variant: Variant,
    evidence: Sequence[Box],
    elsewhere: Sequence[Box] = (),
    weights: tuple[float, float, float] = WEIGHTS,
) -> float:
    """The weighted sum of the three rewards.

    Parameters
    ----------
    response : str
        Whatever a model wrote.
    answer : str
        What is right for the picture as it is.
    variant : {'positive', 'random', 'counterfactual'}
    evidence, elsewhere : sequences of boxes
        What the answer stands on, and what it does not (:func:`generators.image.masking.boxes_of` reads boxes off a
        stored mask).
    weights : tuple of float
        Of answer, format and region.

    Raises
    ------
    ValueError
        For an unknown variant.
    """
    if variant not in ("positive", "random", "counterfactual"):
        raise ValueError(f"variant {variant!r}: positive, random or counterfactual")
    said = read_response(response)
    parts = (
        answer_reward(said.answer, answer, variant),
        format_reward(response),
        region_reward(said.boxes, evidence, elsewhere, variant),
    )
    return sum(weight * part for weight, part in zip(weights, parts, strict=True))


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes; 0 where either has no area."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    shared = wide * high
    return shared / (_area(one) + _area(other) - shared)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _best(box: Box, regions: Sequence[Box]) -> float:
    best = max((iou(box, each) for each in regions), default=0.0)
    return best if best > _COUNTED else 0.0


def _boxes(part: str) -> list[tuple[float, float, float, float]]:
    try:
        given = json.loads(part)
    except ValueError:
        return []
    if not isinstance(given, list):
        return []
    listed = given if all(isinstance(each, list) for each in given) else [given]
    return [tuple(map(float, each)) for each in listed if _is_box(each)]  # type: ignore[misc]  # four, as was checked


def _is_box(given: object) -> bool:
    return isinstance(given, list) and len(given) == 4 and all(type(each) in (int, float) for each in given)


def _plain(text: str | None) -> str:
    return " ".join((text or "").casefold().split()).strip(_AROUND)
