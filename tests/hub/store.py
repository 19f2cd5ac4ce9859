"""Repositories of the loopback hub: commits, branches, tags, blobs as git names them, large files by SHA-256."""

from __future__ import annotations

import fnmatch
import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["LARGE", "Commit", "Entry", "Refused", "Repository", "Store", "git_blob"]

LARGE = [
    "*.7z",
    "*.arrow",
    "*.avro",
    "*.bin",
    "*.bz2",
    "*.flac",
    "*.gif",
    "*.gz",
    "*.jpeg",
    "*.jpg",
    "*.mkv",
    "*.mp3",
    "*.mp4",
    "*.npy",
    "*.npz",
    "*.parquet",
    "*.pdf",
    "*.png",
    "*.tar",
    "*.tiff",
    "*.wav",
    "*.webm",
    "*.webp",
    "*.xz",
    "*.zip",
    "*.zst",
]
"""Patterns of files that a new dataset repository keeps as large files, whatever their size."""

_REGULAR_BYTES = 10 << 20
_ATTRIBUTES = "".join(f"{each} filter=lfs diff=lfs merge=lfs -text\n" for each in LARGE).encode()


class Refused(Exception):  # noqa: N818  # what the hub says, as an answer
    """An answer that is no success: status, the hub's code for it, and its words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Entry:
    """A file of a commit: ``lfs`` is the SHA-256 of a large one, ``oid`` git's name of the blob or of its pointer."""

    oid: str
    size: int
    lfs: str | None = None


@dataclass(frozen=True)
class Commit:
    """One state of a repository."""

    oid: str
    parent: str | None
    title: str
    description: str
    author: str
    files: Mapping[str, Entry]
    date: str


@dataclass
class Repository:
    """A dataset repository."""

    name: str
    private: bool
    commits: dict[str, Commit] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def at(self, revision: str) -> Commit:
        """The commit that a branch, a tag or (the beginning of) a commit's name stands for."""
        oid = self.branches.get(revision) or self.tags.get(revision)
        if oid is None and len(revision) >= 7:
            oid = next((each for each in self.commits if each.startswith(revision)), None)
        if oid is None:
            raise Refused(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return self.commits[oid]

    def history(self, revision: str) -> list[Commit]:
        """Commits from the newest to the first."""
        found, here = [], self.at(revision)
        while True:
            found.append(here)
            if here.parent is None:
                return found
            here = self.commits[here.parent]


class Store:
    """All repositories, and their bytes in a folder.

    Parameters
    ----------
    folder : Path
        For blobs and large files, each under the name of its content.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repositories: dict[str, Repository] = {}
        self.lock = threading.RLock()
        self._tick = 0
        for kind in ("blobs", "large", "parts"):
            (folder / kind).mkdir(parents=True, exist_ok=True)

    def create(self, name: str, *, private: bool, author: str) -> Repository:
        """A new repository with its first commit, which holds ``.gitattributes``."""
        with self.lock:
            if name in self.repositories:
                raise Refused(409, "RepoExists", f"You already created this dataset repo: {name}")
            made = self.repositories[name] = Repository(name, private)
            files = {".gitattributes": self.put_blob(_ATTRIBUTES)}
            self.commit(made, "main", files, "initial commit", "", author)
            return made

    def commit(
        self, repository: Repository, branch: str, files: Mapping[str, Entry], title: str, description: str, author: str
    ) -> Commit:
        """Make ``files`` the state of a branch."""
        with self.lock:
            parent = repository.branches.get(branch)
            self._tick += 1
            date = datetime.fromtimestamp(1_700_000_000 + self._tick, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            listed = (f"{path} {each.oid}" for path, each in sorted(files.items()))
            text = "\n".join([parent or "", title, date, *listed])
            oid = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
            made = Commit(oid, parent, title, description, author, dict(files), date)
            repository.commits[oid] = made
            repository.branches[branch] = oid
            return made

    def put_blob(self, content: bytes) -> Entry:
        """Keep a file that git itself holds."""
        oid = git_blob(content)
        (self.folder / "blobs" / oid).write_bytes(content)
        return Entry(oid, len(content))

    def large(self, sha256: str) -> Path:
        """Where a large file lies, or would."""
        return self.folder / "large" / sha256

    def entry_of_large(self, sha256: str) -> Entry:
        """A large file that was uploaded before."""
        path = self.large(sha256)
        if not path.is_file():
            raise Refused(422, "LfsObjectMissing", f"Your push was rejected: the file {sha256} was never uploaded")
        size = path.stat().st_size
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
        return Entry(git_blob(pointer), size, sha256)

    def path_of(self, entry: Entry) -> Path:
        """The file with an entry's bytes."""
        return self.large(entry.lfs) if entry.lfs else self.folder / "blobs" / entry.oid

    @staticmethod
    def mode_of(path: str, size: int) -> str:
        """``lfs`` or ``regular``: how a file of that name and size is to be sent."""
        large = size > _REGULAR_BYTES or any(fnmatch.fnmatch(path, pattern) for pattern in LARGE)
        return "lfs" if large else "regular"


def git_blob(content: bytes) -> str:
    """The name that git gives a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
