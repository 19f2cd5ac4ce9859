"""Every oracle value again, from the stored record: noise from the hidden truth, the rest by the mechanisms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.record import HIDDEN
from contrafact.stages import Recomputed
from generators.scm import worlds
from generators.scm.arrow import columns_of, subset, values_of_texts
from generators.scm.interventions import Intervention, as_column
from generators.scm.model import BASE, DOMAIN, SCM
from generators.scm.operations import predict
from generators.scm.pairs import Reach
from generators.scm.requests import Request

if TYPE_CHECKING:
    from generators.scm.generator import SCMGenerator

__all__ = ["recompute_facts", "recompute_pairs"]

World = dict[str, NDArray[Any]]


def recompute_pairs(generator: SCMGenerator, pairs: pa.Table) -> Recomputed:
    """Facts, counterfactuals, labels and what is said of them, of stored pairs that have a counterfactual."""
    stored = _Stored(generator, pairs)
    model, rows = generator.model, pairs.num_rows
    worlds_found = {name: np.empty(rows, each.support.dtype) for name, each in model.variables.items()}
    exact, kinds = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=np.int64)
    held: list[list[str]] = []
    for position, here, there, picked in stored.groups():
        settled = stored.settled(position, here, there, picked)
        for name, column in stored.world(settled, here, picked).items():
            if len(picked) == rows:  # the usual case, and then nothing need be copied
                worlds_found[name] = column
            else:
                worlds_found[name][picked] = column
        reach = Reach.of(generator.model.in_domain(here), settled)
        exact[picked] = not reach.used & generator.units.uniqueness.guessed
        kinds[picked] = len(held)
        held.append(reach.held(model))
    counterfactual = {name: worlds_found[name] for name in model.observed}
    if generator.tells_domain:
        counterfactual[DOMAIN] = stored.target
    return Recomputed(
        counterfactual,
        generator.labeller.of(stored.facts, rows),
        generator.labeller.of(worlds_found, rows),
        _Facts(stored),
        exact,
        pa.array(held, pa.list_(pa.string())).take(pa.array(kinds)),
    )


def recompute_facts(generator: SCMGenerator, pairs: pa.Table) -> tuple[dict[str, NDArray[Any]], pa.Array]:
    """Facts and label of stored pairs on which nothing was intervened; the facts with the domain where it is told."""
    stored = _Stored(generator, pairs)
    facts = dict(_Facts(stored))
    if generator.tells_domain:
        facts[DOMAIN] = stored.source
    return facts, generator.labeller.of(stored.facts, stored.rows)


class _Facts(Mapping[str, NDArray[Any]]):
    """Observed facts as they follow from the noise, computed when first asked for: a filter has no need of them."""

    def __init__(self, stored: _Stored) -> None:
        self.stored = stored

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.stored.generator.model.observed)

    def __len__(self) -> int:
        return len(self.stored.generator.model.observed)

    @cached_property
    def _columns(self) -> World:
        model = self.stored.generator.model
        found = {name: np.empty(self.stored.rows, model.variables[name].support.dtype) for name in model.observed}
        for here, picked in self.stored.homes():
            whole = self.stored.factual(here, picked)
            for name, column in found.items():
                column[picked] = whole[name]
        return found


class _Stored:
    """The columns of a stored table, decoded once."""

    def __init__(self, generator: SCMGenerator, pairs: pa.Table) -> None:
        self.generator, self.rows = generator, pairs.num_rows
        hidden = pairs[HIDDEN].combine_chunks()
        self.noise = columns_of(hidden.field("noise"))
        for name, variable in generator.model.variables.items():
            if variable.mechanism.lanes == 0:
                self.noise[name] = np.empty((self.rows, 0))
        self.facts = columns_of(pairs["factual"])
        if generator.model.latent:
            self.facts |= columns_of(hidden.field("latent"))
        self.request = np.asarray(hidden.field("request"))
        self.requested = hidden.field("requested")
        self.source = self.target = np.zeros(self.rows, dtype=np.int64)
        if generator.tells_domain:
            self.source = self.facts.pop(DOMAIN)
            self.target = np.asarray(pairs["counterfactual"].combine_chunks().field(DOMAIN))

    def groups(self) -> Iterator[tuple[int, str, str, NDArray[np.int64]]]:
        """(request, source domain, target domain, rows) for each combination that occurs."""
        everywhere = [BASE, *self.generator.model.domains]
        count = len(everywhere)
        keys = (self.request.astype(np.int64) * count + self.source) * count + self.target
        for key in np.flatnonzero(np.bincount(keys)):
            rows = np.arange(self.rows) if (keys == key).all() else np.flatnonzero(keys == key)
            position, moved = divmod(int(key), count * count)
            yield position, everywhere[moved // count], everywhere[moved % count], rows

    def homes(self) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """(environment, rows that live in it)."""
        everywhere = [BASE, *self.generator.model.domains]
        source = self.source if self.generator.tells_domain else np.full(self.rows, self.generator.units.codes[0])
        for code in np.unique(source):
            yield everywhere[int(code)], np.flatnonzero(source == code)

    def factual(self, here: str, picked: NDArray[np.int64]) -> World:
        """The facts of some rows under their noise.

        Known noise gives the whole world. Noise that was inferred explains each value from the stored parents; that of
        weighted particles does so within a bandwidth, which shows nothing, so that such a value is taken as it is.
        """
        model = self.generator.model.in_domain(here)
        noise, facts = self._some(self.noise, picked), self._some(self.facts, picked)
        if not self.generator.units.observed_only:
            return predict(model, noise, len(picked))
        world = {}
        for name, variable in model.variables.items():
            mechanism = variable.mechanism
            if mechanism.auxiliary and variable.support.kind == "real":
                world[name] = facts[name]
                continue
            parents = {parent: facts[parent] for parent in mechanism.parents}
            world[name] = as_column(mechanism.predict(parents, noise[name]), variable.support, len(picked))
        return world

    def settled(self, position: int, here: str, there: str, picked: NDArray[np.int64]) -> Intervention:
        """The intervention on some rows."""
        asked = self.generator.requests[position]
        request = Request(asked.wanted, there if asked.domain is not None else None, asked.levels)
        return self._restored(request, self.generator.model.in_domain(here), picked)

    def world(self, settled: Intervention, here: str, picked: NDArray[np.int64]) -> World:
        """The counterfactual world of some rows."""
        model = self.generator.model.in_domain(here)
        abducted = self.generator.units.observed_only
        facts, noise = self._some(self.facts, picked), self._some(self.noise, picked)
        return worlds.single(model, noise, len(picked), settled, facts, keep_unmoved=abducted)

    def _some(self, columns: Mapping[str, NDArray[Any]], picked: NDArray[np.int64]) -> World:
        """The picked rows, which ascend: as many as there are means all of them."""
        return subset(columns, None if len(picked) == self.rows else picked)

    def _restored(self, request: Request, model: SCM, picked: NDArray[np.int64]) -> Intervention:
        asked = {}
        count = len(request.wanted) + (request.domain is not None)
        entries = self.requested.take(pa.array(picked)).flatten()
        for place, wanted in enumerate(request.wanted):
            if wanted.policy is not None:
                text = entries.take(pa.array(np.arange(place, len(picked) * count, count)))
                asked[wanted.variable] = values_of_texts(text, model.variables[wanted.variable].support)
        return request.restore(model, asked)
