"""Graphs as people write them, and models made of a graph and mechanisms."""

from __future__ import annotations

import keyword
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.errors import ModelError
from generators.scm.mechanisms import Linear, Root
from generators.scm.mechanisms.base import Mechanism
from generators.scm.readers.graphs import read_graph, scm_from_networkx
from generators.scm.readers.names import identifiers

#   age ──► dose ──► cost
#    ╰───────────────►╯
EDGES = {("age", "dose"), ("dose", "cost"), ("age", "cost")}
MECHANISMS: dict[str, Mechanism] = {"age": Root(), "dose": Linear({"age": 1}), "cost": Linear({"age": 1, "dose": 2})}


@pytest.mark.parametrize(
    "graph",
    [
        [["age", "dose"], ["dose", "cost"], ["age", "cost"]],
        {"age": [], "dose": ["age"], "cost": ["dose", "age"]},
        {"cost": ["dose", "age"], "dose": ["age"], "age": None},
        "age -> dose; dose -> cost; age -> cost",
        "age -> dose -> cost\nage -> cost",
        "cost <- dose <- age; age -> dose, cost;",
        nx.DiGraph([("age", "dose"), ("dose", "cost"), ("age", "cost")]),
    ],
)
def test_every_form_gives_the_same_graph(graph: Any) -> None:
    assert set(read_graph(graph).edges) == EDGES


def test_a_name_alone_is_a_node_without_arrows() -> None:
    graph = read_graph("age -> dose; noise_level")
    assert set(graph.nodes) == {"age", "dose", "noise_level"}
    assert graph.number_of_edges() == 1


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        ("a -> b; b -> c; c -> a", "cycle: a -> b -> c -> a"),
        ([["a", "a"]], "cycle: a -> a"),
        ({"a": ["b"], "b": []} | {"b": ["a"]}, "has a cycle"),
        ("a -> ; b", "no arrow between names"),
        ("a --> b", "no arrow between names"),
        ([["a", "b", "c"]], "has 3 ends"),
        (["ab"], "no arrow"),
        ({"dose": ["aeg"], "age": []}, "did you mean 'age'"),
        ({"dose": "age"}, "must be a list"),
        (nx.Graph([("a", "b")]), "no directed graph"),
        (7, "no directed graph"),
        ("", "has no nodes"),
    ],
)
def test_what_is_no_acyclic_graph_is_refused(graph: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        read_graph(graph)


def test_mechanisms_come_from_the_mapping_before_the_nodes_attribute() -> None:
    graph = nx.DiGraph(list(EDGES), name="clinic")
    nx.set_node_attributes(graph, {**MECHANISMS, "age": Linear({"cost": 1})}, "mechanism")
    model = scm_from_networkx(graph, {"age": MECHANISMS["age"]})
    assert model.order == ("age", "dose", "cost")
    assert model.name == "clinic"
    assert model.variables["age"].mechanism is MECHANISMS["age"]


def test_a_node_may_be_latent() -> None:
    graph = nx.DiGraph(list(EDGES))
    graph.nodes["age"]["observed"] = False
    assert scm_from_networkx(graph, MECHANISMS).latent == ("age",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda graph: graph.add_edge("age", "extra"), "'extra' has no mechanism"),
        (lambda graph: graph.remove_edge("age", "cost"), "no arrow age -> cost"),
        (lambda graph: graph.remove_node("age"), "'age', which is no node"),
    ],
)
def test_graph_and_mechanisms_must_agree_arrow_by_arrow(change: Any, message: str) -> None:
    graph = nx.DiGraph(list(EDGES))
    change(graph)
    with pytest.raises(ModelError, match=message):
        scm_from_networkx(graph, MECHANISMS)


def test_an_arrow_that_no_mechanism_uses_is_named() -> None:
    with pytest.raises(ModelError, match=r"has an arrow age -> cost, and the linear mechanism of 'cost' does not read"):
        scm_from_networkx(nx.DiGraph(list(EDGES)), {**MECHANISMS, "cost": Linear({"dose": 1})})


def test_a_cyclic_graph_with_its_mechanisms_gives_the_cycle() -> None:
    graph = nx.DiGraph([("a", "b"), ("b", "a")])
    with pytest.raises(ModelError, match="cycle: a -> b -> a"):
        scm_from_networkx(graph, {"a": Linear({"b": 1}), "b": Linear({"a": 1})})


def test_nodes_that_are_no_text_and_mechanisms_that_are_none_are_refused() -> None:
    graph = nx.DiGraph()
    graph.add_node(3)
    with pytest.raises(ModelError, match="no variable name"):
        scm_from_networkx(graph)
    named = nx.DiGraph()
    named.add_node("age", mechanism="root")
    with pytest.raises(ModelError, match="'root' where its mechanism should be"):
        scm_from_networkx(named)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=6), unique=True, max_size=8))
def test_new_names_are_identifiers_and_all_different(names: list[str]) -> None:
    renamed = identifiers(names)
    assert list(renamed) == names
    assert all(new.isidentifier() for new in renamed.values())
    assert len(set(renamed.values())) == len(names)
    assert all(renamed[name] == name for name in names if name.isidentifier() and not keyword.iskeyword(name))


def test_names_follow_the_stated_rule() -> None:
    assert identifiers(["p44/42", "p44_42", "class", "2nd", "age group", "??"]) == {
        "p44/42": "p44_42_2",
        "p44_42": "p44_42",
        "class": "_class",
        "2nd": "_2nd",
        "age group": "age_group",
        "??": "variable",
    }
