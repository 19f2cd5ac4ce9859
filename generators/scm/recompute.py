"""Every oracle value again, from the stored record: noise from the hidden truth, the rest by the mechanisms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.record import HIDDEN
from contrafact.stages import Recomputed
from generators.scm import worlds
from generators.scm.arrow import columns_of, subset, values_of_texts
from generators.scm.interventions import Intervention
from generators.scm.model import BASE, DOMAIN, SCM
from generators.scm.requests import Request

if TYPE_CHECKING:
    from generators.scm.generator import SCMGenerator

__all__ = ["recompute_pairs"]

World = dict[str, NDArray[Any]]


def recompute_pairs(generator: SCMGenerator, pairs: pa.Table) -> Recomputed:
    """Counterfactuals and labels of stored pairs that have a counterfactual, row by row in their order."""
    stored = _Stored(generator, pairs)
    model, rows = generator.model, pairs.num_rows
    worlds_found = {name: np.empty(rows, each.support.dtype) for name, each in model.variables.items()}
    for position, here, there, picked in stored.groups():
        for name, column in stored.world(position, here, there, picked).items():
            worlds_found[name][picked] = column
    counterfactual = {name: worlds_found[name] for name in model.observed}
    if generator.tells_domain:
        counterfactual[DOMAIN] = stored.target
    return Recomputed(
        counterfactual, generator.labeller.of(stored.facts, rows), generator.labeller.of(worlds_found, rows)
    )


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
        self.changes = pairs["intervention"].combine_chunks()
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

    def world(self, position: int, here: str, there: str, picked: NDArray[np.int64]) -> World:
        """The counterfactual world of some rows."""
        asked = self.generator.requests[position]
        request = Request(asked.wanted, there if asked.domain is not None else None, asked.levels)
        model = self.generator.model.in_domain(here)
        settled = self._restored(request, model, picked)
        abducted = self.generator.units.observed_only
        facts, noise = subset(self.facts, picked), subset(self.noise, picked)
        return worlds.single(model, noise, len(picked), settled, facts, keep_unmoved=abducted)

    def _restored(self, request: Request, model: SCM, picked: NDArray[np.int64]) -> Intervention:
        after = {}
        count = len(request.wanted) + (request.domain is not None)
        entries = self.changes.take(pa.array(picked)).flatten()
        for place, wanted in enumerate(request.wanted):
            if wanted.policy is not None:
                text = entries.field("after").take(pa.array(np.arange(place, len(picked) * count, count)))
                after[wanted.variable] = values_of_texts(text, model.variables[wanted.variable].support)
        return request.restore(model, after)
