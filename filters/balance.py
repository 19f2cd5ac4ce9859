"""Balance: classes in the shares the recipe asks for, by dropping the surplus."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.errors import DataError, RecipeError, did_you_mean
from contrafact.identity import hash_strings
from contrafact.record import levels_of
from contrafact.stages import Generator, Judgement, SetFilter, Sketches
from filters.columns import changes_of, column, made
from filters.hashing import Words
from filters.options import check_choice, check_number
from filters.partitions import alive, words_of

__all__ = ["Balance"]

By = Literal["label", "counterfactual_label", "label_pair", "intervention"]
_CHOICES = ("label", "counterfactual_label", "label_pair", "intervention")
_MAX_CLASSES = 1000
_BIN_BITS = 12
_EVERY, _NONE = 2**64 - 1, -1


class Balance(SetFilter):
    """Classes in equal shares, or in a given ratio, by dropping the surplus.

    Every pair draws a number from a hash of its ``pair_id``; in each class the lowest draws stay. Which pairs stay
    therefore depends neither on shards nor on the order of arrival. The score is the draw, uniform on [0, 1).

    The scarcest class (relative to its share) decides how many stay; a class without pairs takes no part. A pair
    whose label is missing belongs to no class, and passes.

    Parameters
    ----------
    by : {'label', 'counterfactual_label', 'label_pair', 'intervention'}
        Classes are named ``yes``, ``no -> yes`` for label pairs, and ``do X``, ``do X + shift Y`` or ``none`` for
        interventions.
    ratio : dict of class name to share, optional
        Relative shares; they need not sum to one. 0 drops a class; a class that is not named is left alone. Equal
        shares by default.
    tolerance : float
        A class may exceed its share by this part of it.

    Raises
    ------
    RecipeError
        Where ``ratio`` is empty, negative or names no class, or the label has no classes (a real number).
    DataError
        While deciding, where there are more than 1000 classes.
    """

    name: ClassVar[str] = "balance"

    def __init__(self, *, by: By = "label", ratio: dict[str, float] | None = None, tolerance: float = 0.0) -> None:
        check_choice(self.name, "by", by, _CHOICES)
        for each, share in (ratio or {}).items():
            check_number(self.name, f"ratio[{each}]", share)
        if ratio is not None and not any(ratio.values()):
            raise RecipeError(
                f"filter {self.name}: ratio = {ratio} leaves nothing",
                allowed="at least one share above 0",
                fix="leave ratio out for equal shares",
            )
        self.by, self.ratio = by, ratio
        self.tolerance = check_number(self.name, "tolerance", tolerance)
        self._levels: tuple[str, ...] | None = None
        self._most: int | None = None

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        if self.by == "intervention":
            return
        label = generator.shape().label
        self._levels = levels_of(label)
        if pa.types.is_floating(label.type):
            raise RecipeError(
                f"filter {alias}: the label {label.name!r} is a real number and has no classes",
                allowed="class labels, texts, integers and booleans; or by: intervention",
                fix="by: intervention",
            )
        if self._levels is not None:
            self._check_ratio(alias, self._levels)

    def quota(self, pairs: int | None) -> None:
        """Let no more than so many pass, in the same shares."""
        self._most = pairs

    def sketch(self, pairs: pa.Table) -> pa.Table:
        classes = pc.if_else(pa.array(made(pairs)), self._classes(pairs), pa.scalar(None, pa.string()))
        return pa.table({"class": classes, "draw": pa.array(hash_strings(column(pairs, "pair_id"), self.name))})

    def decide(self, sketches: Sketches) -> Iterator[Judgement]:
        limits = self._limits(sketches)
        for sketch in sketches:
            draws, drawn = words_of(sketch, "draw"), np.zeros(sketch.num_rows, dtype=bool)
            passed, reasons = np.ones(sketch.num_rows, dtype=bool), np.full(sketch.num_rows, "", dtype=object)
            for each, rows in _rows_by_class(sketch):
                drawn[rows] = True
                passed[rows] = _within(draws[rows], limits[each])
                reasons[rows] = f"{self.alias}: surplus of {each}"
            scores = np.where(drawn, (draws >> np.uint64(11)) * 2.0**-53, np.nan)
            yield Judgement(passed, reasons, {self.alias: scores})

    def _check_ratio(self, alias: str, levels: tuple[str, ...]) -> None:
        known = levels if self.by != "label_pair" else [f"{one} -> {other}" for one in levels for other in levels]
        for each in self.ratio or {}:
            if each not in known:
                raise RecipeError(
                    f"filter {alias}: ratio names {each!r}, which is no class{did_you_mean(each, known)}",
                    allowed=", ".join(known),
                    fix=f"correct or remove {each!r} in ratio",
                )

    def _classes(self, pairs: pa.Table) -> pa.Array:
        if self.by == "intervention":
            return _intervention_names(pairs)
        if self.by == "label_pair":
            sides = (self._names(column(pairs, name)) for name in ("label", "counterfactual_label"))
            return pc.binary_join_element_wise(*sides, " -> ")
        return self._names(column(pairs, self.by))

    def _names(self, labels: pa.Array) -> pa.Array:
        return labels.cast(pa.string()) if self._levels is None else pa.array(self._levels, pa.string()).take(labels)

    def _limits(self, sketches: Sketches) -> dict[str, int]:
        """The highest draw that stays, by class: two passes and a histogram, never a class's draws at once."""
        histograms: dict[str, NDArray[np.int64]] = {}
        total = 0
        for sketch in sketches:
            total += int(np.count_nonzero(alive(sketch)))
            bins = (words_of(sketch, "draw") >> np.uint64(64 - _BIN_BITS)).astype(np.int64)
            for each, rows in _rows_by_class(sketch):
                counts = np.bincount(bins[rows], minlength=2**_BIN_BITS)
                histograms[each] = histograms[each] + counts if each in histograms else counts
            self._check_number_of_classes(len(histograms))
        quotas = self._quotas({each: int(counts.sum()) for each, counts in histograms.items()}, total)
        cut = {each: _cut(histograms[each], quota) for each, quota in quotas.items() if quota}
        limits = {each: _EVERY if each not in quotas else _NONE for each in histograms}
        return {**limits, **_exact_limits(sketches, cut)}

    def _quotas(self, counts: Mapping[str, int], total: int) -> dict[str, int]:
        """How many may stay of each class that has more than that, of ``total`` pairs with and without a class."""
        given = {each: 1.0 if self.ratio is None else self.ratio.get(each) for each in counts}
        shares = {each: share for each, share in given.items() if share is not None}
        fair = min((counts[each] / share for each, share in shares.items() if share), default=0.0)
        wanted = {
            # A whisker more, lest rounding take one pair from a class that meets its share exactly.
            each: min(counts[each], math.floor(fair * share * (1 + self.tolerance) + 1e-6))
            for each, share in shares.items()
        }
        others = total - sum(counts[each] for each in shares)  # left alone: the core cuts these, in their order
        passing = sum(wanted.values())
        if self._most is not None and passing + others > self._most:
            room = -(-self._most * passing // (passing + others))
            exact = room <= math.floor(fair * sum(shares.values()) + 1e-6)
            wanted = _shared_out(room, shares if exact else wanted)
        return {each: quota for each, quota in wanted.items() if quota < counts[each]}

    def _check_number_of_classes(self, classes: int) -> None:
        if classes > _MAX_CLASSES:
            raise DataError(
                f"filter {self.alias}: more than {_MAX_CLASSES} classes by {self.by}, too many to balance",
                allowed=f"up to {_MAX_CLASSES} classes",
                fix=f"balance by another of {', '.join(_CHOICES)}",
            )


def _rows_by_class(sketch: pa.Table) -> Iterator[tuple[str, NDArray[np.int64]]]:
    codes = column(sketch, "class").dictionary_encode()
    indices = np.where(alive(sketch), pc.fill_null(codes.indices, -1).to_numpy(), -1)
    for code, each in enumerate(codes.dictionary.to_pylist()):
        rows = np.flatnonzero(indices == code)
        if len(rows):
            yield each, rows


def _shared_out(room: int, weights: Mapping[str, float]) -> dict[str, int]:
    """``room`` in whole numbers by weight: each rounded down, and what is left to the largest remainders."""
    whole = sum(weights.values())
    parts = {each: room * weight / whole for each, weight in weights.items()}
    found = {each: math.floor(part + 1e-9) for each, part in parts.items()}
    for each in sorted(parts, key=lambda each: (found[each] - parts[each], each))[: room - sum(found.values())]:
        found[each] += 1
    return found


def _cut(counts: NDArray[np.int64], quota: int) -> tuple[int, int]:
    """The bin in which the quota is met, and how many of that bin stay."""
    running = np.cumsum(counts)
    place = int(np.searchsorted(running, quota))
    return place, quota - int(running[place] - counts[place])


def _exact_limits(sketches: Sketches, cut: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    found: dict[str, list[Words]] = {each: [] for each in cut}
    for sketch in sketches if cut else ():
        draws = words_of(sketch, "draw")
        for each, rows in _rows_by_class(sketch):
            if each in cut:
                inside = draws[rows] >> np.uint64(64 - _BIN_BITS) == cut[each][0]
                found[each].append(draws[rows][inside])
    return {each: int(np.sort(np.concatenate(found[each]))[stay - 1]) for each, (_, stay) in cut.items()}


def _within(draws: Words, limit: int) -> NDArray[np.bool_]:
    return draws <= np.uint64(limit) if limit >= 0 else np.zeros(len(draws), dtype=bool)


def _intervention_names(pairs: pa.Table) -> pa.Array:
    changes = changes_of(pairs)
    items = pc.binary_join_element_wise(changes.operation, changes.variable, " ")
    offsets = np.searchsorted(changes.row, np.arange(pairs.num_rows + 1)).astype(np.int32)
    names = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), items), " + ")
    return pc.if_else(pc.equal(names, ""), "none", names)
