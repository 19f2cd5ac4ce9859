"""Whole numbers of a fitted table: 0 and 1, small counts, and all others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from contrafact.errors import DataError
from contrafact.streams import Streams
from generators.scm.conformance import check_model
from generators.scm.interventions import Action, Intervention
from generators.scm.mechanisms import Bernoulli, Discrete
from generators.scm.operations import abduct, sample
from generators.scm.readers.fit import FittedSCM, fit_scm
from generators.scm.support import BOOLEAN
from generators.scm.worlds import single

ROWS = 2_000
# age ──► kids ──► died ◄── age;  sex ──► rooms;  kids ──► cost ◄── died
GRAPH = "age -> kids; age, kids -> died; sex -> rooms; kids, died -> cost; age -> steps"


@pytest.fixture(scope="module")
def made() -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(4)
    age, male = rng.normal(50, 10, ROWS), rng.uniform(size=ROWS) < 0.5
    kids = rng.poisson(np.exp(0.04 * (age - 50)))
    died = (rng.uniform(size=ROWS) < 1 / (1 + np.exp(-(0.1 * (age - 50) + kids - 1)))).astype(int)
    rooms = np.array([0, 2, 5])[np.minimum(rng.integers(0, 3, ROWS), 1 + male)]
    cost = 2.0 * kids + died + rng.normal(size=ROWS)
    steps = np.rint(100 * age + rng.normal(0, 50, ROWS)).astype(int)
    sex = np.where(male, "m", "f")
    return {"age": age, "sex": sex, "kids": kids, "died": died, "rooms": rooms, "cost": cost, "steps": steps}


@pytest.fixture(scope="module", params=["linear", "boosted"])
def fitted(request: pytest.FixtureRequest, made: dict[str, NDArray[Any]]) -> FittedSCM:
    return fit_scm(made, GRAPH, kind=request.param)


def _older(fitted: FittedSCM) -> dict[str, NDArray[Any]]:
    noise = abduct(fitted.model, fitted.facts, Streams(0)).noise
    older = Intervention((Action("age", "shift", 8.0),))
    return single(fitted.model, noise, ROWS, older, fitted.facts, keep_unmoved=True)


def test_zero_and_one_are_false_and_true_in_every_world(fitted: FittedSCM, made: dict[str, NDArray[Any]]) -> None:
    died = fitted.model.variables["died"]
    assert died.support == BOOLEAN
    assert isinstance(died.mechanism, Bernoulli)
    assert np.array_equal(fitted.facts["died"], made["died"] == 1)
    assert _older(fitted)["died"].dtype == bool
    assert "died: 0 and 1 are read as false and true" in fitted.notes


def test_small_counts_stay_counts_in_every_world(fitted: FittedSCM, made: dict[str, NDArray[Any]]) -> None:
    kids, most = fitted.model.variables["kids"], int(made["kids"].max())
    assert isinstance(kids.mechanism, Discrete)
    assert (kids.support.kind, kids.support.lower, kids.support.upper) == ("integer", 0, None)
    assert kids.support.seen == (0, most)
    older, facts = _older(fitted), fitted.facts
    assert older["kids"].dtype == np.int64
    assert set(older["kids"].tolist()) <= set(range(most + 1))
    assert older["kids"].mean() > facts["kids"].mean() + 0.05
    assert set(older["rooms"].tolist()) == {0, 2, 5}
    assert f"whole numbers from 0 to {most}, each with a probability" in fitted.report.variables["kids"].note


def test_the_noise_of_counts_is_drawn_and_explains_the_table(fitted: FittedSCM) -> None:
    posterior = abduct(fitted.model, fitted.facts, Streams(0))
    assert posterior.possible.all()
    assert posterior.drawn >= {"kids", "died", "rooms"}
    assert "age" not in posterior.drawn


def test_a_model_of_counts_keeps_every_law(fitted: FittedSCM) -> None:
    report = check_model(fitted.model, units=200)
    assert report.passed, str(report)


def test_more_parents_shift_the_fitted_counts_the_way_they_shift_the_table(made: dict[str, NDArray[Any]]) -> None:
    fitted = fit_scm(made, GRAPH)
    units, _ = sample(fitted.model, Streams(1), 0, 20_000)
    for low, high in ((30, 45), (45, 55), (55, 70)):
        seen = made["kids"][(made["age"] > low) & (made["age"] < high)].mean()
        new = units["kids"][(units["age"] > low) & (units["age"] < high)].mean()
        assert new == pytest.approx(seen, abs=0.15)


def test_other_whole_numbers_are_modelled_on_the_real_line_and_said_to_be(fitted: FittedSCM) -> None:
    steps = fitted.model.variables["steps"]
    assert steps.support.kind == "real"
    assert "their counterfactuals may be fractions" in fitted.report.variables["steps"].note
    assert fitted.facts["steps"].dtype == np.float64


def test_whole_numbers_are_integers_at_the_root() -> None:
    count = np.random.default_rng(0).integers(0, 9, 400)
    fitted = fit_scm({"count": count, "more": count * 2.5}, "count -> more")
    assert fitted.model.variables["count"].support.kind == "integer"
    units, _ = sample(fitted.model, Streams(0), 0, 50)
    assert units["count"].dtype == np.int64
    assert set(units["count"].tolist()) <= set(count.tolist())


@pytest.mark.parametrize("counts", [range(-1, 4), range(21), [4]])
def test_what_is_no_small_count_stays_a_number(counts: Any) -> None:
    rng = np.random.default_rng(0)
    made = {"x": rng.normal(size=400), "n": rng.permutation(np.resize(list(counts), 400))}
    assert fit_scm(made, "x -> n").model.variables["n"].support.kind == "real"


def test_too_few_rows_to_give_each_value_a_probability_stay_numbers() -> None:
    made = {"x": np.arange(40.0), "n": np.arange(40) % 9}
    assert fit_scm(made, "x -> n").model.variables["n"].support.kind == "real"


@pytest.mark.parametrize("name", ["died", "kids"])
def test_a_kind_of_its_own_makes_whole_numbers_levels_or_keeps_them_numbers(
    name: str, made: dict[str, NDArray[Any]]
) -> None:
    levels = fit_scm(made, GRAPH, variables={name: {"kind": "logistic"}}).model.variables[name].support.levels
    assert levels == tuple(map(str, np.unique(made[name])))
    plain = fit_scm(made, GRAPH, variables={name: {"kind": "linear"}})
    assert plain.model.variables[name].support.kind == "real"
    assert plain.report.variables[name].kind == "linear"


def test_missing_cells_of_zero_and_one_go_the_way_of_booleans(made: dict[str, NDArray[Any]]) -> None:
    holes = pa.table(made).set_column(3, "died", pa.array([None, *made["died"][1:].tolist()], pa.int64()))
    with pytest.raises(DataError, match=r"died \(1 rows\)"):
        fit_scm(holes, GRAPH)
    assert fit_scm(holes, GRAPH, missing="drop").model.variables["died"].support == BOOLEAN
    levels = fit_scm(holes, GRAPH, missing="model").model.variables["died"].support.levels
    assert levels == ("false", "true", "missing")
