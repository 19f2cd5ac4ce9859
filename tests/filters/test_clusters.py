from __future__ import annotations

from typing import Any

import networkx as nx
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.errors import RecipeError
from filters.clusters import Clusters
from tests.filters.toys import Kept, Toy, decided, failed, pair, sketched, table


class Sliced(Clusters):
    """Decides four rows at a time."""

    rows_at_once = 4


def grouped(judge: Clusters, rows: list[dict[str, Any]], shard: int = 3) -> list[Any]:
    judge.bind("clusters", Toy())
    passed, groups = decided(judge, sketched(judge, table(rows), [True] * len(rows), shard))
    assert all(passed)
    assert len(groups) == len(rows)
    return groups


def test_units_equal_after_rounding_share_a_group() -> None:
    rows = [pair(w=0.12, n=1), pair(w=0.13, n=2), pair(w=0.21, n=1), pair(w=0.12, n=9)]
    groups = grouped(Clusters(by=["w"], decimals=1), rows)
    assert groups[0] == groups[1] == groups[3] != groups[2]
    assert all(name.startswith("clusters:") and len(name) == len("clusters:") + 16 for name in groups)
    groups = grouped(Clusters(by=["w", "n"], decimals=1), rows)
    assert len(set(groups)) == 4


def test_clusters_with_a_group_in_common_become_one() -> None:
    rows = [{**pair(n=n), "group_id": group} for n, group in ((1, "a"), (2, "a"), (2, "b"), (3, "b"), (4, "c"))]
    groups = grouped(Clusters(by=["n"]), rows)
    assert len(set(groups[:4])) == 1
    assert groups[4] != groups[0]


def test_failed_pairs_go_with_their_unit_and_without_facts_with_none() -> None:
    nothing = {**failed(), "factual": None}
    groups = grouped(Clusters(by=["n"]), [failed(n=1), pair(n=1), nothing, nothing])
    assert groups[0] == groups[1]
    assert len(set(groups)) == 3


def test_it_scores_nothing_and_takes_no_rows() -> None:
    judge = Clusters(by=["n"])
    assert list(judge.score_fields()) == []
    assert grouped(judge, []) == []
    assert list(judge.decide(Kept([]))) == []


@settings(max_examples=60)
@given(rows=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25), shard=st.integers(1, 9))
def test_groups_are_the_connected_components(rows: list[tuple[int, int]], shard: int) -> None:
    links = nx.Graph([(f"content {content}", f"group {group}") for content, group in rows])
    component = {node: place for place, nodes in enumerate(nx.connected_components(links)) for node in nodes}
    expected = [component[f"content {content}"] for content, _ in rows]
    pairs = [{**pair(n=content), "group_id": f"g{group}"} for content, group in rows]
    whole = grouped(Clusters(by=["n"]), pairs, shard)
    assert len(set(zip(expected, whole, strict=True))) == len(set(expected)) == len(set(whole))
    assert grouped(Sliced(by=["n"]), pairs, shard) == whole


def test_the_order_of_units_does_not_change_their_groups() -> None:
    rows = [{**pair(n=n % 4), "group_id": f"g{n % 3}", "unit_id": f"u{n}"} for n in range(6)]
    assert grouped(Clusters(by=["n"]), rows[::-1]) == grouped(Clusters(by=["n"]), rows)[::-1]


def test_wrong_options_are_refused() -> None:
    for by, decimals in (([], None), (["n"], -99)):
        with pytest.raises(RecipeError) as caught:
            Clusters(by=by, decimals=decimals)
        assert caught.value.fix
    with pytest.raises(RecipeError, match="do not have"):
        Clusters(by=["z"]).bind("clusters", Toy())


def test_groups_of_a_plain_sketch_are_text() -> None:
    judge = Clusters(by=["n"])
    judge.bind("clusters", Toy())
    (answer,) = judge.decide(sketched(judge, table([pair()])))
    assert answer.groups is not None
    assert answer.groups.type == pa.string()
