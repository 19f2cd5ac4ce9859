"""Clips and images of a dataset: bytes while a pair is worked on, files beside the Parquet (or bytes in it) at rest.

::

    factual.video = {bytes: …, path: "clip.mkv"}  ─►  media/3f/3f9a….mkv and {bytes: null, path: "media/3f/3f9a….mkv"}

A file is named after its SHA-256, so that one content is stored once however many pairs show it, a build that was
stopped finds what it wrote, and the same recipe gives the same files. ``<field>_sha256`` beside the field says what it
must be.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from contrafact.errors import DataError, PluginError, StorageError
from contrafact.record import is_media, media_kind
from contrafact.store.atomic import atomic_path
from contrafact.store.mirrors import fetched, mirror_of

__all__ = [
    "FOLDER",
    "Place",
    "media_fields",
    "media_paths",
    "media_problems",
    "media_there",
    "put_media",
    "remove_stray_media",
    "stray_media",
    "with_media",
]

Place = Literal["beside", "inside"]
"""Where the bytes lie: in files beside the Parquet, or in it."""
FOLDER = "media"
_MEMBERS = ("factual", "counterfactual")
_guard = threading.Lock()


def media_fields(schema: pa.Schema) -> list[str]:
    """Names of the member fields that hold media."""
    if "factual" not in schema.names:
        return []
    return [each.name for each in schema.field("factual").type if is_media(each.type)]


def put_media(table: pa.Table, folder: Path, place: Place | None = None) -> pa.Table:
    """The table with its media at rest: written to files and replaced by their paths, or named and left inside.

    Parameters
    ----------
    folder : Path
        The run directory.
    place : str, optional
        Unless given: clips beside, images inside.

    Raises
    ------
    PluginError
        Where a generator's ``<field>_sha256`` is not that of the bytes.
    """
    for name in media_fields(table.schema):
        kind = media_kind(table.schema.field("factual").type.field(name))
        where: Place = place or ("inside" if kind == "image" else "beside")
        for member in _MEMBERS:
            table = _replaced(table, member, name, _at_rest(table, member, name, folder, where))
    return table


def with_media(table: pa.Table, folder: Path) -> pa.Table:
    """The table with the bytes of its media, read from their files where they lie beside.

    Raises
    ------
    DataError
        Where a file is missing.
    """
    for name in media_fields(table.schema):
        for member in _MEMBERS:
            cells = [_filled(cell, folder) for cell in _cells(table, member, name)]
            table = _replaced(table, member, name, cells)
    return table


def media_paths(table: pa.Table) -> list[str]:
    """Paths of all media files that a table of pairs at rest speaks of, sorted."""
    found: set[str] = set()
    for name in media_fields(table.schema):
        for member in _MEMBERS:
            cells = pc.struct_field(table[member].combine_chunks(), [name])
            outside = pc.and_(pc.is_null(pc.struct_field(cells, "bytes")), pc.is_valid(pc.struct_field(cells, "path")))
            found.update(pc.struct_field(cells, "path").filter(outside).unique().to_pylist())
    return sorted(found)


def media_there(paths: Iterable[str], folder: Path) -> bool:
    """Whether all files are there, without reading them."""
    return all(_there(folder / path) for path in paths)


def media_problems(table: pa.Table, folder: Path) -> Iterator[str]:
    """What is wrong with the media of stored pairs: a file that is missing, leads out, or is not what its hash says."""
    for name in media_fields(table.schema):
        for member in _MEMBERS:
            hashes = _hashes(table, member, name)
            for row, cell in enumerate(_cells(table, member, name)):
                if cell is not None and (problem := _problem(cell, hashes[row], folder)):
                    yield f"{table['pair_id'][row].as_py()}: {member}.{name} {problem}"


def remove_stray_media(folder: Path, wanted: Iterable[str]) -> None:
    """Delete media files that no pair speaks of: of shards that were not needed, of a build that was stopped."""
    for name in stray_media(folder, wanted):
        (folder / name).unlink()
    root = folder / FOLDER
    for path in (*sorted(root.rglob("*"), reverse=True), root):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def stray_media(folder: Path, wanted: Iterable[str]) -> list[str]:
    """Files among the media that no pair speaks of, as paths within the run directory, sorted."""
    root, kept = folder / FOLDER, set(wanted)
    there = (path.relative_to(folder).as_posix() for path in root.rglob("*") if not path.is_dir())
    return sorted(path for path in there if path not in kept)


def _at_rest(table: pa.Table, member: str, name: str, folder: Path, place: Place) -> list[dict[str, Any] | None]:
    hashes = _hashes(table, member, name)
    return [
        cell if cell is None or cell["bytes"] is None else _put(cell, hashes[row], f"{member}.{name}", folder, place)
        for row, cell in enumerate(_cells(table, member, name))
    ]


def _put(cell: dict[str, Any], told: str | None, where: str, folder: Path, place: Place) -> dict[str, Any]:
    content: bytes = cell["bytes"]
    digest = hashlib.sha256(content).hexdigest()
    if told is not None and told != digest:
        raise PluginError(f"the generator's {where}_sha256 is not that of the bytes", fix="hash what is handed over")
    suffix = Path(cell["path"] or "").suffix.lower()
    if place == "inside":
        return {"bytes": content, "path": f"{digest}{suffix}"}
    path = f"{FOLDER}/{digest[:2]}/{digest}{suffix}"
    _write(folder / path, content)
    return {"bytes": None, "path": path}


def _write(path: Path, content: bytes) -> None:
    if path.is_file() and path.stat().st_size == len(content):
        return
    with _guard, atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _filled(cell: dict[str, Any] | None, folder: Path) -> dict[str, Any] | None:
    if cell is None or cell["bytes"] is not None or cell["path"] is None:
        return cell
    try:
        return {"bytes": _read(folder, cell["path"]), "path": cell["path"]}
    except (OSError, StorageError) as error:
        raise DataError(
            f"{cell['path']} cannot be read: {error}", fix="contrafact validate lists what is missing"
        ) from None


def _read(folder: Path, name: str) -> bytes:
    from contrafact.engines.media.faults import safe_path

    path = safe_path(folder, name)
    fetched(path)
    return path.read_bytes()


def _problem(cell: dict[str, Any], told: str | None, folder: Path) -> str | None:
    from contrafact.errors import MediaError

    try:
        content = cell["bytes"] if cell["bytes"] is not None else _read(folder, cell["path"] or "")
    except (OSError, MediaError) as error:
        return f"cannot be read: {error.what if isinstance(error, MediaError) else error.strerror}"
    digest = hashlib.sha256(content).hexdigest()
    named = Path(cell["path"] or "").stem
    if told is None:
        return "has no hash beside it"
    return None if digest == told == named else "was changed: its SHA-256 is not the stored one"


def _there(path: Path) -> bool:
    stored = mirror_of(path)
    if stored is not None and not path.is_file():
        return stored[0].size(stored[1]) is not None
    return path.is_file()


def _cells(table: pa.Table, member: str, name: str) -> list[dict[str, Any] | None]:
    cells: list[dict[str, Any] | None] = pc.struct_field(table[member].combine_chunks(), [name]).to_pylist()
    return [cell if cell and (cell["bytes"] is not None or cell["path"] is not None) else None for cell in cells]


def _hashes(table: pa.Table, member: str, name: str) -> list[str | None]:
    kind = table.schema.field(member).type
    if kind.get_field_index(f"{name}_sha256") < 0:
        return [None] * table.num_rows
    told: list[str | None] = pc.struct_field(table[member].combine_chunks(), [f"{name}_sha256"]).to_pylist()
    return told


def _replaced(table: pa.Table, member: str, name: str, cells: list[dict[str, Any] | None]) -> pa.Table:
    position = table.schema.get_field_index(member)
    column, field = table[member].combine_chunks(), table.schema.field(position)
    children = [
        pa.array(cells, each.type) if each.name == name else pc.struct_field(column, [each.name]) for each in field.type
    ]
    mask = column.is_null() if column.null_count else None
    whole = pa.StructArray.from_arrays(children, fields=list(field.type), mask=mask)
    return table.set_column(position, field, whole)
