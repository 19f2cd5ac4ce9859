"""Named concepts of a text, and the values that each unit of a source has of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.engines import Engines
from contrafact.errors import DataError, RecipeError, did_you_mean
from generators.text.concept.readers import Reader, open_reader

__all__ = ["Concept", "Texts", "check_columns", "read_codes", "read_concepts", "read_texts"]

_KEYS = ("column", "values", "reader")


@dataclass(frozen=True)
class Concept:
    """A named property of a text with a few values.

    Attributes
    ----------
    values : tuple of str
        In the order of their codes.
    column : str, optional
        Column of the source that holds it.
    reader : Reader, optional
        Reads it from the text where the source has no such column, and from every rewritten text.
    """

    name: str
    values: tuple[str, ...]
    column: str | None = None
    reader: Reader | None = None


@dataclass(frozen=True)
class Texts:
    """Units of a source as concepts see them; a row a unit, also where it cannot be used.

    Attributes
    ----------
    ids : list of str
    texts : list of str or None
    codes : ndarray of int64, shape (n, number of concepts)
        Value of each concept; -1 in rows that cannot be used.
    groups : list of str or None
        What the source says belongs together.
    errors : list of str or None
        Why a row cannot be used, in words that can be counted.
    annotated : tuple of bool
        Of each concept, whether a column says its value, rather than a reader.
    """

    ids: list[str]
    texts: list[str | None]
    codes: NDArray[np.int64]
    groups: list[str | None]
    errors: list[str | None]
    annotated: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.ids)


def read_concepts(given: Mapping[str, Any], folder: Path) -> tuple[Concept, ...]:
    """Concepts of a recipe, in its order.

    Each is a list of values (of the column that is called so), or a mapping with ``column`` and ``values``, or with
    ``reader`` and its options, or with all of them: the column counts where the source has it.

    Raises
    ------
    RecipeError
        For a concept without a column and without a reader, fewer than two values, or a reader that cannot be had.
    """
    if not given:
        raise RecipeError("generator.concepts is empty", fix="concepts: {sentiment: [negative, positive]}")
    return tuple(_concept(str(name), spec, folder) for name, spec in given.items())


def _concept(name: str, spec: Any, folder: Path) -> Concept:
    where = f"generator.concepts.{name}"
    if isinstance(spec, list):
        spec = {"values": spec}
    if not isinstance(spec, Mapping):
        raise RecipeError(f"{where} is {spec!r}", allowed="a list of values, or column, values and reader")
    values = tuple(str(value) for value in spec.get("values") or ())
    reader = None
    options = {key: each for key, each in spec.items() if key not in _KEYS}
    if "reader" in spec:
        try:
            reader = open_reader(str(spec["reader"]), options, values, folder)
        except RecipeError as error:
            raise RecipeError(f"{where}: {error.what}", allowed=error.allowed, fix=error.fix) from None
    elif options:
        key = str(next(iter(options)))
        raise RecipeError(f"{where} has no key {key!r}{did_you_mean(key, _KEYS)}", allowed=", ".join(_KEYS))
    column = spec.get("column", None if reader else name)
    values = values or (reader.values if reader else ())
    if len(set(values)) < 2 or len(set(values)) != len(values):
        raise RecipeError(f"{where} names {len(values)} values", allowed="two or more, each once", fix="values: [a, b]")
    if reader is not None and not set(reader.values) <= set(values):
        raise RecipeError(f"{where}: its reader says {', '.join(reader.values)}", allowed=", ".join(values))
    return Concept(name, values, None if column is None else str(column), reader)


def check_columns(concepts: Sequence[Concept], named: Sequence[str], columns: Sequence[str], where: str) -> None:
    """Raise ``DataError`` unless the named columns are there, and every concept can be had from a column or reader."""
    needed = [*named, *(each.column for each in concepts if each.column is not None and each.reader is None)]
    for name in needed:
        if name not in columns:
            raise DataError(
                f"{where} has no column {name!r}{did_you_mean(name, columns)}",
                allowed=", ".join(columns),
                fix="name the columns in generator (field, group, concepts), or give the concept a reader",
            )


def read_texts(
    units: pa.Table, concepts: Sequence[Concept], field: str, group: str | None, longest: int, engines: Engines
) -> Texts:
    """Texts and concepts of some units of a source.

    Raises
    ------
    DataError
        Where the source lacks a column.
    """
    check_columns(concepts, (field, *([] if group is None else [group])), units.column_names, "the source")
    rows = units.num_rows
    texts = [None if text is None else str(text) for text in units[field].to_pylist()]
    errors = [_fault(text, field, longest) for text in texts]
    codes = np.full((rows, len(concepts)), -1, dtype=np.int64)
    annotated = tuple(each.column is not None and each.column in units.column_names for each in concepts)
    for place, concept in enumerate(concepts):
        good = [row for row in range(rows) if errors[row] is None]
        if annotated[place]:
            column = units[str(concept.column)].to_pylist()
            said = [_named(column[row], concept) for row in good]
        else:
            said = _read(concept, [str(texts[row]) for row in good], engines)
        for row, value in zip(good, said, strict=True):
            if value in concept.values:
                codes[row, place] = concept.values.index(str(value))
            else:
                errors[row] = f"{concept.name} has no value that the recipe names"
    codes[[row for row in range(rows) if errors[row] is not None]] = -1
    groups: list[str | None] = [None] * rows
    if group is not None:
        groups = [None if value is None else str(value) for value in units[group].to_pylist()]
    ids = [str(each) for each in units["unit_id"].to_pylist()]
    return Texts(ids, texts, codes, groups, errors, annotated)


def read_codes(texts: Sequence[str], concepts: Sequence[Concept], engines: Engines) -> NDArray[np.int64]:
    """What the readers say of other texts, shape (len(texts), concepts); -1 where there is none, or no answer."""
    codes = np.full((len(texts), len(concepts)), -1, dtype=np.int64)
    for place, concept in enumerate(concepts):
        for row, value in enumerate(_read(concept, texts, engines)):
            if value in concept.values:
                codes[row, place] = concept.values.index(str(value))
    return codes


def _read(concept: Concept, texts: Sequence[str], engines: Engines) -> list[str | None]:
    return [None] * len(texts) if concept.reader is None else concept.reader.read(texts, engines)


def _named(value: Any, concept: Concept) -> str | None:
    """A column's cell as one of the values: its text, or a whole number as a code."""
    if isinstance(value, int) and not isinstance(value, bool) and str(value) not in concept.values:
        return concept.values[value] if 0 <= value < len(concept.values) else None
    return None if value is None else str(value)


def _fault(text: str | None, field: str, longest: int) -> str | None:
    if text is None or not text.strip():
        return f"{field} is empty"
    if "\x00" in text:
        return f"{field} holds a NUL byte"
    return f"too long: over {longest} characters" if len(text) > longest else None
