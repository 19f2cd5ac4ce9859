"""Diversity: of many pairs the few that are least alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import RecipeError
from contrafact.identity import hash_strings
from contrafact.stages import Judgement, Sketches
from filters.columns import column
from filters.embedded_texts import EmbeddedTexts
from filters.embedding_sketch import Items, block_cosines, items_of, rounded, spread_over
from filters.hashing import Words, hash_rows
from filters.options import check_choice
from filters.partitions import words_of

__all__ = ["Diversity"]

_PER = ("unit", "label", "counterfactual_label", "label_pair", "all")
_BLOCK = 4096


class Diversity(EmbeddedTexts):
    """Top-K by diversity: of each unit's (or label's) pairs the K that are least alike stay.

    Farthest first (Gonzalez 1985): the first pair in the order of units stays; then, K - 1 times, the one whose nearest
    neighbour among those that stay is farthest, the earlier of two that are equally far. This comes within a factor of
    two of the best choice of K in the least distance between any two.

    The score is the cosine to the nearest pair chosen before it (for those that do not stay, to the nearest of all that
    do); empty for the first of its kind. Equal texts have a cosine of 1, and are chosen last.

    Per unit this takes little memory. Per label or over ``all``, 40 bytes a pair and a temporary file, and each choice
    reads all vectors of its kind once: K times the number of pairs is the work.

    Parameters
    ----------
    keep : int
        K.
    per : {'unit', 'label', 'counterfactual_label', 'label_pair', 'all'}
        Of which pairs K stay.
    of : {'counterfactual', 'factual'}
        Which side's texts are compared.
    fields : list of str, optional
        Text members; all by default, on lines of their own.

    Raises
    ------
    RecipeError
        Where ``keep`` is below 1, an option has no such choice, or ``fields`` names no text.
    MissingDependencyError
        Where there is no embedder.
    """

    name: ClassVar[str] = "diversity"

    def __init__(
        self,
        *,
        keep: int,
        per: Literal["unit", "label", "counterfactual_label", "label_pair", "all"] = "unit",
        of: Literal["counterfactual", "factual"] = "counterfactual",
        fields: list[str] | None = None,
    ) -> None:
        check_choice(self.name, "per", per, _PER)
        super().__init__(of, fields)
        if keep < 1:
            raise RecipeError(f"filter {self.name}: keep = {keep} keeps nothing", allowed="1 or more", fix="keep: 10")
        self.keep, self.per = keep, per

    def sketch(self, pairs: pa.Table) -> pa.Table:
        # Each pair is compared for itself here, also with others of its unit.
        keys = pa.array(hash_strings(column(pairs, "pair_id"), "pair"))
        return pa.table({"vector": self.vectors(pairs), "unit": keys, "kind": pa.array(self._kinds(pairs))})

    def decide(self, sketches: Sketches) -> Iterator[Judgement]:
        if self.per != "unit":
            yield from self._judged(sketches, sketches.rows)
            return
        for sketch in sketches:  # a unit's pairs are all in one shard
            yield from self._judged([sketch], sketch.num_rows)

    def _judged(self, sketches: Iterable[pa.Table], pairs: int) -> Iterator[Judgement]:
        items = items_of(sketches, pairs)
        kinds = [words_of(sketch, "kind")[rows >= 0] for sketch, rows in spread_over(sketches, items)]
        chosen, nearest = np.ones(len(items), dtype=bool), np.full(len(items), np.nan)
        for members in _by_kind(np.concatenate([np.empty(0, np.uint64), *kinds])):
            chosen[members], nearest[members] = _farthest_first(items, members, self.keep)
        for _, rows in spread_over(sketches, items):
            there = rows >= 0
            passed, scores = np.ones(len(rows), dtype=bool), np.full(len(rows), np.nan)
            passed[there], scores[there] = chosen[rows[there]], nearest[rows[there]]
            yield Judgement(passed, f"{self.alias}: others of its kind are less alike", {self.alias: scores})

    def _kinds(self, pairs: pa.Table) -> NDArray[np.uint64]:
        if self.per == "all":
            return np.zeros(pairs.num_rows, dtype=np.uint64)
        if self.per == "unit":
            return hash_strings(column(pairs, "unit_id"), "unit")
        names = ["label", "counterfactual_label"] if self.per == "label_pair" else [self.per]
        return hash_rows([column(pairs, name) for name in names])


def _by_kind(kinds: Words) -> list[NDArray[np.int64]]:
    """Places of equal kind together, in their order."""
    order = np.argsort(kinds, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(kinds[order])) + 1) if len(kinds) else []


def _farthest_first(
    items: Items, members: NDArray[np.int64], keep: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which of the members are chosen, and each one's cosine to the nearest chosen before it."""
    nearest, chosen = np.full(len(members), -np.inf), np.zeros(len(members), dtype=bool)
    scores = np.full(len(members), np.nan)
    current = 0
    for turn in range(min(keep, len(members))):
        chosen[current] = True
        scores[current] = nearest[current] if turn else np.nan
        for start in range(0, len(members), _BLOCK):
            part = slice(start, start + _BLOCK)
            near = block_cosines(items, members[part], members[[current]])[:, 0]
            np.maximum(nearest[part], rounded(near), out=nearest[part])
        current = int(np.where(chosen, np.inf, nearest).argmin())
    return chosen, np.where(chosen, scores, nearest)
