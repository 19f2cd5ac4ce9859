"""Exact is what was tried, not what a mechanism says of itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from contrafact.candidates import make_candidates
from contrafact.errors import ModelError
from contrafact.plan import Plan, make_plan
from contrafact.recipe import parse_recipe
from generators.scm import (
    INTEGER,
    SCM,
    Additive,
    Bernoulli,
    Categorical,
    Deterministic,
    Discrete,
    Empirical,
    Linear,
    LocationScale,
    Monotone,
    NonInvertible,
    Normal,
    Root,
    Uniform,
    Variable,
)
from generators.scm.exactness import Uniqueness, uniqueness_of
from generators.scm.mechanisms.base import Columns
from tests.scm.clinic import clinic

TWO_BRANCHES = {
    "x": {"mechanism": "root"},
    "y": {
        "mechanism": "monotone",
        "expression": "x*noise + noise**2",
        "inverse": "(-x + sqrt(x*x + 4*value)) / 2",
        "noise": "normal",
    },
    "z": {"mechanism": "root"},
}


def planned(variables: dict[str, Any], interventions: Any, label: str, **options: Any) -> Plan:
    generator = {"use": "scm", "scm": {"variables": variables, **options.pop("scm", {})}, "label": label, **options}
    generator["interventions"] = interventions
    return make_plan(parse_recipe({"name": "e", "rows": 500, "generator": generator}))


def test_a_function_of_two_branches_is_not_exact_whatever_its_inverse_says() -> None:
    observed = planned(TWO_BRANCHES, [{"shift": {"x": 1}}, {"shift": {"z": 1}}], "y", abduction="observed")
    pairs = make_candidates(observed, 0)
    targets = [changes[0]["variable"] for changes in pairs["intervention"].to_pylist()]
    assert pairs["exact"].to_pylist() == [target == "z" for target in targets]
    assert any("y: its monotone mechanism calls its noise unique" in note for note in observed.generator.notes())
    # What is told from the values is indeed another counterfactual than that of the noise they were made with.
    known = planned(TWO_BRANCHES, {"shift": {"x": 1}}, "y")
    truth = make_candidates(known, 0)
    assert truth["exact"].to_pylist() == [True] * 500
    assert known.generator.notes() == ()
    one = pairs.filter(pa.array([target == "x" for target in targets]))
    assert one["label"].to_pylist() == truth["label"].to_pylist()
    off = np.abs(np.array(one["counterfactual_label"]) - np.array(truth["counterfactual_label"])) > 1e-6
    assert 50 < off.sum() < 450


def test_an_inverse_of_another_function_is_refused() -> None:
    class Wrong(Additive):
        def abduct(self, parents: Columns, values: NDArray[Any], uniforms: NDArray[np.float64]) -> Any:
            answer = super().abduct(parents, values, uniforms)
            return type(answer)(answer.noise * 1.01, exact=True)

    model = SCM("wrong", [Variable("x", Root()), Variable("y", Wrong("2 * x"))])
    with pytest.raises(
        ModelError, match="y: the noise that its additive mechanism recovers does not give back"
    ) as caught:
        uniqueness_of(model)
    assert "validate-scm" in str(caught.value)


def test_honest_mechanisms_keep_what_they_claim() -> None:
    levels = ["a", "b"]
    model = SCM(
        "honest",
        [
            Variable("x", Root(Uniform(0.5, 2))),
            Variable("count", Root(Empirical([1, 2, 5])), INTEGER),
            Variable("flat", Linear({"x": 2.0, "count": 1.0})),
            Variable("bent", Additive("exp(x)", Normal(0, 0.1))),
            Variable("wide", LocationScale("x", "x")),
            Variable("even", Monotone("x * exp(noise)", "log(value / x)")),
            Variable("rule", Deterministic("round(flat)", INTEGER)),
            Variable("level", Categorical(levels, [0.3, 0.7])),
            Variable("rank", Discrete(levels, [0.3, 0.7])),
            Variable("coin", Bernoulli(0.5)),
            Variable("blur", NonInvertible("square(x + noise)")),
        ],
    )
    found = uniqueness_of(model)
    assert found == Uniqueness(frozenset({"level", "rank", "coin", "blur"}))


def test_what_a_mechanism_claims_agrees_with_abduction_itself() -> None:
    assert uniqueness_of(clinic()).guessed == {"arm", "visits", "cured"}


def test_a_mechanism_that_raises_is_left_to_the_build() -> None:
    def broken(x: NDArray[Any]) -> NDArray[Any]:
        raise ZeroDivisionError("always")

    model = SCM("raises", [Variable("x", Root()), Variable("y", Additive(broken))])
    assert uniqueness_of(model) == Uniqueness(frozenset({"x", "y"}))


@pytest.mark.parametrize("mechanism", [Linear({"x": 0.7}), Additive("x"), LocationScale("x", "1"), Root()])
def test_a_real_mechanism_cannot_give_whole_numbers(mechanism: Any) -> None:
    with pytest.raises(
        ModelError, match=f"'n' has integer values, and a {mechanism.kind} mechanism gives real"
    ) as caught:
        Variable("n", mechanism, INTEGER)
    assert "discrete" in str(caught.value)


def test_neither_can_a_domain_give_them_nor_a_soft_intervention() -> None:
    variables: dict[str, Any] = {
        "z": {"mechanism": "root"},
        "k": {"mechanism": "root", "noise": {"empirical": [1, 2, 3]}, "support": {"kind": "integer"}},
    }
    real = {"k": {"mechanism": "linear", "weights": {"z": 0.5}}}
    with pytest.raises(ModelError, match="domain 'north' gives it real values, and it has integer ones"):
        planned(variables, {"shift": {"z": 1}}, "k", scm={"domains": {"north": real}})
    with pytest.raises(ModelError, match="'k' has integer values, and a linear mechanism gives real ones"):
        planned(variables, {"soft": real}, "k")
    with pytest.raises(ModelError, match="'k' has integer values"):
        SCM("m", [Variable("k", Root(Empirical([1, 2])), INTEGER)], {"north": {"k": Root(Normal())}})
    whole = {"k": {"mechanism": "root", "noise": {"empirical": [4, 5]}}}
    planned(variables, {"domain": "north"}, "k", scm={"domains": {"north": whole}})


def test_a_formula_in_the_place_of_whole_numbers_rounds_by_declaration() -> None:
    variables: dict[str, Any] = {
        "z": {"mechanism": "root"},
        "k": {"mechanism": "root", "noise": {"empirical": [1, 2, 3]}, "support": {"kind": "integer"}},
    }
    soft = {"soft": {"k": {"mechanism": "deterministic", "expression": "10 * z"}}}
    for pair in make_candidates(planned(variables, soft, "k"), 0).to_pylist():
        assert pair["counterfactual"]["k"] == round(10 * pair["factual"]["z"])
