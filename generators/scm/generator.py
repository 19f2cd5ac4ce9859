"""The ``scm`` generator: counterfactual pairs from a structural causal model, by abduction, action and prediction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import networkx as nx
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import RecipeError
from contrafact.inputs import Input
from contrafact.record import PairShape, class_label
from contrafact.stages import Context, Generator, Recomputed, Source
from generators.scm.arrow import interleaved, noise_fields
from generators.scm.labels import Labeller
from generators.scm.loading import load_model
from generators.scm.model import BASE, DOMAIN
from generators.scm.pairs import Batch, PairBuilder
from generators.scm.recompute import recompute_pairs
from generators.scm.repeats import ADVICE, Repeats, check_different
from generators.scm.requests import Request, read_request, unit_uniforms
from generators.scm.units import Units, UnitSource

__all__ = ["SCMGenerator"]


class SCMGenerator(Generator):
    """Exact counterfactual pairs from a structural causal model.

    Parameters
    ----------
    scm : str or mapping
        The model: see :func:`generators.scm.loading.load_model`.
    interventions : mapping or list of mappings
        What is changed: see :mod:`generators.scm.interventions`.
    label : str or mapping
        What is labelled: a variable, or an expression over the observed variables.
    per_unit : {'all', 'one'}
        A pair for every intervention, or for one of them drawn for each unit.
    facts : {'sampled', 'table'}, optional
        Where units come from. A fitted model takes the rows of its table unless told to sample; every other samples.
    abduction : {'known', 'observed'}, optional
        Whether a sampled unit keeps the noise it was made with, or has it inferred from its values alone.
    domain : str or list of str, optional
        The environment that units live in, or several, of which each unit gets one.
    """

    name: ClassVar[str] = "scm"
    citations: ClassVar[Sequence[str]] = (
        "Pearl (2009), Causality, 2nd edition, section 7.1: abduction, action, prediction",
    )
    label_source = "oracle"
    shard_rows: ClassVar[int] = 100_000

    def __init__(
        self,
        scm: str | dict[str, Any],
        interventions: dict[str, Any] | list[dict[str, Any]],
        label: str | dict[str, Any],
        per_unit: Literal["all", "one"] = "all",
        facts: Literal["sampled", "table"] | None = None,
        abduction: Literal["known", "observed"] = "known",
        domain: str | list[str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.loaded = load_model(scm, folder)
        self.model = self.loaded.model
        self.domains = [domain] if isinstance(domain, str) else list(domain or [])
        for each in self.domains:
            self.model.in_domain(each)
        specs = [interventions] if isinstance(interventions, dict) else interventions
        if not specs:
            raise RecipeError("generator.interventions is empty", fix="interventions: [{do: {variable: value}}]")
        self.requests: list[Request] = [read_request(spec, self.model) for spec in specs]
        if per_unit == "all":
            check_different(self.requests)
        self.per_unit, self.labeller = per_unit, Labeller(label, self.model)
        self.units = Units(self.loaded, self.domains, facts, abduction)
        for request in self.requests:
            self._check(request)
        moves = any(each.domain for each in self.requests)
        self.tells_domain = bool(self.domains) or moves
        self.task = "domain_counterfactual" if moves else "counterfactual"
        if self.tells_domain and DOMAIN in self.model.variables:
            raise RecipeError(
                f"a model with domains cannot have a variable called {DOMAIN!r}", fix="rename the variable"
            )
        self.builder = PairBuilder(self)

    def shape(self) -> PairShape:
        fields = [self.model.variables[name].support.arrow(name) for name in self.model.observed]
        if self.tells_domain:
            fields.insert(0, class_label(DOMAIN, [BASE, *self.model.domains]))
        latent = [self.model.variables[name].support.arrow(name) for name in self.model.latent]
        hidden = [
            pa.field("noise", pa.struct(noise_fields(self.model))),
            pa.field("request", pa.int32()),
            pa.field("requested", pa.list_(pa.string())),
        ]
        if latent:
            hidden[1:1] = [pa.field("latent", pa.struct(latent)), pa.field("counterfactual_latent", pa.struct(latent))]
        return PairShape(fields, self.labeller.field, hidden, [pa.field("ess", pa.float64())])

    def generate(self, units: pa.Table, context: Context) -> pa.Table:
        rows = units.num_rows
        world = self.units.read(context.start, context.start + rows, context.streams)
        numbers = np.arange(context.start, context.start + rows)
        tables, owners, repeats = [], [], Repeats(self.requests, rows)
        for batch in self._batches(rows, numbers, world.domain, context):
            tables.append(self.builder.table(batch, world, units["unit_id"].combine_chunks(), context, repeats))
            owners.append(np.arange(rows) if batch.rows is None else batch.rows)
        return interleaved(tables, owners)

    def source(self, seed: int) -> Source:
        return UnitSource(self.model.name, [seed, self.identity()], self.units.count)

    def identity(self) -> Any:
        return {"scm": self.model.identity, "table": self.units.table_digest(), "domains": self.domains}

    def recompute(self, pairs: pa.Table) -> Recomputed:
        return recompute_pairs(self, pairs)

    def graph(self) -> nx.DiGraph:
        graph = self.model.graph.copy()
        for request in self.requests:
            for each in request.wanted:
                if each.operation == "soft":
                    graph.add_edges_from((parent, each.variable) for parent in each.value.parents)
        for changes in self.model.origin.domains.values():
            for name, mechanism in changes.items():
                graph.add_edges_from((parent, name) for parent in mechanism.parents)
                if self.tells_domain:
                    graph.add_edge(DOMAIN, name)
        return graph

    def supports(self) -> Mapping[str, Mapping[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for name in self.model.observed:
            support = self.model.variables[name].support
            found[name] = {"lower": support.lower, "upper": support.upper, "seen": support.seen}
            if support.kind == "categorical":
                found[name] |= {"lower": 0, "upper": len(support.levels) - 1}
            if name in self.loaded.std:
                found[name]["std"] = self.loaded.std[name]
        return found

    def model_name(self) -> str:
        return f"{self.model.name}:{self.model.identity}"

    def model_origin(self) -> str:
        return self.loaded.origin

    def advice(self) -> Mapping[str, str]:
        return ADVICE

    def inputs(self) -> Sequence[Input]:
        return self.loaded.inputs

    def notes(self) -> Sequence[str]:
        return (*self.loaded.notes, *self.units.notes())

    def _check(self, request: Request) -> None:
        """The request, in every environment that units live in."""
        homes = [[BASE, *self.model.domains][code] for code in dict.fromkeys(self.units.codes)]
        for here in homes:
            request.check(self.model.in_domain(here))
        if not request.wanted and homes == [request.domain]:
            others = [name for name in (BASE, *self.model.domains) if name not in homes]
            raise RecipeError(
                f"every unit lives in {request.domain!r} already: a change to that domain changes nothing",
                allowed=", ".join(others),
                fix=f"domain: {others[0]}" if others else "name another operation",
            )

    def _batches(
        self, rows: int, numbers: NDArray[np.int64], domain: NDArray[np.int64], context: Context
    ) -> Iterator[Batch]:
        """Units that share one request, one source domain and one target domain, a batch each."""
        for position, request in enumerate(self.requests):
            chosen = self._chosen(position, numbers, context)
            for here, there, mask in self._moves(request, domain, numbers, chosen, context):
                picked = None if mask.all() else np.flatnonzero(mask)
                if picked is None or len(picked):
                    settled = Request(request.wanted, there, request.levels)
                    already = there == here and not request.wanted
                    yield Batch(position, settled, here, picked, rows if picked is None else len(picked), already)

    def _chosen(self, position: int, numbers: NDArray[np.int64], context: Context) -> NDArray[np.bool_]:
        if self.per_unit == "all" or len(self.requests) == 1:
            return np.ones(len(numbers), dtype=bool)
        drawn = unit_uniforms(context.streams, "request", numbers) * len(self.requests)
        return np.asarray(drawn.astype(np.int64) == position)

    def _moves(
        self,
        request: Request,
        domain: NDArray[np.int64],
        numbers: NDArray[np.int64],
        chosen: NDArray[np.bool_],
        context: Context,
    ) -> Iterator[tuple[str, str | None, NDArray[np.bool_]]]:
        """(source domain, target domain, which units), for each combination that occurs."""
        everywhere = [BASE, *self.model.domains]
        target = None
        if request.domain == "another":
            drawn = (unit_uniforms(context.streams, "domain", numbers) * (len(everywhere) - 1)).astype(np.int64)
            target = drawn + (drawn >= domain)
        for code, here in enumerate(everywhere):
            lives = chosen & (domain == code)
            if not lives.any():
                continue
            if target is None:
                yield here, request.domain, lives
                continue
            for other in np.unique(target[lives]):
                yield here, everywhere[other], lives & (target == other)
