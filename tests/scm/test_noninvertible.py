from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from contrafact.streams import Streams
from generators.scm.mechanisms import NonInvertible

ROWS = 600
A = np.random.default_rng(11).normal(size=ROWS)
STREAMS = Streams(3, "mechanisms")


def uniforms(name: str, width: int, rows: int = ROWS) -> Any:
    return STREAMS.uniforms(name, 0, rows, width)


def test_the_posterior_of_a_square_is_both_its_roots() -> None:
    mechanism = NonInvertible("noise**2", particles=512)
    answer = mechanism.abduct({}, np.full(2000, 1.0), uniforms("square", mechanism.auxiliary, 2000))
    assert abs((answer.noise > 0).mean() - 0.5) < 4.5 * 0.5 / np.sqrt(2000)
    assert np.abs(np.abs(answer.noise) - 1).mean() < 0.05
    assert answer.ess is not None
    assert (answer.ess > 8).all()


def test_the_posterior_of_a_noisy_sum_agrees_with_the_closed_form() -> None:
    mechanism = NonInvertible(lambda x, noise: x + noise, tolerance=0.5, particles=400)
    rows = 4000
    fact = np.full(rows, 1.0)
    answer = mechanism.abduct({"x": np.zeros(rows)}, fact, uniforms("sum", mechanism.auxiliary, rows))
    # A normal prior of variance 1 and a normal kernel of variance 1/4: mean 0.8, variance 0.2.
    assert abs(answer.noise.mean() - 0.8) < 4.5 * np.sqrt(0.2 / rows) + 0.005
    assert abs(answer.noise.var() - 0.2) < 0.02


def test_the_effective_sample_size_is_that_of_the_kernel_weights() -> None:
    mechanism = NonInvertible("noise", tolerance=0.2, particles=64)
    fresh = uniforms("weights", mechanism.auxiliary)
    answer = mechanism.abduct({}, np.full(ROWS, 0.3), fresh)
    scaled = (mechanism.draw(fresh[:, :64]) - 0.3) / 0.2
    weights = np.where(np.abs(scaled) <= 6, np.exp(-0.5 * scaled**2), 0)
    assert answer.ess is not None
    np.testing.assert_allclose(answer.ess, weights.sum(axis=1) ** 2 / (weights**2).sum(axis=1), rtol=1e-12)


def test_a_smaller_tolerance_brings_the_value_nearer() -> None:
    errors = []
    for tolerance in (0.5, 0.1, 0.02):
        mechanism = NonInvertible("noise**2 + noise", particles=1024, tolerance=tolerance)
        answer = mechanism.abduct({}, np.full(300, 0.7), uniforms("near", mechanism.auxiliary, 300))
        errors.append(np.abs(mechanism.predict({}, answer.noise) - 0.7).mean())
    assert errors[0] > 2 * errors[1] > 4 * errors[2]


@pytest.mark.parametrize("tolerance", [None, 0.1])
def test_a_value_that_no_particle_comes_near_has_no_effective_samples(tolerance: float | None) -> None:
    mechanism = NonInvertible("tanh(noise)", tolerance=tolerance)
    answer = mechanism.abduct({}, np.array([0.5, 40.0]), uniforms("far", mechanism.auxiliary, 2))
    assert answer.ess is not None
    assert answer.ess[0] > 4
    assert answer.ess[1] == 0
    assert answer.possible is None
    assert np.isfinite(answer.noise).all()


def test_a_function_without_spread_needs_the_very_value() -> None:
    mechanism = NonInvertible("x + 0*noise")
    answer = mechanism.abduct({"x": np.ones(2)}, np.array([1.0, 1.1]), uniforms("flat", mechanism.auxiliary, 2))
    assert answer.ess is not None
    assert answer.ess.tolist() == [256.0, 0.0]


def test_importance_sampling_works_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    mechanism = NonInvertible("a + noise**2", particles=50)
    values = A + 1
    fresh = uniforms("blocks", mechanism.auxiliary)
    whole = mechanism.abduct({"a": A}, values, fresh)
    monkeypatch.setattr("generators.scm.mechanisms.noninvertible._MEMORY", 8 * 50 * 11 * 7)
    parts = mechanism.abduct({"a": A}, values, fresh)
    assert np.array_equal(whole.noise, parts.noise)
    assert np.array_equal(whole.ess, parts.ess)  # type: ignore[arg-type]
