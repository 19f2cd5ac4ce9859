"""Models fitted to a real table, given its causal graph.

Every variable is regressed on its parents alone. What is left of each row is kept as its noise, so that the table's own
rows come back exactly from abduction, and new units draw their noise from what was left of all rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.errors import DataError, ModelError, did_you_mean
from contrafact.sources import open_source
from contrafact.streams import Streams
from generators.scm.mechanisms.base import Columns
from generators.scm.model import SCM, Variable
from generators.scm.readers.columns import MISSING, RealTable, read_columns
from generators.scm.readers.estimators import Inputs
from generators.scm.readers.graphs import read_graph
from generators.scm.readers.heldout import FitReport, VariableFit
from generators.scm.readers.learn import KINDS, Kind, Learnt, learn
from generators.scm.readers.names import identifiers
from generators.scm.support import BOOLEAN
from generators.scm.tables import list_tables, load_table

__all__ = ["FittedSCM", "fit_scm", "scm_from_fit_spec"]

ROWS_AT_LEAST = 10
_FIT_KEYS = ("table", "graph", "kind", "missing", "variables", "log", "seed", "name")
_VARIABLE_KEYS = ("kind", "missing")


@dataclass(frozen=True)
class FittedSCM:
    """A model, and the table that it was fitted to.

    Attributes
    ----------
    model : SCM
    facts : mapping of name to ndarray, shape (n,)
        The table's rows in memory form, one column a variable.
    report : FitReport
    table : str
        What the table is called.
    kept : ndarray of int64, shape (n,)
        Position of each row of ``facts`` in the table that was given.
    """

    model: SCM
    facts: Columns
    report: FitReport
    table: str
    kept: NDArray[np.int64]
    provenance: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the data and the fit, a sentence each."""
        return (*self.provenance, *str(self.report).splitlines())

    @property
    def std(self) -> dict[str, float]:
        """Standard deviation of each numeric column."""
        supports = {name: variable.support for name, variable in self.model.variables.items()}
        return {
            name: float(column.std())
            for name, column in self.facts.items()
            if supports[name].kind in ("real", "integer")
        }


def fit_scm(
    table: pa.Table | Mapping[str, Any],
    graph: Any,
    *,
    kind: Kind = "linear",
    variables: Mapping[str, Mapping[str, str]] | None = None,
    missing: str = "fail",
    seed: int = 0,
    name: str = "fitted",
    log: bool | Sequence[str] = False,
) -> FittedSCM:
    """Fit a structural causal model to a table, given its graph.

    Numbers get additive noise around a regression on the parents; booleans, 0/1 columns, levels and small counts with
    parents get probabilities, and noise drawn from its posterior. Other whole numbers that have parents are modelled on
    the real line, and may become fractions: rounding would leave the noise ambiguous. The report says so.

    Parameters
    ----------
    table : pyarrow.Table or mapping of name to array
        Columns that the graph does not name are ignored.
    graph : networkx.DiGraph, str, mapping or iterable
        Any form that :func:`generators.scm.readers.graphs.read_graph` reads, over column names. Names that are no
        identifiers are changed, as the report says.
    kind : {'linear', 'boosted', 'logistic', 'counts', 'auto'}
        For every variable that it suits (see :func:`generators.scm.readers.learn.learn`). ``auto`` takes boosting
        where it predicts held-out rows better by 0.01 (of R2, or nats of log-loss).
    variables : mapping of name to {kind, missing}, optional
        Where a variable goes its own way. ``logistic`` or ``counts`` makes a column of whole numbers categorical, and
        ``linear`` keeps one a number that would be read as a boolean or a count.
    missing : {'fail', 'drop', 'model', 'indicator'}
        See :func:`generators.scm.readers.columns.read_columns`. ``indicator`` adds a boolean variable ``X_missing``
        without causes of its own, with arrows to X and to what X acts on; X then holds its median.
    seed : int
        Decides the folds of the held-out scores.
    name : str
        Name of the model and of the table.
    log : bool or sequence of str
        Columns of which the natural logarithm is taken first; True for all that are positive floats.

    Raises
    ------
    DataError
        For columns that are not there or cannot be used, missing cells against the policy, fewer than ten rows, or a
        kind that cannot fit a variable.
    ModelError
        For a graph that is not one, an unknown kind, or an override of an unknown variable.
    """
    arrow = _as_arrow(table)
    renamed, drawn, own = _with_plain_names(arrow, read_graph(graph), variables or {})
    _check_kinds(kind, own, drawn)
    data = _checked_data(_logarithms(arrow, log, drawn), drawn, missing, own)
    drawn, data = _with_indicators(drawn, data)
    numeric = _kept_numeric(own)
    learnt = {node: _learn(node, drawn, data, _kind(node, own, kind), seed, node in numeric) for node in drawn}
    model = SCM(name, [Variable(node, each.mechanism, each.support) for node, each in learnt.items()])
    report = _report(arrow, renamed, data, {node: learnt[node].fit for node in model.order})
    facts = {node: data.columns[node].astype(each.support.dtype) for node, each in model.variables.items()}
    return FittedSCM(model, facts, report, name, data.kept)


def _report(table: pa.Table, renamed: Mapping[str, str], data: RealTable, fits: Mapping[str, VariableFit]) -> FitReport:
    return FitReport(
        fits,
        rows=len(data.kept),
        dropped=table.num_rows - len(data.kept),
        ignored=tuple(old for old, new in renamed.items() if new not in fits),
        renamed={old: new for old, new in renamed.items() if old != new and new in fits},
        notes=data.notes,
    )


def scm_from_fit_spec(spec: Mapping[str, Any], folder: Path | None = None) -> FittedSCM:
    """Fit as a recipe asks: ``{table: sachs, graph: known, kind: linear, log: true}``.

    Parameters
    ----------
    spec : mapping
        ``table`` is a name from :func:`generators.scm.tables.list_tables`, a path, or a mapping that
        :func:`contrafact.sources.open_source` reads. ``graph`` is ``known`` or ``assumed`` (the one that comes with a
        named table, and that it must be), or a graph. The rest are options of :func:`fit_scm`.
    folder : Path, optional
        Where relative paths start.

    Raises
    ------
    ModelError
        For an unknown or missing key, or a graph that the table does not come with.
    DataError
        See :func:`fit_scm`.
    """
    for key in spec:
        if key not in _FIT_KEYS:
            raise ModelError(
                f"a fit has no key {key!r}{did_you_mean(str(key), _FIT_KEYS)}", allowed=", ".join(_FIT_KEYS)
            )
    for key in ("table", "graph"):
        if key not in spec:
            raise ModelError(f"a fit needs {key}:", allowed=", ".join(_FIT_KEYS), fix="fit: {table: …, graph: …}")
    data, name, graph, provenance = _table_and_graph(spec["table"], spec["graph"], folder)
    options = {key: value for key, value in spec.items() if key not in ("table", "graph")}
    fitted = fit_scm(data, graph, **{"name": name, **options})
    return FittedSCM(fitted.model, fitted.facts, fitted.report, name, fitted.kept, provenance)


def _table_and_graph(table: Any, graph: Any, folder: Path | None) -> tuple[pa.Table, str, Any, tuple[str, ...]]:
    if isinstance(table, str) and table in list_tables():
        known = load_table(table)
        said = (f"Table: {known.source}. Licence: {known.licence}. {known.citation}.",)
        if graph in ("known", "assumed"):
            if graph != known.graph_status:
                raise ModelError(
                    f"the graph of table {table!r} is {known.graph_status}, and not {graph}",
                    fix=f"graph: {known.graph_status}",
                )
            return known.data, table, list(known.graph), (*said, f"Graph ({graph}): {known.reasoning}.")
        return known.data, table, graph, said
    if graph in ("known", "assumed"):
        raise ModelError(
            f"no graph is {graph} for {table!r}{did_you_mean(str(table), list_tables())}",
            allowed=f"graph: {graph} for one of {', '.join(list_tables())}; else a graph",
            fix="graph: [[cause, effect], …]",
        )
    source = open_source(table, folder)
    rows = source.read(0, source.rows())
    numbered = source.id_column is None  # then the ids are the source's own, and no column of the table
    return rows.drop_columns(["unit_id"]) if numbered else rows, source.name, graph, ()


def _as_arrow(table: pa.Table | Mapping[str, Any]) -> pa.Table:
    if isinstance(table, pa.Table):
        return table
    lengths = {name: len(column) for name, column in table.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"columns differ in length: {lengths}", fix="give columns of one length")
    return pa.table({name: pa.array(column) for name, column in table.items()})


def _with_plain_names(
    table: pa.Table, graph: nx.DiGraph, variables: Mapping[str, Any]
) -> tuple[dict[str, str], nx.DiGraph, dict[str, Mapping[str, str]]]:
    renamed = identifiers(table.column_names)
    drawn = nx.relabel_nodes(graph, lambda node: renamed.get(node, node))
    return renamed, drawn, {renamed.get(each, each): options for each, options in variables.items()}


def _kind(node: str, own: Mapping[str, Mapping[str, str]], kind: Kind) -> Kind:
    return cast("Kind", own.get(node, {}).get("kind", kind))


def _checked_data(table: pa.Table, graph: nx.DiGraph, missing: str, own: Mapping[str, Mapping[str, str]]) -> RealTable:
    data = read_columns(
        table,
        list(graph),
        missing=missing,
        policies={node: each["missing"] for node, each in own.items() if "missing" in each},
        categorical=[node for node, each in own.items() if each.get("kind") in ("logistic", "counts")],
        numeric=_kept_numeric(own),
    )
    if len(data.kept) < ROWS_AT_LEAST:
        raise DataError(f"{len(data.kept)} rows are too few to fit a model to", allowed=f"{ROWS_AT_LEAST} rows or more")
    _check_suited(own, data)
    return data


def _kept_numeric(own: Mapping[str, Mapping[str, str]]) -> list[str]:
    return [node for node, options in own.items() if options.get("kind") == "linear"]


def _check_kinds(kind: str, own: Mapping[str, Any], graph: nx.DiGraph) -> None:
    for node, options in own.items():
        if node not in graph:
            raise ModelError(
                f"variables: {node!r} is no node of the graph{did_you_mean(node, graph)}", allowed=", ".join(graph)
            )
        if not isinstance(options, Mapping):
            raise ModelError(f"variables: {node}: {options!r} is no mapping", fix=f"{node}: {{kind: boosted}}")
        for key in options:
            if key not in _VARIABLE_KEYS:
                raise ModelError(
                    f"variables: {node} has no key {key!r}{did_you_mean(str(key), _VARIABLE_KEYS)}",
                    allowed=", ".join(_VARIABLE_KEYS),
                )
    for each in (kind, *(options["kind"] for options in own.values() if "kind" in options)):
        if each not in KINDS:
            raise ModelError(f"{each!r} is no kind of fit{did_you_mean(str(each), KINDS)}", allowed=", ".join(KINDS))


def _check_suited(own: Mapping[str, Mapping[str, str]], data: RealTable) -> None:
    """An override that cannot be followed is a mistake; the kind for all is only followed where it suits."""
    for node, options in own.items():
        kind, numeric = options.get("kind", "auto"), data.supports[node].kind in ("real", "integer")
        if (numeric and kind in ("logistic", "counts")) or (not numeric and kind == "linear"):
            suited = "linear, boosted, auto" if numeric else "logistic, counts, boosted, auto"
            raise DataError(f"{node!r} holds {data.supports[node].kind} values, and {kind} fits none", allowed=suited)


def _logarithms(table: pa.Table, log: bool | Sequence[str], graph: nx.DiGraph) -> pa.Table:
    if log is False or log is None:
        return table
    arrow = table
    plain = {new: old for old, new in identifiers(arrow.column_names).items()}
    named = [plain.get(each, each) for each in ([] if log is True else [log] if isinstance(log, str) else log)]
    for column in named:
        if column not in arrow.column_names:
            raise DataError(
                f"log: there is no column {column!r}{did_you_mean(column, plain)}", allowed=", ".join(plain)
            )
    chosen = named or [plain[node] for node in graph if node in plain and _positive(arrow[plain[node]])]
    for column in chosen:
        values = arrow[column]
        if not _is_number(values.type) or (pc.min(values).as_py() or 0) <= 0:
            raise DataError(f"log: column {column!r} is not all positive numbers", fix="take it out of log:")
        arrow = arrow.set_column(arrow.column_names.index(column), column, pc.ln(values.cast(pa.float64())))
    return arrow


def _positive(values: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_floating(values.type)) and (pc.min(values).as_py() or 0) > 0


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _with_indicators(graph: nx.DiGraph, data: RealTable) -> tuple[nx.DiGraph, RealTable]:
    if not data.indicators:
        return graph, data
    drawn, columns, supports = nx.DiGraph(graph), dict(data.columns), dict(data.supports)
    for node, hollow in data.indicators.items():
        told = f"{node}_{MISSING}"
        if told in graph:
            raise DataError(f"missing: indicator adds {told!r}, and the graph has such a node", fix="rename the column")
        # What X acts on must know that X holds no value of its own here, or the median would pass for one.
        drawn.add_edges_from((told, effect) for effect in (node, *graph.successors(node)))
        columns[told], supports[told] = hollow, BOOLEAN
    return drawn, RealTable(columns, supports, data.indicators, data.kept, data.notes)


def _learn(node: str, graph: nx.DiGraph, data: RealTable, kind: Kind, seed: int, numeric: bool) -> Learnt:
    parents = {parent: data.columns[parent] for parent in graph.predecessors(node)}
    streams = Streams(seed, f"fit:{node}")
    inputs = Inputs(parents, data.supports)
    return learn(node, inputs, data.columns[node], data.supports[node], kind, streams, numeric=numeric)
