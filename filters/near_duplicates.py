"""Near-duplicates: different units that say nearly the same."""

from __future__ import annotations

from collections.abc import Iterator
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
from filters.grouping import Components, group_names
from filters.hashing import mix
from filters.options import check_choice

__all__ = ["NearDuplicates"]

_ROUNDING = 5e-7  # what rounds up to the threshold meets it, as everywhere
_LINKS_AT_ONCE = 1_000_000


class NearDuplicates(EmbeddedTexts):
    """Of units whose texts are nearly the same the first stays, or all share one group and so one split.

    Units are compared with units: a pair is never a near-duplicate of its own counterfactual, nor of another pair of
    its unit. The score is the novelty's opposite: the highest cosine to a text of an earlier unit (with ``drop``, of
    one that stayed), empty for the first. With ``drop`` no two units that stay are as near as ``threshold``.

    Every two units are compared, exactly: 100,000 units take 5 * 10^9 cosines, which is less work than embedding them;
    from about a million on it is more. Memory is 40 bytes a pair, and a temporary file holds one byte a dimension of
    each unit's vector.

    Parameters
    ----------
    threshold : float
        Cosine from which on two texts are nearly the same.
    of : {'factual', 'counterfactual'}
        Which side's texts are compared.
    mode : {'drop', 'group'}
        Reject the later unit's pairs, or keep them under one ``group_id``. Groups that were one before stay one.
    fields : list of str, optional
        Text members; all by default, on lines of their own.

    Raises
    ------
    RecipeError
        Where an option has no such choice, ``threshold`` is no cosine, or ``fields`` names no text.
    MissingDependencyError
        Where there is no embedder.
    """

    name: ClassVar[str] = "near_duplicates"
    rows_at_once: ClassVar[int] = 2048

    def __init__(
        self,
        *,
        threshold: float = 0.95,
        of: Literal["factual", "counterfactual"] = "factual",
        mode: Literal["drop", "group"] = "drop",
        fields: list[str] | None = None,
    ) -> None:
        super().__init__(of, fields)
        check_choice(self.name, "mode", mode, ("drop", "group"))
        if not 0 < threshold <= 1:
            raise RecipeError(
                f"filter {self.name}: threshold = {threshold} is no cosine of texts that are alike",
                allowed="above 0, up to 1",
                fix="threshold: 0.95",
            )
        self.threshold, self.mode = threshold, mode

    def regroups(self) -> bool:
        return self.mode == "group"

    def sketch(self, pairs: pa.Table) -> pa.Table:
        columns = {
            "vector": self.vectors(pairs),
            "unit": pa.array(hash_strings(column(pairs, "unit_id"), "unit")),
        }
        if self.mode == "group":
            columns["group"] = pa.array(hash_strings(column(pairs, "group_id"), "group"))
        return pa.table(columns)

    def decide(self, sketches: Sketches) -> Iterator[Judgement]:
        items = items_of(sketches, sketches.rows)
        comparison = _Comparison(items, self.threshold, self.rows_at_once, dropping=self.mode == "drop")
        comparison.run()
        names = mix(items.keys[comparison.roots])
        components = None
        if self.mode == "group":
            components = Components(_Labelled(sketches, items, names), _LINKS_AT_ONCE)
        reason = f"{self.alias}: another unit that says nearly the same came before"
        for sketch, rows in spread_over(sketches, items):
            there = rows >= 0
            passed, scores = np.ones(len(rows), dtype=bool), np.full(len(rows), np.nan)
            passed[there], scores[there] = comparison.kept[rows[there]], comparison.nearest[rows[there]]
            scores[np.isinf(scores)] = np.nan
            groups = None
            if components is not None:
                groups = group_names(self.alias, components.of(_content(sketch, rows, names)))
            yield Judgement(passed, reason, {self.alias: scores}, groups)


class _Comparison:
    """Every item against the earlier ones of other units, block by block.

    Attributes
    ----------
    nearest : ndarray of float64, shape (m,)
        Cosine to the nearest of them; -inf where there is none.
    kept : ndarray of bool, shape (m,)
    roots : ndarray of int64, shape (m,)
        The first item of each one's component.
    """

    def __init__(self, items: Items, threshold: float, at_once: int, *, dropping: bool) -> None:
        self.items, self.threshold, self.at_once, self.dropping = items, threshold, at_once, dropping
        self.nearest = np.full(len(items), -np.inf)
        self.kept = np.ones(len(items), dtype=bool)
        self.roots = np.arange(len(items))

    def run(self) -> None:
        """Compare all."""
        for start in range(0, len(self.items), self.at_once):
            block = np.arange(start, min(start + self.at_once, len(self.items)))
            for other in range(0, start, self.at_once):
                self._against(block, np.arange(other, other + self.at_once))
            self._within(block)

    def _against(self, block: NDArray[np.int64], earlier: NDArray[np.int64]) -> None:
        earlier = earlier[self.kept[earlier]]
        near = self._cosines(block, earlier)
        self._approach(block, near.max(axis=1, initial=-np.inf))
        if not self.dropping:
            self._join(block, earlier, near)

    def _within(self, block: NDArray[np.int64]) -> None:
        near = self._cosines(block, block)
        near[~np.tri(len(block), k=-1, dtype=bool)] = -np.inf
        if not self.dropping:
            self._approach(block, near.max(axis=1))
            self._join(block, block, near)
            return
        for place, item in enumerate(block):  # one by one: whether a later one is dropped hangs on the earlier ones
            stayed = near[place, :place][self.kept[block[:place]]]
            self._approach(block[place : place + 1], stayed.max(initial=-np.inf, keepdims=True))
            self.kept[item] = self.nearest[item] < self.threshold

    def _approach(self, block: NDArray[np.int64], near: NDArray[np.float32]) -> None:
        self.nearest[block] = np.maximum(self.nearest[block], rounded(near))

    def _cosines(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float32]:
        near = block_cosines(self.items, one, other)
        near[self.items.keys[one][:, None] == self.items.keys[other][None, :]] = -np.inf
        return near

    def _join(self, one: NDArray[np.int64], other: NDArray[np.int64], near: NDArray[np.float32]) -> None:
        """Make one component of those that an edge of this block joins; its name is its first item."""
        rows, columns = np.nonzero(near >= self.threshold - _ROUNDING)
        ends = np.unique(np.column_stack([self.roots[one[rows]], self.roots[other[columns]]]), axis=0)
        ends = ends[ends[:, 0] != ends[:, 1]]
        if len(ends):
            from scipy.sparse import coo_array
            from scipy.sparse.csgraph import connected_components

            names, places = np.unique(ends, return_inverse=True)
            places = places.reshape(-1, 2)
            shape = (len(names), len(names))
            links = coo_array((np.ones(len(ends), dtype=np.int8), (places[:, 0], places[:, 1])), shape=shape)
            _, labels = connected_components(links, directed=False)
            _, first = np.unique(labels, return_index=True)
            renamed = np.arange(len(self.items))
            renamed[names] = names[first][labels]
            self.roots = renamed[self.roots]


class _Labelled(Sketches):
    """The sketches with each row's component as its content."""

    def __init__(self, sketches: Sketches, items: Items, names: NDArray[np.uint64]) -> None:
        self._sketches, self._items, self._names = sketches, items, names

    def __len__(self) -> int:
        return len(self._sketches)

    @property
    def rows(self) -> int:
        return self._sketches.rows

    def __iter__(self) -> Iterator[pa.Table]:
        for sketch, rows in spread_over(self._sketches, self._items):
            yield _content(sketch, rows, self._names)


def _content(sketch: pa.Table, rows: NDArray[np.int64], names: NDArray[np.uint64]) -> pa.Table:
    there = rows >= 0
    content = np.zeros(len(rows), dtype=np.uint64)
    content[there] = names[rows[there]]
    return pa.table({"content": pa.array(content, mask=~there), "group": sketch["group"], "alive": sketch["alive"]})
