from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.streams import Streams

units = st.integers(0, 500)


@settings(max_examples=60)
@given(start=units, length=st.integers(0, 60), cut=st.integers(0, 60), width=st.integers(1, 7))
def test_a_unit_has_its_uniforms_whatever_range_it_is_asked_in(start: int, length: int, cut: int, width: int) -> None:
    streams, stop = Streams(3, "model"), start + length
    middle = min(start + cut, stop)
    whole = streams.uniforms("x", start, stop, width)
    parts = [streams.uniforms("x", start, middle, width), streams.uniforms("x", middle, stop, width)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    np.testing.assert_array_equal(whole, streams.uniforms("x", 0, stop, width)[start:])


@pytest.mark.parametrize(("width", "shape"), [(1, (5,)), (2, (5, 2)), (3, (5, 3))])
def test_uniforms_have_one_lane_a_column(width: int, shape: tuple[int, ...]) -> None:
    values = Streams(0).uniforms("x", 2, 7, width)
    assert values.shape == shape
    assert values.dtype == np.float64


@pytest.mark.parametrize(
    "other",
    [
        Streams(2, "a").uniforms("x", 0, 999),
        Streams(1, "b").uniforms("x", 0, 999),
        Streams(1, "a").uniforms("y", 0, 999),
    ],
    ids=["seed", "identity", "name"],
)
def test_another_seed_identity_or_name_is_another_stream(other: np.ndarray) -> None:
    own = Streams(1, "a").uniforms("x", 0, 999)
    assert not np.isin(own, other).any()
    assert abs(np.corrcoef(own, other)[0, 1]) < 0.1


def test_names_and_identities_do_not_run_together() -> None:
    assert Streams(1, "ab").uniforms("c", 0, 1) != Streams(1, "a").uniforms("bc", 0, 1)
    assert Streams(1, "1").uniforms("c", 0, 1) != Streams(11, "").uniforms("c", 0, 1)


def test_uniforms_are_uniform_and_never_zero_or_one() -> None:
    values = Streams(5).uniforms("x", 0, 200_000)
    assert values.min() > 0
    assert values.max() < 1
    counts, _ = np.histogram(values, bins=50, range=(0, 1))
    expected = len(values) / 50
    # The 0.999999 quantile of chi-squared with 49 degrees of freedom is 112.
    assert ((counts - expected) ** 2 / expected).sum() < 112


def test_the_ends_of_the_word_stay_inside_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    words = np.array([0, 2**64 - 1], dtype=np.uint64)
    monkeypatch.setattr(Streams, "_words", lambda self, name, first, count: words)
    low, high = Streams(0).uniforms("x", 0, 2)
    assert 0 < low < 1e-15
    assert 1 - 1e-15 < high < 1


def test_the_stream_is_the_one_that_was_published() -> None:
    """Datasets that exist must come out again: these words change only with ``IDENTITY_VERSION``."""
    values = Streams(7, "model").uniforms("noise:x", 1_000_000, 1_000_003)
    assert values.tolist() == [0.7938250790338975, 0.3930042757432025, 0.8955798021197933]


def test_a_generator_belongs_to_its_names() -> None:
    streams = Streams(1, "a")
    assert streams.generator("fold", 3).integers(2**60) == streams.generator("fold", 3).integers(2**60)
    assert streams.generator("fold", 3).integers(2**60) != streams.generator("fold", 4).integers(2**60)


def test_nothing_touches_the_global_random_state() -> None:
    np.random.seed(0)  # noqa: NPY002  # the state that must not move
    expected = np.random.random(4)  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    Streams(1).uniforms("x", 0, 100)
    Streams(1).generator("y").normal(size=3)
    np.testing.assert_array_equal(np.random.random(4), expected)  # noqa: NPY002
