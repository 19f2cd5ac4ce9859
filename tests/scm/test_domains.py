"""A domain counterfactual keeps the noise and takes the other domain's mechanisms, in any equivalent form."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contrafact.errors import ModelError
from contrafact.streams import Streams
from generators.scm.domains import (
    ILD,
    LatentDomains,
    canonical,
    composition,
    counterfactual_error,
    domain_counterfactual,
    effectiveness,
    ild_model,
    matrices_of,
    preservation,
    reversibility,
)
from generators.scm.mechanisms import Linear, Root
from generators.scm.mechanisms.base import Columns
from generators.scm.model import SCM, Variable
from generators.scm.operations import sample

Floats = NDArray[np.float64]
DOMAINS = ("base", "d1", "d2")


def units_in(model: SCM, domain: str, rows: int = 400, seed: int = 1) -> dict[str, NDArray[Any]]:
    return sample(model.in_domain(domain), Streams(seed), 0, rows)[0]


def observed(model: SCM, columns: Columns) -> dict[str, NDArray[Any]]:
    return {name: columns[name] for name in model.observed}


def furthest(left: Columns, right: Columns, names: tuple[str, ...]) -> float:
    return max(float(np.abs(left[name] - right[name]).max()) for name in names)


@pytest.mark.parametrize(("leaky", "mixing"), list(product([0.5, 1.0, 2.0], [True, False])))
def test_the_counterfactual_of_the_observed_alone_is_the_same_units_in_the_other_domain(
    leaky: float, mixing: bool
) -> None:
    model = ild_model(leaky=leaky, mixing=mixing)
    for source, target in permutations(DOMAINS, 2):
        facts, truth = units_in(model, source), units_in(model, target)
        found = domain_counterfactual(model, observed(model, facts), source=source, target=target)
        assert furthest(found, truth, model.observed) < 1e-6
        assert furthest(facts, truth, model.observed) > 0.1


def test_known_noise_gives_the_counterfactual_without_abduction() -> None:
    model = ild_model()
    truth, noise = sample(model.in_domain("d2"), Streams(1), 0, 50)
    found = domain_counterfactual(model, noise=noise, source="base", target="d2")
    assert all(np.array_equal(found[name], truth[name]) for name in model.order)


def test_the_same_domain_gives_the_facts_bit_for_bit() -> None:
    model = ild_model()
    facts = units_in(model, "d1")
    found = domain_counterfactual(model, facts, source="d1", target="d1")
    assert all(np.array_equal(found[name], facts[name]) for name in model.order)


def test_what_no_differing_mechanism_reaches_stays_bit_for_bit() -> None:
    model = ild_model(mixing=False, intervened=(2, 4))
    facts = units_in(model, "base")
    found = domain_counterfactual(model, facts, source="base", target="d1")
    assert all(np.array_equal(found[name], facts[name]) for name in ("x0", "x1"))
    assert not np.array_equal(found["x2"], facts["x2"])


def test_exactly_the_intervened_equations_depend_on_the_domain() -> None:
    model = ild_model(m=5, intervened=(1, 3))
    assert model.matrices.intervened == (1, 3)
    assert {name for changes in model.domains.values() for name in changes} == {"h1", "h3"}


def test_the_largest_simulator_still_finds_its_counterfactuals() -> None:
    model = ild_model(m=24, intervened=(3, 20))
    form = canonical(model)
    facts = observed(model, units_in(model, "base", 20))
    one, other = (domain_counterfactual(each, facts, source="base", target="d2") for each in (model, form))
    size = max(np.abs(facts[name]).max() for name in model.observed)
    assert furthest(one, other, model.observed) < 1e-6 * size


def test_mixing_keeps_volume() -> None:
    mixing = ild_model(m=8, intervened=(0, 7)).matrices.mixing
    assert mixing is not None
    assert abs(np.linalg.det(mixing)) == pytest.approx(1)


def test_another_seed_is_another_model_and_the_same_seed_the_same() -> None:
    assert ild_model(seed=3).identity == ild_model(seed=3).identity
    assert ild_model(seed=3).identity != ild_model(seed=4).identity


@settings(max_examples=15)
@given(
    m=st.integers(2, 7),
    chosen=st.sets(st.integers(0, 6), min_size=1, max_size=4),
    seed=st.integers(0, 10_000),
    leaky=st.sampled_from([0.2, 0.5, 1.0]),
    mixing=st.booleans(),
)
def test_the_canonical_form_has_the_intervened_last_and_the_same_counterfactuals(
    m: int, chosen: set[int], seed: int, leaky: float, mixing: bool
) -> None:
    intervened = sorted({position % m for position in chosen})
    plain = ild_model(m, 3, intervened, seed, leaky, mixing)
    form = canonical(plain)
    k = len(intervened)
    assert form.matrices.intervened == tuple(range(m - k, m))
    assert np.array_equal(form.matrices.inverse[:, : m - k], np.broadcast_to(np.eye(m)[: m - k], (3, m - k, m)))
    for source, target in permutations(DOMAINS, 2):
        facts = observed(plain, units_in(plain, source, rows=60))
        one = domain_counterfactual(plain, facts, source=source, target=target)
        other = domain_counterfactual(form, facts, source=source, target=target)
        assert furthest(one, other, plain.observed) < 1e-6 * (1 + max(np.abs(facts[x]).max() for x in plain.observed))


def test_both_forms_sample_the_same_distribution_in_every_domain() -> None:
    plain = ild_model(intervened=(1, 2))
    form = canonical(plain)
    for domain in DOMAINS:
        one, other = (
            np.column_stack([units_in(model, domain, 40_000)[name] for name in plain.observed])
            for model in (plain, form)
        )
        spread = one.std(axis=0)
        assert np.abs(one.mean(axis=0) - other.mean(axis=0)).max() < 0.03 * spread.max()
        assert np.abs(np.cov(one.T) - np.cov(other.T)).max() < 0.05 * spread.max() ** 2


def test_a_linear_model_with_domains_has_a_canonical_form() -> None:
    # The mechanism in the middle differs.
    #
    #   a ──► b ──► c
    #    ╲_________▲
    plain = SCM(
        "chain",
        [
            Variable("a", Root()),
            Variable("b", Linear({"a": 0.5}, 1.0)),
            Variable("c", Linear({"a": -1.0, "b": 2.0})),
        ],
        {"there": {"b": Linear({"a": -0.7}, 3.0)}},
    )
    form = canonical(plain)
    assert form.observed == ("a", "b", "c")
    assert [sorted(changes) for changes in form.domains.values()] == [["u2"]]
    facts = units_in(plain, "base")
    one = domain_counterfactual(plain, facts, source="base", target="there")
    other = domain_counterfactual(form, observed(plain, facts), source="base", target="there")
    assert furthest(one, other, ("a", "b", "c")) < 1e-6
    assert np.allclose(one["b"], facts["b"] + 2 - 1.2 * facts["a"])
    assert plain.domains["there"]["b"].parents == ("a",), "the plain form is kept"


def test_a_form_that_only_reorders_would_not_do() -> None:
    # The variables after the intervened one cannot simply change places with it: their equations would then depend on
    # the domain as well. This is what makes the theorem more than a permutation.
    maps = ild_model(m=3, intervened=(0,), leaky=1.0, mixing=False).matrices
    order = [1, 2, 0]
    moved = maps.inverse[:, order][:, :, order]
    assert np.abs(np.triu(moved, 1)).max() > 0.1
    assert np.abs(np.triu(maps.canonical().inverse, 1)).max() == 0


def exact(model: ILD) -> Any:
    def edit(columns: Columns, source: str, target: str) -> Columns:
        return domain_counterfactual(model, {x: columns[x] for x in model.observed}, source=source, target=target)

    return edit


def test_the_exact_edit_scores_full_marks() -> None:
    model = ild_model()
    edit, names = exact(model), model.observed
    facts = observed(model, units_in(model, "base", 2000))
    assert composition(edit, facts, "base", names) == 0
    assert reversibility(edit, facts, "base", "d1", names) < 1e-18
    genuine = float(np.mean(model.likeliest_domain(units_in(model, "d1", 2000, seed=9)) == "d1"))
    assert effectiveness(edit, facts, "base", "d1", model.likeliest_domain) == pytest.approx(genuine, abs=0.04)
    assert genuine > 0.6
    upstream = lambda columns: np.signbit(model.completed({x: columns[x] for x in names})["h1"])  # noqa: E731
    assert preservation(edit, facts, "base", "d1", upstream) > 0.999


def test_doing_nothing_composes_and_reverses_but_has_no_effect_and_the_wrong_values() -> None:
    model = ild_model()
    idle = lambda columns, source, target: dict(columns)  # noqa: E731
    facts = {domain: observed(model, units_in(model, domain)) for domain in DOMAINS}
    assert composition(idle, facts["base"], "base", model.observed) == 0
    assert reversibility(idle, facts["base"], "base", "d1", model.observed) == 0
    assert effectiveness(idle, facts["base"], "base", "d1", model.likeliest_domain) < 0.3
    assert counterfactual_error(idle, exact(model), facts, model.observed) > 0.05
    assert counterfactual_error(exact(model), exact(model), facts, model.observed) == 0


def test_the_second_hop_of_reversibility_starts_from_the_counterfactual() -> None:
    # A published implementation encodes the original again on the way back, which any edit passes that can reconstruct
    # its input. This edit loses the unit on the way there; only a real round trip can see it.
    def forgetful(columns: Columns, source: str, target: str) -> Columns:
        return dict(columns) if target == "base" else {name: np.zeros_like(values) for name, values in columns.items()}

    facts = {"x0": np.array([1.0, -2.0, 3.0])}
    encoding_the_original_again = forgetful(facts, "d1", "base")
    assert np.array_equal(encoding_the_original_again["x0"], facts["x0"])
    assert reversibility(forgetful, facts, "base", "d1", ["x0"]) == pytest.approx(np.mean(facts["x0"] ** 2))


def test_the_second_hop_is_given_nothing_of_the_original() -> None:
    calls: list[tuple[Columns, str, str]] = []

    def recorded(columns: Columns, source: str, target: str) -> Columns:
        calls.append((columns, source, target))
        return {name: values + 1 for name, values in columns.items()} | {"original": columns["x0"]}

    reversibility(recorded, {"x0": np.zeros(3)}, "base", "d1", ["x0"])
    (first, *_), (second, source, target) = calls
    assert (source, target) == ("d1", "base")
    assert list(second) == ["x0"]
    assert np.array_equal(second["x0"], first["x0"] + 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"intervened": (6,)}, "allowed: one or more of 0 to 5"),
        ({"intervened": ()}, "allowed: one or more of 0 to 5"),
        ({"domains": 1}, "nothing to go between"),
        ({"m": 25}, "allowed: 1 to 24"),
        ({"leaky": 0.0}, "allowed: a positive slope"),
    ],
)
def test_an_impossible_simulator_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        ild_model(**options)


def test_matrices_that_are_no_autoregressive_maps_are_refused() -> None:
    with pytest.raises(ModelError, match="lower triangular with a positive diagonal"):
        LatentDomains(-np.eye(2)[None], np.zeros((1, 2)))
    with pytest.raises(ModelError, match=r"allowed: L of shape \(D, m, m\)"):
        LatentDomains(np.eye(2), np.zeros((1, 2)))


def test_a_scale_that_differs_between_domains_keeps_its_noise() -> None:
    L = np.stack([np.diag([1.0, 2.0]), np.array([[1.0, 0.0], [0.5, 3.0]])])
    model = ILD("scales", LatentDomains(L, np.array([[0.0, 1.0], [0.0, -1.0]]), observed=("a", "b")))
    facts = {"a": np.array([2.0]), "b": np.array([5.0])}
    found = domain_counterfactual(model, facts, source="base", target="d1")
    assert found["a"][0] == 2.0
    assert found["b"][0] == pytest.approx(0.5 * 2 + 3 * (5 - 1) / 2 - 1)
    other = domain_counterfactual(canonical(model), facts, source="base", target="d1")
    assert other["b"][0] == pytest.approx(found["b"][0])


def test_facts_and_noise_at_once_or_neither_are_refused() -> None:
    model = ild_model()
    with pytest.raises(ModelError, match="neither was given"):
        domain_counterfactual(model, source="base", target="d1")
    with pytest.raises(ModelError, match="both were given"):
        domain_counterfactual(model, {}, noise={}, source="base", target="d1")


def test_an_unknown_domain_and_missing_facts_are_refused() -> None:
    model = ild_model()
    with pytest.raises(ModelError, match="no domain 'd9'"):
        domain_counterfactual(model, units_in(model, "base"), source="base", target="d9")
    with pytest.raises(ModelError, match="lack x1, x2, x3, x4, x5"):
        domain_counterfactual(model, {"x0": np.zeros(2)}, source="base", target="d1")


def test_a_canonical_form_of_one_environment_or_of_another_kind_is_refused() -> None:
    with pytest.raises(ModelError, match="single environment"):
        canonical(SCM("one", [Variable("a", Root())]))
    with pytest.raises(ModelError, match="of kind 'location_scale'"):
        matrices_of(SCM("other", ild_model(mixing=False).variables.values(), {"d1": {}}))
