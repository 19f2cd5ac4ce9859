"""``contrafact preview``: a few pairs in the terminal, changes marked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import networkx as nx
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contrafact.plan import Plan, make_plan
from contrafact.recipe import load_recipe
from contrafact.record import levels_of
from contrafact.samples import Preview, preview_pairs
from flows.cli.differences import has_texts, marked_texts, prose, text_pair

__all__ = ["pair_table", "preview_command"]


_AT_A_TIME = 64
"""Units that are made before the accepted ones among them are counted: few, where a language model is asked."""


_LONGEST = 48
"""Characters of a value in a pair's heading."""
_LONGEST_CELL = 120
"""Characters of a value in a cell: the states of a clip, say, go on for pages."""


def preview_command(recipe: str, settings: Sequence[str], count: int, *, accepted: bool = False, most: int = 0) -> None:
    """Make the first pairs, or the first accepted ones among ``most`` units, and show them. Nothing is written."""
    read, path = load_recipe(recipe, settings)
    rows = {"rows": most, "shard_rows": _AT_A_TIME} if accepted else {"rows": max(count, 1)}
    plan = make_plan(read.model_copy(update={"accept": None, "max_units": None, **rows}), path)
    console = Console()
    with Console(stderr=True).status("making pairs", spinner="dots") as status:
        preview = preview_pairs(
            plan,
            count,
            accepted=accepted,
            told=lambda units, found: status.update(f"{units:,} units looked at, {found} of {count} pairs found"),
        )
    levels = levels_of(plan.generator.shape().label)
    graph, origin = plan.generator.graph(), plan.generator.model_origin()
    # The levels of a causal model are words too, and its variables are no texts.
    as_texts = graph is None and all(map(has_texts, preview.pairs))
    for pair in preview.pairs:
        if as_texts:
            console.print(pair["pair_id"], style="bold", highlight=False, soft_wrap=True)
            console.print(text_pair(pair, levels, signs=console.color_system is None))
        else:
            console.print(_title(pair), style="bold", highlight=False, soft_wrap=True)
            console.print(pair_table(pair, graph))
            if long := prose(pair):
                console.print(marked_texts(pair, long, signs=console.color_system is None))
        style = "dim" if pair["accepted"] else "red"
        console.print(_caption(pair, origin), style=style, highlight=False, soft_wrap=True)
        console.print()
    if not as_texts:
        console.print(_legend())
    for line in _notes(plan, preview, count, accepted=accepted):
        console.print(line, style="dim", highlight=False, soft_wrap=True)


def _legend() -> Text:
    return Text.assemble(
        ("▶ intervened on   ", "bold magenta"),
        ("● moved as a descendant   ", "yellow"),
        ("○ could have moved   ", ""),
        ("held fixed", "dim"),
    )


def _notes(plan: Plan, preview: Preview, count: int, *, accepted: bool) -> Iterator[str]:
    """How many pairs these are out of, and who has not judged them yet."""
    pairs = f"{_counted(preview.looked_at, 'pair')} of {_counted(preview.units, 'unit')} looked at"
    more = "" if accepted or preview.accepted == preview.looked_at else "; --accepted shows accepted ones only"
    yield f"{pairs}: {preview.accepted:,} accepted, {preview.looked_at - preview.accepted:,} rejected{more}"
    if accepted and preview.accepted < count and preview.units >= plan.units:
        yield f"no more are accepted among the first {plan.units:,} units; --within N looks at more"
    if plan.set_filters:
        yield f"not judged here, since it needs the whole set: {', '.join(each.alias for each in plan.set_filters)}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def pair_table(pair: Mapping[str, Any], graph: nx.DiGraph | None) -> Table:
    """One pair: a row a member field, with a mark for what was intervened on and for what followed; no long texts."""
    targets = {each["variable"] for each in pair["intervention"] or ()}
    downstream = _downstream(graph, targets)
    table = Table(show_edge=False)
    for name in ("", "variable", "factual", "counterfactual"):
        table.add_column(name, justify="right" if "factual" in name else "left")
    other, long = pair["counterfactual"] or {}, prose(pair)
    for name, fact in (pair["factual"] or {}).items():
        if name in long:
            continue
        mark, style = _mark(name, fact, other.get(name), targets, downstream)
        table.add_row(mark, name, _text(fact), _text(other.get(name)), style=style)
    table.add_section()
    flipped = pair["label"] != pair["counterfactual_label"]
    table.add_row(
        "", "label", _text(pair["label"]), _text(pair["counterfactual_label"]), style="bold" if flipped else ""
    )
    return table


def _downstream(graph: nx.DiGraph | None, targets: set[str]) -> set[str] | None:
    """What may move; None where no graph says so."""
    if graph is None:
        return None
    return set().union(*(nx.descendants(graph, name) for name in targets if name in graph))


def _title(pair: Mapping[str, Any]) -> str:
    changes = ", ".join(
        f"{each['operation']}({each['variable']}: {_short(each['before'])} → {_short(each['after'])})"
        for each in pair["intervention"] or ()
    )
    return f"{pair['pair_id']}   {changes}"


def _caption(pair: Mapping[str, Any], origin: str | None = None) -> str:
    verdict = "accepted" if pair["accepted"] else "rejected: " + "; ".join(pair["reasons"])
    where = " in the fitted model, which is an estimate" if origin == "fitted" else ""
    return f"{verdict}   label source: {pair['label_source']}   {'exact' if pair['exact'] else 'not exact'}{where}"


def _mark(name: str, fact: Any, other: Any, targets: set[str], downstream: set[str] | None) -> tuple[str, str]:
    if name in targets:
        return "▶", "bold magenta"
    if fact == other or (_missing(fact) and _missing(other)):
        return ("○", "") if downstream and name in downstream else ("", "dim")
    return ("●", "yellow") if downstream is None or name in downstream else ("!", "bold red")


def _missing(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, Mapping) and isinstance(value.get("bytes"), bytes):
        return f"{value.get('path') or 'media'}, {len(value['bytes']):,} bytes"
    text = "" if value is None else str(value)
    return text if isinstance(value, int) or len(text) <= _LONGEST_CELL else f"{text[:_LONGEST_CELL].rstrip()} …"


def _short(text: str | None) -> str:
    try:
        return f"{float(text or ''):.5g}"
    except ValueError:
        line = " ".join((text or "").split())
        return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
