"""Run directories of other versions of contrafact: never misread, and always with what to do about them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contrafact.errors import RunDirectoryError
from contrafact.identity import IDENTITY_VERSION

__all__ = ["check_versions"]


def check_versions(folder: Path, state: Mapping[str, Any], known: int) -> None:
    """Make sure that a manifest, or the state of an unfinished build, is of a version that is read here.

    Parameters
    ----------
    state : mapping
        With ``format`` and ``identity_version`` (1 where an old state does not say).
    known : int
        The format that is read and written here.

    Raises
    ------
    RunDirectoryError
        For any other; ``fix`` is the command that makes the dataset anew in this version, or the upgrade it takes.
    """
    told = {"format": state.get("format"), "identity version": state.get("identity_version", 1)}
    for what, ours in (("format", known), ("identity version", IDENTITY_VERSION)):
        theirs = told[what]
        if theirs == ours:
            continue
        newer = isinstance(theirs, int) and theirs > ours
        raise RunDirectoryError(
            f"{folder} has {what} {theirs!r}: {'a later' if newer else 'an earlier'} version of contrafact wrote it"
            + (f" ({state['code_version']})" if isinstance(state.get("code_version"), str) else ""),
            allowed=f"{what} {ours}",
            fix=_upgrade() if newer else _rebuild(folder, ours),
        )


def _upgrade() -> str:
    return "install that version or a later one to read it, or give --out another folder"


def _rebuild(folder: Path, version: int) -> str:
    if (folder / "recipe.yaml").is_file():
        command = f"contrafact build {folder / 'recipe.yaml'} --out {folder}-v{version}"
        return f"{command} makes it anew in this version; the version that wrote it can still read it"
    return f"it was never finished: delete it, or give --out another folder (such as {folder}-v{version})"
