from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contrafact.errors import InterventionError, ModelError
from contrafact.streams import Streams
from generators.scm import engine
from generators.scm.counterfactual import counterfactual
from generators.scm.interventions import Action, Intervention
from generators.scm.mechanisms.additive import Additive, Linear, Root
from generators.scm.mechanisms.base import Abduction, Columns, Floats, Mechanism
from generators.scm.model import SCM, Variable
from generators.scm.noise import Normal
from generators.scm.operations import Posterior, abduct, sample
from generators.scm.support import INTEGER
from generators.scm.worlds import single

STREAMS = Streams(7, "counterfactual")


class Curve(Mechanism):
    """``value = tanh(slope * parent) + noise``; impossible above 2."""

    kind = "curve"

    def __init__(self, parent: str, slope: float) -> None:
        self.parents, self.slope = (parent,), slope

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return uniforms

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        value: NDArray[Any] = np.tanh(self.slope * parents[self.parents[0]]) + noise
        return value

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        noise = values - np.tanh(self.slope * parents[self.parents[0]])
        return Abduction(noise, exact=True, possible=values <= 2)

    def spec(self) -> dict[str, Any]:
        return {"mechanism": self.kind, "parent": self.parents[0], "slope": self.slope}


class Rounded(Mechanism):
    """``value = floor(parent + first lane)``, an integer; the two lanes of noise are drawn from their posterior."""

    kind = "rounded"
    support = INTEGER
    lanes = 2
    auxiliary = 3

    def __init__(self, parent: str) -> None:
        self.parents = (parent,)

    def draw(self, uniforms: Floats) -> NDArray[Any]:
        return uniforms

    def predict(self, parents: Columns, noise: NDArray[Any]) -> NDArray[Any]:
        value: NDArray[Any] = np.floor(parents[self.parents[0]] + noise[:, 0])
        return value

    def abduct(self, parents: Columns, values: NDArray[Any], uniforms: Floats) -> Abduction:
        first = values - parents[self.parents[0]] + uniforms[:, 0] * 1e-3
        return Abduction(np.column_stack([first, uniforms[:, 1]]), exact=False, ess=1 + uniforms[:, 2])

    def spec(self) -> dict[str, Any]:
        return {"mechanism": self.kind, "parent": self.parents[0]}


def _model() -> SCM:
    variables = [
        Variable("a", Root()),
        Variable("b", Linear({"a": 0.8}, noise=Normal(0, 0.5))),
        Variable("c", Curve("b", 1.5)),
        Variable("d", Rounded("b")),
        Variable("e", Linear({"c": -1.3, "d": 0.4, "a": 0.1})),
        Variable("f", Root(Normal(3, 1))),
        Variable("g", Linear({"f": 0.5})),
    ]
    return SCM("seven", variables, {"north": {"c": Curve("b", -0.5), "e": Linear({"c": 2.0, "f": 0.7})}})


def _facts(rows: int, first: int = 0) -> dict[str, NDArray[Any]]:
    return sample(_model(), STREAMS, first, first + rows)[0]


def _in_steps(facts: Columns, intervention: Intervention, start: int = 0) -> tuple[dict[str, NDArray[Any]], Posterior]:
    model, rows = _model(), len(facts["a"])
    posterior = abduct(model, facts, STREAMS, start)
    return single(model, posterior.noise, rows, intervention, facts, keep_unmoved=True), posterior


def _interventions(rows: int) -> st.SearchStrategy[Intervention]:
    number = st.floats(-3, 3, allow_nan=False)
    column = st.integers(0, 99).map(lambda seed: np.random.default_rng(seed).normal(size=rows))
    # Zero shifts and unit scales leave rows unmoved, which must then keep their factual bits.
    value = number | column | st.sampled_from([0.0, 1.0])
    operation = st.sampled_from(["do", "shift", "scale"])
    action = st.builds(Action, st.sampled_from(["a", "b", "c", "e", "f"]), operation, value)
    soft = st.builds(Action, st.just("b"), st.just("soft"), st.just(Linear({"f": -0.2}, 1.0)))
    actions = st.lists(action | soft, max_size=3, unique_by=lambda each: each.variable).map(tuple)
    return st.builds(Intervention, actions, st.sampled_from([None, None, "north"]))


@given(data=st.data(), rows=st.integers(0, 40), block=st.integers(1, 45), start=st.integers(0, 1000))
@settings(max_examples=120, deadline=None)
def test_one_call_in_blocks_of_any_size_gives_the_bits_of_the_three_steps(
    data: st.DataObject, rows: int, block: int, start: int
) -> None:
    facts, intervention = _facts(rows, start), data.draw(_interventions(rows))
    values, posterior = counterfactual(_model(), facts, intervention, STREAMS, start, block=block)
    expected, whole = _in_steps(facts, intervention, start)
    assert list(values) == list(expected)
    for name, column in expected.items():
        assert values[name].dtype == column.dtype
        assert values[name].tobytes() == column.tobytes(), name
    for name, noise in posterior.noise.items():
        assert noise.tobytes() == whole.noise[name].tobytes(), name
    for name, ess in posterior.ess.items():
        assert ess.tobytes() == whole.ess[name].tobytes(), name


@pytest.mark.parametrize("block", [2, 7, 64])
def test_every_operation_gives_the_same_bits_whatever_the_blocks(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    actions = (Action("b", "shift", np.linspace(-1, 1, 99)), Action("f", "do", np.arange(99.0)))
    intervention = Intervention(actions, "north")
    facts = _facts(99, 5)
    world, whole = _in_steps(facts, intervention, 5)
    monkeypatch.setattr(engine, "BLOCK_ROWS", block)
    again = _facts(99, 5)
    assert all(again[name].tobytes() == column.tobytes() for name, column in facts.items())
    blocked, posterior = _in_steps(again, intervention, 5)
    assert all(blocked[name].tobytes() == column.tobytes() for name, column in world.items())
    assert all(posterior.noise[name].tobytes() == column.tobytes() for name, column in whole.noise.items())
    assert posterior.drawn == whole.drawn == frozenset(["d"])
    assert list(posterior.ess) == list(whole.ess) == ["d"]


@pytest.mark.parametrize("mechanism", [Linear({"a": 0.3, "b": -7.1}, 0.2), Additive("sin(a) * exp(b)")])
def test_what_abduction_says_prediction_gives_again_is_what_it_gives(mechanism: Mechanism) -> None:
    rng = np.random.default_rng(0)
    parents = {"a": rng.normal(size=5000), "b": rng.normal(size=5000)}
    answer = mechanism.abduct(parents, rng.normal(size=5000), np.empty((5000, 0)))
    assert answer.again is not None
    assert answer.again.tobytes() == mechanism.predict(parents, answer.noise).tobytes()


@pytest.mark.parametrize("operation", ["do", "shift"])
def test_values_of_each_unit_go_to_that_unit_across_many_blocks(operation: Any) -> None:
    facts, wanted = _facts(1000), np.linspace(-2, 2, 1000)
    values, _ = counterfactual(_model(), facts, Intervention((Action("b", operation, wanted),)), STREAMS, block=64)
    expected = wanted if operation == "do" else facts["b"] + wanted
    np.testing.assert_allclose(values["b"], expected, rtol=0, atol=1e-12)


def test_setting_a_variable_to_its_own_value_returns_the_facts_bit_for_bit() -> None:
    facts = _facts(300)
    null = Intervention((Action("a", "do", facts["a"]), Action("c", "do", facts["c"])))
    values, _ = counterfactual(_model(), facts, null, STREAMS, block=50)
    assert all(values[name].tobytes() == facts[name].tobytes() for name in facts)


def test_columns_that_cannot_change_are_the_factual_arrays_themselves() -> None:
    facts = _facts(100)
    values, _ = counterfactual(_model(), facts, Intervention((Action("c", "do", 0.5),)), STREAMS)
    assert [name for name in facts if values[name] is not facts[name]] == ["c", "e"]


def test_noise_is_recovered_only_where_it_is_used() -> None:
    facts = _facts(100)
    below = counterfactual(_model(), facts, Intervention((Action("c", "do", 0.5),)))[1]
    assert list(below.noise) == ["e"]
    assert below.exact
    above = counterfactual(_model(), facts, Intervention((Action("b", "shift", 0.5),)), STREAMS)[1]
    assert list(above.noise) == ["b", "c", "d", "e"]
    assert not above.exact
    assert above.drawn == {"d"}
    assert list(above.ess) == ["d"]
    assert above.noise["d"].shape == (100, 2)


def test_noise_is_left_out_on_demand_and_the_verdicts_stay() -> None:
    facts = _facts(100)
    facts["c"] = np.where(np.arange(100) == 17, 5.0, facts["c"])
    intervention = Intervention((Action("b", "shift", 0.5),))
    kept, whole = counterfactual(_model(), facts, intervention, STREAMS, block=8)
    values, bare = counterfactual(_model(), facts, intervention, STREAMS, block=8, keep_noise=False)
    assert bare.noise == {}
    assert not bare.exact
    assert np.flatnonzero(~bare.possible).tolist() == np.flatnonzero(~whole.possible).tolist() == [17]
    assert all(values[name].tobytes() == kept[name].tobytes() for name in values)


def test_facts_are_never_written_to() -> None:
    facts = _facts(100)
    before = {name: column.copy() for name, column in facts.items()}
    shifts = np.linspace(0, 1, 100)
    counterfactual(_model(), facts, Intervention((Action("a", "shift", shifts),)), STREAMS, block=16)
    assert all(np.array_equal(facts[name], before[name]) for name in facts)
    assert np.array_equal(shifts, np.linspace(0, 1, 100))


def test_missing_facts_are_named() -> None:
    facts = _facts(5)
    del facts["d"]
    with pytest.raises(ModelError, match="needs a value for d, and the facts have none"):
        counterfactual(_model(), facts, Intervention((Action("a", "do", 0.0),)), STREAMS)


def test_a_noise_that_must_be_drawn_asks_for_streams() -> None:
    with pytest.raises(ModelError, match=r"noise of d is not unique(.|\n)*fix: give streams"):
        counterfactual(_model(), _facts(5), Intervention((Action("a", "do", 0.0),)))


def test_an_array_of_another_length_is_refused_with_both_lengths() -> None:
    with pytest.raises(InterventionError, match=r"do a has values of shape \(4,\) for 5 units(.|\n)*shape \(5,\)"):
        counterfactual(_model(), _facts(5), Intervention((Action("a", "do", np.zeros(4)),)), STREAMS)
    with pytest.raises(InterventionError, match=r"do a has values of shape \(4,\) for 5 units"):
        _in_steps(_facts(5), Intervention((Action("a", "do", np.zeros(4)),)))


def test_an_unknown_variable_is_refused_with_the_nearest() -> None:
    with pytest.raises(InterventionError, match="no variable 'z'"):
        counterfactual(_model(), _facts(5), Intervention((Action("z", "do", 0.0),)), STREAMS)
