"""Matching: for each unit, real texts with another value of one concept and equal confounders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

import pyarrow as pa

from contrafact.engines.llm import Request
from contrafact.errors import RecipeError
from contrafact.stages import Context, Source
from generators.text.concept.concepts import Texts
from generators.text.concept.nearest import Match, Wanted
from generators.text.concept.placebos import sizes
from generators.text.concept.pools import Matched, matched, whole_of
from generators.text.concept.records import MATCHING_SCORES, members, reject, row
from generators.text.concept.setting import Setting

__all__ = ["Matcher"]


class Matcher:
    """Finds the matches of a whole source once, and gives each shard its own.

    Parameters
    ----------
    pool : Source, optional
        Where matches come from; the source itself by default.
    pool_rows : int
        Texts of source or pool at the most.
    least, most : float
        Cosines between which a match lies.
    placebos : bool
        Whether each pair has a control: a text as near to the unit, with the unit's own value and label.

    Raises
    ------
    RecipeError
        For a number outside its range.
    """

    scores = MATCHING_SCORES
    needs = ("embedder",)

    def __init__(
        self,
        setting: Setting,
        pool: Source | None,
        pool_rows: int,
        least: float,
        most: float,
        *,
        placebos: bool = False,
    ) -> None:
        if not -1 <= least <= most <= 1:
            raise RecipeError(
                f"generator: no cosine is from {least} to {most}", allowed="-1 <= min_cosine <= max_cosine <= 1"
            )
        if pool_rows < 1:
            raise RecipeError(f"generator.pool_rows is {pool_rows}", allowed="1 or more")
        self.setting, self.pool, self.pool_rows = setting, pool, pool_rows
        self.wanted = Wanted(setting.change, setting.held, setting.strict, setting.k, least, most)
        self.fixed = tuple(dict.fromkeys((setting.change, *setting.held, setting.label))) if placebos else None
        self._lock = Lock()
        self._known: tuple[Source, Matched] | None = None

    def identity(self) -> Any:
        """Changes with the pool."""
        return None if self.pool is None else self.pool.identity()

    def note(self) -> str:
        """What a reader of the dataset must know."""
        held = ", ".join(self.setting.held_names) or "nothing"
        kept = f"agree in {held}" if self.setting.strict else f"agree in as many of {held} as could be had"
        return (
            f"a matched pair is two real texts that differ in {self.setting.changed.name} and {kept}; whatever else"
            " they say may differ too"
        )

    def questions(self, units: pa.Table, context: Context) -> list[Request]:
        """None: no model is asked."""
        return []

    def rows(self, units: pa.Table, context: Context) -> Iterator[dict[str, Any]]:
        """Candidates of the units of one shard; where placebos are wanted, those of each unit followed by them."""
        found = self._whole(context)
        for place in range(context.start, context.start + units.num_rows):
            pairs = list(self._pairs(place, found))
            yield from pairs
            if self.fixed is not None:
                yield from self._placebos(place, pairs, found)

    def _pairs(self, place: int, found: Matched) -> Iterator[dict[str, Any]]:
        texts, unit = found.units, (found.units.ids[place], found.groups[place])
        if texts.errors[place] is not None:
            yield reject(unit, f"{self.setting.name}: {texts.errors[place]}")
            return
        known = self.setting.factual(texts, place)
        if not found.targets[place]:
            yield reject(unit, self.setting.already(), **known)
        for target, matches in zip(found.targets[place], found.found[place], strict=True):
            if not matches:
                yield reject(unit, self._no_match(target), **known)
            for rank, match in enumerate(matches, 1):
                yield self._match(unit, known, target, match, (rank, len(matches)), found)

    def _placebos(self, place: int, pairs: Sequence[Mapping[str, Any]], found: Matched) -> Iterator[dict[str, Any]]:
        """A control for each pair of a unit, in order."""
        unit, known = (found.units.ids[place], found.groups[place]), self.setting.factual(found.units, place)
        others = iter([each for of_target in found.placebos[place] for each in of_target])
        value, field = int(found.units.codes[place, self.setting.change]), self.setting.field
        for number, pair in enumerate(pairs):
            if pair["reasons"]:
                continue
            name, placebo = f"{unit[0]}/{number}", next(others)
            if placebo is None:
                yield reject(unit, self._no_placebo(), **known, control_of=name)
                continue
            row = self._match(unit, known, value, placebo, (None, None), found)
            texts = (known["factual"][field], pair["counterfactual"][field], row["counterfactual"][field])
            yield {**row, "control_of": name, "scores": {**row["scores"], **sizes(name, field, texts)}}

    def _whole(self, context: Context) -> Matched:
        """All matches of the whole source, found by the first shard that asks."""
        if context.source is None:
            raise RecipeError("matching looks among all units, and was given a part of them", fix="build with a source")
        with self._lock:
            if self._known is None or self._known[0] is not context.source:
                self._known = (context.source, self._found(context.source, context))
            return self._known[1]

    def _found(self, source: Source, context: Context) -> Matched:
        def whole(part: Source) -> Texts:
            return whole_of(part, self.setting.read, self.pool_rows, context.engines)

        units = whole(source)
        pool = units if self.pool is None else whole(self.pool)
        targets = [
            () if error is not None else self.setting.targets(name, int(code), context)
            for name, code, error in zip(units.ids, units.codes[:, self.setting.change], units.errors, strict=True)
        ]
        return matched(units, pool, targets, self.wanted, self.setting.name, context.engines, self.fixed)

    def _match(
        self,
        unit: tuple[str, str],
        known: Mapping[str, Any],
        target: int,
        match: Match,
        place: tuple[int | None, int | None],
        found: Matched,
    ) -> dict[str, Any]:
        pool = found.pool
        codes = pool.codes[match.row]
        annotated = (found.units.annotated[self.setting.label], pool.annotated[self.setting.label])
        other = members(self.setting.concepts, self.setting.field, str(pool.texts[match.row]), codes)
        broken = [self.setting.concepts[each].name for each in match.broken]
        return row(
            unit,
            (known["factual"], other),
            (self.setting.changed, target, "match"),
            self.setting.held_names,
            {"match": pool.ids[match.row], "rank": place[0], "broken": broken},
            label=known["label"],
            counterfactual_label=int(codes[self.setting.label]),
            label_source=self.setting.witness(*annotated),
            scores={"match_cosine": match.cosine, "match_rank": place[0], "matches": place[1], "broken": len(broken)},
        )

    def _no_match(self, target: int) -> str:
        concept, held = self.setting.changed, ", ".join(self.setting.held_names)
        equal = f" and equal {held}" if held and self.setting.strict else ""
        return f"{self.setting.name}: no text near enough with {concept.name}={concept.values[target]}{equal}"

    def _no_placebo(self) -> str:
        same = ", ".join([self.setting.changed.name, *self.setting.held_names])
        return f"{self.setting.name}: control: no text as near as the match with the same {same}"
