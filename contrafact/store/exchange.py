"""Two folders change places in one step, so that whoever looks sees the one or the other."""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

from contrafact.store.atomic import flush

__all__ = ["exchange", "put_aside", "recover"]

_HERE = -100  # AT_FDCWD: paths start in the current folder
_EXCHANGE = 2  # RENAME_EXCHANGE


def exchange(one: Path, other: Path) -> None:
    """Let two folders of one file system change names.

    Where the file system cannot do it in one step, ``one`` is put aside as ``.<name>.before`` for the moment between
    two renames. Whoever is killed in that moment leaves no folder of the name: see :func:`recover`.

    Parameters
    ----------
    one : Path
        The folder that readers know: it alone may be missing after a kill.
    other : Path
        What is to take its place.
    """
    library = ctypes.CDLL(None, use_errno=True)
    swap = getattr(library, "renameat2", None)
    if swap is None or swap(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) != 0:
        aside = _aside(one)
        shutil.rmtree(aside, ignore_errors=True)  # an old version that was to be removed when its run was killed
        one.rename(aside)
        other.rename(one)
        aside.rename(other)
    for folder in {one.parent, other.parent}:
        flush(folder)


def put_aside(folder: Path) -> Path | None:
    """Where a missing folder was put aside by an exchange that was killed; None where that is not what happened."""
    aside = _aside(folder)
    return aside if aside.is_dir() and not os.path.lexists(folder) else None


def recover(folder: Path) -> None:
    """Give a folder its name back that an exchange put aside before it was killed.

    It is the old version; the new one lies beside it, and its run begins again. To be called by who is about to
    write, and never by a reader: an exchange may be under way.
    """
    aside = put_aside(folder)
    if aside is not None:
        aside.rename(folder)
        flush(folder.parent)


def _aside(folder: Path) -> Path:
    return folder.parent / f".{folder.name}.before"  # with_name would refuse "."
