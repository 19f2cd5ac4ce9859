"""Every answer again from stored pairs: the stored code, inputs and domain, run in the sandbox."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines.sandbox import Sandbox
from contrafact.record import HIDDEN
from contrafact.stages import Recomputed
from generators.code.executable.abduction import combinations, labelled, text_of, worlds_of
from generators.code.executable.sandboxed import Run, run_all

__all__ = ["recomputed"]

_MOST = 100_000


def recomputed(pairs: pa.Table, sandbox: Sandbox) -> Recomputed:
    """What CPython gives for the fact and for the other input, over the whole stored domain of every pair.

    A pair whose code no longer runs, or whose hidden value lies outside the domain, gets answers that no stored pair
    has.
    """
    rows = pairs.to_pylist()
    runs = [_run(row, "counterfactual") for row in rows]
    # A control has another program on its other side: then the fact is the first one's to tell.
    own = {at: _run(row, "factual") for at, row in enumerate(rows) if row["factual"]["code"] != runs[at].source}
    found = run_all(sandbox, [*runs, *own.values()])
    told = [_again(row, run, tables) for row, run, tables in zip(rows, runs, found, strict=False)]
    for at, tables in zip(own, found[len(runs) :], strict=True):
        fact, _, exact = _again(rows[at], own[at], tables)
        told[at] = (fact, told[at][1], exact and told[at][2])
    facts, others = [fact for fact, _, _ in told], [other for _, other, _ in told]
    return Recomputed(
        _columns(others),
        _labels(facts),
        _labels(others),
        _columns(facts),
        np.array([exact for _, _, exact in told], dtype=bool),
    )


def _run(row: Mapping[str, Any], side: str) -> Run:
    fact, other = row["factual"], row["counterfactual"]
    domain = {name: (int(low), int(high)) for name, (low, high) in json.loads(fact["domain"]).items()}
    run = Run(row[side]["code"], (json.loads(fact["input"]), json.loads(other["input"])), domain)
    if run.calls > _MOST:
        raise ValueError(f"{row['pair_id']}: its domain has {run.calls} values")
    return run


def _again(
    row: Mapping[str, Any], run: Run, tables: list[list[Any]] | str
) -> tuple[dict[str, Any], dict[str, Any], bool]:
    values = tuple(json.loads(row[HIDDEN]["values"]).values())
    places = combinations(run.domain)
    if isinstance(tables, str) or values not in places:
        why = tables if isinstance(tables, str) else "the hidden value is outside the domain"
        nothing = {"output": why, "answers": [why]}
        return nothing, nothing, False
    before, after = tables
    place = places.index(values)
    worlds = worlds_of(before, after, place)
    told = row["counterfactual"]["mode"] == "interventional"
    answers = [text_of(after[place])] if told else worlds.answers
    fact = {"output": worlds.output, "answers": [worlds.output]}
    other = {"output": answers[0] if len(answers) == 1 else None, "answers": answers}
    return fact, other, told or len(worlds.consistent) == 1


def _labels(members: Sequence[Mapping[str, Any]]) -> pa.Array:
    return pa.array([labelled(each["answers"]) for each in members], pa.string())


def _columns(members: Sequence[Mapping[str, Any]]) -> dict[str, NDArray[Any]]:
    columns = {name: np.empty(len(members), dtype=object) for name in ("output", "answers")}
    for row, each in enumerate(members):
        for name, column in columns.items():
            column[row] = each[name]
    return columns
