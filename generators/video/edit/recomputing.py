"""Every edit made again from its record, and every label read again: from the edit's facts, or from the pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from contrafact.engines.media import read_clip
from contrafact.stages import Recomputed
from generators.video.edit.choosing import Take, rendered
from generators.video.edit.masks import unpacked
from generators.video.edit.operations import Frames
from generators.video.questions.asking import ASKED, asked_of, possible
from generators.video.questions.facts import read_fact
from generators.video.questions.measured import MEASURES, measured

__all__ = ["recomputed"]


def recomputed(pairs: pa.Table) -> Recomputed:
    """Both clips and both labels again.

    A clip that the record gives again bit for bit keeps its hash here; one that it does not has none, and is told of.
    So has an answer no label where the facts, or the pixels, give another; captions may be reworded, and stand.
    """
    rows = [_row(row) for row in pairs.select(["factual", "counterfactual", "label", "counterfactual_label", "hidden",
                                               "control_of"]).to_pylist()]  # fmt: skip
    return Recomputed(
        {"video_sha256": np.array([row[1] for row in rows], dtype=object)},
        pa.array([row[2] for row in rows], pa.int64()),
        pa.array([row[3] for row in rows], pa.int64()),
        {"video_sha256": np.array([row[0] for row in rows], dtype=object)},
    )


def _row(row: Mapping[str, Any]) -> tuple[str | None, str | None, int | None, int | None]:
    """Hashes of both clips and both labels, None for what does not come out again."""
    one, other, hidden = row["factual"], row["counterfactual"], row["hidden"]
    frames = _frames(one["video"]), _frames(other["video"])
    hashes = [one["video_sha256"], other["video_sha256"]]
    if hidden["placebo"] is None:
        begun = frames[0] if hidden["original"] is None else read_clip(hidden["original"]).frames
        for side, prefix in ((0, "factual_"), (1, "")):
            if hidden[f"{prefix}edit"] is not None and not np.array_equal(_again(begun, hidden, prefix), frames[side]):
                hashes[side] = None
    elif not _within(frames, unpacked(hidden["touched"])):
        hashes[1] = None
    labels = [_label((one, other)[side], frames[side], hidden, side) for side in (0, 1)]
    return hashes[0], hashes[1], labels[0], labels[1]


def _again(frames: Frames, hidden: Mapping[str, Any], prefix: str) -> Frames:
    take = Take(read_fact(hidden[f"{prefix}edit"]), unpacked(hidden[f"{prefix}mask"]))
    return rendered(take, frames)[0]


def _within(frames: tuple[Frames, Frames], touched: Any) -> bool:
    """Whether two clips are the same outside of what was touched."""
    return bool((frames[0] == frames[1]).all(axis=-1)[~touched].all())


def _label(member: Mapping[str, Any], frames: Frames, hidden: Mapping[str, Any], side: int) -> int | None:
    """The position of the answer, measured again or told again by the facts; None where the record says another."""
    if member["kind"] == "measured":
        name = next(name for name, (question, _, _) in MEASURES.items() if question == member["question"])
        answer = measured(name, frames)
    else:
        answer = _told(member, hidden, side)
    return member["options"].index(answer) if answer == member["answer"] and answer in member["options"] else None


def _told(member: Mapping[str, Any], hidden: Mapping[str, Any], side: int) -> str | None:
    """The answer by the facts of both edits; None where they do not lead to this question."""
    if member["kind"] not in ASKED or hidden["edit"] is None:
        return None
    before = hidden["factual_edit"]
    facts = (None if before is None else read_fact(before), read_fact(hidden["edit"]))
    if member["kind"] not in possible(facts):
        return None
    question, answers = asked_of(member["kind"], facts)
    # Both members of a placebo show the factual's edit.
    return answers[side if hidden["placebo"] is None else 0] if question == member["question"] else None


def _frames(video: Mapping[str, Any]) -> Frames:
    return read_clip(video["bytes"]).frames
