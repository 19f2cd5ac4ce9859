"""The causal graph as a drawing: layers from causes to effects, few crossings, names escaped."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from contrafact.report.graph import MOST_NODES, graph_svg
from contrafact.report.layers import layout

EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda each: each[0] < each[1]), unique=True)


@given(EDGES)
def test_every_edge_leads_downwards_through_each_layer_between(pairs: list[tuple[int, int]]) -> None:
    nodes = [f"v{number}" for number in range(10)]
    edges = [(f"v{one}", f"v{other}") for one, other in pairs]
    drawn = layout(nodes, edges)
    level = {node: depth for depth, layer in enumerate(drawn.layers) for node in layer}
    assert {node for node in level if isinstance(node, str)} == set(nodes)
    for (cause, effect), route in drawn.routes.items():
        assert (route[0], route[-1]) == (cause, effect)
        assert [level[node] for node in route] == list(range(level[cause], level[effect] + 1))


def test_an_order_without_crossings_is_found_where_there_is_one() -> None:
    drawn = layout(["a", "b", "x", "y"], [("a", "y"), ("b", "x")])
    above, below = drawn.layers
    assert [above.index("a"), above.index("b")] == [below.index("y"), below.index("x")]


def test_a_root_stands_just_above_its_first_effect() -> None:
    drawn = layout(["a", "b", "c", "late"], [("a", "b"), ("b", "c"), ("late", "c")])
    assert drawn.layers[1] in (["b", "late"], ["late", "b"])


def test_a_cycle_is_drawn_and_does_not_hang() -> None:
    svg = graph_svg({"nodes": ["a", "b"], "edges": [["a", "b"], ["b", "a"]]})
    assert svg is not None
    assert svg.count('class="edge"') == 2


def test_the_drawing_is_sound_xml_and_names_are_text() -> None:
    names = ["<script>", 'a"b', "plain", "é & 你"]
    svg = graph_svg({"nodes": names, "edges": [["<script>", 'a"b'], ['a"b', "plain"], ["plain", "é & 你"]]})
    assert svg is not None
    root = ET.fromstring(svg)  # noqa: S314  # our own drawing
    assert [each.get("data-node") for each in root.iter("g") if each.get("data-node")] == names
    assert "<script>" not in svg


def test_nodes_of_a_layer_do_not_lie_on_each_other() -> None:
    graph = nx.gn_graph(30, seed=4, create_using=nx.DiGraph)
    edges = [[f"variable_{cause}", f"variable_{effect}"] for effect, cause in graph.edges]
    svg = graph_svg({"nodes": [f"variable_{node}" for node in graph], "edges": edges})
    assert svg is not None
    box = r'<rect x="([\d.-]+)" y="([\d.-]+)" width="([\d.-]+)" height="([\d.-]+)"'
    boxes = [tuple(map(float, found)) for found in re.findall(box, svg)]
    assert len(boxes) == 30
    for place, (x, y, width, _) in enumerate(boxes):
        for x2, y2, width2, _ in boxes[:place]:
            assert y != y2 or x + width <= x2 + 0.2 or x2 + width2 <= x + 0.2


def test_a_graph_that_nobody_could_read_is_not_drawn() -> None:
    assert graph_svg({"nodes": [f"v{number}" for number in range(MOST_NODES + 1)], "edges": []}) is None
    assert graph_svg({"nodes": [], "edges": []}) is None
