"""Edits of source text by byte offsets. Trees and distances are those of :mod:`contrafact.engines.syntax`.

All of it works on bytes, so that tabs, line ends, comments and whatever else lies outside the edit stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contrafact.engines.syntax import Language, statements_touched, token_distance, tree_distance

__all__ = ["Edit", "edited", "intervention", "measures"]


@dataclass(frozen=True)
class Edit:
    """One stretch of a text replaced by another.

    Attributes
    ----------
    start, stop : int
        Bytes ``start`` to ``stop`` of the text before; equal for an insertion.
    after : bytes
        What stands there afterwards; empty for a deletion.
    operation : str
        What kind of change it is, such as ``boundary``.
    """

    start: int
    stop: int
    after: bytes
    operation: str


def edited(source: bytes, edit: Edit) -> bytes:
    """The text after the edit; every byte outside its span is the same.

    Raises
    ------
    ValueError
        Where the span does not lie within the text.
    """
    if not 0 <= edit.start <= edit.stop <= len(source):
        raise ValueError(f"bytes {edit.start} to {edit.stop} are not within a text of {len(source)}")
    return source[: edit.start] + edit.after + source[edit.stop :]


def intervention(source: bytes, edit: Edit, variable: str = "code") -> Mapping[str, str]:
    """The edit as one entry of a pair's ``intervention``; ``where`` is its bytes and the line it begins in, from 1."""
    line = source[: edit.start].count(b"\n") + 1
    return {
        "variable": variable,
        "operation": edit.operation,
        "before": source[edit.start : edit.stop].decode(),
        "after": edit.after.decode(),
        "where": f"bytes {edit.start}:{edit.stop}, line {line}",
    }


def measures(before: bytes, after: bytes, language: Language) -> dict[str, Any]:
    """Scores of an edit: ``statements`` touched, ``token_distance`` and ``tree_distance``, as floats."""
    return {
        "statements": float(statements_touched(before, after, language)),
        "token_distance": float(token_distance(before, after, language)),
        "tree_distance": float(tree_distance(before, after, language)),
    }
