"""Variable names out of whatever a file calls its columns and nodes."""

from __future__ import annotations

import keyword
from collections.abc import Iterable

__all__ = ["identifiers"]


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """Name each column or node so that expressions and mechanisms can call it.

    A name that is an identifier already stays. In another, each run of other characters becomes ``_``, a leading digit
    or a Python keyword gets a ``_`` in front, and where that name is taken a number is added.

    Returns
    -------
    dict of str to str
        New names by old names, in the order given.
    """
    given = list(names)
    renamed = {name: name for name in given if _usable(name)}
    taken = set(renamed.values())
    for name in given:
        if name in renamed:
            continue
        base = "_".join("".join(each if f"_{each}".isidentifier() else " " for each in name).split()) or "variable"
        base = base if _usable(base) else f"_{base}"
        plain, number = base, 2
        while plain in taken:
            plain, number = f"{base}_{number}", number + 1
        renamed[name] = plain
        taken.add(plain)
    return {name: renamed[name] for name in given}


def _usable(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)
