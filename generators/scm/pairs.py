"""Candidates of one batch of units, as columns of the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.candidates import constant
from contrafact.record import INTERVENTION
from contrafact.stages import Context
from generators.scm import worlds
from generators.scm.arrow import only, struct_of, subset, texts
from generators.scm.interventions import Intervention, intervene
from generators.scm.mechanisms.base import Columns
from generators.scm.model import BASE, DOMAIN, SCM
from generators.scm.requests import Request
from generators.scm.units import Drawn

if TYPE_CHECKING:
    from generators.scm.generator import SCMGenerator

__all__ = ["Batch", "PairBuilder"]


@dataclass(frozen=True)
class Batch:
    """Units that share one request, one environment and one target environment.

    ``rows`` are their positions in the shard, or None for all of them.
    """

    position: int
    request: Request
    here: str
    rows: NDArray[np.int64] | None
    size: int

    def there(self) -> str:
        """Environment of the counterfactual."""
        return self.request.domain or self.here


@dataclass(frozen=True)
class PairBuilder:
    """Turns facts, noise and an intervention into the columns of a candidate."""

    generator: SCMGenerator

    def table(self, batch: Batch, drawn: Drawn, unit_ids: pa.Array, context: Context) -> pa.Table:
        """Candidates of a batch, in the order of its units."""
        model = self.generator.model.in_domain(batch.here)
        rows = batch.rows
        facts, noise = subset(drawn.values, rows), subset(drawn.noise, rows)
        numbers = np.arange(context.start, context.start + len(unit_ids))
        settled = batch.request.settle(model, facts, context.streams, numbers if rows is None else numbers[rows])
        world = worlds.single(model, noise, batch.size, settled, facts, keep_unmoved=drawn.abducted)
        moved = _moved(model, settled)
        # What do sets needs no noise; every other variable that moves is computed from its own.
        used = moved - {action.variable for action in settled.actions if action.operation == "do"}
        possible = drawn.possible if rows is None else drawn.possible[rows]
        impossible = None if possible.all() else ~possible
        columns = {
            "unit_id": unit_ids if rows is None else unit_ids.take(pa.array(rows)),
            "factual": self._member(facts, batch.here, batch.size),
            "counterfactual": _masked(self._member(world, batch.there(), batch.size), impossible),
            "intervention": self._interventions(model, batch, settled, facts, world),
            "label": self.generator.labeller.of(facts, batch.size),
            "counterfactual_label": _masked(self.generator.labeller.of(world, batch.size), impossible),
            "exact": constant(not used & drawn.guessed, batch.size, pa.bool_()),
            "held_fixed": self._held_fixed(model, moved, batch.size),
            "scores": _scores(drawn, used, rows, batch.size),
            "hidden": self._hidden(noise, facts, world, batch),
        }
        if impossible is not None:
            columns["reasons"] = _reasons(impossible)
        return pa.table(columns)

    def _member(self, world: Columns, domain: str, rows: int) -> pa.StructArray:
        generator = self.generator
        fields = list(generator.shape().members)
        columns = only(world, generator.model.observed)
        if generator.tells_domain:
            code = [BASE, *generator.model.domains].index(domain)
            columns[DOMAIN] = np.full(rows, code, dtype=np.int64)
        return struct_of(columns, fields)

    def _interventions(
        self, model: SCM, batch: Batch, settled: Intervention, facts: Columns, world: Columns
    ) -> pa.Array:
        """What was changed; ``after`` is read from the counterfactual world, not copied from the request."""
        entries: list[tuple[str, str, pa.Array, pa.Array]] = []
        for action in settled.actions:
            support = model.variables[action.variable].support
            before, after = texts(facts[action.variable], support), texts(world[action.variable], support)
            entries.append((action.variable, action.operation, before, after))
        if settled.domain is not None:
            here, there = (constant(name, batch.size, pa.string()) for name in (batch.here, batch.there()))
            entries.append((DOMAIN, "domain", here, there))
        return _listed(entries, batch.size)

    def _held_fixed(self, model: SCM, moved: frozenset[str], rows: int) -> pa.Array:
        fixed = [name for name in model.observed if name not in moved]
        return constant(fixed, rows, pa.list_(pa.string()))

    def _hidden(self, noise: Columns, facts: Columns, world: Columns, batch: Batch) -> pa.Array:
        fields = {each.name: each for each in self.generator.shape().hidden}
        latent = self.generator.model.latent
        columns: dict[str, Any] = {
            "noise": struct_of(noise, list(fields["noise"].type)),
            "request": pa.array(np.full(batch.size, batch.position, dtype=np.int32)),
        }
        if latent:
            columns["latent"] = struct_of(only(facts, latent), list(fields["latent"].type))
            columns["counterfactual_latent"] = struct_of(only(world, latent), list(fields["latent"].type))
        return pa.StructArray.from_arrays([columns[name] for name in fields], fields=list(fields.values()))


def _moved(model: SCM, settled: Intervention) -> frozenset[str]:
    """What an intervention can move: its targets and all that lies downstream of them in the changed model."""
    targets = settled.targets(model)
    return targets | intervene(model, settled).descendants(targets)


def _scores(drawn: Drawn, used: frozenset[str], rows: NDArray[np.int64] | None, size: int) -> pa.Array:
    """The smallest effective sample size of the noise that was used; null where all of it is known or unique."""
    sizes = [each for name, each in drawn.ess.items() if name in used]
    if not sizes:
        ess = pa.nulls(size, pa.float64())
    else:
        least = np.minimum.reduce(sizes)
        ess = pa.array(least if rows is None else least[rows])
    return pa.StructArray.from_arrays([ess], names=["ess"])


def _listed(entries: Sequence[tuple[str, str, pa.Array, pa.Array]], rows: int) -> pa.Array:
    """A list of interventions a row: entry by entry in, row by row out."""
    kinds = {each.name: each.type for each in INTERVENTION.value_type}
    count = len(entries)
    children = (
        [
            pa.concat_arrays([constant(entry[0], rows, kinds["variable"]) for entry in entries]),
            pa.concat_arrays([constant(entry[1], rows, kinds["operation"]) for entry in entries]),
            pa.concat_arrays([entry[2] for entry in entries]),
            pa.concat_arrays([entry[3] for entry in entries]),
            pa.nulls(rows * count, pa.string()),
        ]
        if entries
        else [pa.nulls(0, pa.string())] * 5
    )
    flat = pa.StructArray.from_arrays(children, names=list(kinds))
    if count > 1:
        flat = flat.take(pa.array(np.arange(rows * count).reshape(count, rows).T.reshape(-1)))
    offsets = np.arange(0, rows * count + 1, count, dtype=np.int32) if count else np.zeros(rows + 1, dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), flat)


def _masked(column: pa.Array, missing: NDArray[np.bool_] | None) -> pa.Array:
    if missing is None:
        return column
    return pa.compute.if_else(pa.array(missing), pa.scalar(None, column.type), column)


def _reasons(impossible: NDArray[np.bool_]) -> pa.Array:
    offsets = np.zeros(len(impossible) + 1, dtype=np.int32)
    np.cumsum(impossible, out=offsets[1:])
    text = constant("scm: no noise explains this unit under the model", int(impossible.sum()), pa.string())
    return pa.ListArray.from_arrays(pa.array(offsets), text)
