"""``contrafact preview``: a few pairs in the terminal, changes marked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import networkx as nx
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contrafact.plan import make_plan
from contrafact.recipe import load_recipe
from contrafact.samples import preview_pairs

__all__ = ["pair_table", "preview_command"]


def preview_command(recipe: str, settings: Sequence[str], count: int) -> None:
    """Make the first pairs and show them. Nothing is written."""
    read, path = load_recipe(recipe, settings)
    small = read.model_copy(update={"rows": max(count, 1), "accept": None, "max_units": None})
    plan = make_plan(small, path)
    console = Console()
    graph = plan.generator.graph()
    for pair in preview_pairs(plan, count):
        console.print(_title(pair), style="bold", highlight=False, soft_wrap=True)
        console.print(pair_table(pair, graph))
        console.print(_caption(pair), style="dim" if pair["accepted"] else "red", highlight=False, soft_wrap=True)
        console.print()
    console.print(
        Text.assemble(
            ("▶ intervened on   ", "bold magenta"),
            ("● moved as a descendant   ", "yellow"),
            ("○ could have moved   ", ""),
            ("held fixed", "dim"),
        )
    )
    if plan.set_filters:
        names = ", ".join(each.alias for each in plan.set_filters)
        console.print(f"not judged here, since it needs the whole set: {names}", style="dim", highlight=False)


def pair_table(pair: Mapping[str, Any], graph: nx.DiGraph | None) -> Table:
    """One pair: a row a member field, with a mark for what was intervened on and for what followed."""
    targets = {each["variable"] for each in pair["intervention"] or ()}
    downstream = _downstream(graph, targets)
    table = Table(show_edge=False)
    for name in ("", "variable", "factual", "counterfactual"):
        table.add_column(name, justify="right" if "factual" in name else "left")
    other = pair["counterfactual"] or {}
    for name, fact in (pair["factual"] or {}).items():
        mark, style = _mark(name, fact, other.get(name), targets, downstream)
        table.add_row(mark, name, _text(fact), _text(other.get(name)), style=style)
    table.add_section()
    flipped = pair["label"] != pair["counterfactual_label"]
    table.add_row(
        "", "label", _text(pair["label"]), _text(pair["counterfactual_label"]), style="bold" if flipped else ""
    )
    return table


def _downstream(graph: nx.DiGraph | None, targets: set[str]) -> set[str]:
    if graph is None:
        return set()
    return set().union(*(nx.descendants(graph, name) for name in targets if name in graph))


def _title(pair: Mapping[str, Any]) -> str:
    changes = ", ".join(
        f"{each['operation']}({each['variable']}: {_short(each['before'])} → {_short(each['after'])})"
        for each in pair["intervention"] or ()
    )
    return f"{pair['pair_id']}   {changes}"


def _caption(pair: Mapping[str, Any]) -> str:
    verdict = "accepted" if pair["accepted"] else "rejected: " + "; ".join(pair["reasons"])
    return f"{verdict}   label source: {pair['label_source']}   {'exact' if pair['exact'] else 'not exact'}"


def _mark(name: str, fact: Any, other: Any, targets: set[str], downstream: set[str]) -> tuple[str, str]:
    if name in targets:
        return "▶", "bold magenta"
    if fact == other or (_missing(fact) and _missing(other)):
        return ("○", "") if name in downstream else ("", "dim")
    return ("●", "yellow") if name in downstream else ("!", "bold red")


def _missing(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.5g}" if isinstance(value, float) else "" if value is None else str(value)


def _short(text: str | None) -> str:
    try:
        return f"{float(text or ''):.5g}"
    except ValueError:
        return text or ""
