"""An edit of a text: one place, what stood there, and what stands there now."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as filled
from typing import Any

__all__ = ["Edit", "Failed", "Span", "candidate", "edited_text"]


@dataclass(frozen=True)
class Span:
    """Characters ``start`` to ``stop`` of a field: a phrase that may be replaced as a whole.

    ``kind`` is the phrase's kind: ``NP``, ``VP``, ``PP``, ``ADJP``, ``ADVP``, ``CLAUSE``, ``TOKEN``.
    """

    start: int
    stop: int
    kind: str


@dataclass(frozen=True)
class Edit:
    """One replacement, an insertion (``start == stop``) or a deletion (``after`` empty).

    Attributes
    ----------
    operation : str
        What was done, by the name of the rule or prompt: ``antonym``, ``negation``, ``infill`` ...
    request_ids, cost
        The model's replies that the edit stands on, and what they cost.
    """

    field: str
    start: int
    stop: int
    before: str
    after: str
    operation: str
    kind: str = ""
    request_ids: tuple[str, ...] = ()
    cost: float = 0.0
    scores: Mapping[str, float] = filled(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """An edit that could not be made: why, in words that can be counted, and the replies that were paid for it."""

    reason: str
    request_ids: tuple[str, ...] = ()
    cost: float = 0.0


def edited_text(text: str, edit: Edit) -> str:
    """The text with the edit made: everything before ``start`` and from ``stop`` on is the same bytes.

    Raises
    ------
    ValueError
        Where ``before`` is not what stands there.
    """
    if text[edit.start : edit.stop] != edit.before:
        raise ValueError(f"{edit.before!r} does not stand at {edit.start} to {edit.stop}")
    return text[: edit.start] + edit.after + text[edit.stop :]


def candidate(
    texts: Mapping[str, str], edits: Sequence[Edit], label: int, target: int, **columns: Any
) -> dict[str, Any]:
    """A candidate pair as a row generator gives it: the edits are made, and say where they are.

    Edits of one field must not overlap; their offsets are those of the factual text.
    """
    other = dict(texts)
    for edit in sorted(edits, key=lambda each: each.start, reverse=True):
        other[edit.field] = edited_text(other[edit.field], edit)
    changes = [
        {
            "variable": edit.field,
            "operation": edit.operation,
            "before": edit.before,
            "after": edit.after,
            "where": json.dumps({"start": edit.start, "stop": edit.stop, "kind": edit.kind}),
        }
        for edit in edits
    ]
    return {
        "factual": dict(texts),
        "counterfactual": other,
        "intervention": changes,
        "label": label,
        "counterfactual_label": target,
        "held_fixed": [name for name in texts if name not in {edit.field for edit in edits}],
        "request_ids": [each for edit in edits for each in edit.request_ids],
        "cost": sum(edit.cost for edit in edits),
        **columns,
    }
