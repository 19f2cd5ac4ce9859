"""Blind test: whether questions can be answered without looking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.audit.statistics import binomial_interval
from contrafact.errors import RecipeError
from contrafact.identity import hash_strings
from contrafact.stages import Generator, Judgement, SetFilter, Sketches
from filters.columns import column, made
from filters.options import check_members, check_number
from filters.partitions import alive

__all__ = ["BlindScore", "BlindTest", "blind_scores"]

_FOLDS = 5
_BUCKETS = 1 << 16
_PRIOR = 2.0


@dataclass(frozen=True)
class BlindScore:
    """How often a kind of question was answered without looking.

    Attributes
    ----------
    accuracy : float
        Share of right answers, over both members of every pair.
    low, high : float
        Its exact 95 % interval, with pairs counted as one trial each: both members see the same question.
    chance : float
        Share of right answers by guessing.
    pairs : int
    """

    accuracy: float
    low: float
    high: float
    chance: float
    pairs: int


class BlindTest(SetFilter):
    """Rejects kinds of question that are answered without the picture better than by guessing.

    The answerer is a naive Bayes classifier over the words of an option, its position, its rank by length, and its
    words within its question. It learns on four fifths of the groups and answers the last fifth, in turn. A question
    shared by two members with different answers is never answered right for both; better than guessing is whoever knows
    which options are ever right.

    Scores, the same for every pair of a kind: ``<alias>`` (accuracy), ``<alias>_low`` and ``<alias>_high`` (95 %
    interval), ``<alias>_chance``.

    Parameters
    ----------
    margin : float
        By how much the interval's lower end may be above chance.
    least : int
        Pairs of a kind below which nothing is decided of it.
    by : str, optional
        Member that names the kind of question; all are one kind where it is None.
    question, options, answer : str
        Members that hold them.

    Raises
    ------
    RecipeError
        For a member that is not there.
    """

    name: ClassVar[str] = "blind_test"

    def __init__(
        self,
        *,
        margin: float = 0.1,
        least: int = 30,
        by: str | None = "kind",
        question: str = "question",
        options: str = "options",
        answer: str = "answer",
    ) -> None:
        self.margin, self.least = check_number(self.name, "margin", margin), least
        if least < 1:
            raise RecipeError(f"filter {self.name}: least = {least} decides on nothing", allowed="1 or more")
        self.by, self.members = by, (question, options, answer)

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        named = [*self.members, *([self.by] if self.by else [])]
        check_members(alias, "question, options, answer and by", named, generator)

    def score_fields(self) -> Sequence[pa.Field]:
        return [pa.field(f"{self.alias}{end}", pa.float64()) for end in ("", "_low", "_high", "_chance")]

    def sketch(self, pairs: pa.Table) -> pa.Table:
        return _sketch(pairs, self.members, self.by)

    def decide(self, sketches: Sketches) -> Iterator[Judgement]:
        found = blind_scores(sketches)
        for sketch in sketches:
            rows = sketch.num_rows
            passed, scores = np.ones(rows, dtype=bool), np.full((4, rows), np.nan)
            for row, kind in enumerate(sketch["kind"].to_pylist()):
                if kind in found:
                    each = found[kind]
                    scores[:, row] = each.accuracy, each.low, each.high, each.chance
                    passed[row] = each.pairs < self.least or each.low <= each.chance + self.margin
            names = [each.name for each in self.score_fields()]
            reason = f"{self.alias}: questions of this kind are answered without looking"
            yield Judgement(passed, reason, dict(zip(names, scores, strict=True)))


def blind_scores(sketches: Sketches | Sequence[pa.Table]) -> dict[str, BlindScore]:
    """Blind accuracy by kind of question, from sketches (three passes, flat memory)."""
    shown = np.zeros((_FOLDS, _BUCKETS))
    right = np.zeros((_FOLDS, _BUCKETS))
    for item in _items(sketches):
        np.add.at(shown[item.fold], item.features.ravel(), 2.0)
        for place in item.right:
            np.add.at(right[item.fold], item.features[place], 1.0)
    rest = shown.sum(axis=0) - shown, right.sum(axis=0) - right
    hits: dict[str, list[tuple[float, float]]] = {}
    for item in _items(sketches):
        seen, good = (each[item.fold][item.features] for each in rest)
        odds = np.log((good + 1.0) / (seen + _PRIOR)).sum(axis=1)
        best = np.flatnonzero(odds >= odds.max() - 1e-12)
        hit = sum(float(np.isin(place, best)) / len(best) for place in item.right) / 2
        totals = hits.setdefault(item.kind, [(0.0, 0.0)])
        totals.append((hit, 1.0 / len(item.features)))
    return {kind: _score(np.array(each[1:])) for kind, each in hits.items()}


@dataclass(frozen=True)
class _Item:
    kind: str
    fold: int
    features: NDArray[np.int64]
    """Shape (options, features of an option): buckets."""
    right: tuple[int, int]


def _items(sketches: Sketches | Sequence[pa.Table]) -> Iterator[_Item]:
    for sketch in sketches:
        living = alive(sketch) if "alive" in sketch.column_names else np.ones(sketch.num_rows, dtype=bool)
        for row, each in enumerate(sketch.to_pylist()):
            if living[row] and each["features"]:
                features = np.array(each["features"], dtype=np.int64).reshape(each["options"], -1)
                yield _Item(each["kind"], each["fold"], features, (each["label"], each["counterfactual_label"]))


def _score(hits: NDArray[np.float64]) -> BlindScore:
    pairs = len(hits)
    accuracy, chance = hits.mean(axis=0)
    low, high = binomial_interval(round(float(hits[:, 0].sum())), pairs)
    return BlindScore(float(accuracy), low, high, float(chance), pairs)


def _sketch(pairs: pa.Table, members: tuple[str, str, str], by: str | None) -> pa.Table:
    question, options, answer = members
    folds = (hash_strings(column(pairs, "group_id"), "blind_test") % np.uint64(_FOLDS)).astype(np.int64)
    rows: list[dict[str, Any]] = []
    there = made(pairs)
    chosen = pairs.select(["factual", "counterfactual"])
    for row in range(pairs.num_rows):
        if not there[row]:
            rows.append(_EMPTY | {"fold": int(folds[row])})
            continue
        one, other = (chosen[side][row] for side in ("factual", "counterfactual"))
        texts = one[options].as_py() or []
        answers = one[answer].as_py(), other[answer].as_py()
        if any(each not in texts for each in answers):
            rows.append(_EMPTY | {"fold": int(folds[row])})
            continue
        kind = str(one[by].as_py()) if by else ""
        rows.append({"kind": kind, "fold": int(folds[row]), "options": len(texts),
                     "features": _features(kind, one[question].as_py(), texts),
                     "label": texts.index(answers[0]), "counterfactual_label": texts.index(answers[1])})  # fmt: skip
    return pa.Table.from_pylist(rows, schema=_SKETCH)


_EMPTY: dict[str, Any] = {"kind": "", "options": 0, "features": [], "label": 0, "counterfactual_label": 0}
_SKETCH = pa.schema([
    ("kind", pa.string()), ("fold", pa.int64()), ("options", pa.int64()), ("features", pa.list_(pa.int64())),
    ("label", pa.int64()), ("counterfactual_label", pa.int64()),
])  # fmt: skip


def _features(kind: str, question: str, options: Sequence[str]) -> list[int]:
    """Buckets of every option's features, option by option."""
    ranks = np.argsort(np.argsort([len(each) for each in options], kind="stable"), kind="stable")
    names = [
        text
        for place, option in enumerate(options)
        for text in (
            f"{kind}|text|{option}",
            f"{kind}|place|{place}",
            f"{kind}|length|{ranks[place]}",
            f"{kind}|asked|{question}|{option}",
        )
    ]
    buckets = hash_strings(pa.array(names), "blind_test") % np.uint64(_BUCKETS)
    return [int(each) for each in buckets]
