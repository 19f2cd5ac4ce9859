"""Where the nodes of a causal graph stand: in layers from causes to effects, with few crossings (Sugiyama et al. 1981).

Longest paths give the layers, medians of neighbours the order within them, and edges over several layers pass through
places that are kept free for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Layout", "layout"]

_SWEEPS = 8

Node = str | tuple[str, str, int]
"""A variable, or a place that the edge between two leaves free in a layer."""


@dataclass(frozen=True)
class Layout:
    """Where everything stands.

    Attributes
    ----------
    layers : list of list
        Nodes from top to bottom, each layer from left to right.
    routes : dict of (str, str) to list
        For each edge, the nodes and free places that it passes, its ends included.
    """

    layers: list[list[Node]]
    routes: dict[tuple[str, str], list[Node]]


def layout(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> Layout:
    """Layers of an acyclic graph. Edges of a cycle are left out of the layering, and drawn all the same."""
    depth = _depths(nodes, edges)
    layers: list[list[Node]] = [[] for _ in range(max(depth.values(), default=0) + 1)]
    for name in nodes:
        layers[depth[name]].append(name)
    routes: dict[tuple[str, str], list[Node]] = {}
    for cause, effect in edges:
        free: list[Node] = [(cause, effect, level) for level in range(depth[cause] + 1, depth[effect])]
        for place, level in zip(free, range(depth[cause] + 1, depth[effect]), strict=True):
            layers[level].append(place)
        routes[cause, effect] = [cause, *free, effect]
    _order(layers, routes)
    return Layout(layers, routes)


def _depths(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Length of the longest path to each node; roots are then drawn down to just above their first effect."""
    parents: dict[str, list[str]] = {name: [] for name in nodes}
    children: dict[str, list[str]] = {name: [] for name in nodes}
    for cause, effect in edges:
        parents[effect].append(cause)
        children[cause].append(effect)
    depth: dict[str, int] = {}
    waiting = {name: len(parents[name]) for name in nodes}
    ready = [name for name in nodes if not waiting[name]]
    for name in ready:
        depth[name] = max((depth[each] + 1 for each in parents[name]), default=0)
        for child in children[name]:
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    for name in nodes:
        depth.setdefault(name, 0)  # part of a cycle
        if not parents[name] and children[name]:
            depth[name] = max(0, min(depth.get(child, 1) for child in children[name]) - 1)
    return depth


def _order(layers: list[list[Node]], routes: Mapping[tuple[str, str], list[Node]]) -> None:
    """Sort every layer by where its neighbours stand, downwards and upwards in turn; the best order found is kept."""
    above: dict[Node, list[Node]] = {node: [] for layer in layers for node in layer}
    below: dict[Node, list[Node]] = {node: [] for layer in layers for node in layer}
    for route in routes.values():
        for one, other in pairwise(route):
            above[other].append(one)
            below[one].append(other)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, below)
    for sweep in range(_SWEEPS):
        levels = range(1, len(layers)) if sweep % 2 == 0 else range(len(layers) - 2, -1, -1)
        for level in levels:
            beside = layers[level - 1] if sweep % 2 == 0 else layers[level + 1]
            _sort(layers[level], beside, above if sweep % 2 == 0 else below)
        found = _crossings(layers, below)
        if found < fewest:
            best, fewest = [list(layer) for layer in layers], found
    layers[:] = best


def _sort(layer: list[Node], beside: Sequence[Node], neighbours: Mapping[Node, Sequence[Node]]) -> None:
    places = {node: place for place, node in enumerate(beside)}
    means: dict[Node, float] = {}
    for place, node in enumerate(layer):
        known = [places[each] for each in neighbours[node] if each in places]
        means[node] = sum(known) / len(known) if known else place
    layer.sort(key=means.__getitem__)


def _crossings(layers: Sequence[Sequence[Node]], below: Mapping[Node, Sequence[Node]]) -> int:
    """Pairs of edges between neighbouring layers that cross."""
    total = 0
    for upper, lower in pairwise(layers):
        places = {node: place for place, node in enumerate(lower)}
        ends: list[int] = []
        for node in upper:
            mine = sorted(places[each] for each in below[node] if each in places)
            total += sum(1 for place in mine for earlier in ends if earlier > place)
            ends += mine
    return total
