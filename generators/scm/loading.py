"""The ``scm:`` of a recipe, whatever its form, as a model (and the facts it was fitted to)."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import networkx as nx
from numpy.typing import NDArray

from contrafact.errors import ModelError, PluginError
from contrafact.inputs import Input
from contrafact.plugins import create, find
from generators.scm.model import SCM

__all__ = ["Loaded", "load_model"]


@dataclass(frozen=True)
class Loaded:
    """A model ready for use.

    Attributes
    ----------
    facts : mapping of name to ndarray, shape (n,), optional
        The rows of the table that the model was fitted to.
    std : mapping of name to float
        Standard deviation of each fitted column.
    notes : sequence of str
        What a reader must know of how the model came about.
    origin : {'written', 'read', 'fitted'}
        Whether an author wrote it, it is a published network, or it was estimated from a table.
    inputs : sequence of Input
        That network, or that table.
    """

    model: SCM
    facts: Mapping[str, NDArray[Any]] | None = None
    notes: tuple[str, ...] = ()
    table: str = ""
    std: Mapping[str, float] = field(default_factory=dict)
    origin: str = "written"
    inputs: tuple[Input, ...] = ()


def load_model(spec: str | Mapping[str, Any], folder: Path | None = None) -> Loaded:
    """A model by name, file, BIF network, fit, or written out.

    ===================================  =========================================================
    ``clinic``, ``my_models.py:Clinic``  a built-in or registered model, a class, an object, a function
    ``{use: clinic, strength: 2}``       the same, with options
    ``{bif: asia}``                      a network in BIF, by name or file
    ``{fit: {table: sachs, ...}}``       fitted to a real table, given its graph
    ``{variables: {...}}``               written out in the recipe
    ===================================  =========================================================
    """
    if isinstance(spec, str):
        return _made(find("scm", spec, folder), spec, {}, folder)
    if "use" in spec:
        options = {key: value for key, value in spec.items() if key != "use"}
        return _made(find("scm", str(spec["use"]), folder), str(spec["use"]), options, folder)
    if "bif" in spec:
        return _bif(spec, folder)
    if "fit" in spec:
        return _fitted(spec["fit"], folder)
    if "variables" in spec:
        from generators.scm.readers.spec import scm_from_spec

        return Loaded(scm_from_spec(spec))
    raise ModelError(
        f"scm: {sorted(spec)} says no way into a model", allowed="a name, or one of use, bif, fit, variables"
    )


def _made(found: Any, name: str, options: Mapping[str, Any], folder: Path | None) -> Loaded:
    made = found
    if inspect.isclass(found) or (callable(found) and not isinstance(found, SCM)):
        made = create("scm", name, options, f"scm {name!r}", folder)
    elif options:
        raise ModelError(
            f"{name!r} is a finished model and takes no options ({', '.join(options)})",
            allowed="options for a class or a function: they are its arguments",
            fix=f"scm: {name}, or name a function that takes {next(iter(options))} and returns the model",
        )
    if isinstance(made, nx.DiGraph):
        from generators.scm.readers.graphs import scm_from_networkx

        made = scm_from_networkx(made, None)
    if not isinstance(made, SCM):
        raise PluginError(
            f"{name!r} is a {type(made).__name__}, and no causal model",
            allowed="an SCM, a subclass of SCM, a networkx.DiGraph with mechanisms, or a function that returns one",
        )
    return Loaded(made)


def _bif(spec: Mapping[str, Any], folder: Path | None) -> Loaded:
    from generators.scm.readers.bif import scm_from_bif

    options = {key: value for key, value in spec.items() if key != "bif"}
    place = folder / str(spec["bif"]) if folder is not None else Path(str(spec["bif"]))
    model = scm_from_bif(place if place.is_file() else str(spec["bif"]), **options)
    if place.is_file():
        return Loaded(model, origin="read", inputs=(Input(place.name, "a network of the author's, in BIF"),))
    known = Input(f"network {spec['bif']}", "package pgmpy", "MIT (the package); none is stated for the network")
    return Loaded(model, origin="read", inputs=(known,))


def _fitted(spec: Mapping[str, Any], folder: Path | None) -> Loaded:
    from generators.scm.readers.fit import scm_from_fit_spec

    fitted = scm_from_fit_spec(spec, folder)
    notes, inputs = tuple(fitted.notes), tuple(_table_input(spec["table"], fitted.table))
    return Loaded(fitted.model, fitted.facts, notes, fitted.table, fitted.std, "fitted", inputs)


def _table_input(table: Any, name: str) -> Iterator[Input]:
    """The table of a fit: one of ours with what is known of it, another by its name alone."""
    from generators.scm.tables import list_tables, load_table

    if isinstance(table, str) and table in list_tables():
        known = load_table(table)
        yield Input(f"table {known.name}", known.source, known.licence, known.citation)
    else:
        yield Input(f"table {name}", "a file of the author's")
