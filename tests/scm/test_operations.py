"""The laws of counterfactuals as properties of random models, and the operations one by one on small graphs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contrafact.errors import InterventionError, ModelError
from contrafact.streams import Streams
from generators.scm.conformance import check_model
from generators.scm.counterfactual import counterfactual
from generators.scm.domains import domain_counterfactual
from generators.scm.interventions import Action, Intervention, intervene
from generators.scm.mechanisms import Additive, Bernoulli, Categorical, Linear, Root
from generators.scm.mechanisms.base import Columns
from generators.scm.model import BASE, SCM, Variable
from generators.scm.noise import Empirical
from generators.scm.operations import abduct, draw_noise, predict, sample
from generators.scm.support import INTEGER
from generators.scm.worlds import factual, many, single, twin
from tests.scm.strategies import interventions, models

ROWS = 40
few = settings(max_examples=25)
seeds = st.integers(0, 2**32)


def sampled(model: SCM, seed: int, rows: int = ROWS) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    return sample(model, Streams(seed, model.identity), 0, rows)


def equal(left: Columns, right: Columns) -> bool:
    return list(left) == list(right) and all(np.array_equal(left[name], right[name]) for name in left)


def do(**values: Any) -> Intervention:
    return Intervention(tuple(Action(name, "do", value) for name, value in values.items()))


@settings(max_examples=12)
@given(models(most=6), seeds)
def test_every_random_model_passes_the_conformance_checks(model: SCM, seed: int) -> None:
    report = check_model(model, units=150, seed=seed)
    assert report.passed, str(report)


@few
@given(st.data(), models(), seeds)
def test_setting_variables_to_what_they_are_changes_nothing(data: st.DataObject, model: SCM, seed: int) -> None:
    facts, noise = sampled(model, seed)
    names = data.draw(st.sets(st.sampled_from(model.order)))
    null = do(**{name: facts[name] for name in names})
    assert equal(single(model, noise, ROWS, null), facts)
    assert equal(single(model, noise, ROWS, null, facts), facts)
    recovered = abduct(model, facts, Streams(seed)).noise
    assert equal(single(model, recovered, ROWS, null, facts, keep_unmoved=True), facts)


@few
@given(st.data(), models(), seeds)
def test_a_variable_reads_what_it_was_set_to_shifted_or_scaled_by(data: st.DataObject, model: SCM, seed: int) -> None:
    _, noise = sampled(model, seed)
    intervention = data.draw(interventions(model, ROWS))
    world = single(model, noise, ROWS, intervention)
    for action in intervention.actions:
        name, mechanism = action.variable, model.variables[action.variable].mechanism
        natural = mechanism.predict({parent: world[parent] for parent in mechanism.parents}, noise[name])
        match action.operation:
            case "do":
                wanted = action.value
            case "shift":
                wanted = natural + action.value
            case "scale":
                wanted = natural * action.value
            case "soft":
                wanted = noise[name]
        assert np.array_equal(world[name], np.broadcast_to(wanted, ROWS))


@few
@given(st.data(), models(), seeds)
def test_what_is_not_downstream_stays_and_what_is_follows_from_its_parents_and_noise(
    data: st.DataObject, model: SCM, seed: int
) -> None:
    facts, noise = sampled(model, seed)
    intervention = data.draw(interventions(model, ROWS))
    targets = intervention.targets(model)
    world = single(model, noise, ROWS, intervention)
    below = model.descendants(targets)
    for name, variable in model.variables.items():
        if name in targets:
            continue
        if name not in below:
            assert np.array_equal(world[name], facts[name])
        parents = {parent: world[parent] for parent in variable.mechanism.parents}
        assert np.array_equal(world[name], np.broadcast_to(variable.mechanism.predict(parents, noise[name]), ROWS))


@few
@given(st.data(), models(exact=True), seeds)
def test_doing_and_undoing_gives_back_the_fact_from_the_counterfactual_alone(
    data: st.DataObject, model: SCM, seed: int
) -> None:
    facts, noise = sampled(model, seed)
    target = data.draw(st.sampled_from(model.order))
    there = single(model, noise, ROWS, do(**{target: np.roll(facts[target], 1)}))
    # In the counterfactual world the target is held from outside: a root, with the value it was given as its noise.
    held = model.with_mechanisms({target: Root()})
    recovered = abduct(held, there, Streams(seed))
    assert recovered.exact
    back = single(model, recovered.noise, ROWS, do(**{target: facts[target]}), there)
    for name in model.order:
        assert np.allclose(back[name], facts[name], rtol=1e-6, atol=1e-6)


@few
@given(models(), seeds, st.lists(st.integers(1, 39), max_size=4))
def test_a_unit_is_the_same_whatever_the_shards(model: SCM, seed: int, cuts: list[int]) -> None:
    streams = Streams(seed, model.identity)
    whole, noise = sample(model, streams, 0, ROWS)
    edges = [0, *sorted(set(cuts)), ROWS]
    for start, stop in pairwise(edges):
        values, drawn = sample(model, streams, start, stop)
        assert equal(values, {name: column[start:stop] for name, column in whole.items()})
        assert equal(drawn, {name: column[start:stop] for name, column in noise.items()})


@few
@given(st.data(), models(), seeds)
def test_recovered_noise_explains_the_facts_and_is_the_drawn_noise_where_exact(
    data: st.DataObject, model: SCM, seed: int
) -> None:
    facts, noise = sampled(model, seed)
    posterior = abduct(model, facts, Streams(seed))
    assert posterior.possible.all()
    again = predict(model, posterior.noise, ROWS)
    if posterior.exact:
        for name in model.order:
            assert np.allclose(posterior.noise[name], noise[name], rtol=1e-6, atol=1e-6)
            assert np.allclose(again[name], facts[name], rtol=1e-6, atol=1e-6)
    assert set(posterior.ess) == {
        name for name, variable in model.variables.items() if variable.mechanism.kind == "noninvertible"
    }


@few
@given(st.data(), models(), seeds)
def test_computing_only_what_is_downstream_gives_the_same_bits(data: st.DataObject, model: SCM, seed: int) -> None:
    facts, noise = sampled(model, seed)
    intervention = data.draw(interventions(model, ROWS))
    whole = predict(intervene(model, intervention), noise, ROWS)
    assert equal(single(model, noise, ROWS, intervention, facts), whole)


@few
@given(st.data(), models(), seeds)
def test_twin_and_many_worlds_are_the_single_worlds_on_one_noise(data: st.DataObject, model: SCM, seed: int) -> None:
    facts, noise = sampled(model, seed)
    several = data.draw(st.lists(interventions(model, ROWS), min_size=1, max_size=3))
    base, worlds = many(model, noise, ROWS, several)
    assert equal(base, facts)
    assert equal(factual(model, noise, ROWS), facts)
    for intervention, world in zip(several, worlds, strict=True):
        assert equal(world, single(model, noise, ROWS, intervention))
        assert all(equal(*pair) for pair in zip(twin(model, noise, ROWS, intervention), (base, world), strict=True))


@few
@given(st.data(), models(), seeds)
def test_one_value_for_each_unit_is_each_unit_s_own_intervention(data: st.DataObject, model: SCM, seed: int) -> None:
    facts, noise = sampled(model, seed)
    target = data.draw(st.sampled_from(model.order))
    values = np.roll(facts[target], 1)
    together = single(model, noise, ROWS, do(**{target: values}))
    unit = data.draw(st.integers(0, ROWS - 1))
    alone = single(model, {name: column[[unit]] for name, column in noise.items()}, 1, do(**{target: values[unit]}))
    assert all(alone[name][0] == together[name][unit] for name in model.order)


@few
@given(st.data(), models(least=3), seeds)
def test_the_order_of_several_operations_at_once_does_not_matter(data: st.DataObject, model: SCM, seed: int) -> None:
    _, noise = sampled(model, seed)
    intervention = data.draw(interventions(model, ROWS))
    turned = Intervention(intervention.actions[::-1])
    assert equal(single(model, noise, ROWS, intervention), single(model, noise, ROWS, turned))


def chain() -> SCM:
    # dose = 2 age + e, recovery = age - 3 dose + e
    #
    #   age ──► dose ──► recovery
    #     ╲_______________▲
    return SCM(
        "chain",
        [
            Variable("age", Root()),
            Variable("dose", Linear({"age": 2.0})),
            Variable("recovery", Linear({"age": 1.0, "dose": -3.0})),
        ],
    )


FACTS = {"age": np.array([1.0, 0.0]), "dose": np.array([2.5, -1.0]), "recovery": np.array([-6.0, 4.0])}


def after(*actions: Action) -> dict[str, NDArray[Any]]:
    posterior = abduct(chain(), FACTS, Streams(0))
    assert posterior.exact
    return single(chain(), posterior.noise, 2, Intervention(actions), FACTS, keep_unmoved=True)


def test_abduction_action_prediction_by_hand() -> None:
    # dose: 2.5 = 2*1 + 0.5; recovery: -6 = 1 - 7.5 + 0.5. With dose 0: 1 - 0 + 0.5.
    world = after(Action("dose", "do", 0.0))
    assert world["recovery"].tolist() == [1.5, 1.0]
    assert world["dose"].tolist() == [0.0, 0.0]
    assert world["age"] is FACTS["age"]


def test_shift_adds_to_what_the_mechanism_gives() -> None:
    world = after(Action("dose", "shift", np.array([1.0, -1.0])))
    assert world["dose"].tolist() == [3.5, -2.0]
    assert world["recovery"].tolist() == [-9.0, 7.0]


def test_scale_multiplies_what_the_mechanism_gives() -> None:
    world = after(Action("dose", "scale", 2.0))
    assert world["dose"].tolist() == [5.0, -2.0]
    assert world["recovery"].tolist() == [-13.5, 7.0]


def test_soft_takes_another_mechanism_and_the_same_noise() -> None:
    world = after(Action("dose", "soft", Linear({"age": -1.0}, 10.0)))
    assert world["dose"].tolist() == [9.5, 9.0]


#  Facts of which f + (x - f) is not x: what has no effect must not move them by a last bit, over a label's edge.
AWKWARD = np.random.default_rng(3).uniform(0.1, 0.9, 2000)


@pytest.mark.parametrize("text", ["clip(dose, 0, 0.1) - 0.8", "where(dose > 0.05, 0.7, -0.4)", "floor(dose) + 1.3"])
def test_a_parent_that_moves_without_an_effect_leaves_the_fact_bit_for_bit(text: str) -> None:
    model = SCM("step", [Variable("dose", Root()), Variable("level", Additive(text))])
    facts = {"dose": 0.2 + AWKWARD / 2, "level": AWKWARD}
    noise = abduct(model, facts, Streams(0)).noise
    assert (predict(model, noise, 2000)["level"] != facts["level"]).any(), "the facts are not awkward"
    for rise in (0.1, AWKWARD / 10):
        more = Intervention((Action("dose", "shift", rise),))
        assert (single(model, noise, 2000, more, facts, keep_unmoved=True)["dose"] != facts["dose"]).all()
        for world in (
            single(model, noise, 2000, more, facts, keep_unmoved=True),
            counterfactual(model, facts, more, block=64)[0],
        ):
            assert np.array_equal(world["level"], facts["level"])


@pytest.mark.parametrize(
    ("operation", "value"), [("shift", 0.0), ("scale", 1.0), ("soft", Linear({"age": 0.3}, 0.1)), ("domain", None)]
)
def test_an_operation_that_changes_nothing_leaves_the_fact_bit_for_bit(operation: Any, value: Any) -> None:
    there = {"there": {"dose": Linear({"age": 0.3}, 0.1)}}
    model = SCM("same", [Variable("age", Root()), Variable("dose", Linear({"age": 0.3}, 0.1))], there)
    facts = {"age": AWKWARD[::-1].copy(), "dose": AWKWARD}
    noise = abduct(model, facts, Streams(0)).noise
    assert (predict(model, noise, 2000)["dose"] != facts["dose"]).any(), "the facts are not awkward"
    null = Intervention((), "there") if operation == "domain" else Intervention((Action("dose", operation, value),))
    assert np.array_equal(single(model, noise, 2000, null, facts, keep_unmoved=True)["dose"], facts["dose"])
    assert np.array_equal(counterfactual(model, facts, null)[0]["dose"], facts["dose"])
    if operation == "domain":
        assert np.array_equal(domain_counterfactual(model, facts, source=BASE, target="there")["dose"], facts["dose"])


def test_a_value_set_by_do_is_that_value_and_no_fact_of_nearly_the_same() -> None:
    model = SCM("same", [Variable("age", Root()), Variable("dose", Linear({"age": 0.3}, 0.1))])
    facts = {"age": AWKWARD[::-1].copy(), "dose": AWKWARD}
    noise = abduct(model, facts, Streams(0)).noise
    wanted = predict(model, noise, 2000)["dose"]
    assert np.array_equal(single(model, noise, 2000, do(dose=wanted), facts, keep_unmoved=True)["dose"], wanted)


def test_several_variables_at_once_each_hold() -> None:
    # recovery = 3 - 3*(-1) + its noise, 0.5 and 1.
    world = after(Action("age", "do", 3.0), Action("dose", "do", -1.0))
    assert world["recovery"].tolist() == [6.5, 7.0]
    shifted = after(Action("age", "do", 3.0), Action("dose", "shift", 1.0))
    assert shifted["dose"].tolist() == [7.5, 6.0], "shifted from what it would be at the new age"


def test_conditioning_is_not_intervening() -> None:
    #       u
    #      ╱ ╲
    #     ▼   ▼
    #     x   y
    model = SCM("fork", [Variable("u", Root()), Variable("x", Linear({"u": 1.0})), Variable("y", Linear({"u": 1.0}))])
    facts, noise = sampled(model, 0, 20_000)
    seen = facts["y"][facts["x"] > 1].mean()
    done = single(model, noise, 20_000, do(x=2.0))["y"].mean()
    assert seen > 0.6
    assert abs(done) < 0.03


def test_a_collider_opens_under_selection_and_not_under_intervention() -> None:
    #   a ──► c ◄── b
    model = SCM("collider", [Variable("a", Root()), Variable("b", Root()), Variable("c", Linear({"a": 1.0, "b": 1.0}))])
    facts, noise = sampled(model, 0, 20_000)
    chosen = np.abs(facts["c"]) < 0.5
    assert np.corrcoef(facts["a"][chosen], facts["b"][chosen])[0, 1] < -0.4
    world = single(model, noise, 20_000, do(c=0.0))
    assert abs(np.corrcoef(world["a"], world["b"])[0, 1]) < 0.03


def test_integers_stay_whole_under_a_shift() -> None:
    model = SCM("counts", [Variable("n", Root(Empirical([9, 10, 11])), INTEGER)])
    world = single(model, draw_noise(model, Streams(0), 0, 5), 5, Intervention((Action("n", "shift", 2),)))
    assert world["n"].dtype == np.int64


def test_facts_without_a_variable_are_refused_with_its_name() -> None:
    with pytest.raises(ModelError, match="abduction needs a value for dose"):
        abduct(chain(), {"age": FACTS["age"], "recovery": FACTS["recovery"]}, Streams(0))


def test_a_mechanism_with_another_number_of_noise_lanes_cannot_stand_in() -> None:
    model = SCM("m", [Variable("a", Bernoulli(0.5)), Variable("b", Linear({"a": 1.0}))])
    with pytest.raises(InterventionError, match="and the unit keeps that of the old one"):
        intervene(model, Intervention((Action("b", "soft", Categorical(("x", "y"), [0.5, 0.5])),)))


def test_posterior_noise_belongs_to_the_unit_and_not_to_the_shard() -> None:
    model = SCM("m", [Variable("a", Root()), Variable("b", Bernoulli("sigmoid(a)"))])
    facts, _ = sampled(model, 0)
    whole = abduct(model, facts, Streams(1)).noise["b"]
    part = abduct(model, {name: column[15:] for name, column in facts.items()}, Streams(1), start=15).noise["b"]
    assert np.array_equal(whole[15:], part)
