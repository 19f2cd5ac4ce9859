"""One pair at the top of the report: what the dataset is, at a glance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow.compute as pc

from contrafact.differences import pieces
from contrafact.report.charts import number
from contrafact.report.fields import Field, member
from contrafact.report.graph import graph_svg
from contrafact.report.reading import Shown

__all__ = ["featured"]

_LOOKED_AT = 400
_LENGTH = 150
"""Characters of texts that read well at the top of a page."""
_LINES = 9
_LONG = 900
"""Characters of a text that are shown; around the change, where it is longer."""
_VALUES = 12
_WORD = 60
"""Characters of a value: a world told in one line of JSON is for the pair's own page."""
_NODES = 16

Side = list[tuple[bool, str]]
"""Text as stretches, each with whether it changed."""


def featured(shown: Shown, fields: Sequence[Field], graph: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An accepted pair whose label moved, none of whose texts is long; None where nothing was accepted.

    Parameters
    ----------
    graph : mapping, optional
        ``nodes`` and ``edges`` of the causal graph.

    Returns
    -------
    dict
        ``row``, ``texts`` (name, code or not, both sides as stretches), ``media`` (whether there are pictures, which
        the page draws from its pairs), ``values`` (state, name, both sides) and ``graph``, drawn, where it is small.
    """
    row = _chosen(shown, fields)
    if row is None:
        return None
    pair = shown.pairs.slice(row, 1).to_pylist()[0]
    fact, other = pair["factual"] or {}, pair["counterfactual"] or {}
    targets = {each["variable"] for each in pair["intervention"]}
    descendants = _reached(graph)
    downstream = set().union(*(descendants.get(name, set()) for name in targets))
    texts = [
        (
            each.name,
            each.kind == "code",
            *_sides(fact[each.name] or "", other[each.name] or "", code=each.kind == "code"),
        )
        for each in fields
        if each.kind in ("text", "code") and (fact[each.name] or other[each.name])
    ]
    values = [
        (_state(each.name, fact[each.name] != other[each.name], targets, downstream), each.name,
         _word(each, fact[each.name]), _word(each, other[each.name]))
        for each in fields
        if each.kind in ("number", "level", "value")
    ]  # fmt: skip
    short = [each for each in values if max(len(each[2]), len(each[3])) <= _WORD]
    changed = [each for each in short if each[0]]
    told = (short if len(short) <= _VALUES else changed)[:_VALUES] if not texts or changed else []
    states = dict.fromkeys(downstream, "could") | {name: state for state, name, *_ in values if state}
    return {
        "id": pair["pair_id"],
        "texts": texts,
        "media": any(each.kind == "media" for each in fields),
        "values": told,
        "more": len(values) - len(told) if told else 0,
        "graph": graph_svg(graph, states) if graph and told and len(graph["nodes"]) <= _NODES else None,
        "label": _label(shown, pair["label"]),
        "other": _label(shown, pair["counterfactual_label"]),
        "source": pair["label_source"],
    }


def _chosen(shown: Shown, fields: Sequence[Field]) -> int | None:
    accepted = np.flatnonzero(shown.accepted)
    if not len(accepted):
        return None
    label, other = shown.column("label"), shown.column("counterfactual_label")
    moved = pc.not_equal(label, other).fill_null(False).to_numpy(zero_copy_only=False)
    control = pc.is_valid(shown.column("control_of")).to_numpy(zero_copy_only=False)
    best = accepted[moved[accepted] & ~control[accepted]]
    best = (best if len(best) else accepted)[:_LOOKED_AT]
    named = [each.name for each in fields if each.kind in ("text", "code")]
    if not named:
        return int(best[0])
    rows = shown.pairs.take(best)
    part = Shown(rows, shown.whole, shown.how)
    lengths = sum(pc.utf8_length(member(part, "factual", name)).fill_null(0).to_numpy() for name in named)
    return int(best[int(np.argmin(np.abs(np.asarray(lengths) - _LENGTH)))])


def _sides(before: str, after: str, *, code: bool) -> tuple[Side, Side]:
    if code:
        before, after = _near(before, after), _near(after, before)
    before, after = before[:_LONG], after[:_LONG]
    found = pieces(before, after)
    left = [(each.kind == "removed", each.text) for each in found if each.kind != "added"]
    right = [(each.kind == "added", each.text) for each in found if each.kind != "removed"]
    return left, right


def _near(text: str, other: str) -> str:
    """The lines around the first that differs."""
    lines, others = text.split("\n"), other.split("\n")
    if len(lines) <= 2 * _LINES:
        return text
    first = next((at for at, (one, two) in enumerate(zip(lines, others, strict=False)) if one != two), 0)
    start = max(0, first - _LINES // 2)
    shown = lines[start : start + _LINES]
    return "\n".join([*(["…"] if start else []), *shown, *(["…"] if start + _LINES < len(lines) else [])])


def _state(name: str, moved: bool, targets: set[str], downstream: set[str]) -> str:
    if name in targets:
        return "target"
    return ("moved" if name in downstream or not downstream else "wrong") if moved else ""


def _word(field: Field, value: Any) -> str:
    if value is None:
        return "–"
    if field.levels is not None and 0 <= value < len(field.levels):
        return str(field.levels[value])
    return number(float(value)) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _label(shown: Shown, value: Any) -> str | None:
    levels = shown.levels
    if value is None:
        return None
    if levels is not None and 0 <= value < len(levels):
        return str(levels[value])
    return number(value) if isinstance(value, float) else str(value)


def _reached(graph: Mapping[str, Any] | None) -> dict[str, set[str]]:
    """Everything downstream of each variable."""
    if not graph:
        return {}
    children: dict[str, list[str]] = {name: [] for name in graph["nodes"]}
    for cause, effect in graph["edges"]:
        children[cause].append(effect)
    return {name: set(_walk(name, children)) for name in children}


def _walk(name: str, children: Mapping[str, Sequence[str]]) -> Iterator[str]:
    seen, waiting = {name}, [name]
    while waiting:
        for child in children[waiting.pop()]:
            if child not in seen:
                seen.add(child)
                waiting.append(child)
                yield child
