"""What a member field is to a reader: a text, code, a number, a series, a picture. It decides how a change is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contrafact.record import levels_of
from contrafact.report.reading import Shown

__all__ = ["Field", "fields_of", "member"]

_CODE_NAMES = frozenset(
    {"code", "program", "source_code", "prelude", "function", "solution", "snippet", "patch", "test"}
)
_STATEMENT = re.compile(
    r"^\s*(def |class |import |from \w+ import|#include|return\b|for\b.*[:{]|while\b.*[:{]|if\b.*[:{]|\w+ = )",
    re.MULTILINE,
)
_PROSE = 40
"""Characters from which a text with spaces is read as a text and not as a value."""
_LOOKED_AT = 200


@dataclass(frozen=True)
class Field:
    """One member field.

    Attributes
    ----------
    kind : str
        ``text``, ``code``, ``number``, ``level``, ``value``, ``series``, ``media`` or ``json``.
    levels : tuple of str, optional
        Names behind the codes of a class label.
    low, high : float, optional
        Where all but one in a hundred numbers lie, to draw them on one scale.
    """

    name: str
    kind: str
    levels: tuple[str, ...] | None = None
    low: float | None = None
    high: float | None = None

    def spec(self) -> dict[str, Any]:
        """What the page is told of it."""
        told: dict[str, Any] = {"name": self.name, "kind": self.kind}
        if self.levels is not None:
            told["levels"] = list(self.levels)
        if self.low is not None and self.high is not None:
            told |= {"low": self.low, "high": self.high}
        return told


def fields_of(shown: Shown) -> list[Field]:
    """The member fields in their order, each with its kind."""
    kind = shown.pairs.schema.field("factual").type
    digests = {f"{each.name}_sha256" for each in kind if _is_media(each.type)}  # tell a reader nothing
    return [_field(each, shown, alone=kind.num_fields == 1) for each in kind if each.name not in digests]


def member(shown: Shown, side: str, name: str) -> pa.Array:
    """One field of one side; null where the whole member is."""
    return pc.struct_field(shown.column(side), name)


def _field(column: pa.Field, shown: Shown, *, alone: bool) -> Field:
    levels, kind = levels_of(column), column.type
    if levels is not None:
        return Field(column.name, "level", levels)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return Field(column.name, "number", None, *_span(member(shown, "factual", column.name)))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return Field(column.name, _text_kind(column.name, member(shown, "factual", column.name), alone=alone))
    if _is_media(kind):
        return Field(column.name, "media")
    if pa.types.is_boolean(kind):
        return Field(column.name, "value")
    return Field(column.name, "series" if _is_series(kind) else "json")


def _is_media(kind: pa.DataType) -> bool:
    return pa.types.is_struct(kind) and {"bytes", "path"} <= {each.name for each in kind}


def _is_series(kind: pa.DataType) -> bool:
    if not (pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind) or pa.types.is_large_list(kind)):
        return False
    inner = kind.value_type
    return pa.types.is_floating(inner) or pa.types.is_integer(inner) or _is_series(inner)


def _text_kind(name: str, values: pa.Array, *, alone: bool) -> str:
    looked: Sequence[str] = pc.drop_null(values).slice(0, _LOOKED_AT).to_pylist()
    if name in _CODE_NAMES or name.endswith(("_code", "_program")):
        return "code"
    if looked and 2 * sum("\n" in text and _STATEMENT.search(text) is not None for text in looked) > len(looked):
        return "code"
    return "text" if alone or any("\n" in text or (len(text) > _PROSE and " " in text) for text in looked) else "value"


def _span(values: pa.Array) -> tuple[float | None, float | None]:
    numbers: NDArray[np.float64] = pc.drop_null(values).cast(pa.float64()).to_numpy(zero_copy_only=False)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return None, None
    low, high = np.quantile(numbers, [0.005, 0.995])
    return float(f"{low:.6g}"), float(f"{high:.6g}")
