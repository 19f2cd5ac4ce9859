"""What of a run directory goes up: every file that a reader needs, and none that is the author's own.

======================== ====================================================================================
goes up                  data, rejected, exports, media that a pair shows, plug-ins, recipe, manifest, card,
                         Croissant, an audit
only when it is asked    ``hidden/``: noise, latent variables, potential outcomes
never                    reports, reviews, whatever else lies in the folder
======================== ====================================================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contrafact.card import Home
from contrafact.engines.media.faults import safe_path
from contrafact.errors import MediaError, RunDirectoryError
from contrafact.publishing.configs import EXPORTS
from contrafact.publishing.croissant import CROISSANT, render_croissant
from contrafact.recipe import Recipe
from contrafact.store.atomic import digest, read_json
from contrafact.store.layout import RunDirectory
from contrafact.store.media import media_fields, media_paths

__all__ = ["FOLDERS", "ROOT_FILES", "Item", "contents_of", "media_of"]

MEDIA = "media"
FOLDERS = ("data", "rejected", "hidden", EXPORTS, MEDIA, "plugins")
"""Folders of a repository that are ours, whatever is in them."""

ROOT_FILES = ("README.md", CROISSANT, "recipe.yaml", "manifest.json", "audit.json", "audit.md")
"""Files beside them that are ours; the manifest goes up last, as it is written last."""


@dataclass(frozen=True)
class Item:
    """One file as it goes up.

    Attributes
    ----------
    path : str
        In the repository.
    content : Path or bytes
    listed : str, optional
        SHA-256 by the manifest; the file is not read to know it.
    """

    path: str
    content: Path | bytes
    listed: str | None = None

    @cached_property
    def size(self) -> int:
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    @cached_property
    def sha256(self) -> str:
        """As large files are named on the hub."""
        if self.listed is not None:
            return self.listed
        return hashlib.sha256(self.content).hexdigest() if isinstance(self.content, bytes) else digest(self.content)

    @cached_property
    def blob(self) -> str:
        """As git names the content of a file."""
        content = self.content if isinstance(self.content, bytes) else self.content.read_bytes()
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()

    @property
    def text(self) -> str | None:
        """The text of a file that people read; None for data."""
        if not self.path.endswith((".md", ".json", ".yaml", ".py", ".txt", ".toml", ".csv")) or self.size > _TEXT:
            return None
        content = self.content if isinstance(self.content, bytes) else self.content.read_bytes()
        return content.decode("utf-8", errors="replace")


_TEXT = 20 << 20
_BATCH = 500  # pairs, whose images may lie within the Parquet


def contents_of(
    directory: RunDirectory, manifest: Mapping[str, Any], recipe: Recipe, home: Home, card: str
) -> list[Item]:
    """The files, in the order in which they go up: media first, what tells of the others last.

    Parameters
    ----------
    card : str
        The card's text as it is to go up.

    Raises
    ------
    RunDirectoryError
        Where a file that the manifest lists is missing or has another size, or media that a pair shows are missing or
        are not what their names say.
    """
    folder = directory.path
    items = [*media_of(folder, manifest), *_listed(folder, manifest, home), *_below(folder, EXPORTS)]
    items += _below(folder, "plugins")
    if (read_json(folder / "audit.json") or {}).get("dataset", {}).get("identity") == manifest["identity"]:
        items += [Item(name, folder / name) for name in ("audit.json", "audit.md") if (folder / name).is_file()]
    items.append(Item("README.md", card.encode()))
    items.append(Item(CROISSANT, render_croissant(directory, manifest, recipe, home).encode()))
    return [*items, Item("recipe.yaml", directory.recipe), Item("manifest.json", directory.manifest)]


def _listed(folder: Path, manifest: Mapping[str, Any], home: Home) -> Iterator[Item]:
    for file in manifest["files"]:
        path = folder / file["path"]
        if not path.is_file() or path.stat().st_size != file["bytes"]:
            raise RunDirectoryError(
                f"{file['path']} in {folder} is missing or was changed", fix=f"contrafact validate {folder}"
            )
        if home.hidden or not file["path"].startswith("hidden/"):
            yield Item(file["path"], path, file["sha256"])


def media_of(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """The clips and images that pairs show, each checked against its name. Whatever else lies among them stays.

    Raises
    ------
    RunDirectoryError
        Where one is missing, or is not what its name says.
    """
    for name in sorted(set().union(*_shown(folder, manifest))):
        try:
            item = Item(name, safe_path(folder, name))
            sound = name.startswith(f"{MEDIA}/") and item.sha256 == Path(name).stem
        except (OSError, MediaError):
            sound = False
        if not sound:
            raise RunDirectoryError(
                f"{name} in {folder}, which a pair shows, is missing or is not what its SHA-256 says",
                fix=f"contrafact validate {folder}",
            )
        yield item


def _shown(folder: Path, manifest: Mapping[str, Any]) -> Iterator[list[str]]:
    """Paths of media by files of pairs; of those only the columns of media are read."""
    for file in manifest["files"]:
        path = folder / file["path"]
        if not path.is_file() or (fields := media_fields(pq.read_schema(path))) == []:
            continue
        columns = [f"{member}.{name}" for member in ("factual", "counterfactual") for name in fields]
        with pq.ParquetFile(path) as pairs:
            for batch in pairs.iter_batches(_BATCH, columns=columns):
                yield media_paths(pa.Table.from_batches([batch]))


def _below(folder: Path, name: str) -> Iterator[Item]:
    for path in sorted((folder / name).rglob("*")):
        place = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in place.parts):
            yield Item(place.as_posix(), path)
