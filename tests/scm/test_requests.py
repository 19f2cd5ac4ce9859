"""What a recipe asks for, decided unit by unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from contrafact.errors import InterventionError, ModelError
from contrafact.streams import Streams
from generators.scm.mechanisms import Root
from generators.scm.model import SCM, Variable
from generators.scm.noise import Empirical
from generators.scm.operations import draw_noise, predict
from generators.scm.readers.spec import scm_from_spec
from generators.scm.requests import read_request, unit_uniforms
from generators.scm.support import Support
from tests.scm.clinic import clinic

STREAMS = Streams(3, "requests")
ROWS = 4000
SOFT = {"mechanism": "additive", "expression": "dose"}
DISCRETE = {"mechanism": "discrete", "values": [0, 1, 2, 3], "table": [0.4, 0.3, 0.2, 0.1]}


@pytest.fixture(scope="module")
def model() -> SCM:
    return clinic()


@pytest.fixture(scope="module")
def facts(model: SCM) -> dict[str, NDArray[Any]]:
    return dict(predict(model, draw_noise(model, STREAMS, 0, ROWS), ROWS))


def settled(model: SCM, facts: dict[str, NDArray[Any]], variable: str, value: Any) -> NDArray[Any]:
    request = read_request({"do": {variable: value}}, model)
    [action] = request.settle(model, facts, STREAMS, np.arange(ROWS)).intervention.actions
    return np.broadcast_to(np.asarray(action.value), (ROWS,))


@pytest.mark.parametrize(("value", "code"), [("none", 0), ("low", 1), ("high", 2)])
def test_a_level_is_its_code(value: str, code: int, model: SCM, facts: dict[str, Any]) -> None:
    assert (settled(model, facts, "arm", value) == code).all()


def test_the_same_value_is_the_fact(model: SCM, facts: dict[str, Any]) -> None:
    for name, fact in facts.items():
        np.testing.assert_array_equal(settled(model, facts, name, "same"), fact)


@pytest.mark.parametrize("name", ["arm", "visits", "cured"])
def test_another_value_is_another_and_each_as_often(name: str, model: SCM, facts: dict[str, Any]) -> None:
    other, fact = settled(model, facts, name, "another"), facts[name]
    assert (other != fact).all()
    assert model.variables[name].support.contains(other.astype(fact.dtype)).all()
    values = np.unique(fact)
    for value in values:
        _, counts = np.unique(other[fact == value], return_counts=True)
        assert len(counts) == len(values) - 1
        expected = counts.sum() / len(counts)
        # Five standard deviations of a binomial count.
        assert (abs(counts - expected) <= 5 * np.sqrt(expected) + 1).all()


def test_another_number_is_spread_over_the_bounds(model: SCM, facts: dict[str, Any]) -> None:
    other = settled(model, facts, "age", "another")
    assert other.min() >= 0
    assert other.max() <= 120
    np.testing.assert_allclose(np.quantile(other, [0.25, 0.5, 0.75]), [30, 60, 90], atol=4)


def test_uniform_and_choice_stay_within_what_was_named(model: SCM, facts: dict[str, Any]) -> None:
    drawn = settled(model, facts, "dose", {"uniform": [1.5, 2.5]})
    assert 1.5 <= drawn.min() < 1.52
    assert 2.48 < drawn.max() <= 2.5
    assert set(settled(model, facts, "arm", {"choice": ["none", "high"]})) == {0, 2}
    assert set(settled(model, facts, "dose", {"choice": [1.0]})) == {1.0}


def test_an_expression_is_computed_from_the_facts(model: SCM, facts: dict[str, Any]) -> None:
    np.testing.assert_allclose(settled(model, facts, "dose", {"expression": "3 - dose"}), 3 - facts["dose"])


def test_an_expression_that_leaves_the_support_marks_its_units_and_keeps_their_fact(
    model: SCM, facts: dict[str, Any]
) -> None:
    request = read_request({"do": {"age": {"expression": "age - 50"}}}, model)
    found = request.settle(model, facts, STREAMS, np.arange(ROWS))
    young = facts["age"] < 50
    np.testing.assert_array_equal(found.refused["age"], young)
    [action] = found.intervention.actions
    np.testing.assert_array_equal(action.value, np.where(young, facts["age"], facts["age"] - 50))


def whole_number(**support: Any) -> SCM:
    numbers = {"mechanism": "root", "noise": {"empirical": [3, 4, 5, 6]}, "support": {"kind": "integer", **support}}
    return scm_from_spec({"variables": {"n": numbers}})


@pytest.mark.parametrize("model", [whole_number(lower=3, upper=6), whole_number(lower=2.5, upper=6.5)])
def test_another_whole_number_is_never_the_fact_and_each_as_often(model: SCM) -> None:
    facts = predict(model, draw_noise(model, STREAMS, 0, ROWS), ROWS)
    other = settled(model, facts, "n", "another")
    assert (other != facts["n"]).all()
    for value in (3, 4, 5, 6):
        numbers, counts = np.unique(other[facts["n"] == value], return_counts=True)
        assert numbers.tolist() == [each for each in (3, 4, 5, 6) if each != value]
        assert (abs(counts - counts.mean()) <= 5 * np.sqrt(counts.mean())).all()


def test_another_whole_number_between_the_ends_that_a_table_showed() -> None:
    support = Support("integer", seen=(3.0, 6.0))
    model = SCM("seen", [Variable("n", Root(Empirical([3, 4, 5, 6])), support)])
    facts = predict(model, draw_noise(model, STREAMS, 0, ROWS), ROWS)
    other = settled(model, facts, "n", "another")
    assert (other != facts["n"]).all()
    assert set(other) == {3, 4, 5, 6}
    lone = SCM("lone", [Variable("n", Root(Empirical([3])), Support("integer", seen=(3.0, 3.0)))])
    with pytest.raises(InterventionError, match="'n' has one value only"):
        read_request({"do": {"n": "another"}}, lone)


def test_another_value_of_a_very_wide_range_is_drawn_without_listing_it() -> None:
    model = whole_number(lower=0, upper=10**12)
    facts = predict(model, draw_noise(model, STREAMS, 0, ROWS), ROWS)
    other = settled(model, facts, "n", "another")
    assert 0.4e12 < other.mean() < 0.6e12


def test_uniform_whole_numbers_give_the_ends_their_full_weight() -> None:
    model = whole_number(lower=3, upper=6)
    facts = predict(model, draw_noise(model, STREAMS, 0, ROWS), ROWS)
    _, counts = np.unique(settled(model, facts, "n", {"uniform": [3, 6]}), return_counts=True)
    assert len(counts) == 4
    assert (abs(counts - ROWS / 4) <= 5 * np.sqrt(ROWS / 4)).all()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"shift": {"visits": 0.5}}, r"shift: visits by 0.5, and visits is of whole numbers"),
        ({"scale": {"visits": 1.5}}, r"scale: visits by 1.5, and visits is of whole numbers"),
        ({"shift": {"visits": 1e30}}, r"shift: visits by 1e\+30"),
        ({"shift": {"dose": 10**400}}, r"shift: dose by 1000"),
        (
            {"soft": {"dose": {"mechanism": "additive", "expression": "cured"}, "age": SOFT, "visits": DISCRETE}},
            r"the graph has a cycle: .*dose",
        ),
        ({"soft": {"arm": {"mechanism": "discrete", "levels": ["none", "low", "high"], "table": [0.2, 0.3, 0.5]}}},
         r"the unit keeps that of the old one \(categorical\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_together_is_told_when_the_recipe_is_read(spec: Any, message: str, model: SCM) -> None:
    with pytest.raises((InterventionError, ModelError), match=message):
        read_request(spec, model)


def test_two_softs_that_close_a_cycle_together_are_told() -> None:
    roots = {name: {"mechanism": "root"} for name in ("c", "d")}
    soft = {"c": {"mechanism": "linear", "weights": {"d": 1}}, "d": {"mechanism": "linear", "weights": {"c": 1}}}
    model = scm_from_spec({"variables": roots})
    with pytest.raises(ModelError, match="the graph has a cycle"):
        read_request({"soft": soft}, model)
    # Together they may also undo a cycle that either would make alone.
    chain = {"c": roots["c"], "e": {"mechanism": "linear", "weights": {"c": 1}}}
    read_request(
        {"soft": {"c": {"mechanism": "linear", "weights": {"e": 1}}, "e": {"mechanism": "root"}}},
        scm_from_spec({"variables": chain}),
    )


def test_a_policy_decides_by_unit_and_not_by_neighbour(model: SCM, facts: dict[str, Any]) -> None:
    request = read_request({"do": {"arm": "another", "dose": {"uniform": [0, 1]}}}, model)
    whole = request.settle(model, facts, STREAMS, np.arange(ROWS))
    some = np.array([5, 17, 18, 3000])
    part = request.settle(model, {name: column[some] for name, column in facts.items()}, STREAMS, some)
    for one, other in zip(whole.intervention.actions, part.intervention.actions, strict=True):
        np.testing.assert_array_equal(one.value[some], other.value)


def test_two_policies_draw_apart(model: SCM, facts: dict[str, Any]) -> None:
    request = read_request({"do": {"age": {"uniform": [0, 1]}, "dose": {"uniform": [0, 1]}}}, model)
    settled = request.settle(model, facts, STREAMS, np.arange(ROWS)).intervention
    one, other = (action.value for action in settled.actions)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.08


def test_several_operations_in_one_intervention(model: SCM) -> None:
    request = read_request(
        {"do": {"arm": "high"}, "shift": {"dose": 1}, "scale": {"age": 1.1}, "domain": "north"}, model
    )
    assert [(each.operation, each.variable) for each in request.wanted] == [
        ("do", "arm"),
        ("shift", "dose"),
        ("scale", "age"),
    ]
    assert request.domain == "north"


def test_a_soft_intervention_reads_a_mechanism(model: SCM) -> None:
    spec = {"mechanism": "additive", "expression": "5 if arm == 'high' else age / 10", "noise": {"normal": [0, 0.2]}}
    [wanted] = read_request({"soft": {"dose": spec}}, model).wanted
    assert set(wanted.value.parents) == {"arm", "age"}


def test_a_restored_intervention_takes_policies_from_the_record(model: SCM) -> None:
    request = read_request({"do": {"arm": "another", "dose": 1.5}}, model)
    actions = request.restore(model, {"arm": np.array([2, 0])}).actions
    np.testing.assert_array_equal(actions[0].value, [2, 0])
    assert actions[1].value == 1.5


def test_uniforms_of_no_units() -> None:
    assert unit_uniforms(STREAMS, "x", np.arange(0)).shape == (0,)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("do", r"an intervention is a mapping"),
        ({}, r"changes nothing"),
        ({"do": {}}, r"changes nothing"),
        ({"dot": {"arm": "low"}}, r"unknown operation 'dot' \(did you mean 'do'\?\)"),
        ({"do": "arm"}, r"names no variable"),
        ({"do": {"amr": "low"}}, r"no variable 'amr' in 'clinic' \(did you mean 'arm'\?\)"),
        ({"do": {"arm": "lwo"}}, r"arm has no level 'lwo' \(did you mean 'low'\?\)"),
        ({"do": {"age": 121}}, r"age = 121 is out of bounds"),
        ({"do": {"age": "old"}}, r"age cannot be 'old'"),
        ({"do": {"age": None}}, r"age cannot be None"),
        ({"do": {"age": True}}, r"age cannot be True"),
        ({"do": {"age": [-1, 1]}}, r"age cannot be \[-1, 1\]"),
        ({"do": {"age": {"a": 1}}}, r"age"),
        ({"do": {"visits": 1.5}}, r"visits cannot be 1\.5"),
        ({"do": {"visits": 7}}, r"visits"),
        ({"do": {"cured": 3}}, r"cured cannot be 3"),
        ({"do": {"dose": "another"}}, r"'dose' cannot be drawn: it has no bounds"),
        ({"do": {"dose": {"uniform": [2, 1]}}}, r"dose uniform on \[2, 1\]"),
        ({"do": {"dose": {"uniform": [1]}}}, r"dose uniform on \[1\]"),
        ({"do": {"arm": {"uniform": ["none", "high"]}}}, r"arm uniform"),
        ({"do": {"dose": {"uniform": 3}}}, r"by uniform 3"),
        ({"do": {"dose": {"choice": []}}}, r"by choice \[\]"),
        ({"do": {"arm": {"choice": ["none", "lots"]}}}, r"no level 'lots'"),
        ({"do": {"dose": {"normal": [0, 1]}}}, r"by the policy \{'normal': \[0, 1\]\}"),
        ({"do": {"dose": {"expression": "dsoe"}}}, r"dsoe"),
        ({"shift": {"arm": 1}}, r"shift on 'arm', which is categorical"),
        ({"shift": {"cured": 1}}, r"shift on 'cured', which is boolean"),
        ({"shift": {"dose": "much"}}, r"dose by 'much'"),
        ({"scale": {"dose": float("inf")}}, r"dose by inf"),
        ({"scale": {"dose": True}}, r"dose by True"),
        ({"soft": {"dose": 3}}, r"soft: dose needs a mechanism"),
        ({"soft": {"dose": {"mechanism": "linaer"}}}, r"did you mean 'linear'"),
        ({"soft": {"age": {"mechanism": "linear", "weights": {"dose": 1}, "noise": "normal"}}}, r"cycle"),
        ({"domain": "nroth"}, r"nroth"),
        ({"do": {"dose": 1}, "shift": {"dose": 1}}, r"two operations on 'dose'"),
    ],
)
def test_what_the_model_does_not_allow_is_told(spec: Any, message: str, model: SCM) -> None:
    with pytest.raises(ModelError, match=message):
        read_request(spec, model)


def test_there_is_no_other_domain_in_a_model_of_one() -> None:
    alone = SCM("alone", clinic().variables.values())
    with pytest.raises(InterventionError, match="single environment"):
        read_request({"domain": "another"}, alone)
