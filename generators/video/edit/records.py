"""Pairs of edited footage as records: what a member holds, what is hidden, and how an edit is told as intervention."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pyarrow as pa

from contrafact.engines.media import encode_lossless
from contrafact.record import PairShape, class_label, media_fields
from generators.video.edit.masks import packed
from generators.video.edit.operations import Frames, Masks
from generators.video.questions.asking import LETTERS, Item
from generators.video.questions.captions import caption
from generators.video.questions.facts import Fact

__all__ = ["SHAPE", "Side", "clip_of", "made"]

SHAPE = PairShape(
    members=[
        *media_fields("video", "video"),
        pa.field("question", pa.string()),
        pa.field("options", pa.list_(pa.string())),
        pa.field("answer", pa.string()),
        pa.field("caption", pa.string()),
        pa.field("kind", pa.string()),
    ],
    label=class_label("answer", LETTERS),
    hidden=[
        pa.field("edit", pa.string()),
        pa.field("factual_edit", pa.string()),
        pa.field("mask", pa.binary()),
        pa.field("factual_mask", pa.binary()),
        pa.field("touched", pa.binary()),
        pa.field("original", pa.binary()),
        pa.field("placebo", pa.string()),
    ],
    scores=[pa.field("edit_size", pa.float64())],
)


@dataclass(frozen=True)
class Side:
    """One member of a pair.

    Attributes
    ----------
    frames : ndarray of uint8, shape (T, H, W, 3)
    fact : Fact or None
        The edit; None for a clip as it was filmed.
    mask : ndarray of bool, shape (T, H, W), or None
        Where it may act.
    touched : ndarray of bool, shape (T, H, W), or None
        Where it did.
    """

    frames: Frames
    fact: Fact | None = None
    mask: Masks | None = None
    touched: Masks | None = None


def made(
    sides: tuple[Side, Side], item: Item, rate: Fraction, size: float, content: str, varied: str | None
) -> dict[str, Any]:
    """A pair as a row.

    Parameters
    ----------
    size : float
        Mean change of the touched pixels, in grey levels.
    content : str
        What the clip shows, where the source says so.
    varied : str or None
        What differs between two edits; None where the factual is as it was filmed.
    """
    one, other = sides
    touched = [side.touched for side in sides if side.touched is not None]
    return {
        "factual": _member(one, item, 0, rate, content),
        "counterfactual": _member(other, item, 1, rate, content),
        "intervention": [_intervention(one.fact, other.fact, varied)],
        "label": item.right[0],
        "counterfactual_label": item.right[1],
        "held_fixed": ["question", "options", "kind"],
        "scores": {"edit_size": size},
        "hidden": {
            "edit": _text(other.fact),
            "factual_edit": _text(one.fact),
            "mask": None if other.mask is None else packed(other.mask),
            "factual_mask": None if one.mask is None else packed(one.mask),
            "touched": packed(touched[0] if len(touched) == 1 else touched[0] | touched[1]) if touched else None,
        },
    }


def clip_of(frames: Frames, rate: Fraction) -> dict[str, Any]:
    """The fields of a clip: its bytes without loss, and their hash."""
    data = encode_lossless(frames, rate)
    return {"video": {"bytes": data, "path": "clip.mkv"}, "video_sha256": hashlib.sha256(data).hexdigest()}


def _member(side: Side, item: Item, place: int, rate: Fraction, content: str) -> dict[str, Any]:
    return {
        **clip_of(side.frames, rate),
        "question": item.question,
        "options": list(item.options),
        "answer": item.options[item.right[place]],
        "caption": caption(side.fact, len(side.frames), float(rate), content),
        "kind": item.kind,
    }


def _intervention(one: Fact | None, other: Fact | None, varied: str | None) -> Mapping[str, str]:
    from generators.video.edit.catalogue import OPERATIONS

    assert other is not None  # noqa: S101  # only the factual may be as it was filmed
    start, stop = other.seconds
    where = f"{other.subject}, {start:.3f} to {stop:.3f} s"
    if one is None or varied is None:
        name = OPERATIONS[other.operation].property
        after = " ".join([other.operation, *(f"{key}={value}" for key, value in other.values.items())])
        return {"variable": name, "operation": "edit", "before": "as filmed", "after": after, "where": where}
    before, after = _told(one, varied), _told(other, varied)
    return {"variable": varied, "operation": "do", "before": before, "after": after, "where": where}


def _told(fact: Fact, varied: str) -> str:
    """The one thing of an edit that was varied."""
    start, stop = fact.seconds
    when = f"{start:.3f} to {stop:.3f} s"
    return {"when": when, "where": fact.where}.get(varied, fact.operation)


def _text(fact: Fact | None) -> str | None:
    return None if fact is None else fact.text()
