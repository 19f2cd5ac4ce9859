"""One build at a time in one folder: a lock that says who holds it, and that the dead do not keep.

The kernel's ``flock`` is the lock: it ends with the process, however that ends. The file's text says who has it, for
whoever comes second. Where the file system knows no locks the text is all there is; then an owner counts as gone when
its machine was started anew, or when its process is no longer there or is another one with the same number.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import sys
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Self

__all__ = ["Held", "Lock", "Owner"]

_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
_TRIES = 20


@dataclass(frozen=True)
class Owner:
    """Who holds a lock.

    Attributes
    ----------
    started : str
        When the process began, in the kernel's ticks since the machine did: tells it from a later one of its number.
    boot, space : str
        Which start of the machine, and which space of process numbers (a container has its own), it belongs to.
    since : str
        Local time at which it took the lock, with the offset from UTC.
    """

    pid: int
    host: str
    boot: str
    space: str
    started: str
    since: str
    command: str

    @classmethod
    def this(cls) -> Self:
        """The process that asks."""
        return cls(
            os.getpid(),
            socket.gethostname(),
            _text("/proc/sys/kernel/random/boot_id"),
            _link("/proc/self/ns/pid"),
            _started(os.getpid()),
            datetime.now().astimezone().isoformat(sep=" ", timespec="seconds"),
            " ".join(sys.argv)[:200],
        )

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The owner that a lock file names; None for an empty file, or one that is being written."""
        try:
            said = json.loads(text)
            return cls(**{each.name: said[each.name] for each in fields(cls)})
        except (ValueError, KeyError, TypeError):
            return None

    def gone(self) -> bool:
        """Whether this owner is certainly no more; False where that cannot be told from here."""
        here = Owner.this()
        if self.host != here.host:
            return False
        if self.boot != here.boot:
            return True
        return self.space == here.space and _started(self.pid) != self.started

    def __str__(self) -> str:
        who = "this process" if (self.pid, self.host) == (os.getpid(), socket.gethostname()) else f"process {self.pid}"
        return f"{who} on {self.host} since {self.since} ({self.command})"


class Held(Exception):  # noqa: N818  # a state of the lock, turned into an error by who wanted it
    """Somebody else holds the lock; ``owner`` is None where the file does not say who."""

    def __init__(self, owner: Owner | None) -> None:
        super().__init__(str(owner))
        self.owner = owner


class Lock:
    """The lock of one file. ``acquire`` raises ``Held`` at once rather than wait; ``release`` may be called twice."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stale: Owner | None = None  # an earlier owner that ended without releasing it
        self._handle: int | None = None
        self._alone = False

    def acquire(self) -> None:
        """Take the lock and write down who has it. Raises ``Held``, or ``OSError`` where no file can be opened."""
        for _ in range(_TRIES):
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                if self._taken(handle):
                    self._handle = handle
                    return
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)
        raise Held(None)

    def release(self) -> None:
        if self._handle is None:
            return
        with contextlib.suppress(OSError):  # on a full disk the next owner finds a name, and that its process is gone
            os.ftruncate(self._handle, 0)
        if self._alone:
            self.path.unlink(missing_ok=True)
        os.close(self._handle)
        self._handle = None

    def _taken(self, handle: int) -> bool:
        """Whether the lock is ours; False where the file was put away meanwhile and must be opened again."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Held(_owner(handle)) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return self._taken_without_locks(handle)
        if not _same_file(handle, self.path):
            return False
        self.stale = _owner(handle)
        self._sign(handle)
        return True

    def _taken_without_locks(self, handle: int) -> bool:
        """The same where the file system has no locks: whoever's text is in the file has it, unless they are gone."""
        owner = _owner(handle)
        if owner is not None and not owner.gone():
            raise Held(owner)
        mark = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        mark.unlink(missing_ok=True)
        try:
            self.path.rename(mark)  # only one of those who come at once finds the name
        except FileNotFoundError:
            return False
        moved = mark.read_text(encoding="utf-8")
        mark.unlink()
        if Owner.read(moved) != owner:
            self.path.write_text(moved, encoding="utf-8")  # somebody was quicker: back with it
            return False
        try:
            fresh = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            return False
        os.dup2(fresh, handle, inheritable=False)
        os.close(fresh)
        self.stale, self._alone = owner, True
        self._sign(handle)
        return True

    def _sign(self, handle: int) -> None:
        os.ftruncate(handle, 0)
        try:
            os.pwrite(handle, json.dumps(asdict(Owner.this())).encode(), 0)
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT} or self._alone:
                raise  # a full disk says so soon enough, where it matters


def _owner(handle: int) -> Owner | None:
    return Owner.read(os.pread(handle, 4096, 0).decode(errors="replace"))


def _same_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _started(pid: int) -> str:
    """When a process began; empty where there is none of that number."""
    after_name = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return after_name[19] if len(after_name) > 19 else ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""
