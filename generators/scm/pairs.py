"""Candidates of one batch of units, as columns of the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from generators.scm.faults import Faults, missing_cells
from generators.scm.interventions import Intervention, as_column, intervene
from generators.scm.mechanisms.base import Columns
from generators.scm.model import BASE, DOMAIN, SCM
from generators.scm.repeats import NOTHING, TWICE, Repeats, changes_nothing
from generators.scm.requests import Request, Settled
from generators.scm.units import Drawn

if TYPE_CHECKING:
    from generators.scm.generator import SCMGenerator

__all__ = ["Batch", "PairBuilder", "Reach"]


@dataclass(frozen=True)
class Batch:
    """Units that share one request, one environment and one target environment.

    ``rows`` are their positions in the shard, or None for all of them. ``already`` marks units that are where a mere
    change of domain would take them: nothing is asked of them.
    """

    position: int
    request: Request
    here: str
    rows: NDArray[np.int64] | None
    size: int
    already: bool = False

    def there(self) -> str:
        """Environment of the counterfactual."""
        return self.request.domain or self.here


@dataclass(frozen=True)
class PairBuilder:
    """Turns facts, noise and an intervention into the columns of a candidate."""

    generator: SCMGenerator

    def table(self, batch: Batch, drawn: Drawn, unit_ids: pa.Array, context: Context, repeats: Repeats) -> pa.Table:
        """Candidates of a batch, in the order of its units; ``repeats`` knows the batches before it."""
        model = self.generator.model.in_domain(batch.here)
        rows = batch.rows
        facts, noise = subset(drawn.values, rows), subset(drawn.noise, rows)
        numbers = np.arange(context.start, context.start + len(unit_ids))
        settled = batch.request.settle(model, facts, context.streams, numbers if rows is None else numbers[rows])
        world = worlds.single(model, noise, batch.size, settled.intervention, facts, keep_unmoved=drawn.abducted)
        reach = Reach.of(model, settled.intervention)
        possible = drawn.possible if rows is None else drawn.possible[rows]
        two = self._worlds(model, batch, settled, (facts, world, noise), possible)
        nothing = changes_nothing(batch.request, settled.intervention, facts, world, batch.size)
        two.faults.add(nothing, NOTHING, lost=False)
        two.faults.add(repeats.of(batch.position, settled.intervention, batch.there(), rows), TWICE, lost=False)
        columns = {
            "unit_id": unit_ids if rows is None else unit_ids.take(pa.array(rows)),
            "factual": self._member(facts, batch.here, batch.size, two.missing),
            "counterfactual": _masked(self._member(world, batch.there(), batch.size), two.faults.lost),
            "intervention": self._interventions(model, batch, settled.intervention, two),
            "label": _masked(two.labels[0], two.unlabelled),
            "counterfactual_label": _masked(two.labels[1], two.faults.lost),
            "exact": constant(not reach.used & drawn.guessed, batch.size, pa.bool_()),
            "held_fixed": constant(reach.held(model), batch.size, pa.list_(pa.string())),
            "scores": _scores(drawn, reach.used, rows, batch.size),
            "hidden": self._hidden(model, noise, two, batch, settled),
        }
        reasons = two.faults.reasons()
        if reasons is not None:
            columns["reasons"] = reasons
        return pa.table(columns)

    def _worlds(
        self,
        model: SCM,
        batch: Batch,
        settled: Settled,
        columns: tuple[Columns, Columns, Columns],
        possible: NDArray[np.bool_],
    ) -> _Worlds:
        """Both worlds with what is wrong in them, the fact's troubles first."""
        facts, world, noise = columns
        submodel, faults, labeller = intervene(model, settled.intervention), Faults(batch.size), self.generator.labeller
        missing = missing_cells(model, facts, noise)
        faults.add_world(model, only(facts, model.order), missing)
        unlabelled = np.logical_or.reduce([np.zeros(batch.size, dtype=bool), *missing.values()])
        label, no_label = labeller.read(facts, batch.size)
        unlabelled |= no_label
        faults.add(unlabelled, "scm: the label is undefined")
        faults.add(~possible, "scm: no noise explains this unit under the model")
        if batch.already:
            faults.add(np.ones(batch.size, dtype=bool), f"scm: the unit already lives in {batch.there()}")
        for name, refused in settled.refused.items():
            faults.add(refused, f"scm: the value that do gives {name} is outside its support")
        # A column that nothing reached is the factual one itself, and was looked at.
        changed = {name: world[name] for name in submodel.order if world[name] is not facts[name]}
        gone = missing_cells(submodel, world, noise, changed)
        faults.add_world(submodel, changed, gone, " in the counterfactual")
        other_label, no_label = labeller.read(world, batch.size)
        faults.add(no_label, "scm: the label is undefined in the counterfactual")
        return _Worlds(facts, world, faults, missing, gone, unlabelled, (label, other_label))

    def _member(
        self, world: Columns, domain: str, rows: int, missing: Mapping[str, NDArray[np.bool_]] | None = None
    ) -> pa.StructArray:
        generator = self.generator
        fields = list(generator.shape().members)
        columns = only(world, generator.model.observed)
        if generator.tells_domain:
            code = [BASE, *generator.model.domains].index(domain)
            columns[DOMAIN] = np.full(rows, code, dtype=np.int64)
        return struct_of(columns, fields, missing)

    def _interventions(self, model: SCM, batch: Batch, settled: Intervention, two: _Worlds) -> pa.Array:
        """What was changed; ``after`` is read from the counterfactual world, not copied from the request.

        The values of a latent variable are hidden truth, and stay there.
        """
        entries: list[tuple[str, str, pa.Array, pa.Array]] = []
        for action in settled.actions:
            name, support = action.variable, model.variables[action.variable].support
            before = after = pa.nulls(batch.size, pa.string())
            if model.variables[name].observed:
                lost = two.faults.lost if name not in two.gone else two.faults.lost | two.gone[name]
                before = texts(two.facts[name], support, two.missing.get(name))
                after = texts(two.world[name], support, lost if lost.any() else None)
            entries.append((name, action.operation, before, after))
        if settled.domain is not None:
            here, there = (constant(name, batch.size, pa.string()) for name in (batch.here, batch.there()))
            entries.append((DOMAIN, "domain", here, there))
        return _listed(entries, batch.size)

    def _hidden(self, model: SCM, noise: Columns, two: _Worlds, batch: Batch, settled: Settled) -> pa.Array:
        fields = {each.name: each for each in self.generator.shape().hidden}
        latent = self.generator.model.latent
        columns: dict[str, Any] = {
            "noise": struct_of(noise, list(fields["noise"].type)),
            "request": pa.array(np.full(batch.size, batch.position, dtype=np.int32)),
            "requested": _requested(model, settled, batch.size),
        }
        if latent:
            kinds = list(fields["latent"].type)
            columns["latent"] = struct_of(only(two.facts, latent), kinds, two.missing)
            columns["counterfactual_latent"] = struct_of(only(two.world, latent), kinds, {**two.missing, **two.gone})
        return pa.StructArray.from_arrays([columns[name] for name in fields], fields=list(fields.values()))


@dataclass(frozen=True)
class _Worlds:
    """The factual and the counterfactual world of a batch, and what is wrong with them.

    Attributes
    ----------
    missing, gone : mapping of name to ndarray of bool
        Undefined cells of the fact and of the counterfactual.
    unlabelled : ndarray of bool
        Units whose factual label does not exist.
    labels : pair of pyarrow.Array
        Of the fact and of the counterfactual.
    """

    facts: Columns
    world: Columns
    faults: Faults
    missing: Mapping[str, NDArray[np.bool_]]
    gone: Mapping[str, NDArray[np.bool_]]
    unlabelled: NDArray[np.bool_]
    labels: tuple[pa.Array, pa.Array]


@dataclass(frozen=True)
class Reach:
    """What an intervention can move, and whose noise it then uses.

    Attributes
    ----------
    moved : frozenset of str
        Its targets, and all that lies downstream of them in the changed model.
    used : frozenset of str
        Those of them that are computed from their noise: what do sets needs none.
    """

    moved: frozenset[str]
    used: frozenset[str]

    @classmethod
    def of(cls, model: SCM, settled: Intervention) -> Reach:
        """The reach of an intervention on a model (in the units' own environment)."""
        targets = settled.targets(model)
        moved = targets | intervene(model, settled).descendants(targets)
        return cls(moved, moved - {action.variable for action in settled.actions if action.operation == "do"})

    def held(self, model: SCM) -> list[str]:
        """Observed variables that cannot move."""
        return [name for name in model.observed if name not in self.moved]


def _requested(model: SCM, settled: Settled, rows: int) -> pa.Array:
    """What was asked for: the value that each do was to set, as text; null for every other operation."""
    text, columns = pa.string(), []
    for action in settled.intervention.actions:
        support, asked = model.variables[action.variable].support, pa.nulls(rows, pa.string())
        if action.operation == "do" and np.ndim(action.value) == 0:
            asked = constant(texts(as_column(action.value, support, 1), support)[0].as_py(), rows, text)
        elif action.operation == "do":
            missing = ~support.defined(action.value) | settled.refused.get(action.variable, False)
            asked = texts(action.value, support, missing)
        columns.append(asked)
    if settled.intervention.domain is not None:
        columns.append(pa.nulls(rows, text))
    return _by_row(columns, rows, text)


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
    kind = INTERVENTION.value_type
    text = pa.string()
    columns = []
    for variable, operation, before, after in entries:
        said = [constant(each, rows, text) for each in (variable, operation)]
        columns.append(pa.StructArray.from_arrays([*said, before, after, pa.nulls(rows, text)], fields=list(kind)))
    return _by_row(columns, rows, kind)


def _by_row(columns: Sequence[pa.Array], rows: int, kind: pa.DataType) -> pa.Array:
    """Columns as one list a row."""
    count = len(columns)
    flat = pa.concat_arrays(columns) if count else pa.nulls(0, kind)
    if count > 1:
        flat = flat.take(pa.array(np.arange(rows * count).reshape(count, rows).T.reshape(-1)))
    offsets = np.arange(0, rows * count + 1, count, dtype=np.int32) if count else np.zeros(rows + 1, dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), flat)


def _masked(column: pa.Array, missing: NDArray[np.bool_]) -> pa.Array:
    if not missing.any():
        return column
    return pa.compute.if_else(pa.array(missing), pa.scalar(None, column.type), column)
