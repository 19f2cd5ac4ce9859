"""A small causal model with an oracle, written out by hand, and pairs that are consistent with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa

from contrafact.judging import judge as apply
from contrafact.record import HIDDEN, PairShape, class_label, pair_schema
from contrafact.stages import Context, Generator, Judgement, PairFilter, Recomputed, SetFilter, Sketches

LEVELS = ("no", "yes")
MEMBERS = [
    pa.field("w", pa.float64()),
    pa.field("x", pa.float64()),
    pa.field("y", pa.float64()),
    pa.field("n", pa.int64()),
    pa.field("sick", pa.int64(), metadata=class_label("sick", LEVELS).metadata),
    pa.field("note", pa.string()),
]
SUPPORTS: dict[str, dict[str, Any]] = {
    "w": {"lower": None, "upper": None, "seen": (-1.0, 1.0), "std": 0.5},
    "x": {"lower": -100.0, "upper": 100.0, "seen": (-10.0, 10.0)},
    "y": {},
    "n": {"lower": 0, "upper": None, "seen": None},
}


class Toy(Generator):
    """``x = w + u_x``, ``y = 2 x + u_y``, ``sick = y > 0``; ``n`` and ``note`` stand apart."""

    name = "toy"

    def __init__(
        self,
        label: pa.Field | None = None,
        scores: Sequence[pa.Field] = (),
        graph: nx.DiGraph | None = None,
        supports: Mapping[str, Mapping[str, Any]] = SUPPORTS,
    ) -> None:
        self._label = class_label("sick", LEVELS) if label is None else label
        self._scores, self._supports = tuple(scores), supports
        self._graph = nx.DiGraph([("w", "x"), ("x", "y"), ("y", "sick")]) if graph is None else graph

    def shape(self) -> PairShape:
        hidden = [pa.field("u_x", pa.float64()), pa.field("u_y", pa.float64())]
        return PairShape(MEMBERS, self._label, hidden, self._scores)

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        raise NotImplementedError

    def graph(self) -> nx.DiGraph:
        return self._graph

    def supports(self) -> Mapping[str, Mapping[str, Any]]:
        return self._supports

    def recompute(self, pairs: pa.Table) -> Recomputed:
        rows = [
            counterfactual(fact, truth, changes)
            for fact, truth, changes in zip(
                pairs["factual"].to_pylist(),
                pairs[HIDDEN].to_pylist(),
                pairs["intervention"].to_pylist(),
                strict=True,
            )
        ]
        columns = {name: np.array([row[name] for row in rows]) for name in ("w", "x", "y", "sick")}
        return Recomputed(columns, pa.nulls(len(rows)), pa.nulls(len(rows)))


def do(variable: str, after: Any, operation: str = "do") -> dict[str, Any]:
    return {"variable": variable, "operation": operation, "before": None, "after": str(after), "where": None}


def unit(w: float = 0.25, u_x: float = 0.5, u_y: float = 0.125, n: int = 3, note: str = "a") -> dict[str, Any]:
    """A factual and the noise behind it."""
    x = w + u_x
    fact = {"w": w, "x": x, "y": 2 * x + u_y, "n": n, "sick": int(2 * x + u_y > 0), "note": note}
    return {"factual": fact, HIDDEN: {"u_x": u_x, "u_y": u_y}}


def counterfactual(fact: dict[str, Any], truth: dict[str, float], changes: list[dict[str, Any]]) -> dict[str, Any]:
    """Facts under do and shift, the model's equations written out once more."""
    by_name = {change["variable"]: change for change in changes}
    values = dict(fact)
    values["w"] = _changed(by_name.get("w"), fact["w"])
    values["x"] = _changed(by_name.get("x"), values["w"] + truth["u_x"])
    values["y"] = _changed(by_name.get("y"), 2 * values["x"] + truth["u_y"])
    values["sick"] = int(values["y"] > 0)
    if "sick" in by_name:
        values["sick"] = LEVELS.index(by_name["sick"]["after"])
    return values


def pair(
    changes: list[dict[str, Any]] | None = None, moved: dict[str, Any] | None = None, **noise: Any
) -> dict[str, Any]:
    """One consistent pair; ``moved`` then overwrites counterfactual members."""
    changes = [do("x", -2.0)] if changes is None else changes
    made = unit(**noise)
    other = counterfactual(made["factual"], made[HIDDEN], changes) | (moved or {})
    return {**made, "counterfactual": other, "intervention": changes}


def failed(**noise: Any) -> dict[str, Any]:
    """A pair that could not be made."""
    return {**unit(**noise), "counterfactual": None, "intervention": [], "reasons": ["toy: could not be made"]}


def table(rows: Sequence[Mapping[str, Any]], generator: Generator | None = None) -> pa.Table:
    """Rows in record form, numbered where they have no ids, with labels from ``sick`` where they have none."""
    shape = (generator or Toy()).shape()
    schema = pair_schema(shape).append(pa.field(HIDDEN, pa.struct(list(shape.hidden))))
    whole = [{**_envelope(place, row), **row} for place, row in enumerate(rows)]
    return pa.Table.from_pylist(whole, schema=schema)


def judged(judge: PairFilter, rows: Sequence[Mapping[str, Any]], generator: Generator | None = None) -> Judgement:
    """A filter under its own name on rows."""
    generator = generator or Toy()
    judge.bind(judge.name, generator)
    whole = table(rows, generator)
    if not whole.num_rows:
        return judge.judge(whole)
    answers = apply(whole, [judge])
    return answers.get(judge.alias, Judgement(np.ones(whole.num_rows, dtype=bool)))


def reasons(judgement: Judgement) -> list[str]:
    """Reason of each pair, an empty text where it passed."""
    whole = np.broadcast_to(np.asarray(judgement.reason, dtype=object), judgement.passed.shape)
    return ["" if passed else reason for passed, reason in zip(judgement.passed, whole, strict=True)]


class Kept(Sketches):
    """Sketches in a list; every reading of them is counted."""

    def __init__(self, tables: Sequence[pa.Table]) -> None:
        self.tables, self.readings = list(tables), 0

    def __len__(self) -> int:
        return len(self.tables)

    def __iter__(self) -> Iterator[pa.Table]:
        self.readings += 1
        return iter(self.tables)

    @property
    def rows(self) -> int:
        return sum(each.num_rows for each in self.tables)


def sketched(judge: SetFilter, pairs: pa.Table, alive: Sequence[bool] | None = None, shard: int = 3) -> Kept:
    """Sketches of pairs cut into shards, with ``alive`` as the core adds it."""
    mark = np.array(pairs["accepted"].to_pylist() if alive is None else alive, dtype=bool)
    starts = range(0, max(1, pairs.num_rows), shard)
    cuts = [(pairs.slice(start, shard), mark[start : start + shard]) for start in starts]
    return Kept([judge.sketch(part).append_column("alive", pa.array(here)) for part, here in cuts])


def decided(judge: SetFilter, sketches: Sketches) -> tuple[list[bool], list[str | None]]:
    """Verdicts and groups of all pairs in order."""
    answers = list(judge.decide(sketches))
    assert len(answers) == len(sketches)
    passed = [bool(verdict) for answer in answers for verdict in answer.passed]
    groups = [name for answer in answers for name in ([] if answer.groups is None else answer.groups.to_pylist())]
    return passed, groups


def _changed(change: dict[str, Any] | None, value: float) -> float:
    if change is None:
        return value
    return float(change["after"]) if change["operation"] == "do" else value + float(change["after"])


def _envelope(place: int, row: Mapping[str, Any]) -> dict[str, Any]:
    fact, other = row["factual"], row.get("counterfactual")
    return {
        "pair_id": f"p{place}",
        "unit_id": f"u{place}",
        "group_id": row.get("unit_id", f"u{place}"),
        "label": None if fact is None else fact["sick"],
        "counterfactual_label": None if other is None else other["sick"],
        "accepted": other is not None,
        "exact": True,
        "reasons": [],
    }
