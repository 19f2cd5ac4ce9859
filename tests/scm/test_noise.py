from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from contrafact.errors import ModelError
from contrafact.streams import Streams
from generators.scm.noise import NOISES, Empirical, LogNormal, Noise, Normal

REFERENCES: list[tuple[dict[str, Any], Any]] = [
    ({"normal": [1.5, 2.0]}, stats.norm(1.5, 2.0)),
    ({"uniform": [-1.0, 3.0]}, stats.uniform(-1.0, 4.0)),
    ({"laplace": [0.5, 2.0]}, stats.laplace(0.5, 2.0)),
    ({"logistic": [0.5, 2.0]}, stats.logistic(0.5, 2.0)),
    ({"gumbel": [0.5, 2.0]}, stats.gumbel_r(0.5, 2.0)),
    ({"exponential": [2.0]}, stats.expon(scale=2.0)),
    ({"student_t": [4.0, 0.5, 2.0]}, stats.t(4.0, 0.5, 2.0)),
    ({"gamma": [2.5, 2.0]}, stats.gamma(2.5, scale=2.0)),
    ({"lognormal": [0.5, 0.75]}, stats.lognorm(0.75, scale=np.exp(0.5))),
]
ENDS = np.array([2.0**-54, 0.5, 1 - 2.0**-53])


@pytest.mark.parametrize(("spec", "reference"), REFERENCES, ids=[next(iter(spec)) for spec, _ in REFERENCES])
def test_a_quantile_is_that_of_the_named_distribution(spec: dict[str, Any], reference: Any) -> None:
    grid = np.array([1e-12, 1e-3, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999, 1 - 1e-12])
    np.testing.assert_allclose(Noise.of(spec).quantile(grid.copy()), reference.ppf(grid), rtol=1e-9, atol=1e-12)


def test_every_kind_but_the_empirical_is_compared_with_a_reference() -> None:
    assert {next(iter(spec)) for spec, _ in REFERENCES} == set(NOISES) - {"empirical"}


@pytest.mark.parametrize("spec", [*(spec for spec, _ in REFERENCES), {"empirical": [3.0, 1.0]}])
def test_the_ends_of_the_uniforms_give_finite_noise_and_leave_the_uniforms_alone(spec: dict[str, Any]) -> None:
    uniforms = ENDS.copy()
    noise = Noise.of(spec).quantile(uniforms)
    assert np.isfinite(noise).all()
    assert (np.diff(noise) >= 0).all()
    assert np.array_equal(uniforms, ENDS)


@pytest.mark.parametrize("spec", [*(spec for spec, _ in REFERENCES), {"empirical": [3.0, 1.0, 1.0]}])
def test_noise_is_rebuilt_from_its_spec(spec: dict[str, Any]) -> None:
    once = Noise.of(spec)
    twice = Noise.of(once.spec())
    uniforms = Streams(1).uniforms("u", 0, 100)
    assert type(twice) is type(once)
    assert twice.spec() == once.spec()
    assert np.array_equal(once.quantile(uniforms), twice.quantile(uniforms))


def test_a_spec_may_be_a_bare_name_a_list_a_mapping_a_number_or_noise() -> None:
    assert Noise.of("normal").spec() == Normal().spec()
    assert Noise.of({"normal": None}).spec() == Normal().spec()
    assert Noise.of({"normal": {"std": 2}}).spec() == Normal(0, 2).spec()
    assert Noise.of({"lognormal": 1}).spec() == LogNormal(1).spec()
    assert Noise.of({"normal": [0, "1e-3"]}).spec() == Normal(0, 0.001).spec()
    kept = Normal(3)
    assert Noise.of(kept) is kept


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("norml", "did you mean 'normal'"),
        ({"normal": [0, 1], "uniform": [0, 1]}, "not one kind"),
        ({}, "not one kind"),
        (3, "not one kind"),
        ({"normal": [0, 1, 2]}, "mean, std"),
        ({"normal": {"sd": 1}}, "did you mean 'std'"),
        ({"normal": {"scale": 1}}, "'scale'"),
        ({"normal": [0, -1]}, "must be a positive"),
        ({"normal": [0, 0]}, "must be a positive"),
        ({"normal": ["x", 1]}, "mean = 'x'"),
        ({"normal": [float("nan"), 1]}, "not a finite number"),
        ({"normal": [True, 1]}, "not a finite number"),
        ({"uniform": [1, 0]}, "is empty"),
        ("student_t", "lacks a parameter"),
        ({"empirical": []}, "empirical noise of 0 values"),
        ({"empirical": [1.0, float("nan")]}, "1 of them not finite"),
        ({"empirical": ["a"]}, "made of numbers"),
    ],
)
def test_a_wrong_spec_says_what_is_wrong(spec: Any, words: str) -> None:
    with pytest.raises(ModelError) as caught:
        Noise.of(spec)
    assert words in str(caught.value)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_each_kept_value_is_equally_likely(values: list[float]) -> None:
    count = len(values)
    centres = (np.arange(count) + 0.5) / count
    assert Empirical(values).quantile(centres).tolist() == sorted(values)


def test_the_first_and_last_uniform_give_the_least_and_greatest_value() -> None:
    values = np.arange(1_000_003.0)
    assert Empirical(values).quantile(ENDS).tolist() == [0.0, 500_001.0, 1_000_002.0]
    assert Empirical(values).quantile(np.ones(1)).tolist() == [1_000_002.0]


@given(st.sampled_from([spec for spec, _ in REFERENCES]), st.integers(0, 1000), st.integers(1, 9))
def test_a_units_noise_does_not_depend_on_the_units_beside_it(spec: dict[str, Any], start: int, count: int) -> None:
    noise = Noise.of(spec)
    streams = Streams(7)
    whole = noise.quantile(streams.uniforms("u", 0, 1010))
    part = noise.quantile(streams.uniforms("u", start, start + count))
    assert np.array_equal(whole[start : start + count], part)
