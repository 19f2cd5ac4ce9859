"""How the recipe of a finished dataset and another one differ, in a few words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from contrafact.identity import canonical, without_excluded

__all__ = ["recipe_changes"]

_TOLD = 3
_LONGEST = 40
"""Characters of a value that is told; of a longer one only that it changed."""


def recipe_changes(stored: Path, spec: Mapping[str, Any]) -> str:
    """Such as ``rows was 300, is 7466; seed was 1, is 2``: of up to three keys, then how many more there are.

    Parameters
    ----------
    stored : Path
        ``recipe.yaml`` of the run directory.
    spec : mapping
        The other recipe, without what its identity leaves out.

    Returns
    -------
    str
        Empty where the file is missing or cannot be read, or where nothing differs.
    """
    try:
        before = yaml.safe_load(stored.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return ""
    if not isinstance(before, Mapping):
        return ""
    found = list(_differences(without_excluded(before), spec, ""))
    more = [f"and {len(found) - _TOLD} more"] if len(found) > _TOLD else []
    return "; ".join([*found[:_TOLD], *more])


def _differences(before: Mapping[str, Any], after: Mapping[str, Any], place: str) -> Iterator[str]:
    """Key by key, into mappings that both have."""
    for key in dict.fromkeys([*before, *after]):
        old, new, name = before.get(key), after.get(key), f"{place}{key}"
        if canonical(old) == canonical(new):
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differences(old, new, f"{name}.")
        else:
            yield _told(name, old, new)


def _told(name: str, old: Any, new: Any) -> str:
    if old is None or new is None:
        known = _text(new if old is None else old)
        if not known:
            return f"{name} was {'added' if old is None else 'taken out'}"
        return f"{name} was not set, is {known}" if old is None else f"{name} was {known}, is not set"
    before, after = _text(old), _text(new)
    return f"{name} was {before}, is {after}" if before and after else f"{name} changed"


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else canonical(value)
    return text if len(text) <= _LONGEST and text.isprintable() else ""
