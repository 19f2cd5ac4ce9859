"""Teacher: a model, or several, say how much each text's label probabilities moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.engines.teachers import Remembering
from contrafact.errors import RecipeError
from contrafact.record import levels_of
from contrafact.stages import Generator, Judgement, PairFilter
from filters.columns import column, controls, member
from filters.options import check_choice, check_members
from filters.verdicts import Tally

__all__ = ["Teacher"]

Want = Literal["claimed", "flip", "keep"]
Spec = str | dict[str, Any]


class Teacher(PairFilter):
    """The teacher's probabilities moved as the pair's labels say.

    With p and p' the probabilities of the factual and the counterfactual, y and y' the labels that the pair claims
    (DISCO, Chen et al. 2023, section 3.3):

    * ``<alias>_natural`` = p[y] − p'[y], how far the old label fell;
    * ``<alias>_counter`` = p'[y'] − p[y'], how far the new one rose;
    * ``<alias>_agrees``: y' is the most probable label of the counterfactual;
    * ``<alias>_factual``, ``<alias>_counterfactual``: p and p' themselves, in the order of the labels.

    A pair that claims a move passes where counter is at least ``min``; one that claims none (a control) where its
    label's probability moved by at most ``max_drift``. The label source of what passes becomes ``teacher`` unless
    there was a stronger one.

    Parameters
    ----------
    model : str or dict, optional
        The teacher: :mod:`contrafact.engines.teachers` lists the kinds.
    models : list of str or dict, optional
        Several, of which the mean counts; ``weight`` in each makes it a weighted one.
    min : float
        Least counter of a pair that claims a move.
    natural_min : float, optional
        Least natural of such a pair.
    max_drift : float
        Most that the label's probability may move, either way, where the pair claims that its label stayed.
    agree : bool
        Whether y' must be the most probable label too.
    want : {'claimed', 'flip', 'keep'}
        What pairs must claim: anything, a move, or none. A control claims none, whatever is wanted.
    fields : list of str, optional
        Members that the teacher reads, in order: all texts unless given.
    folder : Path, optional
        Where relative paths start; the core gives the recipe's own.

    Raises
    ------
    RecipeError
        For neither or both of ``model`` and ``models``, a threshold that no or every pair meets, a dataset without
        class labels, or labels that are not the teacher's.
    """

    name: ClassVar[str] = "teacher"
    citations: ClassVar[Sequence[str]] = (
        "Chen et al. (2023), DISCO: distilling counterfactuals with large language models, ACL",
    )
    witness: ClassVar[str | None] = "teacher"
    thresholds: ClassVar[frozenset[str]] = frozenset({"min", "natural_min", "max_drift", "agree", "want"})

    def __init__(
        self,
        *,
        model: Spec | None = None,
        models: list[Spec] | None = None,
        min: float = 0.25,
        natural_min: float | None = None,
        max_drift: float = 0.25,
        agree: bool = False,
        want: Want = "claimed",
        fields: list[str] | None = None,
        folder: Path | None = None,
    ) -> None:
        check_choice(self.name, "want", want, ("claimed", "flip", "keep"))
        for option, value, low in (("min", min, -1), ("natural_min", natural_min, -1), ("max_drift", max_drift, 0)):
            if value is not None and not low <= value <= 1:
                raise RecipeError(
                    f"filter {self.name}: {option} = {value} is no difference of two probabilities",
                    allowed=f"{low} to 1",
                    fix=f"set {option} between {low} and 1",
                )
        if (model is None) == (not models):
            raise RecipeError(
                f"filter {self.name}: {'both model and models were' if models else 'no model was'} given",
                allowed="model, or a list of models",
                fix="model: path/to/teacher  (contrafact teacher train makes one)",
            )
        self.specs: list[Spec] = [model] if model is not None else list(models or [])
        self.min, self.natural_min, self.max_drift = min, natural_min, max_drift
        self.agree, self.want, self.given, self.folder = agree, want, fields, folder
        self.teachers: list[Remembering] = []
        self._fields: tuple[str, ...] = ()
        self._labels: tuple[str, ...] = ()

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        shape = generator.shape()
        levels = levels_of(shape.label)
        if levels is None:
            raise RecipeError(
                f"filter {alias}: the label {shape.label.name!r} is {shape.label.type}, and a teacher tells classes",
                allowed="a generator with class labels",
            )
        members = check_members(alias, "fields", self.given or [], generator)
        texts = [name for name, each in members.items() if pa.types.is_string(each.type)]
        self._fields, self._labels = tuple(self.given or texts), levels
        if not set(self._fields) <= set(texts) or not 1 <= len(self._fields) <= 2:
            raise RecipeError(
                f"filter {alias}: a teacher reads one text or two, not {', '.join(self._fields) or 'none'}",
                allowed=", ".join(texts) or "none of these pairs' members is text",
                fix="fields: [text]",
            )

    def borrow(self, engines: Engines) -> None:
        super().borrow(engines)
        self.teachers = [engines.teacher(spec, self._labels, self._fields, self.folder) for spec in self.specs]

    def identity(self) -> Any:
        return [each.identity() for each in self.teachers]

    def score_fields(self) -> Sequence[pa.Field]:
        chances = pa.list_(pa.float64())
        kinds = {
            "natural": pa.float64(),
            "counter": pa.float64(),
            "agrees": pa.bool_(),
            "factual": chances,
            "counterfactual": chances,
        }
        return [pa.field(f"{self.alias}_{name}", kind) for name, kind in kinds.items()]

    def judge(self, pairs: pa.Table) -> Judgement:
        sides = ("factual", "counterfactual")
        texts = [
            list(zip(*(member(pairs, side, name).to_pylist() for name in self._fields), strict=True))  # type: ignore[arg-type]
            for side in sides
        ]
        return self._verdicts(pairs, *np.split(self._score([*texts[0], *texts[1]]), 2))

    def redecide(self, pairs: pa.Table) -> Judgement | None:
        stored = column(pairs, "scores")
        names = [f"{self.alias}_{side}" for side in ("factual", "counterfactual")]
        if any(stored.type.get_field_index(name) < 0 for name in names):
            return None
        return self._verdicts(pairs, *(_matrix(stored.field(name), len(self._labels)) for name in names))

    def _score(self, texts: Sequence[tuple[str | None, ...]]) -> NDArray[np.float64]:
        """The ensemble's probabilities, shape (len(texts), labels); NaN where a text or an answer is missing."""
        chances = np.full((len(texts), len(self._labels)), np.nan)
        there = [place for place, each in enumerate(texts) if None not in each]
        asked = [tuple(map(str, texts[place])) for place in there]
        if there:
            total = sum(each.weight for each in self.teachers)
            answers = [each.score(asked) for each in self.teachers]
            weighted = [each.weight / total * given for each, given in zip(self.teachers, answers, strict=True)]
            chances[there] = answers[0] if len(answers) == 1 else np.sum(weighted, axis=0)
        return chances

    def _verdicts(self, pairs: pa.Table, fact: NDArray[np.float64], other: NDArray[np.float64]) -> Judgement:
        before, after = (_codes(column(pairs, name)) for name in ("label", "counterfactual_label"))
        silent = np.isnan(fact).any(axis=1) | np.isnan(other).any(axis=1)
        unknown = (before < 0) | (after < 0)
        rows = np.arange(pairs.num_rows)
        natural = np.where(unknown, np.nan, fact[rows, before] - other[rows, before])
        counter = np.where(unknown, np.nan, other[rows, after] - fact[rows, after])
        agrees = np.asarray(np.nan_to_num(other, nan=-1.0).argmax(axis=1) == after)
        moves = np.asarray(before != after)
        tally = Tally(pairs.num_rows)
        tally.add(np.asarray(unknown), f"{self.alias}: a label is missing")
        tally.add(np.asarray(silent), f"{self.alias}: the teacher gave no answer")
        if self.want != "claimed":
            claims = "no move" if self.want == "flip" else "a move"
            wrong = np.asarray(moves != (self.want == "flip")) & ~controls(pairs)
            tally.add(wrong, f"{self.alias}: the pair claims {claims}")
        tally.add(moves & np.asarray(counter < self.min), f"{self.alias}: the new label rose too little")
        if self.natural_min is not None:
            tally.add(moves & np.asarray(natural < self.natural_min), f"{self.alias}: the old label fell too little")
        tally.add(~moves & np.asarray(np.abs(natural) > self.max_drift), f"{self.alias}: the label drifted")
        if self.agree:
            tally.add(~agrees, f"{self.alias}: another label is more probable")
        scores: Mapping[str, NDArray[Any] | pa.Array] = {
            f"{self.alias}_natural": natural,
            f"{self.alias}_counter": counter,
            f"{self.alias}_agrees": pa.array(agrees, pa.bool_(), mask=silent | unknown),
            f"{self.alias}_factual": _lists(fact),
            f"{self.alias}_counterfactual": _lists(other),
        }
        return Judgement(tally.passed, tally.reasons, scores, label_source=self.witness)


def _codes(labels: pa.Array) -> NDArray[np.int64]:
    """Class codes, -1 where there is none."""
    return np.asarray(labels.fill_null(-1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _lists(chances: NDArray[np.float64]) -> pa.Array:
    """Each row as a list, null where it has no answer."""
    rows, width = chances.shape
    absent = pa.array(np.isnan(chances).any(axis=1))
    offsets = pa.array(np.arange(0, rows * width + 1, width, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(chances).ravel()), mask=absent)


def _matrix(lists: pa.Array, width: int) -> NDArray[np.float64]:
    """Stored lists as a matrix, NaN where there is none."""
    chances = np.full((len(lists), width), np.nan)
    there = lists.is_valid().to_numpy(zero_copy_only=False)
    chances[there] = lists.flatten().to_numpy().reshape(-1, width)
    return chances
