"""The pairs of a specification as records, and every oracle value of a record again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines.sandbox import Sandbox
from contrafact.record import HIDDEN, PairShape, class_label, pair_schema
from contrafact.stages import Recomputed
from generators.code.specification.asking import Answer, Question, ask
from generators.code.specification.drafting import Choice, probe_of
from generators.code.specification.listener import choose, survivors

__all__ = ["HELD", "SHAPE", "VERDICTS", "Told", "again", "edit_size", "pair_of", "schema", "told"]

VERDICTS = ("reject", "accept")
HELD = ("string", "examples")

SHAPE = PairShape(
    [
        pa.field("pattern", pa.string()),
        pa.field("string", pa.string()),
        pa.field("examples", pa.list_(pa.string())),
        pa.field("signs", pa.list_(pa.bool_())),
    ],
    class_label("verdict", VERDICTS),
    [pa.field("pool", pa.list_(pa.string())), pa.field("strings", pa.list_(pa.string()))],
    [pa.field(name, pa.int64()) for name in ("survivors", "random_survivors", "examples", "edit")],
)
"""Fields of a pair. ``signs`` say of each example whether the program accepts it."""


class Told:
    """A target told by examples.

    Attributes
    ----------
    pool : list of str
        Programs that the engine gave verdicts of, the target first.
    verdicts : ndarray of bool, shape (programs, strings)
    chosen : list of int
        Places of the examples among the strings.
    """

    def __init__(self, pool: Sequence[str], strings: Sequence[str], verdicts: NDArray[np.bool_], most: int) -> None:
        self.pool, self.strings, self.verdicts = list(pool), list(strings), verdicts
        self.chosen = choose(verdicts, self.strings, most)

    @property
    def examples(self) -> list[str]:
        return [self.strings[place] for place in self.chosen]

    def left(self, chosen: Sequence[int]) -> int:
        """Programs, the target among them, that agree with the target on some strings."""
        return survivors(self.verdicts, chosen)


def told(pool: Sequence[str], strings: Sequence[str], answer: Answer, most: int) -> Told:
    """The target's examples, by what the engine says; programs of which it says nothing are out of the pool."""
    kept = [place for place, failure in enumerate(answer.failures) if failure is None and place < len(pool)]
    return Told([pool[place] for place in kept], strings, answer.verdicts[kept, : len(strings)], most)


def pair_of(
    given: Told, choice: Choice, distractor: str, verdicts: Mapping[str, tuple[Sequence[bool], bool]], random_left: int
) -> dict[str, Any]:
    """One record.

    Parameters
    ----------
    verdicts : mapping
        For target and distractor: signs of the examples, and the verdict on the string.
    random_left : int
        Programs that as many examples, drawn without a thought, leave.
    """
    target = given.pool[0]
    span, before, after = _change(target, distractor)
    where = json.dumps({"field": "pattern", "span": span, "kind": choice.kind})
    members = [
        {"pattern": each, "string": choice.string, "examples": given.examples, "signs": list(verdicts[each][0])}
        for each in (target, distractor)
    ]
    return {
        "factual": members[0],
        "counterfactual": members[1],
        "intervention": [
            {"variable": "pattern", "operation": "edit", "before": before, "after": after, "where": where}
        ],
        "label": int(verdicts[target][1]),
        "counterfactual_label": int(verdicts[distractor][1]),
        "exact": True,
        "held_fixed": list(HELD),
        "scores": {
            "survivors": given.left(given.chosen),
            "random_survivors": random_left,
            "examples": len(given.chosen),
            "edit": max(len(before), len(after)),
        },
        "reasons": [],
        HIDDEN: {"pool": given.pool[1:], "strings": given.strings},
    }


def schema() -> pa.Schema:
    """Schema of what the generator gives."""
    whole = pair_schema(SHAPE, SHAPE.scores)
    names = ("unit_id", "factual", "counterfactual", "intervention", "label", "counterfactual_label", "exact")
    fields = [whole.field(name) for name in (*names, "held_fixed", "reasons", "control_of")]
    scores = pa.field("scores", pa.struct(list(SHAPE.scores)))
    return pa.schema([*fields, scores, pa.field(HIDDEN, pa.struct(list(SHAPE.hidden)))])


def again(pairs: pa.Table, most: int, sandbox: Sandbox) -> Recomputed:
    """Strings, examples, signs and labels from the patterns, the pool and the strings to choose from alone."""
    rows = pairs.to_pylist()
    probes = [probe_of(row["factual"]["pattern"], row["counterfactual"]["pattern"]) for row in rows]
    asked = [
        row["factual"]["string"] if probe is None and row["control_of"] is not None else probe
        for row, probe in zip(rows, probes, strict=True)
    ]
    questions = [_question(row, probe) for row, probe in zip(rows, asked, strict=True)]
    found = [
        _recomputed(row, probe, answer, most)
        for row, probe, answer in zip(rows, probes, ask(sandbox, questions), strict=True)
    ]
    for row, each in zip(rows, found, strict=True):
        if row["control_of"] is not None and each["string"] is None:  # the same language: nothing tells them apart
            each["string"] = row["factual"]["string"]
    columns = {name: [each[name] for each in found] for name in ("string", "examples", "signs", "other_signs")}
    shared = {name: _objects(columns[name]) for name in ("string", "examples")}
    labels = [pa.array([each[name] for each in found], pa.int64()) for name in ("label", "other_label")]
    held = pa.array([list(HELD)] * len(rows), pa.list_(pa.string()))
    return Recomputed(
        {**shared, "signs": _objects(columns["other_signs"])},
        labels[0],
        labels[1],
        {**shared, "signs": _objects(columns["signs"])},
        np.ones(len(rows), dtype=bool),
        held,
    )


def _question(row: Mapping[str, Any], probe: str | None) -> Question:
    patterns = [row["factual"]["pattern"], *row[HIDDEN]["pool"], row["counterfactual"]["pattern"]]
    return Question(patterns, [*row[HIDDEN]["strings"], probe or ""])


def _recomputed(row: Mapping[str, Any], probe: str | None, answer: Answer, most: int) -> dict[str, Any]:
    pool = [row["factual"]["pattern"], *row[HIDDEN]["pool"]]
    strings = row[HIDDEN]["strings"]
    given = Told(pool, strings, answer.verdicts[:-1, :-1], most)
    one, other = answer.verdicts[0], answer.verdicts[-1]
    return {
        "string": probe,
        "examples": given.examples,
        "signs": one[given.chosen].tolist(),
        "other_signs": other[given.chosen].tolist(),
        "label": int(one[-1]),
        "other_label": int(other[-1]),
    }


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    found = np.empty(len(values), dtype=object)
    for place, each in enumerate(values):
        found[place] = each
    return found


def edit_size(one: str, other: str) -> int:
    """Characters of the longer side of an edit."""
    _, before, after = _change(one, other)
    return max(len(before), len(after))


def _change(one: str, other: str) -> tuple[list[int], str, str]:
    """(span in the first, text there, text in its stead): what lies between the longest common start and end."""
    most = min(len(one), len(other))
    start = next((place for place in range(most) if one[place] != other[place]), most)
    end = next((back for back in range(most - start) if one[-1 - back] != other[-1 - back]), most - start)
    return [start, len(one) - end], one[start : len(one) - end], other[start : len(other) - end]
