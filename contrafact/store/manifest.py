"""The manifest, read back: what it must hold before anybody may lean on it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contrafact.errors import RunDirectoryError
from contrafact.store.atomic import read_json

__all__ = ["load_manifest"]

_KEYS: Mapping[str, type] = {
    "format": int,
    "identity": str,
    "identity_parts": dict,
    "name": str,
    "ended": str,
    "units": int,
    "proposed": int,
    "accepted": int,
    "rejected": int,
    "exact": int,
    "label_sources": dict,
    "splits": dict,
    "funnel": list,
    "reasons": dict,
    "also": dict,
    "shards": list,
    "files": list,
}
_ENTRIES: Mapping[str, Mapping[str, type]] = {
    "files": {"path": str, "rows": int, "bytes": int, "sha256": str},
    "funnel": {"step": str, "judged": int, "rejected": int},
    "shards": {"shard": int, "units": int, "proposed": int, "accepted": int, "rejected": int},
}
_PLACE = re.compile(r"(data|rejected|hidden)/[^/\\]+-\d+\.parquet")


def load_manifest(path: Path, version: int) -> dict[str, Any] | None:
    """The manifest; None where there is none, or one that was cut off.

    Parameters
    ----------
    version : int
        The format that is known here. Of another one only ``format`` itself is looked at.

    Raises
    ------
    RunDirectoryError
        Where the file cannot be read, or is JSON and no manifest.
    """
    try:
        manifest = read_json(path)
    except OSError as error:
        raise RunDirectoryError(
            f"{path} cannot be read: {error.strerror}",
            allowed="the folder of a dataset",
            fix="give the folder that holds manifest.json",
        ) from None
    if manifest is None:
        return None
    other = isinstance(manifest, dict) and _is(manifest.get("format"), int) and manifest["format"] != version
    wrong = [] if other else list(_wrong(manifest))
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise RunDirectoryError(
            f"{path} is no manifest: {', '.join(wrong[:3])}{more} missing or of another type",
            allowed="what contrafact build wrote",
            fix="restore it, or build the dataset again into another folder",
        )
    whole: dict[str, Any] = manifest
    return whole


def _wrong(manifest: Any) -> Iterator[str]:
    if not isinstance(manifest, dict):
        yield "a mapping is"
        return
    for key, kind in _KEYS.items():
        if not _is(manifest.get(key), kind):
            yield key
    for key, wanted in _ENTRIES.items():
        entries = manifest.get(key)
        for position, entry in enumerate(entries if isinstance(entries, list) else ()):
            same = isinstance(entry, dict) and entry.keys() == wanted.keys()
            if not same or not all(_is(entry[name], kind) for name, kind in wanted.items()):
                yield f"{key}[{position}]"
            elif key == "files" and not _PLACE.fullmatch(entry["path"]):
                yield f"{key}[{position}].path"  # nothing outside the folder is read on a manifest's word


def _is(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))
