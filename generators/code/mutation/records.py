"""What a pair of this generator holds, and how it is computed again from the record alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from contrafact.engines.sandbox import Sandbox
from contrafact.engines.syntax import Language
from contrafact.record import HIDDEN, PairShape, class_label
from contrafact.stages import Recomputed
from generators.code.edits import intervention, measures
from generators.code.mutation.inputs import Input
from generators.code.mutation.observing import Observation
from generators.code.mutation.tongues import Tongue, tongue_of
from generators.code.mutation.trials import Mutant, Verdict

__all__ = ["FAILS", "PASSES", "SHAPE", "made", "recomputed", "rejected"]

LEVELS = ("passes", "fails")
PASSES, FAILS = range(2)
LANGUAGES: tuple[Language, ...] = ("c", "python")
_RAN = ("ended", "value", "after", "printed")

SHAPE = PairShape(
    members=[
        *(pa.field(name, pa.string()) for name in ("path", "name", "code", "prelude", "call", "witness", *_RAN)),
        class_label("language", LANGUAGES),
    ],
    label=class_label("tests", LEVELS),
    hidden=[pa.field("inputs", pa.list_(pa.string())), pa.field("harness", pa.string())],
    scores=[pa.field(name, pa.float64()) for name in ("statements", "token_distance", "tree_distance", "tried")],
)
"""``code`` is the function; ``prelude`` what it needs of its module; ``call`` the witness for people, and ``witness``
for machines (arguments and keywords, as the sandbox writes values); then what came of it. ``inputs`` are all that were
tried, where both members were alike on every one; ``harness`` is what makes a program of a C function."""

_HELD = ["path", "name", "prelude", "call", "witness", "language"]


@dataclass(frozen=True)
class Stored:
    """A function as a record holds it, ready to run."""

    name: str
    code: str
    prelude: str
    language: Language = "python"
    harness: str | None = None


def made(
    unit: Mapping[str, Any], mutant: Mutant, verdict: Verdict, number: int, control_of: str | None, tongue: Tongue
) -> dict[str, Any]:
    """A pair: one that an input tells apart (passes, fails), or that none of those tried does (passes, passes).

    Parameters
    ----------
    number : int
        Inputs that were tried.
    control_of : str, optional
        The pair that it is a placebo for.
    """
    assert verdict.witness is not None  # noqa: S101  # there is one wherever there is a pair
    assert verdict.before is not None  # noqa: S101
    assert verdict.after is not None  # noqa: S101
    source, code = mutant.profile.function.code, mutant.code
    common = {
        "path": unit["path"],
        "name": mutant.name,
        "prelude": mutant.prelude,
        "call": tongue.written(mutant.profile.function, verdict.witness),
        "witness": verdict.witness.text,
        "language": LANGUAGES.index(tongue.language),
    }
    return {
        **_row(unit, mutant),
        "factual": {**common, "code": source, **_observed(verdict.before)},
        "counterfactual": {**common, "code": code, **_observed(verdict.after)},
        "label": PASSES,
        "counterfactual_label": FAILS if verdict.outcome == "differs" else PASSES,
        "label_source": "oracle",
        "held_fixed": _HELD,
        "control_of": control_of,
        "scores": {**measures(source.encode(), code.encode(), tongue.language), "tried": float(number)},
        HIDDEN: {
            "inputs": [each.text for each in verdict.tried],
            "harness": tongue.harness(mutant.profile.function),
        },
    }


def rejected(unit: Mapping[str, Any], reason: str, mutant: Mutant | None = None) -> dict[str, Any]:
    """A unit, or an edit of it, that no pair could be made of, with its reason."""
    if mutant is None:
        return {"unit_id": unit["unit_id"], "group_id": _group(unit), "reasons": [reason]}
    return {**_row(unit, mutant), "factual": {"code": unit["code"]}, "reasons": [reason]}


def _row(unit: Mapping[str, Any], mutant: Mutant) -> dict[str, Any]:
    source = mutant.profile.function.code.encode()
    return {
        "unit_id": unit["unit_id"],
        "group_id": _group(unit),
        "intervention": [intervention(source, mutant.edit)],
        "reasons": [],
    }


def _group(unit: Mapping[str, Any]) -> str:
    """What may not cross a split: a file, whose functions share helpers; of a git history, whatever the commit."""
    path = unit["path"]
    return str((path.partition("@")[2] or path) if path else unit["unit_id"])


def _observed(seen: Observation) -> dict[str, str]:
    return {"ended": seen.ended, "value": seen.value, "after": seen.after, "printed": seen.printed}


def recomputed(pairs: pa.Table, sandbox: Sandbox) -> Recomputed:
    """Both members of every pair run again on what is stored, each function loaded once a table."""
    rows = pairs.select(["factual", "counterfactual", HIDDEN]).to_pylist()
    asked: dict[Stored, dict[str, None]] = {}
    for row in rows:
        for member in ("factual", "counterfactual"):
            asked.setdefault(_stored(row, member), {}).update(dict.fromkeys(_inputs(row)))
    known: dict[tuple[Stored, str], Observation] = {}
    for language in LANGUAGES:
        runs = [(each, [Input(text) for text in texts]) for each, texts in asked.items() if each.language == language]
        found = tongue_of(language).observe(sandbox, runs) if runs else []
        for (function, inputs), answers in zip(runs, found, strict=True):
            known.update(((function, given.text), seen) for given, seen in zip(inputs, answers, strict=True))
    labels = [FAILS if _apart(row, known) else PASSES for row in rows]
    return Recomputed(
        factual=_columns(row["factual"] | _seen(row, "factual", known) for row in rows),
        counterfactual=_columns(row["counterfactual"] | _seen(row, "counterfactual", known) for row in rows),
        label=pa.array([PASSES] * len(rows), pa.int64()),
        counterfactual_label=pa.array(labels, pa.int64()),
    )


def _stored(row: Mapping[str, Any], side: str) -> Stored:
    member = row[side]
    language = LANGUAGES[member.get("language", LANGUAGES.index("python"))]
    return Stored(member["name"], member["code"], member["prelude"], language, row[HIDDEN].get("harness"))


def _inputs(row: Mapping[str, Any]) -> list[str]:
    return [row["factual"]["witness"], *(row[HIDDEN]["inputs"] or ())]


def _apart(row: Mapping[str, Any], known: Mapping[tuple[Stored, str], Observation]) -> bool:
    one, other = _stored(row, "factual"), _stored(row, "counterfactual")
    return any(known[one, text] != known[other, text] for text in _inputs(row))


def _seen(row: Mapping[str, Any], member: str, known: Mapping[tuple[Stored, str], Observation]) -> dict[str, str]:
    return _observed(known[_stored(row, member), row["factual"]["witness"]])


def _columns(members: Iterator[Mapping[str, Any]]) -> dict[str, Any]:
    rows = list(members)
    return {name: np.array([row[name] for row in rows], dtype=object) for name in _RAN}
