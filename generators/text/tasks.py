"""What a text dataset is about: which fields a unit has, which of them is edited, and what its labels are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from contrafact.errors import DataError, RecipeError, RowError, did_you_mean
from contrafact.record import PairShape, class_label

__all__ = ["NLI", "TextTask", "read_task"]


@dataclass(frozen=True)
class TextTask:
    """A labelled text task.

    Attributes
    ----------
    kind : str
        ``classification`` (one text) or ``nli`` (premise and hypothesis).
    fields : tuple of str
        Text columns of a unit, in order; they are the members of a pair.
    edited : str
        The field that is changed.
    label : str
        Column of the unit that holds the label.
    labels : tuple of str
        The label set, in order.
    """

    kind: str
    fields: tuple[str, ...]
    edited: str
    label: str
    labels: tuple[str, ...]

    def shape(self, *, hidden: tuple[pa.Field, ...] = (), scores: tuple[pa.Field, ...] = ()) -> PairShape:
        """Members are the text fields; labels are class labels."""
        members = [pa.field(name, pa.string()) for name in self.fields]
        return PairShape(members, class_label("label", self.labels), hidden, scores)

    def code(self, label: str) -> int:
        """Code of a label."""
        return self.labels.index(label)

    def read(self, unit: Mapping[str, Any]) -> tuple[dict[str, str], str]:
        """Text fields and label of one unit.

        Raises
        ------
        RowError
            For a missing or empty text, a NUL byte, or a label outside the label set.
        """
        texts = {name: unit.get(name) for name in self.fields}
        for name, text in texts.items():
            if not isinstance(text, str) or not text.strip():
                raise RowError(f"{name} is empty")
            if "\x00" in text:
                raise RowError(f"{name} holds a NUL byte")
        label = unit.get(self.label)
        label = self.labels[label] if isinstance(label, int) and 0 <= label < len(self.labels) else str(label)
        if label not in self.labels:
            raise RowError("the label is outside the label set")
        return {name: str(text) for name, text in texts.items()}, label

    def check(self, units: pa.Schema) -> None:
        """Raise ``DataError`` unless the source has every column that the task names, and texts are texts."""
        columns = [name for name in units.names if name != "unit_id"]
        for name in (*self.fields, self.label):
            if name not in units.names:
                raise DataError(
                    f"the source has no column {name!r}{did_you_mean(name, columns)}",
                    allowed=", ".join(columns),
                    fix="name the columns in generator.task",
                )
        for name in self.fields:
            kind = units.field(name).type
            if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
                raise DataError(
                    f"the source's column {name!r} holds {kind}, and no text",
                    allowed="a column of text",
                    fix="name another column in generator.task, or write its values as text",
                )


NLI = ("entailment", "neutral", "contradiction")
_KINDS = {"classification": ("text",), "nli": ("premise", "hypothesis")}
_KEYS = ("kind", "fields", "edited", "label", "labels")


def read_task(spec: Mapping[str, Any]) -> TextTask:
    """A task from a recipe.

    ``{kind: nli}`` is whole; ``{kind: classification, labels: [negative, positive]}`` needs its labels. ``fields``,
    ``edited`` and ``label`` rename columns or choose the field to edit.

    Raises
    ------
    RecipeError
        For an unknown key or kind, fewer than two labels, or an edited field that is not among the fields.
    """
    for key in spec:
        if key not in _KEYS:
            raise RecipeError(
                f"generator.task has no key {key!r}{did_you_mean(str(key), _KEYS)}", allowed=", ".join(_KEYS)
            )
    kind = str(spec.get("kind", "classification"))
    if kind not in _KINDS:
        raise RecipeError(f"generator.task.kind {kind!r}{did_you_mean(kind, _KINDS)}", allowed=", ".join(_KINDS))
    fields = tuple(str(name) for name in spec.get("fields", _KINDS[kind]))
    edited = str(spec.get("edited", fields[-1]))
    labels = tuple(str(name) for name in spec.get("labels", NLI if kind == "nli" else ()))
    if len(fields) != len(_KINDS[kind]):
        raise RecipeError(f"a task of kind {kind} has {len(_KINDS[kind])} fields, and {list(fields)} was given")
    if edited not in fields:
        raise RecipeError(f"generator.task.edited {edited!r} is no field of the task", allowed=", ".join(fields))
    if len(set(labels)) < 2 or len(set(labels)) != len(labels):
        raise RecipeError(
            "generator.task.labels names at least two different labels", fix="labels: [negative, positive]"
        )
    return TextTask(kind, fields, edited, str(spec.get("label", "label")), labels)
