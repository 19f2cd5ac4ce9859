"""Models fitted to real and to made-up tables."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from contrafact.errors import DataError, ModelError
from contrafact.streams import Streams
from generators.scm.interventions import Action, Intervention
from generators.scm.mechanisms import Linear
from generators.scm.operations import abduct, predict, sample
from generators.scm.readers.estimators import Inputs, fit_boosted_regressor, fit_linear, fit_logistic, fit_table
from generators.scm.readers.fit import FittedSCM, fit_scm, scm_from_fit_spec
from generators.scm.support import BOOLEAN, REAL, Support
from generators.scm.worlds import single
from tests.scm.trial import GRAPH, ROWS, trial_table

_LINER: Any = "liner"


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return trial_table()


@pytest.fixture(scope="module")
def fitted(table: pa.Table) -> FittedSCM:
    return fit_scm(table, GRAPH)


def test_least_squares_finds_the_numbers_that_made_the_table(fitted: FittedSCM) -> None:
    dose = fitted.model.variables["dose"].mechanism
    assert isinstance(dose, Linear)
    assert dose.weights["age"] == pytest.approx(0.3, abs=0.01)
    cost: Any = fitted.model.variables["cost"].mechanism
    assert cost.function.effects["dose"] == pytest.approx(2, abs=0.05)
    assert cost.function.effects["arm"] == pytest.approx((0, 5, -3), abs=0.2)
    assert cost.function.effects["sick"] == pytest.approx(4, abs=0.2)


def test_abduction_on_the_tables_own_rows_is_exact_for_reals(fitted: FittedSCM) -> None:
    posterior = abduct(fitted.model, fitted.facts, Streams(0))
    again = predict(fitted.model, posterior.noise, ROWS)
    assert posterior.possible.all()
    for name in ("age", "dose", "cost"):
        mechanism: Any = fitted.model.variables[name].mechanism
        own = {parent: fitted.facts[parent] for parent in mechanism.parents}
        assert mechanism.abduct(own, fitted.facts[name], np.empty((ROWS, 0))).exact
        assert np.array_equal(np.sort(posterior.noise[name]), mechanism.noise.values)
        np.testing.assert_allclose(again[name], fitted.facts[name], rtol=1e-12, atol=1e-12)
    for name in ("arm", "sick", "ward"):
        assert np.array_equal(again[name], fitted.facts[name])


def test_a_counterfactual_of_the_table_moves_as_the_fit_says(fitted: FittedSCM) -> None:
    posterior = abduct(fitted.model, fitted.facts, Streams(0))
    do = Intervention((Action("dose", "do", fitted.facts["dose"] + 1),))
    world = single(fitted.model, posterior.noise, ROWS, do, fitted.facts, keep_unmoved=True)
    slope = fitted.model.variables["cost"].mechanism.function.effects["dose"]  # type: ignore[attr-defined]
    np.testing.assert_allclose(world["cost"] - fitted.facts["cost"], slope, atol=1e-9)
    assert world["sick"] is fitted.facts["sick"]


def test_new_units_look_like_the_table(fitted: FittedSCM) -> None:
    units, _ = sample(fitted.model, Streams(1), 0, 20_000)
    for name in ("age", "dose", "cost"):
        wanted = fitted.facts[name]
        assert abs(units[name].mean() - wanted.mean()) < 5 * wanted.std() * np.sqrt(1 / ROWS + 1 / 20_000)
    assert np.corrcoef(units["sick"], units["age"])[0, 1] == pytest.approx(
        np.corrcoef(fitted.facts["sick"], fitted.facts["age"])[0, 1], abs=0.06
    )
    assert (units["ward"] == 1).mean() == pytest.approx((fitted.facts["ward"] == 1).mean(), abs=0.05)


def test_the_report_says_how_and_how_well(fitted: FittedSCM) -> None:
    report = fitted.report
    kinds = {name: each.kind for name, each in report.variables.items()}
    assert kinds == {
        "age": "empirical",
        "arm": "empirical",
        "dose": "linear",
        "sick": "logistic",
        "cost": "linear",
        "ward": "counts",
    }
    dose, sick = report.variables["dose"], report.variables["sick"]
    assert dose.score == pytest.approx(0.9, abs=0.03)
    assert sick.score is not None
    assert sick.baseline is not None
    assert sick.score < sick.baseline - 0.05
    assert report.ignored == ("left over",)
    assert "columns not in the graph, ignored: left over" in str(report)
    assert report.to_dict()["variables"]["ward"]["metric"] == "log_loss"


def test_support_remembers_what_was_seen(fitted: FittedSCM, table: pa.Table) -> None:
    ages = table["age"].to_numpy()
    assert fitted.model.variables["age"].support.seen == (ages.min(), ages.max())
    assert fitted.std["age"] == pytest.approx(ages.std())
    assert "sick" not in fitted.std


def test_the_same_table_gives_the_same_identity_in_any_run_and_the_same_line_in_any_order(
    table: pa.Table, fitted: FittedSCM
) -> None:
    assert fit_scm(table, GRAPH).model.identity == fitted.model.identity
    assert fit_scm(table.slice(0, 2_000), GRAPH).model.identity != fitted.model.identity
    shuffled = table.take(pa.array(np.random.default_rng(0).permutation(ROWS)))
    again: Any = fit_scm(shuffled, GRAPH).model.variables["dose"].mechanism
    assert again.weights["age"] == pytest.approx(fitted.model.variables["dose"].mechanism.weights["age"], rel=1e-8)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def boosted(table: pa.Table) -> FittedSCM:
    return fit_scm(table.slice(0, 800), GRAPH, kind="boosted", seed=3)


def test_boosted_rows_come_back_by_abduction(boosted: FittedSCM) -> None:
    posterior = abduct(boosted.model, boosted.facts, Streams(0))
    again = predict(boosted.model, posterior.noise, 800)
    for name in ("dose", "cost"):
        np.testing.assert_allclose(again[name], boosted.facts[name], rtol=1e-9)
    for name in ("sick", "ward"):
        assert np.array_equal(again[name], boosted.facts[name])
    assert {each.kind for each in boosted.report.variables.values()} == {"empirical", "boosted"}


def test_a_boosted_identity_follows_the_training_data_and_the_seed(table: pa.Table) -> None:
    data = table.slice(0, 200).select(["age", "dose"])
    one = fit_scm(data, "age -> dose", kind="boosted")
    changed = data.set_column(0, "age", pa.array(np.where(np.arange(200) == 7, 0.5, data["age"].to_numpy())))
    same = fit_scm(data, "age -> dose", kind="boosted")
    assert one.model.identity == same.model.identity
    for other in (
        fit_scm(changed, "age -> dose", kind="boosted"),
        fit_scm(data, "age -> dose", kind="boosted", seed=1),
    ):
        assert _function(other).spec() != _function(one).spec()


def _function(fitted: FittedSCM) -> Any:
    mechanism: Any = fitted.model.variables["dose"].mechanism
    return mechanism.function


@pytest.mark.parametrize("kind", ["linear", "boosted", "logistic"])
def test_a_rows_prediction_does_not_depend_on_its_neighbours(kind: Any, table: pa.Table) -> None:
    fitted = fit_scm(table.slice(0, 400), GRAPH, kind=kind)
    _, noise = sample(fitted.model, Streams(2), 0, 400)
    chosen = np.array([3, 250, 17, 17, 399])
    for name, variable in fitted.model.variables.items():
        parents = {each: fitted.facts[each] for each in variable.mechanism.parents}
        whole = variable.mechanism.predict(parents, noise[name])
        part = variable.mechanism.predict(
            {each: column[chosen] for each, column in parents.items()}, noise[name][chosen]
        )
        assert np.array_equal(whole[chosen], part)
        alone = variable.mechanism.predict({each: column[3:4] for each, column in parents.items()}, noise[name][3:4])
        assert np.array_equal(whole[3:4], alone)


def test_levels_that_share_their_trees_never_mix_two_sets_of_parents(boosted: FittedSCM) -> None:
    first, last, *_ = mechanism = boosted.model.variables["ward"].mechanism.logits  # type: ignore[attr-defined]
    facts = {name: boosted.facts[name].copy() for name in first.parents}
    turned = {name: column[::-1] for name, column in facts.items()}
    wanted = last(facts).copy()
    assert len(mechanism) == 2
    assert not np.array_equal(wanted, wanted[::-1])
    first(facts)
    np.testing.assert_array_equal(last(turned), wanted[::-1])
    first(facts)
    last(facts)
    for column in facts.values():
        column[:] = column[::-1].copy()
    np.testing.assert_array_equal(last(facts), wanted[::-1])


def test_auto_takes_boosting_where_a_line_does_not_do() -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(-3, 3, 600)
    made = {"x": x, "line": 2 * x + rng.normal(size=600), "wave": 3 * np.sin(2 * x) + rng.normal(0, 0.3, 600)}
    fitted = fit_scm(made, "x -> line; x -> wave", kind="auto")
    kinds = {name: each.kind for name, each in fitted.report.variables.items()}
    assert kinds == {"x": "empirical", "line": "linear", "wave": "boosted"}


def test_one_variable_may_go_its_own_way(table: pa.Table) -> None:
    own = {"dose": {"kind": "boosted"}, "ward": {"kind": "logistic"}}
    fitted = fit_scm(table.slice(0, 300), GRAPH, variables=own)
    kinds = {name: each.kind for name, each in fitted.report.variables.items()}
    assert (kinds["dose"], kinds["ward"], kinds["cost"]) == ("boosted", "logistic", "linear")


def _inputs(**columns: NDArray[Any]) -> Inputs:
    supports = {name: BOOLEAN if column.dtype == bool else REAL for name, column in columns.items()}
    levels = {name: Support("categorical", ("a", "b", "c")) for name, each in columns.items() if each.dtype.kind == "i"}
    return Inputs(columns, {**supports, **levels})


def test_smoothed_counts_are_the_counts_with_one_added() -> None:
    parent, codes = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 0])
    table = fit_table(_inputs(parent=parent), codes, 2).table
    np.testing.assert_allclose(table, [[3 / 5, 2 / 5], [1 / 4, 3 / 4], [2 / 3, 1 / 3]])


def test_logistic_regression_recovers_logits_and_probabilities_sum_to_one() -> None:
    rng = np.random.default_rng(3)
    x, group = rng.normal(100, 2, 20_000), rng.integers(0, 3, 20_000)
    logits = np.stack([np.zeros(20_000), 0.5 * (x - 100) + group, -0.3 * (x - 100)], axis=1)
    codes = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    found = fit_logistic(_inputs(x=x, group=group), codes, 3)
    slopes = np.array([function.effects["x"] for function in found.functions])
    np.testing.assert_allclose(slopes[1:] - slopes[0], [0.5, -0.3], atol=0.05)
    logs = found.log_probabilities({"x": x, "group": group})
    np.testing.assert_allclose(np.exp(logs).sum(axis=1), 1, rtol=1e-12)


def test_a_constant_or_repeated_parent_does_no_harm() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=200)
    y = 3 * x + 1
    function = fit_linear(_inputs(x=x, twin=2 * x, still=np.full(200, 1e9)), y)
    columns = {"x": x, "twin": 2 * x, "still": np.full(200, 1e9)}
    np.testing.assert_allclose(function(columns), y, atol=1e-6)
    assert function.effects["still"] == 0


def test_trees_do_not_jump_at_a_parents_last_bit() -> None:
    rng = np.random.default_rng(6)
    x = np.log(rng.integers(1, 4_000, 3_000).astype(np.float64))
    function = fit_boosted_regressor(_inputs(x=x), np.floor(x * 7) * 3.0, seed=0)
    there_and_back = (x * 1.7 + 3 - 3) / 1.7
    assert (there_and_back != x).any()
    assert np.array_equal(function({"x": x}), function({"x": there_and_back}))


def test_a_constant_column_is_fitted_and_said_to_be_constant() -> None:
    x = np.random.default_rng(0).normal(size=50)
    made = {"x": x, "flat": np.full(50, 4.0), "one": ["only"] * 50, "never": np.zeros(50, dtype=bool)}
    fitted = fit_scm(made, {"x": [], "flat": ["x"], "one": ["x"], "never": ["x"]})
    assert [fitted.report.variables[each].note for each in ("flat", "one", "never")] == ["constant in the table"] * 3
    units, _ = sample(fitted.model, Streams(0), 0, 100)
    assert (units["flat"] == 4).all()
    assert (units["one"] == 0).all()
    assert not units["never"].any()


@pytest.mark.parametrize(
    ("rows", "message"), [(0, "has no rows"), (1, "1 rows are too few"), (9, "9 rows are too few")]
)
def test_too_few_rows_are_refused(table: pa.Table, rows: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fit_scm(table.slice(0, rows), GRAPH)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: fit_scm(table, "ages -> cost"), "did you mean 'age'"),
        (lambda table: fit_scm(table, GRAPH, kind=_LINER), "did you mean 'linear'"),
        (lambda table: fit_scm(table, GRAPH, missing="dorp"), "did you mean 'drop'"),
        (lambda table: fit_scm(table, GRAPH, variables={"dosis": {}}), "no node of the graph"),
        (lambda table: fit_scm(table, GRAPH, variables={"dose": {"kidn": "boosted"}}), "did you mean 'kind'"),
        (lambda table: fit_scm(table, GRAPH, variables={"dose": {"kind": "logistic"}}), "'dose' holds real values"),
        (lambda table: fit_scm(table, GRAPH, variables={"ward": {"kind": "linear"}}), "'ward' holds categorical"),
        (lambda table: fit_scm(table, "age -> dose; dose -> age"), "cycle: age -> dose -> age"),
        (lambda table: fit_scm(table, GRAPH, log=["ward"]), "not all positive numbers"),
        (lambda table: fit_scm(table, GRAPH, log=["doze"]), "did you mean 'dose'"),
    ],
)
def test_a_fit_that_cannot_be_is_refused_with_the_reason(
    change: Callable[[pa.Table], object], message: str, table: pa.Table
) -> None:
    with pytest.raises((DataError, ModelError), match=message):
        change(table)


def test_a_recipe_fits_a_file_beside_it(table: pa.Table, tmp_path: Path) -> None:
    pq.write_table(table, tmp_path / "trial.parquet")
    spec = {"table": "trial.parquet", "graph": GRAPH, "log": ["age"], "variables": {"dose": {"kind": "boosted"}}}
    fitted = scm_from_fit_spec(spec, tmp_path)
    assert fitted.table == "trial"
    assert fitted.model.name == "trial"
    np.testing.assert_allclose(fitted.facts["age"], np.log(table["age"].to_numpy()), rtol=1e-14)


@pytest.mark.skipif(importlib.util.find_spec("cdt") is None, reason="cdt is not installed")
def test_the_sachs_table_is_fitted_on_its_known_graph() -> None:
    fitted = scm_from_fit_spec({"table": "sachs", "graph": "known", "log": True})
    posterior = abduct(fitted.model, fitted.facts, Streams(0))
    assert posterior.exact
    assert fitted.report.rows == 7466
    assert len(fitted.model.graph.edges) == 18
    assert fitted.report.variables["pmek"].score == pytest.approx(0.67, abs=0.01)
    assert any(note.startswith("Graph (known)") for note in fitted.notes)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"table": "wine"}, "needs graph"),
        ({"graph": "known"}, "needs table"),
        ({"table": "wine", "graph": "known"}, "is assumed, and not known"),
        ({"table": "wine", "graph": "assumed", "kidn": "linear"}, "did you mean 'kind'"),
        ({"table": "units.csv", "graph": "known"}, "no graph is known for 'units.csv'"),
        ({"table": "no_such.csv", "graph": "a -> b"}, "no file or folder"),
    ],
)
def test_a_fit_that_is_written_wrong_says_what_is_allowed(spec: dict[str, Any], message: str) -> None:
    with pytest.raises((ModelError, DataError), match=message):
        scm_from_fit_spec(spec)
