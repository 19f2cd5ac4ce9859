"""Parts of the card as text: types, one pair, the causal graph, an audit's shortcuts. Markdown of data is defused."""

from __future__ import annotations

import heapq
import html
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from contrafact.record import levels_of
from contrafact.samples import sample_pairs
from contrafact.store.atomic import read_json
from contrafact.store.layout import RunDirectory

__all__ = [
    "audit_rows",
    "cell",
    "drawn_graph",
    "exact_meaning",
    "example_pair",
    "interval",
    "kind_text",
    "share",
    "type_rows",
]

_EXACT = {
    "oracle": "a program computed both sides, and nothing hidden had to be guessed",
    "construction": "both sides are true by the way they were made, and no noise had to be recovered",
}
_LONGEST = 400
_MOST_MEMBERS = 12
_WIDTH = 100
_MARKUP = re.compile(r"([\\`*_\[\]{}#!~|])")


def cell(value: Any, longest: int = _LONGEST) -> str:
    """A value in one cell of a Markdown table, as the characters that it is: nothing in it is markup."""
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, Mapping) and isinstance(value.get("bytes"), bytes):
        return f"{value.get('path') or 'media'}, {len(value['bytes']):,} bytes"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    text = text if len(text) <= longest else f"{text[:longest].rstrip()} …"
    text = html.escape(_MARKUP.sub(r"\\\1", text), quote=False)
    return "<br>".join(text.split("\n")) if "\n" in text else text


def share(part: float, whole: float) -> str:
    """``part`` of ``whole`` in per cent."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def exact_meaning(manifest: Mapping[str, Any]) -> str:
    """What ``exact`` says of this dataset's pairs: of noise only where a causal model stands behind them.

    Parameters
    ----------
    manifest : mapping
        With ``label_sources``, the commonest of which decides, and ``about``.
    """
    about, sources = manifest.get("about") or {}, manifest.get("label_sources") or {}
    if about.get("graph") or about.get("model_origin"):
        return "the noise is known or was uniquely recovered"
    return _EXACT.get(max(sources, key=lambda name: int(sources[name]), default=""), "nothing hidden had to be guessed")


def interval(hits: int, trials: int) -> str:
    """Share and its 95 % interval (Clopper and Pearson 1934)."""
    from contrafact.audit.statistics import binomial_interval

    low, high = binomial_interval(hits, trials)
    return f"{100 * hits / trials:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def kind_text(column: pa.Field) -> str:
    """A column's type in words a reader of the card knows."""
    levels = levels_of(column)
    if levels is not None:
        return f"class label: {', '.join(levels)}"
    kind = column.type
    if pa.types.is_struct(kind):
        return "; ".join(f"`{inner.name}` {kind_text(inner)}" for inner in kind) or "nothing"
    if pa.types.is_list(kind):
        return f"list of ({kind_text(kind.value_field)})"
    return {"double": "float64", "bool": "boolean"}.get(str(kind), str(kind))


def type_rows(schema: pa.Schema | None) -> list[tuple[str, str]]:
    """Name and type of each column."""
    return [] if schema is None else [(column.name, kind_text(column).replace("|", "\\|")) for column in schema]


def example_pair(directory: RunDirectory) -> dict[str, Any] | None:
    """The first accepted pair: its changes in words, and the members that moved before those that did not."""
    found = sample_pairs(directory, 1)
    if not found:
        return None
    pair = found[0]
    members = [
        {"name": name, "factual": fact, "counterfactual": pair["counterfactual"][name]}
        for name, fact in pair["factual"].items()
    ]
    for each in members:
        each["moved"] = not _same(each["factual"], each["counterfactual"])
    members.sort(key=lambda each: not each["moved"])
    return {
        **{name: pair[name] for name in ("pair_id", "label", "counterfactual_label", "label_source")},
        "changes": [_change(each) for each in pair["intervention"]],
        "members": members[:_MOST_MEMBERS],
        "others": len(members) - _MOST_MEMBERS,
    }


def drawn_graph(graph: Mapping[str, Any] | None) -> str:
    """The causal graph in lines of text: what has no cause, then each cause and its effects, causes first.

    The Hub promises no rendering of diagrams in a card, and this reads the same in a terminal.
    """
    if not graph or not graph["edges"]:
        return ""
    effects: dict[str, list[str]] = {str(node): [] for node in graph["nodes"]}
    waits: dict[str, int] = dict.fromkeys(effects, 0)
    for cause, effect in graph["edges"]:
        effects.setdefault(str(cause), []).append(str(effect))
        waits[str(effect)] = waits.get(str(effect), 0) + 1
    order = _ordered(effects, waits)
    causes = [node for node in order if effects.get(node)]
    margin = max(map(len, causes))
    roots = [node for node in order if not waits.get(node)]
    lines = [f"{'' if place else 'no causes:':>{margin}} {line}" for place, line in enumerate(_wrapped(roots)) if roots]
    for node in causes:
        first, *more = _wrapped(sorted(effects[node]))
        lines += [f"{node:>{margin}} → {first}", *(f"{'':>{margin}}   {line}" for line in more)]
    return "\n".join(lines)


def _ordered(effects: Mapping[str, Sequence[str]], waits: Mapping[str, int]) -> list[str]:
    """Causes before their effects, by name where both could come; in a cycle as they were given (Kahn 1962)."""
    left = {node: waits.get(node, 0) for node in (*effects, *waits)}
    ready = [node for node, count in left.items() if not count]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        order.append(heapq.heappop(ready))
        for effect in effects.get(order[-1], ()):
            left[effect] -= 1
            if not left[effect]:
                heapq.heappush(ready, effect)
    return [*order, *(node for node in left if node not in set(order))]


def audit_rows(folder: Path, identity: str) -> dict[str, Any] | None:
    """The shortcuts that an audit of this very dataset tried, as rows of a table; None where there was no audit."""
    found = read_json(folder / "audit.json")
    if not isinstance(found, Mapping) or found.get("dataset", {}).get("identity") != identity:
        return None
    from contrafact.audit.writing import effect_rows, shortcut_rows

    tried = [each for each in found.get("shortcuts", ()) if "skipped" not in each]
    return {
        "shortcuts": shortcut_rows(found) if tried else None,
        "found": sum(bool(each["found"]) for each in tried),
        "tried": len(tried),
        "models": [(model["model"], model["pairs"], effect_rows(model)) for model in found.get("models", ())],
    }


def _change(each: Mapping[str, Any]) -> str:
    words = f"{each['operation']} {cell(each['variable'], 80)}"
    before, after = each["before"], each["after"]
    if before is not None and after is not None and len(before) + len(after) <= 120:
        return f"{words}: {cell(_short(before))} → {cell(_short(after))}"
    return words


def _short(text: str) -> str:
    """A number of many digits with six of them; any other text as it is."""
    try:
        return f"{float(text):.6g}" if len(text) > 8 and "." in text else text
    except ValueError:
        return text


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True
    return bool(one == other)


def _wrapped(names: Sequence[Any]) -> Iterator[str]:
    """Names in lines of a readable width, commas between."""
    line = ""
    for name in map(str, names):
        if line and len(line) + len(name) > _WIDTH:
            yield f"{line},"
            line = name
        else:
            line = f"{line}, {name}" if line else name
    yield line
