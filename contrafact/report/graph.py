"""The causal graph as inline SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from contrafact.report.layers import Layout, Node, layout

__all__ = ["MOST_NODES", "graph_svg"]

MOST_NODES = 60
"""Beyond it a drawing is no help."""

_MOST_EDGES = 240
_ACROSS, _DOWN, _HIGH = 18, 58, 28
_LETTER = 7.4
"""Pixels that a letter of a node's name takes."""
_FREE = 14
"""Pixels across of a place that an edge passes through."""


def graph_svg(graph: Mapping[str, Any], states: Mapping[str, str] | None = None) -> Markup | None:
    """The graph from causes (top) to effects, or None for one that is too large to be read.

    Parameters
    ----------
    graph : mapping
        ``nodes`` and ``edges``.
    states : mapping of str to str, optional
        Classes of the nodes of one pair: ``target``, ``moved``, ``could``. Edges that leave such a node are marked too.
    """
    states = states or {}
    nodes, edges = list(graph["nodes"]), [(str(cause), str(effect)) for cause, effect in graph["edges"]]
    if not nodes or len(nodes) > MOST_NODES or len(edges) > _MOST_EDGES:
        return None
    drawn = layout(nodes, edges)
    places, width = _places(drawn)
    height = len(drawn.layers) * (_HIGH + _DOWN) - _DOWN + 12
    marker = "arrow-one" if states else "arrow"
    shapes = [*_edges(drawn, places, states, marker), *_nodes(nodes, places, states)]
    title = f"Causal graph of {len(nodes)} variables and {len(edges)} edges"
    size = Markup('viewBox="0 0 {} {}" width="{}" height="{}"').format(width, height, width, height)
    return Markup('<svg class="graph" role="img" aria-label="{}" {}>{}{}</svg>').format(
        title, size, _ARROW.format(marker), Markup("").join(shapes)
    )


_ARROW = Markup(
    '<defs><marker id="{}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path class="head" d="M0 0.8 L7.4 4 L0 7.2 Z"/></marker></defs>'
)


def _size(node: Node) -> float:
    return max(44.0, 20 + _LETTER * len(_name(node))) if isinstance(node, str) else _FREE


def _name(node: str) -> str:
    return node if len(node) <= 24 else f"{node[:23]}…"


def _places(drawn: Layout) -> tuple[dict[Node, tuple[float, float]], float]:
    """Middle of each node, and the width of the whole: each layer in the middle, then drawn toward its neighbours."""
    widths = [sum(_size(node) + _ACROSS for node in layer) - _ACROSS for layer in drawn.layers]
    whole = max(widths, default=0) + 12
    places: dict[Node, tuple[float, float]] = {}
    for level, (layer, width) in enumerate(zip(drawn.layers, widths, strict=True)):
        left, y = (whole - width) / 2, 6 + _HIGH / 2 + level * (_HIGH + _DOWN)
        for node in layer:
            places[node] = (left + _size(node) / 2, y)
            left += _size(node) + _ACROSS
    for _ in range(6):
        _draw_together(drawn, places, whole)
    return places, round(whole, 1)


def _draw_together(drawn: Layout, places: dict[Node, tuple[float, float]], whole: float) -> None:
    """Move every node toward the mean of its neighbours, as far as those beside it leave room."""
    beside: dict[Node, list[Node]] = {node: [] for node in places}
    for route in drawn.routes.values():
        for one, other in pairwise(route):
            beside[one].append(other)
            beside[other].append(one)
    for layer in drawn.layers:
        for place, node in enumerate(layer):
            if not beside[node]:
                continue
            wanted = sum(places[each][0] for each in beside[node]) / len(beside[node])
            half = _size(node) / 2
            low = 6 + half
            if place:
                before = layer[place - 1]
                low = places[before][0] + _size(before) / 2 + _ACROSS + half
            high = whole - 6 - half
            if place + 1 < len(layer):
                after = layer[place + 1]
                high = places[after][0] - _size(after) / 2 - _ACROSS - half
            places[node] = (min(max(wanted, low), max(low, high)), places[node][1])


def _nodes(
    nodes: Sequence[str], places: Mapping[Node, tuple[float, float]], states: Mapping[str, str]
) -> Iterator[Markup]:
    for node in nodes:
        (x, y), width = places[node], _size(node)
        yield Markup(
            '<g class="node {}" data-node="{}"><title>{}</title><rect x="{}" y="{}" width="{}" height="{}" rx="14"/>'
            '<text x="{}" y="{}" text-anchor="middle">{}</text></g>'
        ).format(
            states.get(node, ""), node, node, f"{x - width / 2:.1f}", f"{y - _HIGH / 2:.1f}", f"{width:.1f}", _HIGH,
            f"{x:.1f}", f"{y + 4.5:.1f}", _name(node),
        )  # fmt: skip


def _edges(
    drawn: Layout, places: Mapping[Node, tuple[float, float]], states: Mapping[str, str], marker: str
) -> Iterator[Markup]:
    """Curves that leave a node below and reach the next from above."""
    for (cause, effect), route in drawn.routes.items():
        points = [places[node] for node in route]
        upward = points[-1][1] <= points[0][1]  # of a cycle
        start, end = (points[0][0], points[0][1] + _HIGH / 2), (points[-1][0], points[-1][1] - _HIGH / 2 - 2)
        steps = [start, *points[1:-1], end]
        path = f"M{start[0]:.1f} {start[1]:.1f}"
        for (x0, y0), (x1, y1) in pairwise(steps):
            bend = (y1 - y0) / 2 if not upward else 60
            path += f" C{x0:.1f} {y0 + bend:.1f} {x1:.1f} {y1 - bend:.1f} {x1:.1f} {y1:.1f}"
        live = " live" if cause in states else ""
        yield Markup('<path class="edge{}" data-from="{}" data-to="{}" marker-end="url(#{})" d="{}"/>').format(
            live, cause, effect, marker, path
        )
