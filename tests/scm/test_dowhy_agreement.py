"""Counterfactuals equal DoWhy's where DoWhy applies. Its answers were written by ``benchmarks/dowhy_fixture.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from contrafact.streams import Streams
from generators.scm.counterfactual import counterfactual
from generators.scm.interventions import Action, Intervention
from generators.scm.mechanisms.additive import Additive, Root
from generators.scm.model import SCM
from generators.scm.noise import Normal
from generators.scm.operations import abduct
from generators.scm.worlds import single

FIXTURE = Path(__file__).parent / "data" / "dowhy_counterfactuals.npz"
CASES = (
    "nothing",
    "do a root",
    "do in the middle",
    "do the last",
    "do two, one below the other",
    "shift a root",
    "shift in the middle",
    "scale in the middle",
    "all three",
)
Columns = dict[str, NDArray[np.float64]]


class Ten(SCM):
    """The model of the fixture, with its equations as NumPy functions."""

    x0 = Root(Normal())
    x1 = Root(Normal())
    x2 = Additive(lambda x0, x1: np.tanh(x0) + 0.5 * x1, Normal(0, 0.5))
    x3 = Additive(lambda x1, x2: 0.4 * np.square(x2) - 0.3 * x1, Normal(0, 0.5))
    x4 = Additive(lambda x2: np.sqrt(1.0 + np.square(x2)), Normal(0, 0.5))
    x5 = Additive(lambda x3, x4: x3 / (1.0 + np.square(x4)), Normal(0, 0.5))
    x6 = Additive(lambda x2, x5: np.tanh(x5 - 0.5 * x2), Normal(0, 0.5))
    x7 = Additive(lambda x3, x4, x6: 0.6 * x6 * x4 - 0.2 * x3, Normal(0, 0.5))
    x8 = Additive(lambda x6, x7: np.exp(-0.5 * np.square(x7)) + 0.3 * x6, Normal(0, 0.5))
    x9 = Additive(lambda x0, x5, x8: np.tanh(x8) + 0.1 * x0 * x5, Normal(0, 0.5))


class TenWritten(SCM):
    """The same model, with its equations as a recipe writes them."""

    x0 = Root(Normal())
    x1 = Root(Normal())
    x2 = Additive("tanh(x0) + 0.5 * x1", Normal(0, 0.5))
    x3 = Additive("0.4 * square(x2) - 0.3 * x1", Normal(0, 0.5))
    x4 = Additive("sqrt(1 + square(x2))", Normal(0, 0.5))
    x5 = Additive("x3 / (1 + square(x4))", Normal(0, 0.5))
    x6 = Additive("tanh(x5 - 0.5 * x2)", Normal(0, 0.5))
    x7 = Additive("0.6 * x6 * x4 - 0.2 * x3", Normal(0, 0.5))
    x8 = Additive("exp(-0.5 * square(x7)) + 0.3 * x6", Normal(0, 0.5))
    x9 = Additive("tanh(x8) + 0.1 * x0 * x5", Normal(0, 0.5))


@pytest.fixture(scope="module")
def fixture() -> tuple[dict[str, Any], dict[str, Columns]]:
    """What the fixture says of itself, and its columns by case, the facts among them."""
    columns: dict[str, Columns] = {}
    with np.load(FIXTURE) as saved:
        about = json.loads(str(saved["about"]))
        for key in saved.files:
            case, _, name = key.partition("/")
            if name:
                columns.setdefault(case, {})[name] = saved[key]
    return about, columns


def _intervention(written: dict[str, tuple[Any, float]]) -> Intervention:
    return Intervention(tuple(Action(name, operation, value) for name, (operation, value) in written.items()))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", [Ten, TenWritten])
def test_counterfactuals_from_facts_equal_those_of_dowhy(
    kind: type[SCM], case: str, fixture: tuple[dict[str, Any], dict[str, Columns]]
) -> None:
    about, columns = fixture
    model, facts, intervention = kind(), columns["facts"], _intervention(about["cases"][case])
    values, posterior = counterfactual(model, facts, intervention)
    assert posterior.exact
    for name in model.order:
        np.testing.assert_allclose(values[name], columns[case][name], rtol=0, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_the_three_steps_one_by_one_equal_those_of_dowhy(
    case: str, fixture: tuple[dict[str, Any], dict[str, Columns]]
) -> None:
    about, columns = fixture
    model, facts = Ten(), columns["facts"]
    noise = abduct(model, facts, Streams(0)).noise
    values = single(model, noise, len(facts["x0"]), _intervention(about["cases"][case]))
    for name in model.order:
        np.testing.assert_allclose(values[name], columns[case][name], rtol=0, atol=1e-9, err_msg=name)


def test_the_fixture_holds_all_cases_and_this_very_model(fixture: tuple[dict[str, Any], dict[str, Columns]]) -> None:
    about, columns = fixture
    assert tuple(about["cases"]) == CASES
    assert set(columns) == {"facts", *CASES}
    assert about["versions"]["dowhy"] == "0.14"
    written = {name: variable.mechanism for name, variable in TenWritten().variables.items()}
    for name, (parents, text) in about["equations"].items():
        assert set(written[name].parents) == set(parents)
        assert text in json.dumps(written[name].spec())


def test_an_intervention_moves_what_dowhy_says_it_moves(fixture: tuple[dict[str, Any], dict[str, Columns]]) -> None:
    _, columns = fixture
    model, facts = Ten(), columns["facts"]
    values, _ = counterfactual(model, facts, Intervention((Action("x6", "do", -0.5),)))
    moved = {name for name in model.order if np.abs(values[name] - facts[name]).max() > 1e-6}
    assert moved == {"x6", "x7", "x8", "x9"}
