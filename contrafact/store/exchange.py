"""Two folders change places in one step, so that whoever looks sees the one or the other."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

from contrafact.store.atomic import flush

__all__ = ["exchange"]

_HERE = -100  # AT_FDCWD: paths start in the current folder
_EXCHANGE = 2  # RENAME_EXCHANGE


def exchange(one: Path, other: Path) -> None:
    """Let two folders of one file system change names.

    Where the file system cannot do it in one step, ``one`` is put aside as ``.<name>.before`` for the moment between
    two renames.
    """
    library = ctypes.CDLL(None, use_errno=True)
    swap = getattr(library, "renameat2", None)
    if swap is None or swap(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) != 0:
        aside = one.with_name(f".{one.name}.before")
        one.rename(aside)
        other.rename(one)
        aside.rename(other)
    for folder in {one.parent, other.parent}:
        flush(folder)
