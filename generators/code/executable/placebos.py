"""Controls: the same call of the same program, spelled otherwise in one place, which must return what it returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contrafact.record import HIDDEN
from contrafact.stages import Context
from generators.code.edits import Edit, edited, intervention
from generators.code.executable.items import Item, member_of
from generators.code.executable.sandboxed import Run, run_all
from generators.code.preserving import nearest

__all__ = ["control_of", "placebos"]

_SIZE = 1.0  # tokens: a pair exchanges one value
_NONE = "no other spelling was found for a control"


def placebos(items: Sequence[Item], context: Context, name: str) -> list[Edit | str]:
    """For each item an edit of its code that changes no value for any hidden value, or why there is none."""
    edits: list[list[Edit]] = []
    for item in items:
        draw = context.streams.generator(name, item.unit_id, "control")
        told = item.draft.story is None  # a story shows no code
        edits.append(nearest(item.code.encode(), "python", _SIZE, draw) if told else [])
    found: dict[int, Edit] = {}
    for turn in range(max(map(len, edits), default=0)):
        open_ = [at for at, some in enumerate(edits) if at not in found and turn < len(some)]
        runs = [_run(items[at], edits[at][turn]) for at in open_]
        tables = run_all(context.engines.sandbox, runs) if runs else []
        for at, table in zip(open_, tables, strict=True):
            if table == [items[at].before]:
                found[at] = edits[at][turn]
    return [found.get(at, _NONE) for at in range(len(items))]


def _run(item: Item, edit: Edit) -> Run:
    return Run(edited(item.code.encode(), edit).decode(), (item.draft.fact,), item.draft.domain)


def control_of(item: Item, edit: Edit, pair: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The control beside a pair of an item: the factual once more, and its code spelled otherwise."""
    factual = pair["factual"]
    code = edited(item.code.encode(), edit).decode()
    other = member_of(item, factual["mode"], item.draft.fact, factual["answers"][0], factual["answers"], code)
    hidden = pair[HIDDEN]
    fact = factual["answers"][0]
    return {
        **pair,
        "counterfactual": other,
        "intervention": [intervention(item.code.encode(), edit)],
        "counterfactual_label": pair["label"],
        "held_fixed": ["family", "mode", "domain", "input"],
        "scores": {**pair["scores"], "answers": 1},
        "control_of": f"{item.unit_id}/{number}",
        HIDDEN: {**hidden, "output": fact, "outputs": [fact] * len(hidden["consistent"])},
    }
