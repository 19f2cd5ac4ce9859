"""Graphs: every way a person may write one down, and models made of a graph and its mechanisms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import networkx as nx

from contrafact.errors import ModelError, did_you_mean
from generators.scm.mechanisms.base import Mechanism
from generators.scm.model import SCM, Variable

__all__ = ["read_graph", "scm_from_networkx"]

_ALLOWED = (
    "a list of [cause, effect], a mapping of each node to its parents, a networkx.DiGraph, or text such as "
    "'age -> dose; dose -> cost'"
)


def read_graph(graph: Any) -> nx.DiGraph:
    """A directed graph from any of the forms in which one is written.

    Parameters
    ----------
    graph : networkx.DiGraph, str, mapping or iterable of (cause, effect)
        In text, arrows ``->`` (or ``<-``) may be chained, statements end with ``;`` or a line, a bare name is a node
        without arrows, and several names joined by ``,`` stand for each of them. A mapping gives a node's parents.

    Raises
    ------
    ModelError
        For a form that is none of these, an arrow from a node to itself, or a cycle.
    """
    if isinstance(graph, nx.DiGraph):
        found = nx.DiGraph(graph)
    elif isinstance(graph, str):
        found = _from_text(graph)
    elif isinstance(graph, Mapping):
        found = _from_parents(graph)
    elif isinstance(graph, Iterable) and not isinstance(graph, nx.Graph):
        found = _from_edges(graph)
    else:
        raise ModelError(f"a {type(graph).__name__} is no directed graph", allowed=_ALLOWED)
    if not found:
        raise ModelError("the graph has no nodes", allowed=_ALLOWED)
    _check_acyclic(found)
    return found


def scm_from_networkx(
    graph: nx.DiGraph, mechanisms: Mapping[str, Mechanism] | None = None, *, name: str | None = None
) -> SCM:
    """A model from a graph and one mechanism a node.

    Parameters
    ----------
    graph : networkx.DiGraph
        Node attributes may hold the ``mechanism``, a ``support``, ``observed`` (bool) and a ``description``.
    mechanisms : mapping of node to Mechanism, optional
        Goes before the nodes' own attribute.
    name : str, optional
        Name of the model; ``graph.name`` otherwise.

    Raises
    ------
    ModelError
        For a node without a mechanism, a mechanism without a node, a cycle, or an arrow that the mechanism does not
        use or uses and the graph does not have.
    """
    given = dict(mechanisms or {})
    if not isinstance(graph, nx.DiGraph):
        raise ModelError(f"a {type(graph).__name__} is no directed graph", allowed="a networkx.DiGraph")
    for node in given:
        if node not in graph:
            raise ModelError(
                f"a mechanism is given for {node!r}, which is no node of the graph{did_you_mean(str(node), graph)}",
                allowed=", ".join(map(str, graph)),
            )
    variables = [_variable(node, {**attributes, **_own(given, node)}) for node, attributes in graph.nodes(data=True)]
    for variable in variables:
        _check_arrows(graph, variable)
    return SCM(name or graph.name or "graph", variables)


def _own(given: Mapping[str, Mechanism], node: str) -> dict[str, Mechanism]:
    return {"mechanism": given[node]} if node in given else {}


def _variable(node: Any, attributes: Mapping[str, Any]) -> Variable:
    mechanism = attributes.get("mechanism")
    if not isinstance(node, str):
        raise ModelError(f"node {node!r} is no variable name", allowed="text", fix="nx.relabel_nodes(graph, str)")
    if not isinstance(mechanism, Mechanism):
        what = "has no mechanism" if mechanism is None else f"has {mechanism!r} where its mechanism should be"
        raise ModelError(
            f"node {node!r} {what}",
            allowed="an instance of a Mechanism",
            fix=f"pass mechanisms={{{node!r}: ...}}, or set graph.nodes[{node!r}]['mechanism']",
        )
    return Variable(
        node,
        mechanism,
        attributes.get("support"),  # type: ignore[arg-type]  # None means the mechanism's own
        observed=bool(attributes.get("observed", True)),
        description=str(attributes.get("description", "")),
    )


def _check_arrows(graph: nx.DiGraph, variable: Variable) -> None:
    node, used, drawn = variable.name, set(variable.mechanism.parents), set(graph.predecessors(variable.name))
    kind = variable.mechanism.kind
    for parent in sorted(used - drawn, key=str):
        raise ModelError(
            f"the {kind} mechanism of {node!r} reads {parent!r}, and the graph has no arrow {parent} -> {node}",
            fix=f"graph.add_edge({parent!r}, {node!r}), or take {parent!r} out of the mechanism",
        )
    for parent in sorted(drawn - used, key=str):
        raise ModelError(
            f"the graph has an arrow {parent} -> {node}, and the {kind} mechanism of {node!r} does not read {parent!r}",
            fix=f"graph.remove_edge({parent!r}, {node!r}), or use {parent!r} in the mechanism",
        )


def _from_text(text: str) -> nx.DiGraph:
    graph = nx.DiGraph()
    for statement in filter(None, (each.strip() for each in re.split(r"[;\n]", text))):
        parts = re.split(r"(->|<-)", statement)
        sides = [_names(part, statement) for part in parts[::2]]
        graph.add_nodes_from(name for side in sides for name in side)
        for left, arrow, right in zip(sides, parts[1::2], sides[1:], strict=False):
            causes, effects = (left, right) if arrow == "->" else (right, left)
            graph.add_edges_from((cause, effect) for cause in causes for effect in effects)
    return graph


def _names(part: str, statement: str) -> list[str]:
    names = [name.strip() for name in part.split(",")]
    if not all(names) or any(re.search(r"[<>]|^[-=]|[-=]$", name) for name in names):
        raise ModelError(f"{statement!r} is no arrow between names", allowed="cause -> effect, joined by ;")
    return names


def _from_parents(parents: Mapping[Any, Any]) -> nx.DiGraph:
    graph = nx.DiGraph()
    graph.add_nodes_from(map(str, parents))
    for node, causes in parents.items():
        if isinstance(causes, str) or not isinstance(causes, Iterable | None):
            raise ModelError(f"the parents of {node!r} must be a list, not {causes!r}", fix=f"{node}: [{causes}]")
        for cause in causes or ():
            if cause not in parents:
                raise ModelError(
                    f"{node!r} has a parent {cause!r} that is no node of the graph{did_you_mean(str(cause), parents)}",
                    allowed=", ".join(map(str, parents)),
                    fix=f"add {cause}: []",
                )
            graph.add_edge(str(cause), str(node))
    return graph


def _from_edges(edges: Iterable[Any]) -> nx.DiGraph:
    graph = nx.DiGraph()
    for edge in edges:
        if isinstance(edge, str) or not isinstance(edge, Iterable):
            raise ModelError(f"{edge!r} is no arrow", allowed=_ALLOWED)
        ends = [str(end) for end in edge]
        if len(ends) != 2:  # an arrow has two ends
            raise ModelError(f"{ends} is no arrow: it has {len(ends)} ends", allowed="[cause, effect]")
        graph.add_edge(*ends)
    return graph


def _check_acyclic(graph: nx.DiGraph) -> None:
    try:
        loop = [edge[0] for edge in nx.find_cycle(graph)]
    except nx.NetworkXNoCycle:
        return
    raise ModelError(
        f"the graph has a cycle: {' -> '.join(map(str, [*loop, loop[0]]))}",
        allowed="a directed acyclic graph",
        fix="remove one of these arrows",
    )
