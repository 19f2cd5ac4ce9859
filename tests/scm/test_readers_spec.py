"""Models written out in a recipe."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.errors import ExpressionError, ModelError
from contrafact.streams import Streams
from generators.scm.mechanisms import MECHANISMS
from generators.scm.model import SCM, Variable
from generators.scm.operations import abduct, predict, sample
from generators.scm.readers.forms import FORMS
from generators.scm.readers.spec import mechanism_from_spec, scm_from_spec

#  age ──► arm ──► mood          smoke ──► cough ◄── sick ◄── dose ──► alarm
#   ╰────► dose ──► cost ◄── arm
CLINIC = """
name: clinic
variables:
  cost:  {mechanism: additive, expression: "tanh(dose) + (2 if arm == 'high' else 0)", noise: normal}
  age:   {mechanism: root, noise: {normal: [50, 12]}, support: {lower: 0, upper: 120}}
  arm:   {mechanism: categorical, levels: [low, high], logits: {low: 0, high: "0.05*(age-50)"}}
  dose:  {mechanism: linear, weights: {age: 0.02}, intercept: 1, noise: {normal: [0, 0.5]}}
  sick:  {mechanism: bernoulli, probability: "sigmoid(dose - 1)"}
  mood:  {mechanism: discrete, levels: [bad, good], parents: [arm], table: {low: [0.7, 0.3], high: [0.2, 0.8]}}
  alarm: {mechanism: boolean, expression: "sick and dose > 1", flip: 0.05}
  smoke: {mechanism: categorical, levels: [yes, no], table: {yes: 0.3, no: 0.7}}
  cough:
    mechanism: categorical
    levels: [dry, wet]
    parents: [smoke, sick]
    table: {yes: {true: [0.5, 0.5], false: {wet: 0.9, dry: 0.1}}, no: {false: [0.25, 0.75], true: [0.0, 1.0]}}
  rate:  {mechanism: location_scale, location: "age", scale: "exp(0.1*dose)", noise: {laplace: [0, 1]}}
  power: {mechanism: monotone, expression: "exp(noise + dose)", inverse: "log(value) - dose"}
  bill:  {mechanism: deterministic, expression: "2 * cost + 1"}
  blood: {mechanism: noninvertible, expression: "noise**2 + age", particles: 64}
  visits: {mechanism: discrete, values: [0, 1, 2], table: [0.5, 0.3, 0.2]}
  stay:  {mechanism: discrete, values: [1, 3], parents: [visits], table: {0: [1, 0], 1: [0.5, 0.5], 2: [0, 1]}}
  u:     {mechanism: root, observed: false, description: what nobody measured}
domains:
  north:
    dose: {mechanism: linear, weights: {age: 0.05}, noise: {normal: [0, 0.5]}}
    mood: {mechanism: discrete, parents: [arm], table: {low: [0.1, 0.9], high: [0.5, 0.5]}}
"""


@pytest.fixture
def clinic() -> dict[str, Any]:
    return copy.deepcopy(yaml.safe_load(CLINIC))


def _changed(spec: dict[str, Any], variable: str, **changes: Any) -> dict[str, Any]:
    entry = spec["variables"].setdefault(variable, {})
    entry.update(changes)
    spec["variables"][variable] = {key: value for key, value in entry.items() if value is not ...}
    return spec


def test_every_kind_of_mechanism_has_a_form() -> None:
    assert set(FORMS) == set(MECHANISMS)


def test_a_model_of_every_kind_is_read_sampled_and_abducted(clinic: dict[str, Any]) -> None:
    model = scm_from_spec(clinic)
    assert {variable.mechanism.kind for variable in model.variables.values()} == set(FORMS)
    assert model.latent == ("u",)
    facts, _ = sample(model, Streams(1), 0, 500)
    posterior = abduct(model, facts, Streams(2))
    again = predict(model, posterior.noise, 500)
    exactly = [name for name in model.order if model.variables[name].support.kind != "real"]
    assert posterior.possible.all()
    assert all(np.array_equal(again[name], facts[name]) for name in exactly)
    np.testing.assert_allclose(again["power"], facts["power"], rtol=1e-9)


def test_the_order_in_the_file_does_not_matter(clinic: dict[str, Any]) -> None:
    turned = {**clinic, "variables": dict(reversed(clinic["variables"].items()))}
    one, other = scm_from_spec(clinic), scm_from_spec(turned)
    assert one.identity == other.identity
    assert all(
        np.array_equal(sample(one, Streams(0), 0, 9)[0][name], sample(other, Streams(0), 0, 9)[0][name])
        for name in one.order
    )


def test_a_models_own_spec_reads_back_as_the_same_model(clinic: dict[str, Any]) -> None:
    model = scm_from_spec(clinic)
    again = scm_from_spec(model.spec())
    assert again.identity == model.identity
    assert again.in_domain("north").spec() == model.in_domain("north").spec()


def test_a_nested_table_goes_by_the_levels_names(clinic: dict[str, Any]) -> None:
    model = scm_from_spec(clinic)
    cough: Any = model.variables["cough"].mechanism
    #                                      sick: false       true
    assert cough.table.given.tolist() == [[[0.1, 0.9], [0.5, 0.5]], [[0.25, 0.75], [0.0, 1.0]]]
    facts, _ = sample(model, Streams(3), 0, 60_000)
    for smoke, sick in itertools.product((0, 1), (False, True)):
        rows = (facts["smoke"] == smoke) & (facts["sick"] == sick)
        chance = cough.table.given[smoke, int(sick), 1]
        assert (
            abs((facts["cough"][rows] == 1).mean() - chance) <= 5 * np.sqrt(chance * (1 - chance) / rows.sum()) + 1e-9
        )


def test_unquoted_yes_and_no_are_levels(clinic: dict[str, Any]) -> None:
    clinic["variables"]["pack"] = {"mechanism": "deterministic", "expression": "3 if smoke == 'yes' else 0"}
    model = scm_from_spec(clinic)
    facts, _ = sample(model, Streams(4), 0, 200)
    assert model.variables["smoke"].support.levels == ("yes", "no")
    assert np.array_equal(facts["pack"], np.where(facts["smoke"] == 0, 3.0, 0.0))
    assert model.variables["smoke"].support.encode(True, "smoke") == 0


@pytest.mark.parametrize("levels", [["true", "false"], [True, False], ["on", "off"], [1, 2], [0.5, "x"]])
def test_levels_of_any_plain_kind_serve_as_keys(levels: list[Any]) -> None:
    spec = {
        "variables": {
            "a": {"mechanism": "categorical", "levels": levels, "table": dict(zip(levels, (0.2, 0.8), strict=True))},
            "b": {"mechanism": "discrete", "levels": levels, "probabilities": {levels[0]: 0.5, levels[1]: "0.5"}},
        }
    }
    model = scm_from_spec(spec)
    mechanism: Any = model.variables["a"].mechanism
    assert mechanism.table.given.tolist() == [0.2, 0.8]
    assert model.variables["a"].support.levels == model.variables["b"].support.levels


def test_a_domain_keeps_the_levels_without_naming_them_again(clinic: dict[str, Any]) -> None:
    assert scm_from_spec(clinic).in_domain("north").variables["mood"].support.levels == ("bad", "good")


@pytest.mark.parametrize(
    ("variable", "changes", "message"),
    [
        ("dose", {"wieghts": {"age": 1}, "weights": ...}, r"dose: .*no key 'wieghts' \(did you mean 'weights'\?\)"),
        ("dose", {"weights": ...}, "dose: a linear mechanism needs weights"),
        ("dose", {"weights": {"aeg": 1}}, "dose: unknown parent 'aeg'.*did you mean 'age'"),
        ("dose", {"weights": {"arm": 1}}, "a weight is given to 'arm', which has levels"),
        ("dose", {"weights": {"age": "much"}}, "dose: a linear mechanism cannot be made of"),
        ("dose", {"weights": [1]}, r"weights are \[1\]"),
        ("dose", {"mechanism": "liner"}, "dose: unknown mechanism 'liner'.*did you mean 'linear'"),
        ("dose", {"mechanism": ...}, "dose: there is no mechanism"),
        ("dose", {"noise": {"normla": [0, 1]}}, "dose: .*did you mean 'normal'"),
        ("dose", {"observd": False}, "did you mean 'observed'"),
        ("dose", {"observed": "no"}, "dose: observed is 'no'"),
        ("age", {"support": {"lowr": 0}}, "did you mean 'lower'"),
        ("age", {"support": {"lower": "zero"}}, "support lower is 'zero'"),
        ("age", {"support": {"kind": "integer"}}, "age: support asks for integer.*gives real"),
        ("age", {"support": 5}, "age: support is 5"),
        ("arm", {"logits": {"low": 0, "hihg": 1}}, "arm: .*did you mean 'high'"),
        ("arm", {"table": [0.5, 0.5]}, "arm: a categorical mechanism has table and logits at once"),
        ("arm", {"logits": ...}, "none of table, logits"),
        ("arm", {"levels": ...}, "arm: there are no levels"),
        ("arm", {"levels": ..., "levls": ["low", "high"]}, "arm: .*did you mean 'levels'"),
        ("arm", {"levels": "low"}, "arm: levels are 'low'"),
        ("mood", {"table": {"low": [0.7, 0.3]}}, "mood: the table has no row for arm = high"),
        ("mood", {"table": {"low": [1, 0], "hgih": [1, 0]}}, "arm = hgih.*did you mean 'high'"),
        (
            "mood",
            {"table": {"low": [0.7, 0.2], "high": [0.2, 0.8]}},
            r"mood: the table's row \[0.7, 0.2\].* sums to 0.9",
        ),
        ("mood", {"table": {"low": {"bad": {"x": 1}, "good": 0}, "high": [0.2, 0.8]}}, "nested too deep"),
        ("mood", {"parents": ["arms"]}, "mood: unknown parent 'arms'.*did you mean 'arm'"),
        ("mood", {"parents": "arm"}, "parents are 'arm'"),
        ("cost", {"expression": 7.5, "parents": ["nobody"]}, "nobody"),
        ("cost", {"expression": ["a"]}, "no function"),
        ("stay", {"table": {0: [1, 0], 1: [1, 0]}}, "no row for visits = 2"),
        ("stay", {"values": [3, 1]}, "ascending"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_is_allowed(
    clinic: dict[str, Any], variable: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=f"(?s){message}"):
        scm_from_spec(_changed(clinic, variable, **changes))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tanh(dsoe)", "cost: .*did you mean 'dose'"),
        ("__import__('os')", "cost: "),
        ("dose if arm == 'hgih' else 0", "cost: .*did you mean 'high'"),
        ("noise + dose", "cost: .*'noise'"),
    ],
)
def test_an_expression_outside_the_language_names_its_variable(clinic: dict[str, Any], text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=f"(?s){message}"):
        scm_from_spec(_changed(clinic, "cost", expression=text))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"variable": {}}, "did you mean 'variables'"),
        ({"variables": [1]}, r"variables is \[1\]"),
        ({"name": "x"}, "variables is None"),
        ({"variables": {}}, "has no variables"),
        ({"variables": {"a": 3}}, "a is 3"),
        ({"variables": {"2a": {"mechanism": "root"}}}, "no variable name"),
        ({"variables": {"a": {"mechanism": "root"}}, "domains": {"n": {"b": {"mechanism": "root"}}}}, "no variable"),
        ({"variables": {"a": {"mechanism": "root"}}, "domains": {"n": 3}}, "domain n is 3"),
        (
            {
                "variables": {"a": {"mechanism": "root"}},
                "domains": {"n": {"a": {"mechanism": "bernoulli", "probability": 0.5}}},
            },
            "gives it boolean values, and it has real ones",
        ),
    ],
)
def test_what_is_no_model_is_refused(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        scm_from_spec(spec)


def test_a_cycle_is_named_in_the_words_of_the_graph() -> None:
    ring = {f"v{i}": {"mechanism": "linear", "weights": {f"v{(i - 1) % 400}": 1}} for i in range(400)}
    with pytest.raises(ModelError, match="the graph has a cycle: v"):
        scm_from_spec({"variables": ring})
    pair = {
        "a": {"mechanism": "categorical", "levels": ["x", "y"], "logits": {"x": 0, "y": "1 if b == 'p' else 0"}},
        "b": {"mechanism": "categorical", "levels": ["p", "q"], "parents": ["a"], "table": {"x": [1, 0], "y": [0, 1]}},
    }
    with pytest.raises(ModelError, match=r"the graph has a cycle: (a -> b -> a|b -> a -> b)"):
        scm_from_spec({"variables": pair})


def test_one_mechanism_alone_must_give_the_levels_its_variable_has() -> None:
    levels = {"mood": ("bad", "good"), "arm": ("low", "high")}
    spec = {"mechanism": "discrete", "parents": ["arm"], "table": {"low": [0.5, 0.5], "high": [0, 1]}}
    assert mechanism_from_spec("mood", spec, levels).support.levels == ("bad", "good")
    with pytest.raises(ModelError, match="gives bad, fair, and the variable has levels bad, good"):
        mechanism_from_spec("mood", {**spec, "levels": ["bad", "fair"]}, levels)
    with pytest.raises(ModelError, match="gives real values, and the variable has levels"):
        mechanism_from_spec("mood", {"mechanism": "root"}, levels)
    with pytest.raises(ModelError, match="a mapping"):
        mechanism_from_spec("dose", 3, levels)  # type: ignore[arg-type]


WEIGHTS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.floats(-3, 3), min_size=1)
NOISES = st.sampled_from(["normal", {"normal": [1, 2]}, {"laplace": {"scale": 2}}, {"uniform": [-1, 1]}])


@settings(max_examples=60, deadline=None)
@given(WEIGHTS, NOISES, st.floats(-5, 5))
def test_a_linear_mechanism_reads_back_from_its_spec(weights: dict[str, float], noise: Any, intercept: float) -> None:
    spec = {"mechanism": "linear", "weights": weights, "intercept": intercept, "noise": noise}
    mechanism = mechanism_from_spec("y", spec)
    assert mechanism_from_spec("y", mechanism.spec()).spec() == mechanism.spec()
    roots = [Variable(name, mechanism_from_spec(name, {"mechanism": "root"})) for name in "abc"]
    columns, drawn = sample(SCM("m", [*roots, Variable("y", mechanism)]), Streams(0), 0, 20)
    by_hand = intercept + sum(weight * columns[name] for name, weight in weights.items()) + drawn["y"]
    np.testing.assert_allclose(columns["y"], by_hand, atol=1e-12)
