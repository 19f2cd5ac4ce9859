"""Embedding: how alike a pair's two texts are, and whether the edit went the way it should."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.engines.embeddings import embedder_identity
from contrafact.errors import RecipeError
from contrafact.stages import Generator, Judgement, PairFilter
from filters.columns import column
from filters.embedding_targets import Targets, read_targets
from filters.options import check_choice
from filters.text import edited_texts, joined_texts, stored_scores, text_members
from filters.verdicts import Tally

__all__ = ["Embedding", "cosines"]

_ROWS = 4096
_DECIMALS = 6  # below the noise of float32, so that a stored score says all that a verdict needs


class Embedding(PairFilter):
    """The two texts of a pair are alike within a band of cosine similarity, and where asked the edit goes one way.

    ``<alias>_similarity`` is the cosine of the embeddings of the factual and the counterfactual text, 1 where nothing
    differs; with ``over: edited`` each field that differs is compared by itself and the lowest counts, with ``over:
    all`` the fields' texts are put on lines of their own and compared as one.

    ``<alias>_direction``, with ``toward``, is how much nearer the edit brought the text: to one text t,
    ``cos(cf, t) − cos(fact, t)``; with texts for each label, ``cos(cf, b) − cos(cf, a) − cos(fact, b) + cos(fact, a)``,
    where a and b are the mean embeddings of the texts of the factual and of the counterfactual label (0 where the label
    stays). It is taken over the same texts as the similarity; of several fields the one that moved least counts.

    The embedder is the recipe's (``engines.embeddings``); each distinct text is embedded once a build.
    With MiniLM, on real sentences of some 100 characters, one exchanged word leaves 0.68 or more in 99 of 100, and two
    sentences that have nothing to do with each other stay below 0.48 in 95 of 100.

    Parameters
    ----------
    min, max : float
        Band of the similarity, from -1 to 1.
    over : {'edited', 'all'}
    fields : list of str, optional
        Text members to look at; all by default.
    toward : str or mapping of label to texts, optional
        A text; texts by label; or a YAML or JSON file of the latter.
    toward_min : float
        Least direction.
    folder : Path, optional
        Where a relative file starts; the core gives the recipe's own.

    Raises
    ------
    RecipeError
        For a band that no pair meets, labels that are not the pairs', or ``fields`` that name no text.
    MissingDependencyError
        Where there is no embedder.
    """

    name: ClassVar[str] = "embedding"
    thresholds: ClassVar[frozenset[str]] = frozenset({"min", "max", "toward_min"})

    def __init__(
        self,
        *,
        min: float = 0.5,
        max: float = 1.0,
        over: Literal["edited", "all"] = "edited",
        fields: list[str] | None = None,
        toward: str | dict[str, Any] | None = None,
        toward_min: float = 0.0,
        folder: Path | None = None,
    ) -> None:
        check_choice(self.name, "over", over, ("edited", "all"))
        if not -1 <= min <= max <= 1:
            raise RecipeError(
                f"filter {self.name}: no cosine is at least min = {min} and at most max = {max}",
                allowed="-1 <= min <= max <= 1",
                fix="min: 0.5",
            )
        self.min, self.max, self.over, self.given = min, max, over, fields
        self.toward, self.toward_min, self.folder = toward, toward_min, folder
        self._fields: tuple[str, ...] = ()
        self._targets: Targets | None = None
        self._identity = ""

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        self._fields = text_members(alias, self.given, generator)
        if self.toward is not None:
            self._targets = read_targets(alias, self.toward, generator.shape().label, self.folder)

    def borrow(self, engines: Engines) -> None:
        super().borrow(engines)
        self._identity = embedder_identity(engines.settings.get("embeddings") or {})

    def identity(self) -> Any:
        return [self._identity, None if self._targets is None else self._targets.texts]

    def score_fields(self) -> Sequence[pa.Field]:
        return [pa.field(name, pa.float64()) for name in self._names()]

    def judge(self, pairs: pa.Table) -> Judgement:
        parts = [self._measured(pairs.slice(start, _ROWS)) for start in range(0, max(1, pairs.num_rows), _ROWS)]
        return self._verdicts(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def redecide(self, pairs: pa.Table) -> Judgement | None:
        scores = stored_scores(pairs, self._names())
        return None if scores is None else self._verdicts(*scores)

    def _names(self) -> list[str]:
        return [f"{self.alias}_{name}" for name in ("similarity", "direction")[: 1 if self.toward is None else 2]]

    def _measured(self, pairs: pa.Table) -> list[NDArray[np.float64]]:
        """The scores of some pairs; the lowest over a pair's texts."""
        rows, before, after = self._texts(pairs)
        embedder = self.engines.embedder
        vectors = embedder.encode([*before, *after]).astype(np.float64) if rows.size else np.empty((0, 1))
        left, right = vectors[: len(rows)], vectors[len(rows) :]
        similarity = np.ones(pairs.num_rows)
        np.minimum.at(similarity, rows, cosines(left, right))
        if self._targets is None:
            return [similarity]
        ways = self._targets.direction(
            embedder,
            right - left,
            *(column(pairs, name).take(pa.array(rows)) for name in ("label", "counterfactual_label")),
        )
        direction = np.full(pairs.num_rows, np.inf)
        with np.errstate(invalid="ignore"):  # where a label is missing there is no way
            np.minimum.at(direction, rows, ways)
        return [similarity, np.where(np.isinf(direction), 0.0, direction)]

    def _texts(self, pairs: pa.Table) -> tuple[NDArray[np.int64], list[str], list[str]]:
        """Texts that differ, and the rows they belong to."""
        if self.over == "edited":
            edits = list(edited_texts(pairs, self._fields))
            return np.array([each.row for each in edits], np.int64), [e.before for e in edits], [e.after for e in edits]
        sides = (joined_texts(pairs, side, self._fields) for side in ("factual", "counterfactual"))
        differ = [(row, a or "", b or "") for row, (a, b) in enumerate(zip(*sides, strict=True)) if a != b]
        return np.array([row for row, *_ in differ], np.int64), [a for _, a, _ in differ], [b for *_, b in differ]

    def _verdicts(self, similarity: NDArray[np.float64], direction: NDArray[np.float64] | None = None) -> Judgement:
        tally = Tally(len(similarity))
        tally.add(similarity < self.min, f"{self.alias}: the texts are too far apart")
        tally.add(similarity > self.max, f"{self.alias}: the texts are too much alike")
        if direction is not None:
            tally.add(np.isnan(direction), f"{self.alias}: a label is missing")
            tally.add(direction < self.toward_min, f"{self.alias}: the edit goes another way")
        scores = [similarity] if direction is None else [similarity, direction]
        return Judgement(tally.passed, tally.reasons, dict(zip(self._names(), scores, strict=True)))


def cosines(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine of unit vectors row by row, to six decimals. Shape (n,)."""
    # Summed row by row, so that a pair's score does not depend on how many others are judged with it.
    products = np.multiply(left, right).sum(axis=1)
    rounded: NDArray[np.float64] = np.round(np.clip(products, -1.0, 1.0), _DECIMALS)
    return rounded
