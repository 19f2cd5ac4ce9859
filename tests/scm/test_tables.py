"""Real tables that installed packages carry."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Any

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest

from contrafact.errors import DataError, MissingDependencyError
from generators.scm.tables import Table, list_tables, load_table

SHAPES = {
    "sachs": (7466, 11),
    "diabetes": (442, 11),
    "wine": (178, 14),
    "breast_cancer": (569, 11),
    "rand_health": (20190, 6),
    "election_1996": (944, 6),
}
PACKAGES = {"sachs": "cdt", "rand_health": "statsmodels", "election_1996": "statsmodels"}


@pytest.fixture(params=list(SHAPES))
def table(request: pytest.FixtureRequest) -> Table:
    package = PACKAGES.get(request.param, "sklearn")
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    return load_table(request.param)


def test_every_listed_table_is_tested() -> None:
    assert set(list_tables()) == set(SHAPES)


def test_a_table_has_its_rows_and_no_missing_cell(table: Table) -> None:
    assert table.data.shape == SHAPES[table.name]
    assert sum(column.null_count for column in table.data.columns) == 0
    numbers = [column for column in table.data.columns if pa.types.is_floating(column.type)]
    assert all(np.isfinite(column.to_numpy()).all() for column in numbers)


def test_a_graph_is_acyclic_and_over_the_columns(table: Table) -> None:
    graph = nx.DiGraph(table.graph)
    assert nx.is_directed_acyclic_graph(graph)
    assert set(graph) == set(table.data.column_names)
    assert graph.number_of_edges() == len(table.graph)


def test_a_table_says_where_it_comes_from(table: Table) -> None:
    assert all([table.source, table.licence, table.citation, table.reasoning])
    assert table.graph_status == ("known" if table.name == "sachs" else "assumed")
    assert all(name.isidentifier() for name in table.data.column_names)


@pytest.mark.skipif(importlib.util.find_spec("cdt") is None, reason="cdt is not installed")
def test_the_sachs_graph_is_the_files_with_one_arrow_turned() -> None:
    table = load_table("sachs")
    assert len(table.graph) == 18
    assert ("PIP3", "PIP2") in table.graph
    assert ("PIP2", "PIP3") not in table.graph
    assert {("praf", "pmek"), ("pmek", "p44_42"), ("PKA", "pakts473")} <= set(table.graph)
    turned_back = [("PIP2", "PIP3") if edge == ("PIP3", "PIP2") else edge for edge in table.graph]
    assert not nx.is_directed_acyclic_graph(nx.DiGraph(turned_back))


def test_a_table_is_found_without_importing_the_package_that_carries_it() -> None:
    code = (
        "import sys; from generators.scm.tables import load_table; load_table('sachs'); load_table('rand_health'); "
        "print(sorted({'cdt', 'statsmodels', 'torch'} & set(sys.modules)))"
    )
    if importlib.util.find_spec("cdt") is None or importlib.util.find_spec("statsmodels") is None:
        pytest.skip("cdt or statsmodels is not installed")
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert answer.stdout.strip() == "[]"


def test_a_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(name: str, *rest: Any) -> None:
        return None

    monkeypatch.setattr(importlib.util, "find_spec", not_found)
    with pytest.raises(MissingDependencyError, match=r"pip install --no-deps cdt==0\.6\.0"):
        load_table("sachs")
    with pytest.raises(MissingDependencyError, match="statsmodels"):
        load_table("rand_health")


def test_an_unknown_table_suggests_the_nearest() -> None:
    with pytest.raises(DataError, match="did you mean 'sachs'"):
        load_table("sach")
