"""Text members of pairs: which there are, which of them an edit touched, and what both sides say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contrafact.errors import RecipeError
from contrafact.stages import Generator
from filters.columns import Side, column, member, numbers, same
from filters.options import check_members

__all__ = ["Edited", "edited_fields", "edited_texts", "joined_texts", "stored_scores", "text_members"]


@dataclass(frozen=True)
class Edited:
    """One text field of one pair that differs between its two sides; a text that is missing reads as empty."""

    row: int
    field: str
    before: str
    after: str


def text_members(alias: str, given: Sequence[str] | None, generator: Generator) -> tuple[str, ...]:
    """The text fields that a filter looks at: those of its option ``fields``, or all.

    Raises
    ------
    RecipeError
        Where a name is no member or no text, the list is empty, or the pairs have no text at all.
    """
    fields = check_members(alias, "fields", given or (), generator)
    texts = [name for name, each in fields.items() if _is_text(each.type)]
    wrong = [name for name in given or () if name not in texts]
    if given is None and texts:
        return tuple(texts)
    if not given or wrong:
        raise RecipeError(
            f"filter {alias}: {' and '.join(wrong) or 'none of the fields given'} is a text of these pairs",
            allowed=", ".join(texts) or "pairs with texts; these have none",
            fix="leave fields out to look at all texts" if texts else f"remove the filter {alias} from the recipe",
        )
    return tuple(given)


def edited_fields(pairs: pa.Table, fields: Sequence[str]) -> Mapping[str, NDArray[np.bool_]]:
    """By field: whether its two sides differ, shape (n,)."""
    return {name: ~same(member(pairs, "factual", name), member(pairs, "counterfactual", name)) for name in fields}


def edited_texts(pairs: pa.Table, fields: Sequence[str]) -> Iterator[Edited]:
    """Every text that differs between the sides, field by field and row by row."""
    for name, differs in edited_fields(pairs, fields).items():
        rows = np.flatnonzero(differs)
        chosen = pa.array(rows)
        sides = (member(pairs, side, name).take(chosen).fill_null("").to_pylist() for side in _SIDES)
        for row, before, after in zip(rows.tolist(), *sides, strict=True):
            yield Edited(row, name, before, after)


def joined_texts(pairs: pa.Table, side: Side, fields: Sequence[str]) -> list[str | None]:
    """One text a pair: the fields' texts on lines of their own; None where none of them is there."""
    columns = [member(pairs, side, name).to_pylist() for name in fields]
    rows = zip(*columns, strict=True)
    return ["\n".join(each for each in row if each is not None) if any(row) else None for row in rows]


def stored_scores(pairs: pa.Table, names: Sequence[str]) -> list[NDArray[np.float64]] | None:
    """Stored scores by name, NaN where there is none; None where a score was never stored."""
    scores = column(pairs, "scores")
    if any(scores.type.get_field_index(name) < 0 for name in names):
        return None
    return [numbers(scores.field(name)) for name in names]


_SIDES: tuple[Side, Side] = ("factual", "counterfactual")


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))
