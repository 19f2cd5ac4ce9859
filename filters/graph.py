"""Graph consistency: only what was intervened on and its descendants moved, and as the mechanisms say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.errors import RecipeError
from contrafact.record import HIDDEN, levels_of
from contrafact.stages import Generator, Judgement, PairFilter
from filters.columns import Changes, changes_of, column, is_numeric, member, numbers, same
from filters.options import check_number
from filters.verdicts import Tally

__all__ = ["GraphConsistency"]

Masks = dict[str, NDArray[np.bool_]]


class GraphConsistency(PairFilter):
    """Only descendants of the intervention moved, and as their mechanisms say.

    Three rules, after the axiomatic properties of counterfactuals (Pearl 2009, section 7.3; Galles & Pearl 1998):

    1. a member that is neither intervened on nor a descendant is equal in both members, bit for bit;
    2. a member that is free to move reads what ``generator.recompute`` gives (where the generator has an oracle);
    3. after ``do`` a member reads the value that was asked for: ``requested`` of the hidden truth, which the generator
       wrote before it computed anything. A generator that keeps none is held to the intervention's ``after``.

    The score is the number of (rule, variable) violations. An entry of ``intervention`` may list several variables,
    with commas between them (a change of domain).

    Parameters
    ----------
    tolerance : float
        Allowed gap in rule 2, as a share of the largest of the stored, the recomputed and the factual value.
        Integers, class labels and texts must agree exactly.

    Raises
    ------
    RecipeError
        Where ``tolerance`` is negative or NaN, or the generator has no graph over its members.
    """

    name: ClassVar[str] = "graph"

    def __init__(self, *, tolerance: float = 1e-9) -> None:
        self.tolerance = check_number(self.name, "tolerance", tolerance)
        self._members: dict[str, pa.Field] = {}
        self._above: dict[str, frozenset[str]] = {}

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        graph = generator.graph()
        self._members = {field.name: field for field in generator.shape().members}
        if graph is None or not any(name in graph for name in self._members):
            raise RecipeError(
                f"filter {alias}: {generator.name} has no causal graph over {', '.join(self._members)}",
                allowed="generators whose graph() names their members, such as scm",
                fix=f"remove the filter {alias} from the recipe",
            )
        import networkx as nx

        self._above = {
            name: frozenset(nx.ancestors(graph, name) if name in graph else ()) | {name} for name in self._members
        }

    def judge(self, pairs: pa.Table) -> Judgement:
        assert self.generator is not None  # noqa: S101  # bind comes before judging
        changes = changes_of(pairs)
        touched = _touched(changes, pairs.num_rows)
        answer = self.generator.recompute(pairs) if pairs.num_rows else None
        expected = {} if answer is None else answer.counterfactual
        tally = Tally(pairs.num_rows)
        free = {name: _any(touched, above, pairs.num_rows) for name, above in self._above.items()}
        self._preservation(pairs, free, tally)
        done = self._effectiveness(pairs, changes, tally)
        self._prediction(pairs, free, done, expected, tally)
        return Judgement(tally.passed, tally.reasons, {self.alias: tally.count.astype(np.float64)})

    def _preservation(self, pairs: pa.Table, free: Masks, tally: Tally) -> None:
        for name, mask in free.items():
            if not mask.all():
                moved = ~same(member(pairs, "factual", name), member(pairs, "counterfactual", name))
                text = f"{self.alias}: {name} moved but is not a descendant of what was intervened on"
                tally.add(moved & ~mask, text)

    def _effectiveness(self, pairs: pa.Table, changes: Changes, tally: Tally) -> Masks:
        """Check rule 3. Returns the rows in which each member was set by ``do``."""
        done: Masks = {}
        set_by_do, requested = pc.equal(changes.operation, "do"), _requested(pairs, changes)
        for name in pc.unique(changes.variable.filter(set_by_do)).to_pylist():
            if name not in self._members:
                continue
            here = pc.and_(set_by_do, pc.equal(changes.variable, name)).to_numpy(zero_copy_only=False)
            rows = changes.row[np.flatnonzero(here)]
            asked = _read(requested.filter(pa.array(here)), self._members[name])
            done[name] = np.zeros(pairs.num_rows, dtype=bool)
            done[name][rows] = asked is not None
            if asked is not None:
                wrong = np.zeros(pairs.num_rows, dtype=bool)
                wrong[rows] = ~_reads(member(pairs, "counterfactual", name).take(pa.array(rows)), asked)
                tally.add(wrong, f"{self.alias}: {name} does not read the value that do set")
        return done

    def _prediction(
        self, pairs: pa.Table, free: Masks, done: Masks, expected: Mapping[str, NDArray[Any]], tally: Tally
    ) -> None:
        for name, mask in free.items():
            asked = mask & ~done[name] if name in done else mask
            if name in expected and asked.any():
                far = ~self._close(pairs, name, np.asarray(expected[name]))
                text = f"{self.alias}: {name} does not read what its mechanism gives under the intervention"
                tally.add(far & asked, text)

    def _close(self, pairs: pa.Table, name: str, expected: NDArray[Any]) -> NDArray[np.bool_]:
        stored = member(pairs, "counterfactual", name)
        tolerance = self.tolerance if pa.types.is_floating(stored.type) else 0.0
        if not pa.types.is_floating(stored.type) and expected.dtype.kind != "f":
            return same(stored, pa.array(expected, from_pandas=True).cast(stored.type))
        actual, aim, fact = numbers(stored), expected.astype(np.float64), numbers(member(pairs, "factual", name))
        size = np.maximum(np.abs(actual), np.abs(aim))
        # A sum that cancels is as uncertain as its terms; the factual value stands for their size.
        size = np.fmax(size, np.where(np.isfinite(fact), np.abs(fact), 0.0))
        with np.errstate(invalid="ignore"):
            near = (np.abs(actual - aim) <= tolerance * size) & np.isfinite(size)
        return np.asarray(near | (actual == aim) | (np.isnan(actual) & np.isnan(aim)), dtype=bool)


def _requested(pairs: pa.Table, changes: Changes) -> pa.Array:
    """What each operation was to set, beside ``changes``; what came of it where the generator does not tell."""
    hidden = column(pairs, HIDDEN) if HIDDEN in pairs.column_names else None
    if hidden is None or hidden.type.get_field_index("requested") < 0:
        return changes.after
    lists = pc.struct_field(hidden, "requested")
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    if not np.array_equal(np.repeat(np.arange(len(lists)), lengths), changes.row):
        return changes.after
    return pc.coalesce(lists.flatten(), changes.after)


def _touched(changes: Changes, rows: int) -> Masks:
    """Rows in which each variable was acted on: one pass for each distinct text, never for each row."""
    touched: Masks = {}
    codes = changes.variable.dictionary_encode()
    indices = pc.fill_null(codes.indices, -1).to_numpy()
    for code, text in enumerate(codes.dictionary.to_pylist()):
        for name in (part.strip() for part in text.split(",")):
            touched.setdefault(name, np.zeros(rows, dtype=bool))[changes.row[indices == code]] = True
    return touched


def _any(touched: Masks, names: frozenset[str], rows: int) -> NDArray[np.bool_]:
    free = np.zeros(rows, dtype=bool)
    for name in names & touched.keys():
        free |= touched[name]
    return free


def _read(texts: pa.Array, field: pa.Field) -> pa.Array | None:
    """Texts as values of a member's type, null where they are none; None where such members are not written as text."""
    levels = levels_of(field)
    if levels is not None:
        return pc.index_in(texts, value_set=pa.array(levels)).cast(field.type)
    if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
        return texts.cast(field.type)
    if not is_numeric(field.type):
        return None
    try:
        return texts.cast(field.type)
    except pa.ArrowInvalid:
        codes = texts.dictionary_encode()
        values = pa.array([_number(text) for text in codes.dictionary.to_pylist()], pa.float64())
        return values.take(codes.indices).cast(field.type, safe=False)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _reads(stored: pa.Array, asked: pa.Array) -> NDArray[np.bool_]:
    if not pa.types.is_floating(stored.type):
        return np.asarray(same(stored, asked) & asked.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    actual, aim = numbers(stored), numbers(asked)
    equal = (actual == aim) | (np.isnan(actual) & np.isnan(aim))
    return np.asarray(equal & asked.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
