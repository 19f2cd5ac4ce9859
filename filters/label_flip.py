"""Label flip: the label moved, or did not, as the recipe wants."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.errors import RecipeError, did_you_mean
from contrafact.record import levels_of
from contrafact.stages import Generator, Judgement, PairFilter
from filters.columns import column, controls, numbers, same
from filters.options import check_choice, check_number
from filters.verdicts import Tally

__all__ = ["LabelFlip"]

Want = Literal["flip", "keep", "any"]
Name = str | bool | int | float
_BOOLEANS = {True: ("true", "yes", "on", "1"), False: ("false", "no", "off", "0")}


class LabelFlip(PairFilter):
    """The label moved, or stayed, as wanted, from and to the labels wanted.

    The score is 1 where the label moved, 0 where it stayed, missing where a label is missing on one or both sides;
    such a pair fails unless ``want`` is ``any`` and no label is named. Class labels go by their names; texts are
    compared whole; numbers have moved where they differ by more than ``tolerance``.

    A control passes where its label stayed, whatever is wanted of the pairs; ``target`` does not concern it.

    Parameters
    ----------
    want : {'flip', 'keep', 'any'}
    source, target : list of label names, optional
        Which factual and which counterfactual labels pass (``from`` and ``to`` cannot be Python arguments).
    tolerance : float
        For numeric labels, in their own units.

    Raises
    ------
    RecipeError
        Where ``want`` is none of the three, ``tolerance`` is negative or NaN, a list is empty, or it names a label
        that is not there.
    """

    name: ClassVar[str] = "label_flip"

    def __init__(
        self,
        *,
        want: Want = "flip",
        source: list[Name] | None = None,
        target: list[Name] | None = None,
        tolerance: float = 0.0,
    ) -> None:
        check_choice(self.name, "want", want, ("flip", "keep", "any"))
        for option, names in (("source", source), ("target", target)):
            if names is not None and not names:
                raise RecipeError(
                    f"filter {self.name}: {option} is an empty list, which no label is in",
                    allowed="a list of label names",
                    fix=f"leave {option} out to take every label",
                )
        self.want, self.source, self.target = want, source, target
        self.tolerance = check_number(self.name, "tolerance", tolerance)
        self._wanted: dict[str, pa.Array] = {}

    def bind(self, alias: str, generator: Generator) -> None:
        super().bind(alias, generator)
        label = generator.shape().label
        if self.tolerance and not pa.types.is_floating(label.type):
            raise RecipeError(
                f"filter {alias}: tolerance = {self.tolerance} on the label {label.name!r}, which is no real number",
                allowed="tolerance for a numeric label only",
                fix="remove tolerance",
            )
        columns = {"label": self.source, "counterfactual_label": self.target}
        self._wanted = {name: _values(alias, label, given) for name, given in columns.items() if given is not None}

    def judge(self, pairs: pa.Table) -> Judgement:
        before, after = column(pairs, "label"), column(pairs, "counterfactual_label")
        unknown = (_missing(before) | _missing(after)) & (self.want != "any" or bool(self._wanted))
        moved, beside = self._moved(before, after), controls(pairs)
        tally = Tally(pairs.num_rows)
        tally.add(unknown, f"{self.alias}: a label is missing")
        if self.want != "any":
            flips = np.asarray((self.want == "flip") & ~beside)
            tally.add(flips & ~moved, f"{self.alias}: the label did not move")
            tally.add(~flips & moved, f"{self.alias}: the label moved")
        for name, labels in (("label", before), ("counterfactual_label", after)):
            if name in self._wanted:
                which = "factual" if name == "label" else "counterfactual"
                wrong = ~self._among(labels, self._wanted[name])
                wrong &= ~beside if name == "counterfactual_label" else True
                tally.add(wrong, f"{self.alias}: the {which} label is not wanted")
        score = np.where(_missing(before) | _missing(after), np.nan, moved.astype(np.float64))
        return Judgement(tally.passed, tally.reasons, {self.alias: score})

    def _moved(self, before: pa.Array, after: pa.Array) -> NDArray[np.bool_]:
        if not pa.types.is_floating(before.type):
            return ~same(before, after)
        left, right = numbers(before), numbers(after)
        with np.errstate(invalid="ignore"):
            return np.asarray((left != right) & ~(np.abs(left - right) <= self.tolerance), dtype=bool)

    def _among(self, labels: pa.Array, wanted: pa.Array) -> NDArray[np.bool_]:
        if not pa.types.is_floating(labels.type):
            return np.asarray(pc.is_in(labels, value_set=wanted).to_numpy(zero_copy_only=False), dtype=bool)
        values = numbers(labels)
        inside = np.zeros(len(values), dtype=bool)
        for centre in numbers(wanted):
            inside |= np.abs(values - centre) <= self.tolerance
        return inside


def _missing(labels: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(pc.is_null(labels, nan_is_null=True).to_numpy(zero_copy_only=False), dtype=bool)


def _values(alias: str, label: pa.Field, given: Sequence[Name]) -> pa.Array:
    """Label names as values of the label's type."""
    levels = levels_of(label)
    if levels is not None:
        return pa.array([levels.index(_level(alias, name, levels)) for name in given], label.type)
    if pa.types.is_boolean(label.type):
        texts = [_level(alias, name, ("true", "false")) for name in given]
        return pa.array([text == "true" for text in texts], label.type)
    values = [str(name) for name in given] if pa.types.is_string(label.type) else given
    try:
        return pa.array(values, pa.string()).cast(label.type) if values is not given else _plain(values, label)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError):
        raise RecipeError(
            f"filter {alias}: {list(given)} are not all labels of type {label.type}",
            allowed=f"values of type {label.type}, as {label.name!r} has them",
            fix="correct source and target",
        ) from None


def _plain(values: Sequence[Any], label: pa.Field) -> pa.Array:
    return pa.array([float(value) for value in values], pa.float64()).cast(label.type)


def _level(alias: str, name: Name, levels: Sequence[str]) -> str:
    # An unquoted yes or no in YAML arrives as a boolean.
    texts = (str(name), *_BOOLEANS[name]) if isinstance(name, bool) else (str(name), str(name).lower())
    for text in texts:
        if text in levels:
            return text
    raise RecipeError(
        f"filter {alias}: no label {name!r}{did_you_mean(str(name), levels)}",
        allowed=", ".join(levels),
        fix="correct source and target",
    )
