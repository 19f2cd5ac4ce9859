from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contrafact.errors import ModelError
from contrafact.identity import canonical
from contrafact.streams import Streams
from generators.scm.expression import Expression
from generators.scm.mechanisms import (
    MECHANISMS,
    Additive,
    Bernoulli,
    Boolean,
    Categorical,
    Deterministic,
    Discrete,
    Linear,
    LocationScale,
    Mechanism,
    Monotone,
    NonInvertible,
    Root,
)
from generators.scm.noise import Exponential, Laplace, Logistic, StudentT, Uniform
from generators.scm.support import BOOLEAN, INTEGER, Support

ROWS = 600
RNG = np.random.default_rng(11)
PARENTS = {
    "a": RNG.normal(size=ROWS),
    "b": RNG.normal(size=ROWS) * 2,
    "arm": RNG.integers(0, 3, size=ROWS),
    "s": RNG.random(ROWS) < 0.5,
}
STREAMS = Streams(3, "mechanisms")
LEVELS = ("low", "mid", "high")
TABLE = [
    [[0.2, 0.3, 0.5], [0.0, 1.0, 0.0]],
    [[1 / 3, 1 / 3, 1 / 3], [0.1, 0.0, 0.9]],
    [[0.999, 0.001, 0.0], [1e-12, 0.5, 0.5 - 1e-12]],
]  # arm, s, level


@dataclass(frozen=True)
class Case:
    """One mechanism, how closely prediction gives a value back, and how closely abduction the noise."""

    mechanism: Mechanism
    value: float = 0.0
    noise: float | None = None
    parents: tuple[str, ...] = field(default=())


CASES = {
    "root": Case(Root(Laplace(1, 2)), 0.0, 0.0),
    "linear": Case(Linear({"a": 0.5, "b": -2.0}, 1.0), 1e-9, 1e-9),
    "additive": Case(Additive("tanh(a) + a*b", StudentT(3)), 1e-9, 1e-9),
    "additive, callable": Case(Additive(lambda a, s: np.where(s, a, -a), Uniform()), 1e-9, 1e-9),
    "additive, levels": Case(Additive(Expression("1 if arm == 'mid' else a", {"arm": LEVELS})), 1e-9, 1e-9),
    "location_scale": Case(LocationScale("a*b", "softplus(b) + 0.1", Logistic()), 1e-9, 1e-8),
    "monotone": Case(Monotone("exp(0.3*noise + a)", "(log(value) - a) / 0.3"), 1e-9, 1e-9),
    "monotone, callables": Case(
        Monotone(lambda a, noise: np.sinh(noise) + a, lambda a, value: np.arcsinh(value - a)), 1e-9, 1e-9
    ),
    "categorical, table": Case(Categorical(LEVELS, TABLE, parents=["arm", "s"])),
    "categorical, logits": Case(Categorical(LEVELS, logits={"low": 0, "mid": "a", "high": lambda b, s: 3 * b - s})),
    "categorical, prior": Case(Categorical(LEVELS, [0.2, 0.8, 0.0])),
    "categorical, one level": Case(Categorical(["only"], [1.0])),
    "discrete, table": Case(Discrete(LEVELS, TABLE, parents=["arm", "s"])),
    "discrete, values": Case(Discrete(values=[-1, 0, 5], probabilities={-1: 1, 0: "exp(a)", 5: "exp(b)"})),
    "boolean": Case(Boolean("a > 0 and s", flip=0.2), 0.0, 0.0),
    "boolean, never flipped": Case(Boolean("a - b"), 0.0, 0.0),
    "bernoulli": Case(Bernoulli("sigmoid(a - 3*b)")),
    "deterministic": Case(Deterministic("a*b - 1"), 0.0, 0.0),
    "deterministic, boolean": Case(Deterministic("a > b"), 0.0, 0.0),
    "deterministic, integer": Case(Deterministic("3*a", INTEGER), 0.0, 0.0),
    "noninvertible": Case(NonInvertible("a + noise**2", particles=200), 0.5),
    "noninvertible, integer": Case(NonInvertible("round(a + noise)", particles=200, support=INTEGER)),
    "noninvertible, boolean": Case(NonInvertible(lambda a, noise: np.abs(noise) > np.abs(a), support=BOOLEAN)),
}
IDS = list(CASES)
IMPORTANCE = [name for name in IDS if name.startswith("noninvertible")]


def uniforms(name: str, width: int, rows: int = ROWS) -> Any:
    return STREAMS.uniforms(name, 0, rows, width) if width else np.empty((rows, 0))


def columns(mechanism: Mechanism, rows: Any = slice(None)) -> dict[str, Any]:
    return {name: PARENTS[name][rows] for name in mechanism.parents}


def values_of(mechanism: Mechanism, noise: Any, rows: Any = slice(None)) -> Any:
    made = mechanism.predict(columns(mechanism, rows), noise)
    return np.broadcast_to(made, (len(noise),)).astype(mechanism.support.dtype)


def close(one: Any, two: Any, tolerance: float) -> bool:
    return bool(np.allclose(one, two, rtol=tolerance, atol=tolerance)) if tolerance else np.array_equal(one, two)


def test_every_kind_is_a_case() -> None:
    assert {case.mechanism.kind for case in CASES.values()} == set(MECHANISMS)


@pytest.mark.parametrize("name", IDS)
def test_draws_and_values_have_the_shapes_and_types_of_the_contract(name: str) -> None:
    mechanism = CASES[name].mechanism
    noise = mechanism.draw(uniforms("draw", mechanism.lanes))
    assert noise.shape == uniforms("draw", mechanism.lanes).shape
    made = np.asarray(mechanism.predict(columns(mechanism), noise))
    assert made.shape in ((ROWS,), ())
    assert made.dtype == mechanism.support.dtype
    assert mechanism.support.contains(np.broadcast_to(made, (ROWS,))).all()


@given(st.sampled_from(IDS), st.integers(0, 2**32))
@settings(max_examples=150)
def test_prediction_under_abducted_noise_gives_the_value_back(name: str, seed: int) -> None:
    case = CASES[name]
    mechanism = case.mechanism
    streams = Streams(seed)
    take = np.random.default_rng(seed).integers(0, ROWS, size=50)
    width, lanes = mechanism.auxiliary, mechanism.lanes
    drawn = mechanism.draw(streams.uniforms("draw", 0, 50, lanes) if lanes else np.empty((50, 0)))
    values = values_of(mechanism, drawn, take)
    fresh = streams.uniforms("abduct", 0, 50, width) if width else np.empty((50, 0))
    answer = mechanism.abduct(columns(mechanism, take), values, fresh)
    again = values_of(mechanism, answer.noise, take)
    assert answer.noise.shape == drawn.shape
    if name in IMPORTANCE:
        near = answer.ess if answer.ess is not None else np.zeros(50)
        assert close(again[near > 0], values[near > 0], max(case.value, 0.5) if mechanism.support.kind == "real" else 0)
    else:
        assert answer.possible is None or answer.possible.all()
        assert close(again, values, case.value)
    assert answer.exact == (case.noise is not None or mechanism.lanes == 0)
    if answer.exact:
        assert close(answer.noise, drawn, case.noise or 0.0)


@given(st.sampled_from(IDS), st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=40))
@settings(max_examples=200)
def test_a_row_is_the_same_bit_for_bit_beside_any_others(name: str, rows: list[int]) -> None:
    mechanism = CASES[name].mechanism
    lanes, width = uniforms("draw", mechanism.lanes), uniforms("abduct", mechanism.auxiliary)
    noise = mechanism.draw(lanes.copy())
    part = mechanism.draw(lanes[rows])
    values = values_of(mechanism, noise)
    assert part.tobytes() == noise[rows].tobytes()
    assert values_of(mechanism, part, rows).tobytes() == values[rows].tobytes()
    whole = mechanism.abduct(columns(mechanism), values, width)
    some = mechanism.abduct(columns(mechanism, rows), values[rows], width[rows])
    assert np.ascontiguousarray(whole.noise[rows]).tobytes() == np.ascontiguousarray(some.noise).tobytes()
    if whole.ess is not None and some.ess is not None:
        assert whole.ess[rows].tobytes() == some.ess.tobytes()


@pytest.mark.parametrize("name", IDS)
def test_nothing_given_is_written_to(name: str) -> None:
    mechanism = CASES[name].mechanism
    inputs = [uniforms("draw", mechanism.lanes), uniforms("abduct", mechanism.auxiliary)]
    noise = mechanism.draw(inputs[0])
    values = values_of(mechanism, noise).copy()
    locked = [*inputs, noise, values, *(column.copy() for column in columns(mechanism).values())]
    for each in locked:
        each.flags.writeable = False  # whoever writes to it now raises
    parents = dict(zip(mechanism.parents, locked[4:], strict=True))
    mechanism.draw(inputs[0])
    mechanism.predict(parents, noise)
    assert len(mechanism.abduct(parents, values, inputs[1]).noise) == len(values)


@pytest.mark.parametrize("name", IDS)
def test_a_spec_names_its_kind_and_is_plain_data(name: str) -> None:
    spec = CASES[name].mechanism.spec()
    assert spec["mechanism"] == CASES[name].mechanism.kind
    assert canonical(spec) == canonical(CASES[name].mechanism.spec())


def test_whatever_decides_the_output_is_in_the_spec() -> None:
    pairs: list[tuple[Mechanism, Mechanism]] = [
        (Root(Uniform()), Root()),
        (Additive("a"), Additive("2*a")),
        (Additive("a"), Additive("a", Laplace())),
        (Additive("a"), Additive("a", parents=["a", "b"])),
        (LocationScale("a", 1), LocationScale("a", 2)),
        (Monotone("noise", "value"), Monotone("noise", "value + 1")),
        (Categorical("ab", [0.5, 0.5]), Categorical("ab", [0.25, 0.75])),
        (Categorical("ab", [0.5, 0.5]), Categorical("ba", [0.5, 0.5])),
        (Categorical("ab", logits={"a": 0, "b": 1}), Categorical("ab", logits={"a": 1, "b": 0})),
        (Discrete("ab", [0.5, 0.5]), Discrete(values=[0, 1], table=[0.5, 0.5])),
        (Discrete("ab", probabilities={"a": 1, "b": "x"}), Discrete("ab", probabilities={"a": "x", "b": 1})),
        (Boolean("a"), Boolean("a", 0.1)),
        (Bernoulli("a"), Bernoulli("b")),
        (Deterministic("a"), Deterministic("a", INTEGER)),
        (NonInvertible("noise"), NonInvertible("noise", particles=10)),
        (NonInvertible("noise"), NonInvertible("noise", tolerance=0.1)),
        (NonInvertible("noise"), NonInvertible("noise", support=INTEGER)),
    ]
    for one, two in pairs:
        assert canonical(one.spec()) != canonical(two.spec())


def test_a_fact_that_no_noise_explains_is_not_possible() -> None:
    facts: list[tuple[Mechanism, dict[str, Any], list[Any], list[bool]]] = [
        (Additive("log(x)"), {"x": [1.0, -1.0]}, [0.0, 0.0], [True, False]),
        (LocationScale(0, "x"), {"x": [1.0, 0.0, -1.0]}, [1.0, 1.0, 1.0], [True, False, False]),
        (Monotone("exp(noise)", "log(value)"), {}, [1.0, -1.0], [True, False]),
        (Monotone("exp(noise)", "log(value) + 0.001"), {}, [1.0, 2.0], [False, False]),
        (Categorical(LEVELS, [0.5, 0.5, 0]), {}, [0, 2, 3, -1], [True, False, False, False]),
        (Categorical("ab", [[0.5, 0.5]], parents=["x"]), {"x": [0, 1, -1]}, [0, 0, 0], [True, False, False]),
        (Categorical("ab", logits={"a": 0, "b": "log(x)"}), {"x": [1.0, 0.0, -1.0]}, [1, 1, 1], [True, False, False]),
        (Categorical(["a"], [1.0]), {}, [0, 1], [True, False]),
        (Discrete(values=[1, 3], table=[0, 1]), {}, [1, 2, 3, 4, 0], [False, False, True, False, False]),
        (Discrete("ab", [[0.5, 0.5]], parents=["x"]), {"x": [0.0, 0.5, np.nan]}, [0, 0, 0], [True, False, False]),
        (Discrete("ab", probabilities={"a": "x", "b": 1}), {"x": [1.0, -1.0, np.nan]}, [0, 0, 0], [True, False, False]),
        (
            Discrete("ab", probabilities={"a": "x", "b": "x"}),
            {"x": [1.0, 0.0, np.inf]},
            [0, 0, 0],
            [True, False, False],
        ),
        (Boolean("x"), {"x": [1.0, 0.0, np.nan]}, [True, True, True], [True, False, False]),
        (Boolean("x", flip=1), {"x": [1.0, 0.0]}, [True, True], [False, True]),
        (Bernoulli("x"), {"x": [0.5, 0.0, 2.0, np.nan]}, [True, True, True, False], [True, False, False, False]),
        (Deterministic("2*x"), {"x": [1.0, 1.0, np.nan]}, [2 + 1e-10, 2 + 1e-7, 1.0], [True, False, False]),
        (Deterministic("x > 1"), {"x": [2.0, 2.0]}, [True, False], [True, False]),
        (NonInvertible("log(x) + noise"), {"x": [1.0, -1.0]}, [0.5, 0.5], [True, False]),
    ]
    for mechanism, parents, values, wanted in facts:
        inputs = {name: np.array(column) for name, column in parents.items()}
        rows = len(values)
        answer = mechanism.abduct(inputs, np.array(values), uniforms("abduct", mechanism.auxiliary, rows))
        possible = np.ones(rows, bool) if answer.possible is None else answer.possible
        assert possible.tolist() == wanted, mechanism.spec()


def test_rows_outside_a_mechanisms_domain_get_values_outside_its_support() -> None:
    broken: list[tuple[Mechanism, list[Any]]] = [
        (Categorical("ab", [[0.5, 0.5]], parents=["x"]), [1, -1]),
        (Categorical("ab", logits={"a": 0, "b": "x"}), [np.nan, np.inf]),
        (Categorical("ab", logits={"a": "x", "b": "x"}), [-np.inf]),
        (Discrete("ab", [[0.5, 0.5]], parents=["x"]), [1, -1]),
        (Discrete(values=[1, 2], probabilities={1: 1, 2: "x"}), [np.nan, -1.0, np.inf]),
        (LocationScale(0, "x"), [0.0, -1.0, np.nan]),
    ]
    for mechanism, inputs in broken:
        column = np.array(inputs)
        noise = mechanism.draw(uniforms("draw", mechanism.lanes, len(column)))
        assert not mechanism.support.contains(mechanism.predict({"x": column}, noise)).any(), mechanism.spec()


WRONG: dict[str, tuple[Callable[[], Mechanism], str]] = {
    "sum": (lambda: Categorical("ab", [[0.5, 0.5], [0.5, 0.6]], parents=["arm"]), "[0.5, 0.6] at arm = 1 sums to 1.1"),
    "sum, prior": (lambda: Discrete("ab", [0.5, 0.4]), "row [0.5, 0.4] sums to 0.9"),
    "negative": (lambda: Categorical("ab", [-0.5, 1.5]), "outside [0, 1]"),
    "nan": (lambda: Categorical("ab", [np.nan, 1]), "outside [0, 1]"),
    "ragged": (lambda: Categorical("ab", [[0.5, 0.5], [1.0]]), "not a full block"),
    "axes": (lambda: Categorical("ab", [0.5, 0.5], parents=["arm"]), "one axis for each of [arm]"),
    "levels": (lambda: Categorical("abc", [0.5, 0.5]), "a last one of 3"),
    "twice": (lambda: Categorical("aa", [0.5, 0.5]), "name one value twice"),
    "neither": (lambda: Categorical("ab"), "neither a table nor logits"),
    "both": (lambda: Discrete("ab", [1, 0], probabilities={"a": 1, "b": 1}), "both a table and probabilities"),
    "text": (lambda: Categorical("ab", [[1, 0]], parents="arm"), "is one text"),
    "level left out": (lambda: Categorical(["low", "high"], logits={"low": 0}), "lacks level 'high'"),
    "level unknown": (lambda: Categorical(["low"], logits={"low": 0, "lwo": 1}), "did you mean 'low'"),
    "logits": (lambda: Categorical("ab", logits=[0, 1]), "are not a mapping"),  # type: ignore[arg-type]
    "unread parent": (lambda: Categorical("ab", logits={"a": 0, "b": "x"}, parents=["y"]), "'x' is read"),
    "no outcomes": (lambda: Discrete(table=[1]), "levels or values"),
    "descending": (lambda: Discrete(values=[2, 1], table=[0.5, 0.5]), "whole numbers, ascending"),
    "fractions": (lambda: Discrete(values=[0.5, 1], table=[0.5, 0.5]), "whole numbers"),  # type: ignore[list-item]
    "flip": (lambda: Boolean("a", flip=1.5), "flip = 1.5"),
    "particles": (lambda: NonInvertible("noise", particles=1), "particles = 1"),
    "tolerance": (lambda: NonInvertible("noise", tolerance=0), "tolerance = 0"),
    "no noise": (lambda: NonInvertible("a + 1"), "does not read 'noise'"),
    "no value": (lambda: Monotone("noise + a", "a"), "does not read 'value'"),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_a_mechanism_that_is_none_says_why(name: str) -> None:
    build, words = WRONG[name]
    with pytest.raises(ModelError) as caught:
        build()
    assert words in str(caught.value)


def test_a_support_says_what_comes_out() -> None:
    assert CASES["categorical, table"].mechanism.support == Support("categorical", LEVELS)
    assert CASES["discrete, values"].mechanism.support == Support("integer", lower=-1, upper=5, values=(-1, 0, 5))
    assert CASES["bernoulli"].mechanism.support == BOOLEAN
    assert Deterministic("a > 1").support == BOOLEAN
    assert Deterministic("a > 1", INTEGER).support == INTEGER


def test_noise_of_any_distribution_drives_an_additive_mechanism() -> None:
    mechanism = Additive("x", Exponential(2))
    values = mechanism.predict({"x": np.zeros(ROWS)}, mechanism.draw(uniforms("exponential", 1)))
    assert (values > 0).all()
