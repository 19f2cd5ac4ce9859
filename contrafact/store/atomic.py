"""Files that are whole or absent: written beside their place, flushed to disk, then renamed over it."""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contrafact.errors import StorageError
from contrafact.store import mirrors

__all__ = [
    "DISK_ERRORS",
    "WRITER",
    "atomic_path",
    "digest",
    "flush",
    "read_json",
    "storable",
    "storage_errors",
    "write_json",
    "write_text",
]

DISK_ERRORS = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "writing there is not permitted",
    errno.EPERM: "writing there is not permitted",
    errno.EIO: "the disk answers with errors",
}
"""What the kernel says of a disk that takes no more, in words."""

WRITER = ""
"""Part of the names of half-written files. Set by worker processes: two that are given one shard must not share one."""


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn a disk that cannot take more into one ``StorageError`` that says how to go on."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        mended = "make room (or choose another folder)" if full else "let it be written (or choose another folder)"
        raise StorageError(
            f"{path} cannot be written: {DISK_ERRORS[error.errno]}",
            fix=f"{mended}, then run the same command: it resumes",
        ) from error


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path to write to; on success it takes the place of ``path``, else it is removed.

    The bytes are on the disk before the name is. The name itself may be lost with the power until its folder is
    flushed, which is done once, before the manifest: a resumed build makes again what is missing.
    """
    temporary = path.with_name(f".tmp-{WRITER}{path.name}")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            flush(temporary)
            temporary.replace(path)
            mirrors.sent(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def storable(value: Any) -> Any:
    """Nested results as JSON holds them: text keys, lists, and null for what is no finite number."""
    if isinstance(value, Mapping):
        return {str(key): storable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [storable(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON, whole or not at all; keys stay in the order given."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        # As one text it would first be a list of its smallest pieces, ten times as large as what is written.
        json.dump(value, file, indent=1, ensure_ascii=False)
        file.write("\n")


def read_json(path: Path) -> Any:
    """JSON from a file, or None where it is missing or was cut off."""
    mirrors.fetched(path)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush(path: Path) -> None:
    """Have a file's bytes, or a folder's names, on the disk before going on."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
