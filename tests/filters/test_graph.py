from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.errors import RecipeError
from filters.graph import GraphConsistency
from tests.filters.toys import Toy, do, failed, judged, pair, reasons, table

FINITE = st.floats(-1e6, 1e6)


class Blind(Toy):
    """A toy without an oracle."""

    def recompute(self, pairs: pa.Table) -> Any:
        return None


def test_a_consistent_pair_passes_with_no_violation() -> None:
    judgement = judged(GraphConsistency(), [pair(), pair([do("w", 1.5)]), pair([do("x", 0.5, "shift")]), pair([])])
    assert judgement.passed.all()
    assert judgement.scores["graph"].tolist() == [0.0] * 4


@pytest.mark.parametrize(
    ("moved", "who"), [({"w": 9.0}, "w"), ({"n": 4}, "n"), ({"note": "b"}, "note"), ({"w": -0.0}, "w")]
)
def test_a_moved_non_descendant_is_named(moved: dict[str, Any], who: str) -> None:
    answer = judged(GraphConsistency(), [pair(moved=moved, w=0.0)])
    assert reasons(answer) == [f"graph: {who} moved but is not a descendant of what was intervened on"]
    assert answer.scores["graph"].tolist() == [1.0]


def test_a_descendant_that_its_mechanism_did_not_move_so_is_rejected() -> None:
    answer = judged(GraphConsistency(), [pair(moved={"y": -3.87})])
    assert reasons(answer) == ["graph: y does not read what its mechanism gives under the intervention"]


def test_a_shifted_variable_itself_must_read_what_the_oracle_gives() -> None:
    answer = judged(GraphConsistency(), [pair([do("x", 0.5, "shift")], moved={"x": 0.75})])
    assert reasons(answer) == ["graph: x does not read what its mechanism gives under the intervention"]


def test_do_must_be_read_even_where_there_is_no_oracle() -> None:
    rows = [pair(moved={"x": -2.5}), pair()]
    assert reasons(judged(GraphConsistency(), rows, Blind())) == ["graph: x does not read the value that do set", ""]


def test_several_violations_count_and_the_first_is_the_reason() -> None:
    answer = judged(GraphConsistency(), [pair(moved={"x": 7.0, "w": 1.0, "n": 0})])
    assert answer.scores["graph"].tolist() == [3.0]
    assert reasons(answer) == ["graph: w moved but is not a descendant of what was intervened on"]


def test_tolerance_is_relative() -> None:
    rows = [pair([do("x", 1e6)], moved={"y": 2e6 + 1.0}), pair([do("x", 1.0)], moved={"y": 3.125})]
    assert judged(GraphConsistency(tolerance=1e-5), rows).passed.tolist() == [True, False]


def test_a_sum_that_cancels_is_held_to_the_size_of_the_fact() -> None:
    rows = [pair([do("x", -0.0625)], moved={"y": gap, "sick": 0}) for gap in (1e-12, 1e-6)]
    assert rows[0]["factual"]["y"] == 1.625
    assert judged(GraphConsistency(), rows).passed.tolist() == [True, False]


def test_nan_equals_nan_and_nothing_else() -> None:
    still, lost = pair(w=math.nan), pair()
    assert judged(GraphConsistency(), [still]).passed.tolist() == [True]
    lost["counterfactual"] = lost["counterfactual"] | {"y": math.nan}
    assert judged(GraphConsistency(), [lost]).passed.tolist() == [False]


def test_an_infinite_oracle_does_not_excuse_a_finite_value() -> None:
    answer = judged(GraphConsistency(), [pair([do("x", 1.0)], u_y=math.inf, moved={"y": 5.0, "sick": 1})])
    assert reasons(answer) == ["graph: y does not read what its mechanism gives under the intervention"]


def test_do_on_a_class_label_goes_by_its_name() -> None:
    rows = [pair([do("sick", "no")]), pair([do("sick", "no")], moved={"sick": 1}), pair([do("sick", "no")])]
    rows[2]["intervention"] = [do("sick", "maybe")]
    said = "graph: sick does not read the value that do set"
    assert reasons(judged(GraphConsistency(), rows, Blind())) == ["", said, said]


def test_an_unreadable_value_of_do_is_a_violation_of_its_own_row_only() -> None:
    rows = [pair([do("n", 5)], moved={"n": 5}), pair([do("n", 5)], moved={"n": 5}), pair([do("n", 6)], moved={"n": 6})]
    rows[1]["intervention"] = [do("n", "five")]
    assert judged(GraphConsistency(), rows, Blind()).passed.tolist() == [True, False, True]


def test_a_domain_may_list_its_variables_apart_or_together() -> None:
    apart = [do("w", "north", "domain"), do("n", "north", "domain")]
    together = [do("w, n", "north", "domain")]
    rows = [{**pair([], moved={"w": 1.0, "n": 8, "note": note}), "intervention": changes}
            for changes in (apart, together) for note in ("a", "b")]  # fmt: skip
    assert judged(GraphConsistency(), rows, Blind()).passed.tolist() == [True, False, True, False]


def test_a_latent_variable_moves_its_descendants() -> None:
    graph = nx.DiGraph([("latent", "n"), ("w", "x")])
    rows = [{**pair([], moved={"n": 9}), "intervention": [do("latent", 1.0)]}]
    assert judged(GraphConsistency(), rows, Blind(graph=graph)).passed.tolist() == [True]
    assert judged(GraphConsistency(), rows, Blind()).passed.tolist() == [False]


def test_each_row_is_held_to_its_own_intervention() -> None:
    rows = [pair([do("w", 2.0)]), pair([do("y", 2.0)]), pair([do("w", 2.0), do("y", 1.0)])]
    rows += [{**row, "intervention": rows[(place + 1) % 3]["intervention"]} for place, row in enumerate(rows)]
    assert judged(GraphConsistency(), rows).passed.tolist() == [True] * 3 + [False] * 3


def test_failed_pairs_pass_without_a_score() -> None:
    answer = judged(GraphConsistency(), [failed(), pair(), pair(moved={"n": 0}), failed()])
    assert answer.passed.tolist() == [True, True, False, True]
    assert np.isnan(answer.scores["graph"]).tolist() == [True, False, False, True]
    assert judged(GraphConsistency(), [failed()]).passed.tolist() == [True]


def test_no_rows_give_no_verdicts() -> None:
    answer = judged(GraphConsistency(), [])
    assert answer.passed.shape == (0,)
    assert answer.scores["graph"].shape == (0,)


def test_reasons_carry_the_alias() -> None:
    judge = GraphConsistency()
    judge.bind("causal", Toy())
    answer = judge.judge(table([pair(moved={"n": 0})]))
    assert reasons(answer) == ["causal: n moved but is not a descendant of what was intervened on"]
    assert list(answer.scores) == ["causal"]


def test_chunks_and_slices_do_not_matter() -> None:
    rows = [pair(moved={"n": 3 + place % 2}, w=place / 8) for place in range(9)]
    whole = pa.concat_tables([table(rows[:4]), table(rows[4:])]).slice(1, 7)
    judge = GraphConsistency()
    judge.bind("graph", Toy())
    assert judge.judge(whole).passed.tolist() == [place % 2 == 0 for place in range(1, 8)]


@settings(max_examples=40)
@given(
    w=FINITE, u_x=FINITE, u_y=FINITE, after=FINITE, target=st.sampled_from("wxy"), kind=st.sampled_from(["do", "shift"])
)
def test_every_consistent_pair_passes(w: float, u_x: float, u_y: float, after: float, target: str, kind: str) -> None:
    row = pair([do(target, repr(after), kind)], w=w, u_x=u_x, u_y=u_y)
    assert reasons(judged(GraphConsistency(tolerance=0.0), [row])) == [""]


@pytest.mark.parametrize("tolerance", [-1.0, math.nan, math.inf])
def test_an_impossible_tolerance_is_refused(tolerance: float) -> None:
    with pytest.raises(RecipeError, match="tolerance"):
        GraphConsistency(tolerance=tolerance)


def test_a_generator_without_a_graph_is_refused() -> None:
    with pytest.raises(RecipeError, match="no causal graph"):
        GraphConsistency().bind("graph", Toy(graph=nx.DiGraph()))
