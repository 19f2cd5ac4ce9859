"""A run directory in an object store: the same objects under a prefix, worked on through a local folder.

The local folder is new for every process and is gone afterwards; the store alone says what is finished. Completion
needs no rename: every object is whole or absent, and the manifest is the last one to be sent.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contrafact.errors import RunDirectoryError
from contrafact.store.layout import RunDirectory
from contrafact.store.lease import FOLDER, Lease
from contrafact.store.mirrors import Mirror, register, unregister

__all__ = ["RemoteRunDirectory", "is_remote", "local_copy", "open_directory"]

_URL = re.compile(r"[a-z][a-z0-9+.-]+://")
_STAGING = "contrafact-staging-"
_OWN = (".work/", f"{FOLDER}/")
_DATA = ("data/", "rejected/", "hidden/", "media/")
_STATE = ("manifest.json", "recipe.yaml", "README.md", ".work/state.json")


@dataclass(frozen=True)
class RemoteRunDirectory(RunDirectory):
    """Paths of one run directory in an object store, and of the local folder that stands for it."""

    mirror: Mirror
    lease: Lease
    scratch: _Scratch | None = field(repr=False)

    @property
    def address(self) -> str:
        return self.mirror.url

    @property
    def complete(self) -> bool:
        return self.mirror.size(self.manifest.name) is not None

    @contextmanager
    def locked(self) -> Iterator[None]:
        self.lease.acquire()
        try:
            self._look()
            yield
        finally:
            self.lease.release()

    def claim(
        self,
        identity: str,
        name: str,
        parts: Mapping[str, str] | None = None,
        recipe: Mapping[str, Any] | None = None,
    ) -> bool:
        complete = super().claim(identity, name, parts, recipe)
        if complete and any(each.startswith(".work/") for each in self._names()):
            self._delete(".work/")  # the build was stopped between completion and tidying up
        return complete

    def gather(self, paths: Iterable[str]) -> None:
        self.lease.check()
        self.mirror.fetch_all(paths, self.path)

    def settle(self, listed: Iterable[str]) -> None:
        self.lease.check()
        wanted = set(listed)
        self.mirror.delete(name for name in self._names() if name.startswith(_DATA) and name not in wanted)
        known = self._names()
        for path in sorted(self.path.rglob("*")):
            name = path.relative_to(self.path).as_posix()
            if path.is_file() and not name.startswith(_OWN) and known.get(name) != path.stat().st_size:
                self.mirror.send(path, name)

    def discard_work(self) -> None:
        self._delete(".work/")
        shutil.rmtree(self.work, ignore_errors=True)

    def _look(self) -> None:
        """One listing; then what says how far the build is, all at once."""
        names = self.mirror.list()
        reports = [name for name in names if name.startswith(".work/") and name.endswith(".json")]
        self.mirror.fetch_all([name for name in (*_STATE, *reports) if name in names], self.path)

    def _names(self) -> Mapping[str, int]:
        return dict(self.mirror.known if self.mirror.known is not None else self.mirror.list())

    def _delete(self, start: str) -> None:
        self.mirror.delete([name for name in self.mirror.list() if name.startswith(start)])

    def _check_empty(self) -> None:
        foreign = sorted({name.partition("/")[0] for name in self._names() if not name.startswith(_OWN)})
        if foreign:
            raise RunDirectoryError(
                f"{self.address} is not a run directory and is not empty (it holds {', '.join(foreign[:3])})",
                fix="give --out a new or empty prefix",
            )

    def close(self) -> None:
        """Remove the local folder."""
        unregister(self.path)
        if self.scratch is not None:
            self.scratch.cleanup()


class _Scratch:
    """A temporary folder that goes with this object, or with the process."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=f"{_STAGING}{os.getpid()}-")).resolve()
        self.cleanup = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def is_remote(out: str | Path) -> bool:
    """Whether an ``--out`` is the address of an object store rather than a folder."""
    return isinstance(out, str) and bool(_URL.match(out)) and not out.startswith("file://")


def open_directory(
    out: str | Path, options: Mapping[str, Any] | None = None, local: Path | None = None
) -> RunDirectory:
    """The run directory at a folder or at an address of an object store. Sends nothing yet.

    Parameters
    ----------
    options : mapping, optional
        ``storage_options`` of the store's file system; its environment variables do without.
    local : Path, optional
        An existing local folder to work through, of another process of the same build; a new one unless given.

    Raises
    ------
    MissingDependencyError
        Where the package for this kind of store is not installed.
    RunDirectoryError
        For an address that cannot hold a run directory.
    """
    if not is_remote(out):
        return RunDirectory(Path(str(out).removeprefix("file://")))
    url = str(out)
    if url.startswith("hf://"):
        raise RunDirectoryError(
            f"{url}: every file that is written there is a commit, and a build writes thousands",
            allowed="a folder, s3://bucket/prefix or gs://bucket/prefix",
            fix="build into a folder and push it, which is one commit: see docs/publishing.md",
        )
    mirror = Mirror(url, options)
    if not mirror.prefix.strip("/").partition("/")[2] and mirror.scheme != "memory":
        raise RunDirectoryError(f"{url} names a bucket and no prefix in it", fix=f"--out {url.rstrip('/')}/NAME")
    lease = Lease(mirror)
    if local is not None:
        register(local, mirror)
        return RemoteRunDirectory(local, mirror, lease, None)
    _sweep()
    scratch = _Scratch()
    path = scratch.path / (mirror.prefix.rstrip("/").rpartition("/")[2] or "dataset")
    path.mkdir(parents=True)
    register(path, mirror)
    return RemoteRunDirectory(path, mirror, lease, scratch)


def _sweep() -> None:
    """Remove local folders of builds of this machine that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_STAGING}*"):
        pid = folder.name.removeprefix(_STAGING).partition("-")[0]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def local_copy(url: str, options: Mapping[str, Any] | None = None) -> Iterator[Path]:
    """A finished dataset of an object store as a local folder, for as long as this lasts: every object in one GET."""
    directory = open_directory(url, options)
    assert isinstance(directory, RemoteRunDirectory)  # noqa: S101  # an address was given
    try:
        names = directory.mirror.list()
        directory.mirror.fetch_all([name for name in names if not name.startswith(_OWN)], directory.path)
        unregister(directory.path)
        if any(name.startswith(".work/") for name in names):
            directory.work.mkdir(exist_ok=True)  # what is said of an unfinished one is then the same as of a folder
        yield directory.path
    finally:
        directory.close()
