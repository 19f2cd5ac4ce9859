"""From a drawn program to pairs: run for every hidden value, judged, compared with CPython, and put into a record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from contrafact.record import HIDDEN
from generators.code.executable.abduction import (
    Worlds,
    combinations,
    labelled,
    objection,
    tabulate,
    text_of,
    worlds_of,
)
from generators.code.executable.asking import Mode, ask
from generators.code.executable.drawing import Draft
from generators.code.executable.evaluating import compiled
from generators.code.executable.families import SplitBy, group_of
from generators.code.executable.printing import source_of
from generators.code.executable.sandboxed import Run

__all__ = ["Item", "compared", "examine", "member_of", "pair_of"]


@dataclass(frozen=True)
class Item:
    """A unit's program after our interpreter has run it.

    Attributes
    ----------
    draft : Draft
        Without its program, which has been printed: thousands of items are held at a time.
    name : str
        The function that is called.
    hidden : list of tuple of int
        Every assignment of the hidden inputs.
    before, after : list
        What the program returns for the fact and for the other input, one a hidden assignment.
    worlds : Worlds, optional
        None where the program fails for some hidden value.
    reason : str, optional
        Why the item is rejected.
    """

    unit_id: str
    family: str
    draft: Draft
    name: str
    code: str
    domain: str
    group: str
    hidden: list[tuple[int, ...]]
    before: list[Any]
    after: list[Any]
    worlds: Worlds | None
    reason: str | None

    @property
    def run(self) -> Run:
        """What CPython has to say."""
        return Run(self.code, (self.draft.fact, self.draft.other), self.draft.domain)

    @property
    def place(self) -> int:
        """Where the true hidden values are among all."""
        return self.hidden.index(tuple(self.draft.hidden.values()))


def examine(unit_id: str, family: str, draft: Draft, split_by: SplitBy, turns: int, most: int) -> Item:
    """Run a draft for every hidden value by our interpreter, and judge it.

    Parameters
    ----------
    turns : int
        Turns of a loop, at the most.
    most : int
        Possible answers, at the most.
    """
    code = source_of(draft.program)
    group = group_of(family, draft.program, code, split_by)
    domain = json.dumps({name: list(span) for name, span in draft.domain.items()})
    hidden = combinations(draft.domain)
    call, name = compiled(draft.program, turns), draft.program[-1].name
    bare = replace(draft, program=())
    before = tabulate(call, draft.fact, hidden)
    after = before if isinstance(before, str) else tabulate(call, draft.other, hidden)
    if isinstance(before, str) or isinstance(after, str):
        why = after if isinstance(after, str) else None
        return Item(unit_id, family, bare, name, code, domain, group, hidden, [], [], None, why)
    worlds = worlds_of(before, after, hidden.index(tuple(draft.hidden.values())))
    reason = objection(worlds, most)
    return Item(unit_id, family, bare, name, code, domain, group, hidden, before, after, worlds, reason)


def compared(item: Item, told: list[list[Any]] | str) -> str | None:
    """Why the item cannot stand after what CPython told; None where it gives the same values of the same types."""
    if isinstance(told, str):
        return f"the sandbox says otherwise: {told}"
    ours = [item.before, item.after]
    # 1 equals True, so that types are compared as well.
    alike = told == ours and all(
        set(map(type, one)) == set(map(type, other)) for one, other in zip(told, ours, strict=True)
    )
    return None if alike else "the sandbox gives other values than our interpreter"


def pair_of(item: Item, mode: Mode) -> dict[str, Any]:
    """The row of an item that stands: with the hidden values to be inferred, or told."""
    draft, worlds, place = item.draft, item.worlds, item.place
    assert worlds is not None  # noqa: S101  # an item that stands was run
    consistent = worlds.consistent if mode == "counterfactual" else [place]
    answers = worlds.answers if mode == "counterfactual" else [text_of(item.after[place])]
    change = {
        "variable": "input",
        "operation": "do",
        "before": text_of(draft.fact),
        "after": text_of(draft.other),
        "where": f"argument {draft.visible}",
    }
    return {
        "unit_id": item.unit_id,
        "group_id": item.group,
        "factual": member_of(item, mode, draft.fact, worlds.output, [worlds.output]),
        "counterfactual": member_of(item, mode, draft.other, worlds.output, answers),
        "intervention": [change],
        "label": labelled([worlds.output]),
        "counterfactual_label": labelled(answers),
        "exact": len(consistent) == 1,
        "held_fixed": ["family", "mode", "code", "domain"],
        "scores": {"consistent": len(consistent), "answers": len(answers), "unaided": worlds.unaided},
        "reasons": [],
        HIDDEN: {
            "values": json.dumps(dict(draft.hidden)),
            "output": text_of(item.after[place]),
            "consistent": [str(list(item.hidden[at])) for at in consistent],
            "outputs": [text_of(item.after[at]) for at in consistent],
        },
    }


def member_of(
    item: Item, mode: Mode, given: Any, output: str, answers: Sequence[str], code: str | None = None
) -> dict[str, Any]:
    """One world; ``output`` is what the fact returned, ``code`` the program where it is not the item's own."""
    draft, code = item.draft, code or item.code
    inputs = (draft.fact, given)
    return {
        "family": item.family,
        "mode": mode,
        "code": code,
        "domain": item.domain,
        "input": text_of(given),
        "question": ask(mode, code, item.name, draft.story, draft.visible, inputs, output, draft.domain, draft.hidden),
        "output": answers[0] if len(answers) == 1 else None,
        "answers": list(answers),
    }
