"""The statistics of audits, against hand-computed values, SciPy and simulation."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from contrafact.audit.correction import corrected
from contrafact.audit.effects import effects_of, jensen_shannon, measured
from contrafact.audit.outcomes import Outcomes
from contrafact.audit.placebo import aa_run, power_run
from contrafact.audit.statistics import (
    Grouped,
    binomial_interval,
    bootstrap_interval,
    bootstrap_means,
    mcnemar,
    mcnemar_table,
    t_test,
)
from contrafact.streams import Streams

STREAMS = Streams(3, "tests")


def outcomes(groups: int, seed: int, effect: float = 0.0, per_group: int = 1, name: str = "model") -> Outcomes:
    """Two labels; target and control move every probability alike, but for ``effect``."""
    rng = np.random.default_rng(seed)
    size = groups * per_group
    shared = np.repeat(rng.normal(0, 0.5, groups), per_group)
    base = rng.normal(0, 1, size)

    def chances(moved: float | np.ndarray) -> np.ndarray:
        good = 1 / (1 + np.exp(-(base + moved)))
        return np.column_stack([1 - good, good])

    noise = [shared + rng.normal(0, 0.5, size) for _ in range(2)]
    ones, zeros = np.ones(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    family = np.full(size, "edit", dtype=object)
    number = np.repeat(np.arange(groups), per_group)
    return Outcomes(name, chances(0.0), chances(noise[0] + effect), chances(noise[1]), zeros, ones, number, family)


def test_holm_and_benjamini_hochberg_are_those_of_hand() -> None:
    values = np.array([0.01, 0.04, 0.03, 0.005])
    assert corrected(values, "holm").tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert corrected(values, "bh").tolist() == pytest.approx([0.02, 0.04, 0.04, 0.02])
    some = corrected(np.array([0.02, np.nan, 0.9]), "holm")
    assert some.tolist() == pytest.approx([0.04, np.nan, 0.9], nan_ok=True)
    assert corrected(np.array([[0.9, 0.9], [0.01, 0.04]]), "holm").tolist() == [[1.0, 1.0], [0.02, 0.04]]
    drawn = np.random.default_rng(0).random((20, 9)) ** 3
    assert np.allclose(corrected(drawn, "bh"), [stats.false_discovery_control(row) for row in drawn])


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (3, 9), (10, 10), (40, 12)])
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int) -> None:
    one = np.array([True] * first + [False] * second + [True, False] * 5)
    other = np.array([False] * first + [True] * second + [True, False] * 5)
    wanted = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(one, other)[:2] == (first, second)
    assert mcnemar(one, other)[2] == pytest.approx(wanted)
    assert len(mcnemar_table(first + second)) == first + second + 1


def test_t_is_scipys_and_says_what_it_does_without_spread() -> None:
    drawn = np.random.default_rng(1).normal(0.2, 1, 30)
    wanted = stats.ttest_1samp(drawn, 0)
    ones = np.ones(30)
    assert t_test(drawn, ones) == pytest.approx((wanted.statistic, wanted.pvalue))
    assert t_test(3 * drawn, 3 * ones) == pytest.approx((wanted.statistic, wanted.pvalue))
    assert [float(each) for each in t_test(np.zeros(5), ones[:5])] == [0.0, 1.0]
    assert t_test(np.full(5, 0.3), ones[:5])[1] == 0.0
    assert np.isnan(t_test(ones[:1], ones[:1])[1])


def test_divergence_is_0_for_equals_and_1_for_opposites() -> None:
    one = np.array([[1.0, 0.0], [0.5, 0.5], [0.9, 0.1]])
    assert jensen_shannon(one, one).tolist() == [0.0, 0.0, 0.0]
    assert jensen_shannon(one, one[:, ::-1])[:2].tolist() == pytest.approx([1.0, 0.0])
    from scipy.spatial.distance import jensenshannon

    assert jensen_shannon(one, one[::-1])[0] == pytest.approx(jensenshannon([1, 0], [0.9, 0.1], base=2) ** 2)


def test_a_bootstrap_interval_covers_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    runs, covered = 400, 0
    for _ in range(runs):
        groups = np.repeat(np.arange(60), 2)
        values = np.repeat(rng.exponential(1.0, 60), 2) + rng.normal(0, 0.3, 120)
        low, high = bootstrap_interval(bootstrap_means(Grouped.of(values, groups), 400, rng), 0.95)
        covered += low <= 1.0 <= high
    low, high = stats.binomtest(covered, runs).proportion_ci(0.999)
    assert low < 0.95
    assert high > 0.90
    assert covered > 0.88 * runs


def test_groups_of_several_pairs_make_an_interval_wider_not_narrower() -> None:
    rng = np.random.default_rng(6)
    each = rng.normal(0, 1, 50)
    repeated, groups = np.repeat(each, 10), np.repeat(np.arange(50), 10)
    by_group = bootstrap_means(Grouped.of(repeated, groups), 2000, rng).std()
    by_row = bootstrap_means(Grouped.of(repeated, np.arange(500)), 2000, rng).std()
    assert by_group == pytest.approx(1 / np.sqrt(50), rel=0.25)
    assert by_row < 0.5 * by_group


def test_four_hundred_audits_of_nothing_find_it_as_often_as_they_should() -> None:
    """A/A over fresh data: target and control come from one distribution."""
    rejected = {"flip": 0, "jsd": 0, "counter": 0, "any": 0}
    runs = 400
    for run in range(runs):
        found = effects_of(outcomes(60, run, per_group=2), STREAMS, 0.05, "holm", 100)
        for each in found:
            rejected[each["measure"]] += each["p"] <= 0.05
        rejected["any"] += any(each["significant"] for each in found)
    for name, hits in rejected.items():
        low, high = binomial_interval(hits, runs, 0.999)
        assert low <= 0.05, (name, hits)
        if name in ("jsd", "counter"):  # the others are discrete, or corrected: they may be lower
            assert high >= 0.05, (name, hits)


def test_a_planted_effect_is_found_and_has_its_sign() -> None:
    found = {each["measure"]: each for each in effects_of(outcomes(150, 1, effect=1.5), STREAMS, 0.05, "holm", 500)}
    assert set(found) == {"flip", "jsd", "counter"}  # of two labels one falls as the other rises
    for name in ("flip", "counter"):
        assert found[name]["significant"]
        assert 0 < found[name]["low"] <= found[name]["difference"] <= found[name]["high"]
        assert found[name]["p_corrected"] >= found[name]["p"]


def test_the_exchange_of_arms_is_calibrated_and_power_grows() -> None:
    data = outcomes(120, 2, effect=2.0, per_group=2)
    told = aa_run(data, STREAMS, 0.05, "holm", 2000)
    assert {each["test"] for each in told["tests"]} == {"mcnemar", "t", "bootstrap interval"}
    for each in told["tests"]:
        assert each["low"] <= each["rate"] <= each["high"]
        if each["test"] != "bootstrap interval":
            assert each["verdict"] != "liberal", each
    assert told["any"]["rate"] <= 0.07
    powers = power_run(outcomes(200, 3), STREAMS, 0.05, 400)
    for measure in ("counter", "flip"):
        rising = [each["power"] for each in powers if each["measure"] == measure]
        assert rising[-1] > 0.9
        assert rising[0] < rising[-1]
        assert all(one <= other + 0.05 for one, other in pairwise(rising))


def test_an_audit_of_the_same_seed_says_the_same() -> None:
    data = outcomes(80, 4, effect=0.3)
    one, other = (effects_of(data, Streams(9, "audit"), 0.05, "bh", 200) for _ in range(2))
    assert one == other
    assert one != effects_of(data, Streams(8, "audit"), 0.05, "bh", 200)


def uneven(groups: int, seed: int) -> Outcomes:
    """Groups of one to eight pairs, of three operations, without an effect."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 9, groups)
    number, size = np.repeat(np.arange(groups), sizes), int(sizes.sum())

    def chances() -> np.ndarray:
        good = np.clip(0.5 + 0.3 * np.repeat(rng.normal(size=groups), sizes) + rng.normal(0, 0.1, size), 0.01, 0.99)
        return np.column_stack([1 - good, good])

    ones, zeros = np.ones(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    family = rng.choice(np.array(["delete", "insert", "swap"], dtype=object), size)
    return Outcomes("uneven", chances(), chances(), chances(), zeros, ones, number, family)


def exchanged(data: Outcomes, signs: np.ndarray) -> Outcomes:
    turned = (signs[data.groups] < 0)[:, None]
    target = np.where(turned, data.control, data.target)
    return replace(data, target=target, control=np.where(turned, data.target, data.control))


def test_t_is_of_the_difference_that_is_reported() -> None:
    sums, counts = np.array([8.0, -1.0, -1.0, -1.0]), np.array([8, 1, 1, 1])
    statistic, chance = t_test(sums, counts)
    residuals = sums - 5 / 11 * counts
    assert statistic == pytest.approx(5 / np.sqrt(4 / 3 * (residuals**2).sum()))
    assert chance == pytest.approx(2 * stats.t.sf(statistic, 3))
    both = t_test(np.array([sums, -sums]), counts)
    assert both[0].tolist() == pytest.approx([float(statistic), -float(statistic)])
    data = uneven(60, 1)
    for each in effects_of(data, STREAMS, 0.05, "holm", 100):
        if each["test"] == "t" and np.isfinite(each["statistic"]):
            assert np.sign(each["statistic"]) == np.sign(each["difference"])


def test_the_exchange_runs_exactly_the_tests_that_are_reported() -> None:
    data, runs = uneven(40, 2), 200
    told = aa_run(data, STREAMS, 0.05, "holm", runs)
    signs = 2 * STREAMS.generator("aa", data.model).integers(2, size=(runs, 40), dtype=np.int8) - 1
    hits: dict[tuple[str, str], int] = {}
    any_ = 0
    for row in signs:
        found = effects_of(exchanged(data, row), STREAMS, 0.05, "holm", 100)
        for each in found:
            key = (each["family"], each["measure"])
            hits[key] = hits.get(key, 0) + (each["p"] <= 0.05)
        any_ += any(each["significant"] for each in found)
    assert len(hits) == 12  # four families of three measures
    assert any_ > 0
    assert told["any"]["rejected"] == any_
    tests = [each for each in told["tests"] if each["test"] != "bootstrap interval"]
    assert {(each["family"], each["measure"]): each["rejected"] for each in tests} == hits
    assert len(told["tests"]) == 24  # an interval beside each


def test_intervals_of_the_exchange_weigh_pairs_as_the_reported_ones_do() -> None:
    data = uneven(40, 3)
    told = aa_run(data, STREAMS, 0.05, "holm", 1000)
    signs = 2 * STREAMS.generator("aa", data.model).integers(2, size=(1000, 40), dtype=np.int8) - 1
    rng = np.random.default_rng(0)
    target, control = measured(data, "counter")
    values = Grouped.of(target - control, data.groups)
    outside = 0
    for row in signs:
        low, high = bootstrap_interval(bootstrap_means(Grouped(row * values.sums, values.counts), 1000, rng), 0.95)
        outside += low > 0 or high < 0
    wanted = ("all", "counter", "bootstrap interval")
    rate = next(each["rejected"] for each in told["tests"] if (each["family"], each["measure"], each["test"]) == wanted)
    assert abs(rate - outside) <= 12, (rate, outside)  # of 1000: the exchanges are the same, the draws are not
