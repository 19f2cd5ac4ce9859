"""How the columns of a table are read: missing cells, names, labels, and what is refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from contrafact.errors import DataError
from contrafact.record import class_label
from contrafact.streams import Streams
from generators.scm.mechanisms import Categorical
from generators.scm.operations import abduct
from generators.scm.readers.columns import read_columns
from generators.scm.readers.fit import fit_scm
from tests.scm.trial import GRAPH, ROWS, trial_table


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return trial_table()


def _with_holes(table: pa.Table) -> pa.Table:
    age, arm = table["age"].to_pylist(), table["arm"].to_pylist()
    age[3] = age[5] = None
    age[9] = float("nan")
    arm[5] = arm[11] = None
    return table.set_column(0, "age", pa.array(age, pa.float64())).set_column(1, "arm", pa.array(arm, pa.string()))


def test_missing_cells_fail_by_name_and_number(table: pa.Table) -> None:
    with pytest.raises(DataError, match=r"age \(3 rows\), arm \(2 rows\); 4 rows of 3,000 in all"):
        fit_scm(_with_holes(table), GRAPH)


def test_missing_cells_outside_the_graph_do_not_matter(table: pa.Table) -> None:
    assert fit_scm(_with_holes(table), "dose -> cost").report.rows == ROWS


def test_dropping_leaves_out_whole_rows_and_says_how_many(table: pa.Table) -> None:
    fitted = fit_scm(_with_holes(table), GRAPH, missing="drop")
    assert fitted.report.dropped == 4
    assert "4 of 3,000 rows dropped for missing cells" in fitted.notes
    assert fitted.kept[:6].tolist() == [0, 1, 2, 4, 6, 7]
    np.testing.assert_array_equal(fitted.facts["dose"], table["dose"].to_numpy()[fitted.kept])


def test_modelling_makes_missing_a_level_and_refuses_numbers(table: pa.Table) -> None:
    holes = _with_holes(table)
    with pytest.raises(DataError, match=r"'age' is a column of numbers with 3 missing cells"):
        fit_scm(holes, GRAPH, missing="model")
    fitted = fit_scm(holes, GRAPH, missing="model", variables={"age": {"missing": "drop"}})
    assert fitted.model.variables["arm"].support.levels == ("high", "low", "middle", "missing")
    assert (fitted.facts["arm"] == 3).sum() == 1
    assert fitted.report.rows == ROWS - 3


def test_an_indicator_says_where_the_median_stands_in(table: pa.Table) -> None:
    fitted = fit_scm(_with_holes(table), GRAPH, missing="indicator")
    graph = fitted.model.graph
    assert set(graph.successors("age_missing")) == {"age", "dose", "sick"}
    assert np.flatnonzero(fitted.facts["age_missing"]).tolist() == [3, 5, 9]
    assert len({fitted.facts["age"][row] for row in (3, 5, 9)}) == 1
    assert any("age: 3 missing cells hold the median" in note for note in fitted.notes)
    assert abduct(fitted.model, fitted.facts, Streams(0)).possible.all()


def test_columns_that_no_mechanism_reads_are_refused(table: pa.Table) -> None:
    bad: dict[str, tuple[pa.Array, str]] = {
        "ids": (pa.array([f"id{row}" for row in range(ROWS)]), "3,000 different values$"),
        "figures": (pa.array([*(str(row) for row in range(ROWS - 1)), "n/a"]), "2,999 of 3,000 read as numbers, 'n/a'"),
        "nested": (pa.array([[1]] * ROWS), "which no mechanism reads"),
        "raw": (pa.array([b"x"] * ROWS), "which no mechanism reads"),
        "none": (pa.nulls(ROWS), "no values at all"),
        "endless": (pa.array([np.inf, *[0.0] * (ROWS - 1)]), "1 infinite"),
    }
    for name, (column, message) in bad.items():
        with pytest.raises(DataError, match=f"(?m){message}"):
            fit_scm(table.append_column(name, column), f"{name} -> cost", missing="drop")


def test_class_labels_and_ordered_dictionaries_keep_their_order() -> None:
    codes = pa.array([2, 0, 1] * 10)
    ordered = pa.DictionaryArray.from_arrays([1, 0, 2] * 10, ["low", "middle", "high"], ordered=True)
    schema = pa.schema([class_label("grade", ["c", "b", "a"]), pa.field("size", ordered.type)])
    fitted = fit_scm(pa.table([codes, ordered], schema=schema), "size -> grade")
    assert fitted.model.variables["grade"].support.levels == ("c", "b", "a")
    assert fitted.model.variables["size"].support.levels == ("low", "middle", "high")
    assert fitted.facts["grade"][:3].tolist() == [2, 0, 1]
    assert isinstance(fitted.model.variables["grade"].mechanism, Categorical)


def test_names_that_are_no_identifiers_are_changed_and_reported() -> None:
    rng = np.random.default_rng(0)
    fitted = fit_scm({"p44/42": rng.normal(size=30), "MAP kinase": rng.normal(size=30)}, [["p44/42", "MAP kinase"]])
    assert fitted.model.order == ("p44_42", "MAP_kinase")
    assert fitted.report.renamed == {"p44/42": "p44_42", "MAP kinase": "MAP_kinase"}


def test_a_word_among_numbers_is_told_with_its_row_and_not_read_as_a_level() -> None:
    cells = ["1.5", "2.5", "3.5", "4.5", "wet", "6.5", "7.5"]
    with pytest.raises(DataError, match=r"column 'a' holds 'wet' among numbers, in row 5; 6 of 7 read as numbers"):
        read_columns(pa.table({"a": cells}), ["a"])
    declared = read_columns(pa.table({"a": cells}), ["a"], categorical=["a"])
    assert declared.supports["a"].kind == "categorical"
    few = read_columns(pa.table({"a": ["1", "2", "3", "4+"] * 5}), ["a"])
    assert few.supports["a"].levels == ("1", "2", "3", "4+")
