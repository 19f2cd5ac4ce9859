"""All operations by name, and what a recipe may call for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contrafact.errors import RecipeError, did_you_mean
from generators.video.edit.operations import KINDS, Operation
from generators.video.edit.semantic import SEMANTIC
from generators.video.edit.temporal import COMMON_SENSE
from generators.video.edit.visual import VISUAL

__all__ = ["OPERATIONS", "chosen"]

OPERATIONS: Mapping[str, Operation] = {each.name: each for each in (*VISUAL, *SEMANTIC, *COMMON_SENSE)}


def chosen(names: Sequence[str] | None) -> tuple[Operation, ...]:
    """Operations by name or by kind; all where none are named.

    Raises
    ------
    RecipeError
        For a name that is neither.
    """
    found: dict[str, Operation] = {}
    for name in names or KINDS:
        some = [each for each in OPERATIONS.values() if name in (each.name, each.kind)]
        if not some:
            known = (*KINDS, *OPERATIONS)
            raise RecipeError(f"generator.edits: {name!r}{did_you_mean(name, known)}", allowed=", ".join(known))
        found.update({each.name: each for each in some})
    return tuple(found.values())
