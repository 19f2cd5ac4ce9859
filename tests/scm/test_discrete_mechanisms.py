from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.streams import Streams
from generators.scm.mechanisms import Bernoulli, Boolean, Categorical, Discrete, Mechanism

ROWS = 600
STREAMS = Streams(3, "mechanisms")
LEVELS = ("low", "mid", "high")
TABLE = [
    [[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]],
    [[1 / 3, 1 / 3, 1 / 3], [0.1, 0.0, 0.9]],
    [[0.999, 0.001, 0.0], [1e-12, 0.5, 0.5 - 1e-12]],
]  # arm, s, level


def uniforms(name: str, width: int, rows: int = ROWS) -> Any:
    return STREAMS.uniforms(name, 0, rows, width)


@pytest.mark.parametrize("kind", [Categorical, Discrete])
def test_drawn_levels_have_the_tables_probabilities(kind: Any) -> None:
    mechanism = kind(LEVELS, TABLE, parents=["arm", "s"])
    rows = 60_000
    noise = mechanism.draw(uniforms("marginal", mechanism.lanes, rows))
    for arm, two in enumerate(TABLE):
        for s, wanted in enumerate(two):
            parents = {"arm": np.full(rows, arm), "s": np.full(rows, bool(s))}
            shares = np.bincount(mechanism.predict(parents, noise), minlength=3) / rows
            error = np.sqrt(np.array(wanted) * (1 - np.array(wanted)) / rows)
            assert (np.abs(shares - wanted) <= 4.5 * error + 1e-11).all()
            assert not shares[np.array(wanted) == 0].any()


def test_drawn_booleans_have_their_probabilities() -> None:
    rows = 60_000
    half = np.linspace(-2, 2, rows)
    draw = uniforms("marginal", 1, rows)
    bernoulli = Bernoulli("sigmoid(x)")
    made = bernoulli.predict({"x": half}, bernoulli.draw(draw))
    assert abs(made.mean() - (1 / (1 + np.exp(-half))).mean()) < 4.5 * 0.5 / np.sqrt(rows)
    boolean = Boolean("x > 0", flip=0.2)
    flipped = boolean.predict({"x": half}, boolean.draw(draw)) != (half > 0)
    assert abs(flipped.mean() - 0.2) < 4.5 * 0.4 / np.sqrt(rows)


@pytest.mark.parametrize(
    "mechanism",
    [
        Categorical(LEVELS, logits={"low": 0, "mid": "x", "high": "-2*x"}),
        Discrete(LEVELS, probabilities={"low": 1, "mid": "exp(x)", "high": "exp(-2*x)"}),
        Bernoulli("sigmoid(x)"),
    ],
)
def test_noise_abducted_from_the_models_own_values_has_the_prior_distribution(mechanism: Mechanism) -> None:
    rows = 60_000
    parents = {"x": np.linspace(-2, 2, rows)}
    prior = mechanism.draw(uniforms("prior", mechanism.lanes, rows))
    posterior = mechanism.abduct(
        parents, mechanism.predict(parents, prior), uniforms("posterior", mechanism.auxiliary, rows)
    )
    for lane in np.reshape(posterior.noise, (rows, -1)).T:
        back = lane if mechanism.lanes == 1 else np.exp(-np.exp(-lane))  # Gumbel to uniform
        ordered = np.sort(back)
        gap = np.abs(ordered - (np.arange(rows) + 0.5) / rows).max()
        assert gap < 1.95 / np.sqrt(rows)  # Kolmogorov-Smirnov, one in a thousand


def test_posterior_gumbels_of_two_lanes_stay_independent_of_each_other() -> None:
    rows = 60_000
    mechanism = Categorical(LEVELS, [0.5, 0.3, 0.2])
    prior = mechanism.draw(uniforms("prior", 3, rows))
    posterior = mechanism.abduct({}, mechanism.predict({}, prior), uniforms("posterior", 3, rows)).noise
    correlation = np.corrcoef(posterior.T)
    assert np.abs(correlation - np.eye(3)).max() < 4.5 / np.sqrt(rows)


@given(
    st.lists(st.floats(-8, 8), min_size=4, max_size=4),
    st.lists(st.floats(-8, 8), min_size=4, max_size=4),
    st.integers(0, 2**32),
)
@settings(max_examples=100)
def test_an_outcome_changes_only_towards_levels_that_became_relatively_likelier(
    before: list[float], after: list[float], seed: int
) -> None:
    names = "wxyz"
    mechanism = Categorical(names, logits={name: f"l{name}" for name in names})
    rows, streams = 200, Streams(seed)
    one = {f"l{name}": np.full(rows, value) for name, value in zip(names, before, strict=True)}
    two = {f"l{name}": np.full(rows, value) for name, value in zip(names, after, strict=True)}
    observed = mechanism.predict(one, mechanism.draw(streams.uniforms("draw", 0, rows, 4)))
    noise = mechanism.abduct(one, observed, streams.uniforms("abduct", 0, rows, 4)).noise
    moved = mechanism.predict(two, noise)
    gain = np.array(after) - np.array(before)
    changed = moved != observed
    assert (gain[moved[changed]] > gain[observed[changed]] - 1e-9).all()


@given(st.lists(st.floats(-700, 700), min_size=3, max_size=3), st.integers(0, 2), st.integers(0, 2**32))
@settings(max_examples=200)
def test_an_observed_level_comes_back_however_unlikely_it_is(logits: list[float], code: int, seed: int) -> None:
    mechanism = Categorical(LEVELS, logits=dict(zip(LEVELS, map(str, logits), strict=True)))
    observed = np.full(50, code)
    answer = mechanism.abduct({}, observed, Streams(seed).uniforms("u", 0, 50, 3))
    assert answer.possible is None
    assert np.isfinite(answer.noise).all()
    assert np.array_equal(mechanism.predict({}, answer.noise), observed)


@given(
    st.lists(st.sampled_from([0.0, 1e-300, 1e-17, 0.1, 0.3, 1.0, 7.0]), min_size=4, max_size=4), st.integers(0, 2**32)
)
@settings(max_examples=150)
def test_a_discrete_value_comes_back_wherever_it_is_possible(weights: list[float], seed: int) -> None:
    mechanism = Discrete(values=[2, 3, 5, 8], probabilities=dict(zip([2, 3, 5, 8], map(str, weights), strict=True)))
    values = np.repeat([2, 3, 5, 8], 25)
    ends = np.tile([2.0**-54, 1 - 2.0**-53], 50)
    for fresh in (Streams(seed).uniforms("u", 0, 100), ends):
        answer = mechanism.abduct({}, values, fresh)
        possible = np.ones(100, bool) if answer.possible is None else answer.possible
        assert not possible[np.repeat(weights, 25) == 0].any()
        assert np.array_equal(mechanism.predict({}, answer.noise)[possible], values[possible])
        assert possible[np.repeat(weights, 25) >= 0.1].all()


@given(st.floats(0, 1), st.booleans(), st.integers(0, 2**32))
def test_a_boolean_draw_comes_back_wherever_it_is_possible(probability: float, value: bool, seed: int) -> None:
    mechanism = Bernoulli("p")
    values = np.full(20, value)
    for fresh in (Streams(seed).uniforms("u", 0, 20), np.tile([2.0**-54, 1 - 2.0**-53], 10)):
        answer = mechanism.abduct({"p": np.full(20, probability)}, values, fresh)
        possible = answer.possible is None
        assert possible == (probability > 0 if value else probability < 1)
        if possible:
            assert np.array_equal(mechanism.predict({"p": np.full(20, probability)}, answer.noise), values)


def test_a_last_level_of_probability_0_never_occurs() -> None:
    mechanism = Discrete("abcd", [0.1, 0.2, 0.7, 0.0])
    assert mechanism.predict({}, np.array([1 - 2.0**-53])).tolist() == [2]


def test_a_level_comes_back_from_uniforms_at_their_ends() -> None:
    ends = np.array(list(product([2.0**-54, 0.5, 1 - 2.0**-53], repeat=3)))
    for shares in ([1 / 3, 1 / 3, 1 / 3], [0.1, 0.2, 0.7], [1e-9, 0.5, 0.5 - 1e-9]):
        mechanism = Categorical(LEVELS, shares)
        for code in range(3):
            answer = mechanism.abduct({}, np.full(len(ends), code), ends)
            assert (mechanism.predict({}, answer.noise) == code).all()


def test_more_probability_above_never_lowers_a_discrete_value() -> None:
    mechanism = Discrete(values=[0, 1, 2], probabilities={0: 1, 1: "exp(x)", 2: "exp(2*x)"})
    noise = mechanism.draw(uniforms("u", 1))
    low, high = (mechanism.predict({"x": np.full(ROWS, x)}, noise) for x in (-0.5, 0.5))
    assert (high >= low).all()
    assert (high > low).any()


def test_a_table_within_rounding_is_divided_by_its_sum() -> None:
    mechanism = Categorical(LEVELS, [0.3333333, 0.3333333, 0.3333333])
    assert mechanism.table is not None
    assert abs(mechanism.table.probabilities.sum() - 1) < 1e-15
    assert mechanism.spec()["table"] == [0.3333333, 0.3333333, 0.3333333]
