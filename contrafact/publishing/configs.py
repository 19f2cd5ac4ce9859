"""The configurations that ``load_dataset`` finds in a run directory, and the files of their splits."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contrafact.store.layout import REJECTED

__all__ = ["EXPORTS", "HIDDEN_CONFIG", "Config", "configs_of"]

EXPORTS = "exports"
"""Folder of a run directory that holds a folder of Parquet files a view."""

HIDDEN_CONFIG = "hidden"
_SHARD = re.compile(r"(?P<split>.+?)(?:-\d+)?")


@dataclass(frozen=True)
class Config:
    """One configuration.

    Attributes
    ----------
    files : mapping of split to pattern
        Relative to the run directory, with ``*`` in it where there are shards.
    view : bool
        Whether it is an export: the same pairs, arranged for a library.
    mark : str
        Other data of a config have another mark. ``datasets`` keeps what it once read of a folder by the header of its
        card, and would give the old rows where nothing in there had changed.
    """

    name: str
    files: Mapping[str, str]
    default: bool = False
    view: bool = False
    mark: str = ""

    def paths(self, folder: Path) -> list[Path]:
        """The files, in the order of splits and shards."""
        return [path for pattern in self.files.values() for path in sorted(folder.glob(pattern))]


def configs_of(folder: Path, manifest: Mapping[str, Any], *, hidden: bool = True) -> list[Config]:
    """The configurations that have files: ``load_dataset`` fails on a pattern that matches nothing.

    Parameters
    ----------
    hidden : bool
        Whether the truth stored apart is one of them.
    """
    return [each for each in (*_own(manifest), *_views(folder, manifest)) if hidden or each.name != HIDDEN_CONFIG]


def _own(manifest: Mapping[str, Any]) -> Iterator[Config]:
    mark = str(manifest["identity"])
    paths = {file["path"] for file in manifest["files"]}
    splits = [split for split, count in manifest["splits"].items() if count]
    if splits:
        yield Config("pairs", {split: f"data/{split}-*.parquet" for split in splits}, default=True, mark=mark)
    if manifest["rejected"]:
        yield Config(REJECTED, {REJECTED: "rejected/rejected-*.parquet"}, default=not splits, mark=mark)
    if any(path.startswith("hidden/") for path in paths):
        parts = [part for part in (*splits, REJECTED) if any(path.startswith(f"hidden/{part}-") for path in paths)]
        yield Config(HIDDEN_CONFIG, {part: f"hidden/{part}-*.parquet" for part in parts}, mark=mark)


def _views(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Config]:
    """Exports, in the order of their names; one that has the name of a configuration of ours is called ``as_…``."""
    order = {split: place for place, split in enumerate(manifest["splits"])}
    taken = {"pairs", REJECTED, HIDDEN_CONFIG}
    views = sorted(path for path in (folder / EXPORTS).glob("*") if path.is_dir() and not path.name.startswith("."))
    for view in views:
        found = sorted({_split(path) for path in view.glob("*.parquet")}, key=lambda name: (order.get(name, 99), name))
        files = {split: _pattern(view, split) for split in found}
        if files:
            name = f"as_{view.name}" if view.name in taken else view.name
            yield Config(name, files, view=True, mark=f"{manifest['identity']} {_digest(view)}")


def _digest(view: Path) -> str:
    """Hash of the sizes of an export's files and of what it says of itself, which holds their hashes."""
    hashed = hashlib.sha256()
    for path in sorted(view.glob("*.parquet")):
        hashed.update(f"{path.name} {path.stat().st_size}\n".encode())
    record = view / "export.json"
    if record.is_file():
        hashed.update(record.read_bytes())
    return hashed.hexdigest()[:16]


def _split(path: Path) -> str:
    match = _SHARD.fullmatch(path.stem)
    return path.stem if match is None else match["split"]


def _pattern(view: Path, split: str) -> str:
    whole = (view / f"{split}.parquet").is_file()
    return f"{EXPORTS}/{view.name}/{split}{'' if whole else '-*'}.parquet"
