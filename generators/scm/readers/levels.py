"""Levels as YAML writes them: names, numbers, and the yes and no that it reads as booleans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contrafact.errors import ModelError, did_you_mean

__all__ = ["as_levels", "level_name", "nested_table"]

_TRUE, _FALSE = ("yes", "true", "on"), ("no", "false", "off")


def as_levels(given: Any) -> tuple[str, ...]:
    """Names of a categorical's levels, in order. Raises ``ModelError`` for what is no list of them."""
    if isinstance(given, str | Mapping) or not isinstance(given, Sequence) or not given:
        raise ModelError(f"levels are {given!r}", allowed="a list of names", fix="levels: [low, high]")
    return tuple(level_name(each) for each in given)


def level_name(value: Any, levels: Sequence[str] = ()) -> str:
    """Text of one level; a boolean is ``yes`` or ``no`` unless ``levels`` has it as ``true``, ``on`` and so on."""
    if not isinstance(value, bool):
        return str(value)
    names = _TRUE if value else _FALSE
    return next((name for name in (*names, str(value)) if name in levels), names[0])


def nested_table(table: Any, axes: Sequence[tuple[str, Sequence[str]]]) -> Any:
    """A table keyed by the parents' levels, as nested lists in the order of their codes.

    Parameters
    ----------
    table : mapping, list or number
        One level of nesting an axis. Lists are taken to be in order already.
    axes : sequence of (name, levels)
        Parents in order, and last the variable itself.

    Raises
    ------
    ModelError
        For a level that is left out or is not there, or nesting deeper than the axes.
    """
    if not isinstance(table, Mapping):
        if axes and isinstance(table, list | tuple):
            return [nested_table(each, axes[1:]) for each in table]
        return table
    if not axes:
        raise ModelError(
            f"the table is nested too deep at {dict(table)!r}",
            allowed="one level of nesting a parent, and then one number a level",
            fix="name every axis of the table in parents",
        )
    (name, levels), *inner = axes
    rows = {level_name(key, levels): row for key, row in table.items()}
    for key in [*rows, *levels]:
        if key not in levels:
            raise ModelError(
                f"the table has a row for {name} = {key}, and {name} no such level{did_you_mean(key, levels)}",
                allowed=", ".join(levels),
            )
        if key not in rows:
            raise ModelError(
                f"the table has no row for {name} = {key}", allowed=f"a row for each of {', '.join(levels)}"
            )
    return [nested_table(rows[level], inner) for level in levels]
