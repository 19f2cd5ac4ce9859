"""Units without a value, or with one outside the support, are rejects that name the variable; never labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contrafact.candidates import make_candidates
from contrafact.errors import ModelError, RecipeError
from contrafact.judging import Funnel, apply_judgements, judge
from contrafact.pipeline import run_local
from contrafact.plan import make_plan
from contrafact.recipe import parse_recipe
from contrafact.validation import validate
from generators.scm.faults import Faults
from generators.scm.repeats import NOTHING
from tests.core.builds import stored


def recipe(variables: dict[str, Any], interventions: Any, label: Any, **options: Any) -> Any:
    keys: dict[str, Any] = {key: options.pop(key) for key in ["rows", "filters"] if key in options}
    scm = {"variables": variables, "domains": options.pop("domains", {})}
    generator = {"use": "scm", "scm": scm, "interventions": interventions, "label": label, **options}
    return parse_recipe({"name": "faulty", "rows": 400, "generator": generator, **keys})


def made(*given: Any, **options: Any) -> list[dict[str, Any]]:
    """Candidates after the recipe's filters."""
    plan = make_plan(recipe(*given, **options))
    pairs = make_candidates(plan, 0)
    judged = apply_judgements(pairs, judge(pairs, plan.filters), Funnel())
    rows: list[dict[str, Any]] = judged.to_pylist()
    return rows


LOG = {
    "x": {"mechanism": "root", "noise": {"normal": [2, 1]}},
    "y": {"mechanism": "additive", "expression": "log(x)", "noise": {"normal": [3, 0.1]}},
}


def test_a_nan_that_would_compare_as_false_is_no_flip() -> None:
    label = {"expression": "y > 3", "names": ["low", "high"]}
    pairs = made(LOG, {"shift": {"x": -3}}, label, filters={"graph": {}, "label_flip": {"want": "flip"}})
    lost = [pair for pair in pairs if pair["factual"]["x"] < 3]
    assert 200 < len(lost) < 400
    for pair in lost:
        first = "scm: y is undefined" if pair["factual"]["x"] < 0 else "scm: y is undefined in the counterfactual"
        assert (pair["accepted"], pair["reasons"]) == (False, [first])
        assert pair["counterfactual"] is None
        assert pair["counterfactual_label"] is None
    for pair in pairs:
        gone = pair["factual"]["x"] < 0
        assert (pair["label"] is None) == (pair["factual"]["y"] is None) == gone
        assert not (pair["accepted"] and pair["label"] == pair["counterfactual_label"])


def test_the_first_variable_in_the_order_of_causes_is_named() -> None:
    chain = {**LOG, "z": {"mechanism": "linear", "weights": {"y": 1}}}
    [reason] = {text for pair in made(chain, {"shift": {"x": -9}}, "z") for text in pair["reasons"]} - {
        "scm: y is undefined"
    }
    assert reason == "scm: y is undefined in the counterfactual"


def test_a_code_that_is_no_level_is_no_label() -> None:
    picky = {
        "x": {"mechanism": "root", "noise": {"normal": [2, 1]}},
        "c": {"mechanism": "categorical", "levels": ["a", "b"], "logits": {"a": "log(x)", "b": 0}},
    }
    pairs = made(picky, {"shift": {"x": -3}}, "c")
    assert all(pair["accepted"] == (pair["factual"]["x"] > 3) for pair in pairs)
    assert all(pair["label"] in (0, 1) for pair in pairs if pair["factual"]["x"] > 0)
    assert {pair["label"] for pair in pairs if pair["factual"]["x"] < 0} == {None}


@pytest.mark.parametrize(
    "late",
    [
        {"mechanism": "bernoulli", "probability": "sqrt(x)"},
        {"mechanism": "boolean", "expression": "log(x)", "flip": 0.1},
        {"mechanism": "deterministic", "expression": "log(x)", "support": {"kind": "boolean"}},
        {"mechanism": "noninvertible", "expression": "log(x) + noise", "support": {"kind": "boolean"}},
    ],
)
def test_a_truth_of_nan_is_neither_true_nor_false(late: dict[str, Any]) -> None:
    variables = {"x": {"mechanism": "root", "noise": {"uniform": [-1, 1]}}, "b": late}
    for pair in made(variables, {"shift": {"x": 0.5}}, "b"):
        fact, other = pair["factual"]["x"] > 0, pair["factual"]["x"] > -0.5
        assert pair["accepted"] == (fact and other)
        assert (pair["factual"]["b"] is None) == (not fact)
        assert pair["reasons"] == ([] if fact else ["scm: b is undefined"])


def test_bounds_reject_and_keep_what_was_computed() -> None:
    bounded = {
        "x": {"mechanism": "root", "noise": {"uniform": [0, 10]}, "support": {"lower": 0, "upper": 10}},
        "y": {"mechanism": "linear", "weights": {"x": 1}},
    }
    for pair in made(bounded, {"shift": {"x": 4}}, "y"):
        inside = pair["counterfactual"]["x"] <= 10
        assert pair["accepted"] == inside
        assert pair["reasons"] == ([] if inside else ["scm: x is outside its support in the counterfactual"])


COUNTS = {
    "n": {"mechanism": "discrete", "values": [0, 1, 2, 3], "table": [0.25] * 4},
    "y": {"mechanism": "linear", "weights": {"n": 1}},
}


@pytest.mark.parametrize(
    "operation",
    [
        {"shift": {"n": 2}},
        {"scale": {"n": 3}},
        {"soft": {"n": {"mechanism": "deterministic", "expression": "7"}}},
        {"soft": {"n": {"mechanism": "discrete", "values": [5, 6, 7, 8], "table": [0.25] * 4}}},
    ],
)
def test_an_operation_that_leaves_the_support_rejects_its_units(operation: dict[str, Any]) -> None:
    pairs = made(COUNTS, operation, "y")
    for pair in pairs:
        inside = pair["counterfactual"]["n"] in (0, 1, 2, 3)
        still = [NOTHING] if "scale" in operation and pair["factual"]["n"] == 0 else []
        assert pair["reasons"] == (still if inside else ["scm: n is outside its support in the counterfactual"])
        assert pair["accepted"] == (not pair["reasons"])
    assert not all(pair["accepted"] for pair in pairs)


def test_only_listed_values_are_in_the_support() -> None:
    gaps = {"n": {"mechanism": "discrete", "values": [0, 2, 5], "table": [0.3, 0.3, 0.4]}}
    pairs = made(gaps, {"do": {"n": "another"}}, "n")
    moves = {(pair["factual"]["n"], pair["counterfactual"]["n"]) for pair in pairs}
    assert moves == {(one, other) for one in (0, 2, 5) for other in (0, 2, 5) if one != other}
    shifted = made(gaps, {"shift": {"n": 3}}, "n")
    assert all(pair["accepted"] == (pair["factual"]["n"] == 2) for pair in shifted)


def test_a_latent_variable_counts_too_and_its_undefined_cells_are_null() -> None:
    hidden = {
        "x": LOG["x"],
        "u": {"mechanism": "additive", "expression": "log(x)", "noise": "normal", "observed": False},
        "y": {"mechanism": "additive", "expression": "0 * x", "noise": "normal"},
    }
    for pair in made(hidden, {"shift": {"x": -3}}, "y"):
        gone = pair["factual"]["x"] <= 3
        assert pair["accepted"] == (not gone)
        assert (pair["hidden"]["counterfactual_latent"]["u"] is None) == gone


def test_a_label_that_does_not_exist_is_a_reject() -> None:
    line = {"x": {"mechanism": "root", "noise": {"normal": [2, 1]}}}
    for pair in made(line, {"shift": {"x": -2}}, "log(x)"):
        fact = pair["factual"]["x"] > 0
        assert pair["accepted"] == (pair["factual"]["x"] > 2)
        assert (pair["label"] is None) == (not fact)
        if not pair["accepted"]:
            where = " in the counterfactual" if fact else ""
            assert pair["reasons"] == [f"scm: the label is undefined{where}"]


def test_whether_a_nan_is_large_is_no_label() -> None:
    line = {"x": {"mechanism": "root", "noise": {"normal": [2, 1]}}}
    pairs = made(line, {"shift": {"x": -2}}, {"expression": "log(x) > 0.1", "names": ["low", "high"]})
    fact, other = (np.array([pair["factual"]["x"] - less for pair in pairs]) for less in (0, 2))
    assert np.count_nonzero(fact <= 0) > 5
    assert 100 < np.count_nonzero(other <= 0) < 300
    for pair, here, there in zip(pairs, fact, other, strict=True):
        where = "" if here <= 0 else " in the counterfactual"
        assert pair["reasons"] == ([f"scm: the label is undefined{where}"] if there <= 0 else [])
        assert pair["label"] == (None if here <= 0 else int(np.log(here) > 0.1))
        assert pair["counterfactual_label"] == (None if there <= 0 else int(np.log(there) > 0.1))


@pytest.mark.parametrize("mechanism", ["boolean", "deterministic"])
def test_a_boolean_that_hangs_on_a_nan_is_undefined_and_one_that_does_not_is_not(mechanism: str) -> None:
    line = {
        "x": {"mechanism": "root", "noise": {"normal": [2, 1]}},
        "big": {"mechanism": mechanism, "expression": "log(x) > 0.1"},
        "any": {"mechanism": mechanism, "expression": "x < 5 or log(x) > 0.1"},
    }
    pairs = made(line, {"shift": {"x": -2}}, "any")
    for pair in pairs:
        fact = pair["factual"]["x"]
        where = "" if fact <= 0 else " in the counterfactual"
        assert pair["reasons"] == ([f"scm: big is undefined{where}"] if fact <= 2 else [])
        assert pair["factual"]["big"] == (None if fact <= 0 else np.log(fact) > 0.1)
        assert pair["factual"]["any"]


@pytest.mark.parametrize(
    ("value", "refused"),
    [("x + 1", lambda fact: fact["x"] > 9), ("log(x - 5)", lambda fact: fact["x"] < 6)],
)
def test_a_policy_that_leaves_the_support_rejects_its_unit_alone(value: str, refused: Any) -> None:
    bounded = {"x": {"mechanism": "root", "noise": {"uniform": [0, 10]}, "support": {"lower": 0, "upper": 10}}}
    pairs = made(bounded, {"do": {"x": {"expression": value}}}, "x")
    for pair in pairs:
        away = refused(pair["factual"])
        assert pair["reasons"] == (["scm: the value that do gives x is outside its support"] if away else [])
        assert (pair["counterfactual"] is None) == away
        assert (pair["hidden"]["requested"] == [None]) == away
    assert {pair["accepted"] for pair in pairs} == {True, False}


@pytest.mark.parametrize(("name", "value"), [("n", "1.5"), ("b", "0.5"), ("c", "0.5"), ("n", "9"), ("c", "2")])
def test_a_fraction_is_no_whole_number_no_truth_and_no_level(name: str, value: str) -> None:
    several = {
        **COUNTS,
        "b": {"mechanism": "bernoulli", "probability": "0.5"},
        "c": {"mechanism": "categorical", "levels": ["u", "v"], "table": [0.5, 0.5]},
    }
    for pair in made(several, {"do": {name: {"expression": value}}}, "y", rows=5):
        assert pair["reasons"] == [f"scm: the value that do gives {name} is outside its support"]


NORTH = {"north": {"wait": {"mechanism": "root", "noise": {"normal": [5, 1]}}}}
WAIT = {"wait": {"mechanism": "root", "noise": "normal"}}


def test_a_unit_that_lives_there_already_is_a_reject() -> None:
    pairs = made(WAIT, {"domain": "north"}, "wait", domains=NORTH, domain=["base", "north"])
    for pair in pairs:
        there = pair["factual"]["domain"] == 1
        assert pair["reasons"] == (["scm: the unit already lives in north"] if there else [])
        assert (pair["counterfactual"] is None) == there
    assert {pair["accepted"] for pair in pairs} == {True, False}
    # Something else is asked of these units as well, and that is a counterfactual.
    also = {"domain": "north", "shift": {"wait": 1}}
    assert all(pair["accepted"] for pair in made(WAIT, also, "wait", domains=NORTH, domain=["base", "north"]))


def test_a_change_to_where_everybody_is_is_refused() -> None:
    for domain in ("north", "base"):
        with pytest.raises(RecipeError, match=f"every unit lives in '{domain}' already"):
            make_plan(recipe(WAIT, {"domain": domain}, "wait", domains=NORTH, domain=domain))


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        (
            {"mechanism": "location_scale", "location": "x", "scale": "-1"},
            "y: the scale is .*-1.*, which is never positive",
        ),
        (
            {"mechanism": "location_scale", "location": "x", "scale": "x / 0 * 0"},
            "y has no value in any of 1,000 units",
        ),
        ({"mechanism": "additive", "expression": "x / 0"}, "y has no value in any of 1,000 units"),
        (
            {"mechanism": "categorical", "levels": ["a", "b"], "parents": ["x"], "table": [[0.5, 0.5], [0.5, 0.5]]},
            "y: the table has 'x' as an axis, whose values cannot be places on it",
        ),
        (
            {"mechanism": "categorical", "levels": ["a", "b"], "parents": ["n"], "table": [[0.5, 0.5], [0.5, 0.5]]},
            r"y: the table has 2 rows along 'n', which takes 3 places \(0 to 2\)",
        ),
        (
            {"mechanism": "discrete", "levels": ["a", "b"], "parents": ["c"], "table": [[0.5, 0.5]] * 3},
            r"y: the table has 3 rows along 'c', which takes 2 places \(u, v\)",
        ),
    ],
)
def test_a_mechanism_that_can_give_nothing_is_refused_before_any_work(variable: dict[str, Any], message: str) -> None:
    variables = {
        "x": {"mechanism": "root"},
        "n": {"mechanism": "discrete", "values": [0, 1, 2], "table": [0.2, 0.3, 0.5]},
        "c": {"mechanism": "categorical", "levels": ["u", "v"], "table": [0.5, 0.5]},
        "y": variable,
    }
    with pytest.raises(ModelError, match=message) as caught:
        make_plan(recipe(variables, {"shift": {"x": 1}}, "x"))
    assert "allowed:" in str(caught.value)
    assert "fix:" in str(caught.value)


def test_a_table_in_a_domain_is_held_to_its_parents_too() -> None:
    flat = {"a": {"mechanism": "discrete", "levels": ["u", "v"], "table": [0.5, 0.5]}}
    other = {"far": {"a": {"mechanism": "discrete", "parents": ["x"], "table": [[0.5, 0.5]], "levels": ["u", "v"]}}}
    with pytest.raises(ModelError, match="a: the table has 'x' as an axis"):
        make_plan(recipe({"x": {"mechanism": "root"}, **flat}, {"do": {"a": "another"}}, "a", domains=other))


def test_a_dataset_with_such_rejects_is_stored_and_validates(tmp_path: Path) -> None:
    picky = {
        **LOG,
        "c": {"mechanism": "categorical", "levels": ["a", "b"], "logits": {"a": "y", "b": "x"}},
        "u": {"mechanism": "linear", "weights": {"y": 1}, "observed": False},
        "b": {"mechanism": "bernoulli", "probability": "sigmoid(u)"},
    }
    interventions = [{"shift": {"x": -2}}, {"do": {"x": {"expression": "log(x)"}}}, {"do": {"c": "another"}}]
    manifest = run_local(recipe(picky, interventions, "b", filters={"graph": {}}), None, tmp_path)
    assert validate(tmp_path).problems == []
    assert manifest["rejected"] > 200
    rejected = stored(tmp_path, "rejected")
    assert set(manifest["reasons"]) == {text for texts in rejected["reasons"].to_pylist() for text in texts}
    shown = pa.compute.is_valid(rejected["counterfactual"])
    assert not any(rejected.filter(shown)["exact"].is_null().to_pylist())


def test_each_unit_has_one_reason_and_the_first_one() -> None:
    faults = Faults(4)
    faults.add(np.array([True, True, False, False]), "one")
    faults.add(np.array([True, False, True, False]), "two", lost=False)
    faults.add(np.zeros(4, dtype=bool), "none")
    reasons = faults.reasons()
    assert reasons is not None
    assert reasons.to_pylist() == [["one"], ["one"], ["two"], []]
    assert faults.lost.tolist() == [True, True, False, False]
    assert Faults(3).reasons() is None
