"""A local folder that stands for a prefix of an object store: what is written is sent, what is missing is fetched.

::

    write   temporary file ─► rename ─► PUT (large ones in parts)         an object is whole or absent, as a file is
    read    there? ─► yes: the file │ no: one GET of the whole object ─► the file
    size    from the one listing that was made at the start; no request a file

The store's functions ask here by path. A folder that was not registered costs one look into an empty dictionary.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contrafact.errors import (
    ContrafactError,
    MissingDependencyError,
    RunDirectoryError,
    StorageError,
    TransientError,
)

__all__ = ["Mirror", "fetched", "mirror_of", "register", "sent", "unregister"]

_PART = 16 * 2**20
_UPLOADS: Mapping[str, Mapping[str, Any]] = {
    # s3fs sends a file of under two parts in one request, and holds the parts that are on their way in memory.
    "s3": {"chunksize": _PART, "max_concurrency": 2},
    "s3a": {"chunksize": _PART, "max_concurrency": 2},
    "gs": {"chunksize": _PART},
    "gcs": {"chunksize": _PART},
}
# gcsfs asks for an object's details and then for ranges of it, unless it is given headers: then for the whole, once.
_DOWNLOADS: Mapping[str, Mapping[str, Any]] = {"gs": {"headers": {}}, "gcs": {"headers": {}}}
_GOOGLE = ("gs", "gcs")
_INSTALL = {
    "s3": "'contrafact[s3]'",
    "s3a": "'contrafact[s3]'",
    "gs": "'contrafact[gcs]'",
    "gcs": "'contrafact[gcs]'",
}
_BATCH = 256
_REFUSED = ("PermissionError", "AccessDenied", "Forbidden")
_NO_KEY = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError", "TokenRetrievalError")
_AWAY = (
    "EndpointConnectionError",
    "ConnectionError",
    "ClientConnectorError",
    "ClientError",
    "HTTPClientError",
    "TransportError",
)
_LATER = (408, 429)
_GRPC = "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"  # gcsfs reads it when it is imported


class Mirror:
    """One prefix of an object store.

    Parameters
    ----------
    url : str
        Such as ``s3://bucket/prefix``.
    options : mapping, optional
        What the file system needs besides its environment: ``storage_options`` as pandas and ``datasets`` take them.

    Raises
    ------
    MissingDependencyError
        Where the package for this kind of store is not installed.
    RunDirectoryError
        For an address that is none.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        import fsspec

        self.url, self.options = url.rstrip("/"), dict(options or {})
        self.scheme = url.partition("://")[0]
        try:
            if self.scheme in _GOOGLE:
                _plain_gcsfs()
            # An instance of its own: fsspec would hand out one that was made under another environment.
            self.fs, self.prefix = fsspec.core.url_to_fs(self.url, skip_instance_cache=True, **self.options)
        except ImportError as error:
            package = _INSTALL.get(self.scheme)
            fix = f"pip install {package}" if package else f"install the fsspec package for {self.scheme}://"
            raise MissingDependencyError(f"{self.url} cannot be reached: {error}", fix=fix) from None
        except ValueError as error:
            raise RunDirectoryError(
                f"{self.url} is no address: {error}", allowed="a folder, s3://bucket/prefix or gs://bucket/prefix"
            ) from None
        self.known: dict[str, int] | None = None

    def key(self, name: str) -> str:
        """The object's full name in its file system."""
        return f"{self.prefix.rstrip('/')}/{name}"

    def list(self) -> dict[str, int]:
        """Size in bytes of every object, by name; kept until something is sent or deleted. One request a thousand."""
        with self.errors("listed"):
            self.fs.invalidate_cache()
            try:
                found = self.fs.find(self.prefix, detail=True)
            except FileNotFoundError:
                raise RunDirectoryError(f"{self.url} cannot be listed: there is no such bucket") from None
        start = len(self.prefix.strip("/")) + 1
        self.known = {name.lstrip("/")[start:]: int(each.get("size") or 0) for name, each in found.items()}
        return self.known

    def size(self, name: str) -> int | None:
        """Bytes of an object; None where there is none. Costs a request only where nothing was listed."""
        if self.known is not None:
            return self.known.get(name)
        with self.errors("read"):
            try:
                return int(self.fs.info(self.key(name))["size"])
            except FileNotFoundError:
                return None

    def send(self, path: Path, name: str) -> None:
        """Store a file. The object is there whole when this returns, or not at all."""
        with self.errors("written"):
            self.fs.put_file(str(path), self.key(name), **_UPLOADS.get(self.scheme, {}))
        if self.known is not None:
            self.known[name] = path.stat().st_size

    def create(self, name: str, content: bytes) -> bool:
        """Store a small object unless there is one of that name already: False then."""
        with self.errors("written"):
            try:
                self.fs.pipe_file(self.key(name), content, mode="create")
            except FileExistsError:
                return False
        return True

    def write(self, name: str, content: bytes) -> None:
        """Store a small object, over one that is there."""
        with self.errors("written"):
            self.fs.pipe_file(self.key(name), content)

    def content(self, name: str) -> bytes | None:
        """A small object; None where there is none."""
        with self.errors("read"):
            try:
                return bytes(self.fs.cat_file(self.key(name)))
            except FileNotFoundError:
                return None

    def fetch(self, name: str, path: Path) -> bool:
        """Copy an object into a file, whole or not at all; False where there is none."""
        if self.known is not None and name not in self.known:
            return False
        temporary = _beside(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.errors("read"):
                self.fs.get_file(self.key(name), str(temporary), **_DOWNLOADS.get(self.scheme, {}))
            temporary.replace(path)
        except FileNotFoundError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def fetch_all(self, names: Iterable[str], root: Path) -> None:
        """Copy objects that are not in the folder yet, several at a time; each is there whole or not at all."""
        missing = [name for name in names if not (root / name).is_file()]
        for start in range(0, len(missing), _BATCH):
            batch = missing[start : start + _BATCH]
            for name in batch:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
            parts = [_beside(root / name) for name in batch]
            try:
                with self.errors("read"):
                    keys = [self.key(name) for name in batch]
                    self.fs.get(keys, list(map(str, parts)), **_DOWNLOADS.get(self.scheme, {}))
                for name, part in zip(batch, parts, strict=True):
                    part.replace(root / name)
            finally:
                for part in parts:
                    part.unlink(missing_ok=True)

    def delete(self, names: Iterable[str]) -> None:
        """Remove objects; those that are not there are no matter."""
        gone = list(names)
        with self.errors("deleted from"):
            for start in range(0, len(gone), _BATCH):
                try:
                    self.fs.rm([self.key(name) for name in gone[start : start + _BATCH]])
                except FileNotFoundError:
                    continue
        for name in gone if self.known is not None else ():
            self.known.pop(name, None)  # type: ignore[union-attr]

    @contextmanager
    def errors(self, what: str) -> Iterator[None]:
        """Turn what a store's client raises into one error of ours that says how to go on."""
        try:
            yield
        except (ContrafactError, FileNotFoundError, FileExistsError):
            raise
        except Exception as error:
            raise self._told(error, what) or error from error

    def _told(self, error: Exception, what: str) -> ContrafactError | None:
        names, status = {kind.__name__ for kind in type(error).__mro__}, _status(error)
        said = str(error).replace("\n", " ")[:200]
        if names & set(_NO_KEY) or (status == 401 and "Anonymous" in said):
            return RunDirectoryError(f"{self.url} cannot be {what}: no credentials were found", fix=_credentials(self))
        if status == 401:
            return RunDirectoryError(
                f"{self.url} cannot be {what}: the credentials are refused ({said})", fix=_credentials(self)
            )
        if names & set(_REFUSED) or status == 403:
            return StorageError(
                f"{self.url} cannot be {what}: access is denied ({said})",
                fix="let these credentials read, write, list and delete there, then run the same command: it resumes",
            )
        if 400 <= status < 500 and status not in _LATER:
            return StorageError(f"{self.url} cannot be {what}: the store refuses it ({said})")
        if status or isinstance(error, OSError | TimeoutError) or names & set(_AWAY):
            return TransientError(
                f"{self.url} cannot be {what}: {type(error).__name__}: {said}",
                fix="run the same command again when the store answers: it resumes",
            )
        return None


def _plain_gcsfs() -> None:
    """Take the file system of gcsfs that speaks JSON alone, and log nothing that is told here.

    The other one asks over gRPC what kind of bucket it is, before each request where it gets no answer.
    """
    import fsspec

    os.environ.setdefault(_GRPC, "false")
    from gcsfs.core import GCSFileSystem

    if os.environ[_GRPC] == "false":
        for scheme in _GOOGLE:
            fsspec.register_implementation(scheme, GCSFileSystem, clobber=True)
    for name in ("gcsfs", "google.auth._default"):
        log = logging.getLogger(name)
        if log.level == logging.NOTSET:
            log.setLevel(logging.CRITICAL)


def _status(error: Exception) -> int:
    """The status of Google's answer, which gcsfs tells by a number or in words; 0 for what is no answer of Google's."""
    names, said = {kind.__name__ for kind in type(error).__mro__}, str(error)
    if "HttpError" in names:
        return int(getattr(error, "code", None) or 500)
    if "NonRetryableError" in names:
        return 401  # credentials that lack what it takes to renew them
    if isinstance(error, OSError) and (said.startswith("Forbidden:") or '"code": 403' in said):
        return 403
    return 400 if isinstance(error, ValueError) and said.startswith("Bad Request:") else 0


def _beside(path: Path) -> Path:
    """A name of its own for a file that is on its way."""
    return path.with_name(f".tmp-{os.getpid()}-{uuid.uuid4().hex[:8]}-{path.name}")


def _credentials(mirror: Mirror) -> str:
    if mirror.scheme.startswith("s3"):
        return "aws configure, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE)"
    return "gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS"


_MIRRORS: dict[str, Mirror] = {}


def register(root: Path, mirror: Mirror) -> None:
    """Let a folder stand for a prefix, in this process."""
    _MIRRORS[str(root)] = mirror


def unregister(root: Path) -> None:
    """Let it be a folder again."""
    _MIRRORS.pop(str(root), None)


def mirror_of(path: Path) -> tuple[Mirror, str] | None:
    """The store that a path stands for an object of, and the object's name; None for a file of one's own."""
    if not _MIRRORS:
        return None
    for folder in path.parents:
        mirror = _MIRRORS.get(str(folder))
        if mirror is not None:
            return mirror, path.relative_to(folder).as_posix()
    return None


def sent(path: Path) -> None:
    """Send a file that has just been written, where its folder stands for a prefix."""
    found = mirror_of(path)
    if found is None:
        return
    try:
        found[0].send(path, found[1])
    except BaseException:
        path.unlink(missing_ok=True)  # what is not in the store is not finished
        raise


def fetched(path: Path) -> bool:
    """Whether the file is there, now: it is fetched where its folder stands for a prefix."""
    if path.is_file():
        return True
    found = mirror_of(path)
    return found is not None and found[0].fetch(found[1], path)
