"""The dial opens a back door, the potential outcomes are kept, and what can be known of U is known exactly."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from contrafact.errors import DataError, InterventionError, ModelError
from contrafact.streams import Streams
from generators.scm.conformance import check_model
from generators.scm.confounding import (
    Confounded,
    ate_error,
    ihdp_like,
    interval_coverage,
    latent_posterior,
    linear_confounded,
    naive_effect,
    sqrt_pehe,
    with_confounder,
)
from generators.scm.confounding.ihdp import COVARIATES
from generators.scm.interventions import Action, Intervention
from generators.scm.mechanisms import Additive, Bernoulli, Categorical, Deterministic, Linear, Root
from generators.scm.model import SCM, Variable
from generators.scm.noise import Laplace, Normal
from generators.scm.operations import sample
from generators.scm.support import Support
from generators.scm.worlds import single

UNITS = 40_000


def units_of(model: SCM, rows: int = UNITS, seed: int = 1) -> dict[str, NDArray[Any]]:
    # One identity for all settings of the dial, so that they share their noise.
    return sample(model, Streams(seed, "confounding"), 0, rows)[0]


def trial(treated: str = "sigmoid(0.4*X)") -> SCM:
    """X ──► T ──► Y ◄── X, with a Bernoulli treatment and an effect of 1."""
    return SCM(
        "trial",
        [
            Variable("X", Root()),
            Variable("T", Bernoulli(treated)),
            Variable("Y", Additive("T + 0.5*X", Normal())),
        ],
    )


def test_at_zero_the_model_is_what_it_was() -> None:
    plain, dialled = trial(), with_confounder(trial(), "T", "Y", 0.0)
    assert dialled.latent == ("U",)
    assert not list(dialled.graph.successors("U"))
    before, after = units_of(plain, 500), units_of(dialled, 500)
    assert all(np.array_equal(before[name], after[name]) for name in plain.order)


def test_above_zero_the_latent_variable_points_at_both() -> None:
    model = with_confounder(trial(), "T", "Y", 1.0, name="frailty")
    assert set(model.graph.successors("frailty")) == {"T", "Y"}
    assert "frailty" not in model.observed


@pytest.mark.parametrize("effect", [2.0, -1.0])
def test_the_naive_bias_is_nothing_at_zero_and_grows_with_the_dial(effect: float) -> None:
    strengths = [0.0, 0.25, 0.5, 1.0, 2.0, 4.0]
    biases = [
        naive_effect(units_of(linear_confounded(strength, effect)), "T", "Y", ["X"]) - effect for strength in strengths
    ]
    assert abs(biases[0]) < 0.02
    assert all(low < high for low, high in pairwise(biases))
    for strength, bias in zip(strengths, biases, strict=True):
        assert bias == pytest.approx(strength**2 / (strength**2 + 1), abs=0.02)


def test_the_naive_bias_of_a_binary_treatment_grows_with_the_dial() -> None:
    biases = [
        naive_effect(units_of(with_confounder(trial(), "T", "Y", strength)), "T", "Y", ["X"]) - 1
        for strength in (0.0, 0.5, 1.0, 2.0)
    ]
    assert abs(biases[0]) < 0.03
    assert all(high - low > 0.1 for low, high in pairwise(biases))


def test_adjusting_for_the_hidden_truth_takes_the_bias_away() -> None:
    facts = units_of(linear_confounded(2.0, effect=1.5))
    assert naive_effect(facts, "T", "Y", ["X", "U"]) == pytest.approx(1.5, abs=0.02)
    assert naive_effect(facts, "T", "Y") != pytest.approx(1.5, abs=0.2)


def test_the_two_arrows_may_have_strengths_of_their_own() -> None:
    only_treatment = with_confounder(trial(), "T", "Y", 2.0, outcome_strength=0.0)
    assert list(only_treatment.graph.successors("U")) == ["T"]
    assert naive_effect(units_of(only_treatment), "T", "Y", ["X"]) == pytest.approx(1, abs=0.03)


def test_intervening_cuts_the_confounder_off() -> None:
    model = with_confounder(trial(), "T", "Y", 2.0)
    facts, noise = sample(model, Streams(1), 0, UNITS)
    worlds = [single(model, noise, UNITS, Intervention((Action("T", "do", arm),)), facts) for arm in (False, True)]
    assert np.allclose(worlds[1]["Y"] - worlds[0]["Y"], 1)
    assert np.array_equal(worlds[0]["U"], facts["U"])


def test_any_real_mechanism_takes_a_confounder_and_stays_exact() -> None:
    plain = SCM("m", [Variable("T", Root(Laplace())), Variable("Y", Additive("tanh(T)", Laplace()))])
    model = with_confounder(plain, "T", "Y", 1.5)
    assert isinstance(model.variables["Y"].mechanism, Confounded)
    report = check_model(model, units=200)
    assert report.passed, str(report)
    assert not [check for check in report.checks if "not exact" in check.detail]


def test_a_certain_treatment_stays_certain() -> None:
    facts = units_of(with_confounder(trial("where(X > 0, 1, 0)"), "T", "Y", 3.0), 500)
    assert np.array_equal(facts["T"], facts["X"] > 0)


def test_the_mechanisms_of_domains_are_confounded_too() -> None:
    plain = SCM("m", linear_confounded(0.0).variables.values(), {"north": {"T": Linear({"X": -0.8})}})
    model = with_confounder(plain, "T", "Y", 1.0, name="V")
    assert model.in_domain("north").variables["T"].mechanism.parents == ("X", "V")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strength": -1.0}, "a confounder of strength -1.0"),
        ({"strength": float("nan")}, "allowed: 0 .no confounding. and above"),
        ({"name": "X"}, "has a variable 'X' already"),
        ({"outcome": "T"}, "treatment and outcome at once"),
    ],
)
def test_an_impossible_dial_is_refused(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"treatment": "T", "outcome": "Y", "strength": 1.0, **change}
    with pytest.raises(ModelError, match=message):
        with_confounder(trial(), **given)


def test_an_unknown_treatment_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InterventionError, match="no variable 'TT'"):
        with_confounder(trial(), "TT", "Y", 1.0)


@pytest.mark.parametrize(
    "outcome",
    [
        Variable("Y", Categorical(("a", "b"), [0.5, 0.5])),
        Variable("Y", Additive("X", Normal()), Support(lower=0)),
        Variable("Y", Deterministic("X > 0")),
    ],
)
def test_a_variable_that_nothing_can_be_added_to_is_refused(outcome: Variable) -> None:
    model = SCM("m", [*(trial().variables[name] for name in ("X", "T")), outcome])
    with pytest.raises(ModelError, match="allowed: a real variable without bounds, or one with a bernoulli"):
        with_confounder(model, "T", "Y", 1.0)


def test_intervals_of_the_exact_posterior_cover_as_often_as_they_say() -> None:
    for strength in (0.3, 1.0, 3.0):
        model = linear_confounded(strength)
        facts = units_of(model, 20_000)
        seen = {name: facts[name] for name in model.observed}
        posterior = latent_posterior(model, "U", seen)
        for level in (0.5, 0.95):
            coverage = interval_coverage(*posterior.interval(level), facts["U"])
            assert coverage == pytest.approx(level, abs=0.03 if level == 0.95 else 0.02)


def test_the_posterior_is_that_of_the_joint_normal_distribution() -> None:
    model = linear_confounded(1.3)
    facts = units_of(model, 5)
    # Covariance of (U, X, T, Y) by hand: every variable is a sum of the independent U, X and two noises.
    t = np.array([1.3, 0.8, 1.0, 0.0])
    rows = np.stack([[1, 0, 0, 0], [0, 1, 0, 0], t, 2 * t + np.array([1.3, -1.2, 0.0, 1.0])])
    joint = rows @ rows.T
    gain = np.linalg.solve(joint[1:, 1:], joint[1:, 0])
    posterior = latent_posterior(model, "U", facts)
    assert np.allclose(posterior.mean, np.stack([facts["X"], facts["T"], facts["Y"]], axis=1) @ gain)
    assert posterior.std == pytest.approx(np.sqrt(1 - joint[0, 1:] @ gain))


def test_at_zero_the_posterior_is_the_prior() -> None:
    posterior = latent_posterior(linear_confounded(0.0), "U", {"X": np.zeros(3)})
    assert posterior.mean.tolist() == [0, 0, 0]
    assert posterior.std == 1


def test_the_posterior_needs_linear_children_normal_noise_and_their_values() -> None:
    with pytest.raises(ModelError, match="'T' has a mechanism of kind 'bernoulli'"):
        latent_posterior(with_confounder(trial(), "T", "Y", 1.0), "U", units_of(trial(), 3))
    skewed = SCM("m", [Variable("U", Root(Laplace()), observed=False), Variable("T", Linear({"U": 1.0}))])
    with pytest.raises(ModelError, match="allowed: normal noise"):
        latent_posterior(skewed, "U", {"T": np.zeros(3)})
    with pytest.raises(ModelError, match="needs values of Y"):
        latent_posterior(linear_confounded(), "U", {"X": np.zeros(3), "T": np.zeros(3)})
    with pytest.raises(ModelError, match="'T' is no root variable"):
        latent_posterior(linear_confounded(), "T", {"X": np.zeros(3)})


@pytest.mark.parametrize("surface", ["A", "B"])
def test_the_ihdp_like_model_has_the_shape_of_hills_data(surface: Any) -> None:
    model = ihdp_like(surface)
    facts = units_of(model)
    assert len(COVARIATES) == 25
    assert [model.variables[x].support.kind for x in COVARIATES] == ["real"] * 6 + ["boolean"] * 19
    assert model.observed == (*COVARIATES, "T", "Y")
    assert set(model.latent) == {"F", "U", "Y0", "Y1"}
    assert facts["T"].mean() == pytest.approx(139 / 747, abs=0.01)
    assert np.array_equal(facts["Y"], np.where(facts["T"], facts["Y1"], facts["Y0"]))
    assert all(abs(facts[x].mean()) < 0.03 and abs(facts[x].std() - 1) < 0.03 for x in COVARIATES[:6])
    correlations = np.corrcoef([facts[x] for x in COVARIATES])[np.triu_indices(25, 1)]
    assert correlations.mean() > 0.05, "one factor moves them all"


def test_the_effect_of_surface_a_is_four_for_everyone() -> None:
    facts = units_of(ihdp_like("A", seed=3))
    effect = facts["Y1"] - facts["Y0"]
    assert effect.mean() == pytest.approx(4, abs=0.03)
    assert effect.std() == pytest.approx(np.sqrt(2), abs=0.03), "two independent noises and nothing else"


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_the_effect_of_surface_b_is_four_on_the_treated_and_differs_between_units(seed: int, strength: float) -> None:
    facts = units_of(ihdp_like("B", strength, seed), 100_000)
    effect, treated = facts["Y1"] - facts["Y0"], facts["T"]
    assert effect[treated].mean() == pytest.approx(4, abs=0.2)
    assert effect.std() > 2


def test_coefficients_are_hills() -> None:
    weights = set()
    for seed in range(12):
        mechanism = ihdp_like("A", seed=seed).variables["Y0"].mechanism
        text = mechanism.spec()["expression"]
        weights |= {float(term.split(")*")[0][1:]) for term in text.split(" + ") if term.startswith("(")}
    assert weights == {1.0, 2.0, 3.0, 4.0}


def test_the_dial_confounds_the_ihdp_like_estimate() -> None:
    biases = [
        naive_effect(units_of(ihdp_like("A", strength)), "T", "Y", COVARIATES) - 4 for strength in (0.0, 0.5, 1.0, 2.0)
    ]
    assert abs(biases[0]) < 0.05
    assert all(high - low > 0.1 for low, high in pairwise(biases))


def test_flipping_the_treatment_shows_the_other_potential_outcome() -> None:
    model = ihdp_like("B")
    facts, noise = sample(model, Streams(0), 0, 300)
    world = single(model, noise, 300, Intervention((Action("T", "do", ~facts["T"]),)), facts)
    assert np.array_equal(world["Y"], np.where(facts["T"], facts["Y0"], facts["Y1"]))
    assert np.array_equal(world["x1"], facts["x1"])


def test_another_surface_is_refused() -> None:
    with pytest.raises(ModelError, match="no response surface 'C'\n  allowed: A, B"):
        ihdp_like("C")  # type: ignore[arg-type]


def test_scores_of_estimates() -> None:
    truth = np.array([1.0, 2.0, 3.0])
    assert sqrt_pehe(truth, truth) == 0
    assert sqrt_pehe(truth + np.array([1.0, -1.0, 1.0]), truth) == 1
    assert ate_error(truth + np.array([1.0, -1.0, 0.0]), truth) == 0
    assert ate_error(2.5, truth) == pytest.approx(0.5)
    assert interval_coverage(truth - 1, np.array([1.0, 1.0, 4.0]), truth) == pytest.approx(2 / 3)
    with pytest.raises(DataError, match="cannot be compared unit by unit"):
        sqrt_pehe(truth, truth[:2])
