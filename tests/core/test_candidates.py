from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from contrafact.candidates import constant, hidden_of, make_candidates, pair_ids
from contrafact.errors import PluginError, StageError
from contrafact.plan import Plan
from contrafact.recipe import parse_recipe
from tests.core.awkward import OnceEach
from tests.core.builds import plan_of, toy


def awkward(name: str, tmp_path: Path, rows: int = 20, shard_rows: int | None = None, **options: Any) -> Plan:
    generator = {"use": f"tests.core.awkward:{name}", **options}
    recipe = {"name": "toy", "rows": rows, "shard_rows": shard_rows, "generator": generator}
    return plan_of(parse_recipe(recipe), tmp_path)


def test_candidates_have_the_whole_record_and_their_place_in_the_source(tmp_path: Path) -> None:
    plan = plan_of(toy(), tmp_path)
    pairs = make_candidates(plan, 1)
    assert pairs.schema == plan.working_schema
    assert pairs["unit_id"].to_pylist() == [f"n{number}" for number in range(10, 20)]
    first = pairs.slice(0, 1).to_pylist()[0]
    assert first == {
        "pair_id": "n10/0",
        "unit_id": "n10",
        "group_id": "n10",
        "generator": "parity",
        "task": "counterfactual",
        "factual": {"number": 10},
        "counterfactual": {"number": 11},
        "intervention": [{"variable": "number", "operation": "shift", "before": "10", "after": "11", "where": None}],
        "label": 0,
        "counterfactual_label": 1,
        "label_source": "oracle",
        "exact": True,
        "held_fixed": [],
        "scores": {"none": None},
        "accepted": True,
        "reasons": [],
        "control_of": None,
        "provenance": {
            "recipe": plan.identity,
            "code_version": "0.1.0",
            "seed": 0,
            "model": None,
            "model_origin": None,
            "first_source": "oracle",
            "request_ids": [],
            "cost": 0.0,
        },
    }


def test_several_pairs_of_a_unit_are_numbered_within_it(tmp_path: Path) -> None:
    pairs = make_candidates(plan_of(toy({"pairs": 3}), tmp_path), 0)
    assert pairs["pair_id"].to_pylist()[:4] == ["n0/0", "n0/1", "n0/2", "n1/0"]
    assert len(set(pairs["pair_id"].to_pylist())) == 30
    assert set(pairs["group_id"].to_pylist()) == {f"n{number}" for number in range(10)}


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("fail_every", "parity: does not like this number"),
        ("raise_every", "parity: ZeroDivisionError: division by zero"),
    ],
)
@pytest.mark.parametrize("every", [2, 3, 7])
def test_units_that_fail_are_rejects_in_their_place_and_the_others_are_made(
    option: str, reason: str, every: int, tmp_path: Path
) -> None:
    pairs = make_candidates(plan_of(toy({option: every}, shard_rows=40), tmp_path), 0).to_pylist()
    assert [pair["unit_id"] for pair in pairs] == [f"n{number}" for number in range(40)]
    for number, pair in enumerate(pairs):
        failed = number % every == 0
        assert pair["accepted"] != failed
        assert pair["reasons"] == ([reason] if failed else [])
        assert pair["counterfactual"] == (None if failed else {"number": number + 1})
        assert pair["generator"] == "parity"
        assert pair["provenance"]["seed"] == 0
        assert (pair["label_source"], pair["task"]) == ("oracle", "counterfactual")


def test_rows_that_fail_cost_no_other_row_a_second_call(tmp_path: Path) -> None:
    """A unit may be paid for: only it is lost, whether its making raises or gives what no field can hold."""
    OnceEach.asked.clear()
    pairs = make_candidates(awkward("OnceEach", tmp_path, shard_rows=20), 0).to_pylist()
    assert OnceEach.asked == list(range(20))
    lost = {pair["unit_id"]: pair["reasons"][0] for pair in pairs if not pair["accepted"]}
    assert lost.keys() == {"n3", "n13", "n5", "n15"}
    assert lost["n3"] == "once_each: ZeroDivisionError: division by zero"
    assert lost["n5"].startswith("once_each: Arrow")
    assert [pair["unit_id"] for pair in pairs] == [f"n{number}" for number in range(20)]


def test_a_row_generator_that_always_raises_is_not_asked_for_every_unit(tmp_path: Path) -> None:
    plan = plan_of(toy({"raise_every": 1}, rows=1000, shard_rows=1000), tmp_path)
    with pytest.raises(StageError, match=r"generator 'parity' failed on every one of \d+ rows tried: ZeroDivision"):
        make_candidates(plan, 0)


def test_units_of_which_each_gives_what_no_field_can_hold_stop_the_build(tmp_path: Path) -> None:
    plan = awkward("OnceEach", tmp_path, count=6)
    with pytest.raises(StageError, match=r"generator 'once_each' failed on every one of 1 rows: Arrow"):
        plan.generator.generate(plan.source.read(5, 6), replace(plan.context(5), proof=1))


def test_every_second_row_of_a_long_shard_may_fail(tmp_path: Path) -> None:
    """Rows that fail with a period of the table do not look like a stage that always fails."""
    pairs = make_candidates(plan_of(toy({"raise_every": 2}, rows=640, shard_rows=640), tmp_path), 0)
    assert pairs["accepted"].to_pylist() == [False, True] * 320


def test_a_generator_that_always_raises_stops(tmp_path: Path) -> None:
    plan = plan_of(toy({"raise_every": 1}), tmp_path)
    with pytest.raises(StageError, match=r"generator 'parity' failed on every one of 10 rows: ZeroDivisionError"):
        make_candidates(plan, 0)


def test_a_bad_unit_alone_in_the_last_shard_does_not_stop_the_build(tmp_path: Path) -> None:
    plan = plan_of(toy({"raise_every": 40}, rows=41), tmp_path)
    [last] = make_candidates(plan, 4).to_pylist()
    assert last["reasons"] == ["parity: ZeroDivisionError: division by zero"]


def test_a_unit_of_which_nothing_is_said_is_a_reject(tmp_path: Path) -> None:
    pairs = make_candidates(awkward("Silent", tmp_path), 0).to_pylist()
    assert [pair["unit_id"] for pair in pairs] == [f"n{number}" for number in range(10)]
    told = {pair["unit_id"]: pair["reasons"] for pair in pairs if not pair["accepted"]}
    assert told == {
        "n1": ["silent: gave nothing for this unit"],
        "n2": ["silent: gave no counterfactual"],
        "n6": ["silent: gave nothing for this unit"],
        "n7": ["silent: gave no counterfactual"],
    }
    assert pairs[1]["factual"] is None
    assert pairs[2]["factual"] == {"number": 2}


def test_a_columnar_generator_that_drops_rows_loses_nothing_either(tmp_path: Path) -> None:
    pairs = make_candidates(awkward("Columnar", tmp_path, change="drop rows"), 1)
    assert pairs["unit_id"].to_pylist() == [f"n{number}" for number in range(10, 20)]
    assert pairs["accepted"].to_pylist() == [number % 3 > 0 for number in range(10, 20)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("drop a column", r"generator 'columnar' gave no label"),
        ("reverse", r"gave units that it was not asked for, or in another order"),
        ("strangers", r"gave units that it was not asked for"),
        ("another type", r"the generator's 'label' is string, and int64 was declared"),
    ],
)
def test_a_generator_that_breaks_its_contract_is_told(change: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=message):
        make_candidates(awkward("Columnar", tmp_path, change=change), 0)


def test_a_constant_column_of_any_type() -> None:
    column = constant({"a": 1, "b": ["x"]}, 3, pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]))
    assert column.to_pylist() == [{"a": 1, "b": ["x"]}] * 3
    assert len(constant(None, 0, pa.string())) == 0


def test_pair_ids_of_nothing_and_of_one() -> None:
    assert pair_ids(pa.chunked_array([], pa.string())).to_pylist() == []
    assert pair_ids(pa.chunked_array([["a"]])).to_pylist() == ["a/0"]
    assert pair_ids(pa.chunked_array([["a", "a"], ["b", "a"]])).to_pylist() == ["a/0", "a/1", "b/0", "a/0"]


def test_hidden_truth_becomes_a_table_by_pair_id() -> None:
    hidden = pa.StructArray.from_arrays([pa.array([1.0, 2.0])], names=["noise"])
    table = hidden_of(pa.table({"pair_id": ["a", "b"], "hidden": hidden}))
    assert table is not None
    assert table.to_pydict() == {"pair_id": ["a", "b"], "noise": [1.0, 2.0]}
    assert hidden_of(pa.table({"pair_id": ["a"]})) is None
