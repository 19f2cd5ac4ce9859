"""Between two programs: no process of the first is left, and no file."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Crowd", "Place"]

_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Crowd:
    """The processes of a program: how many, and the bytes of memory that they hold together."""

    processes: int
    memory: int


@dataclass(frozen=True)
class Place:
    """Where programs run.

    Attributes
    ----------
    scratch : str
        The one folder that they may write to.
    isolated : bool
        Whether all processes that can be seen, but for this one, are theirs.
    counted : bool
        Whether the kernel counts this sandbox's processes apart from the user's others.
    """

    scratch: str
    isolated: bool
    counted: bool

    def crowd(self, session: int) -> Crowd:
        """The processes that a program has now. ``session``: that of its first process, where not isolated."""
        sizes = [size for _, size in self._processes(session)]
        return Crowd(len(sizes), sum(sizes))

    def clear(self, session: int) -> None:
        """Kill what the program left running, reap it, and empty its folder.

        Raises
        ------
        OSError
            Where something cannot be removed: the place is not fit for another program.
        """
        if self.isolated:
            _kill_all()
        else:
            _kill_left(session)
        _reap()
        with os.scandir(self.scratch) as entries:
            for entry in list(entries):
                _remove(entry)

    def _processes(self, session: int) -> Iterator[tuple[int, int]]:
        try:
            names = os.listdir("/proc")  # noqa: PTH208  # the same
        except OSError:  # not Linux
            return
        own = os.getpid()
        for name in names:
            if not name.isdigit() or int(name) == own:
                continue
            with contextlib.suppress(OSError, IndexError, ValueError):
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123  # pathlib takes a while to import
                    fields = file.read().rpartition(b")")[2].split()
                if fields[0] not in (b"Z", b"X") and (self.isolated or int(fields[3]) == session):
                    yield int(name), int(fields[21]) * _PAGE


def _kill_all() -> None:
    if os.getpid() != 1:  # anywhere else this would end every process of the user
        raise RuntimeError("not the first process of a sandbox")
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _kill_left(session: int) -> None:
    """The program's first group, then whoever was left to this process by a parent's end, until nobody is."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGKILL)
    for _ in range(100):  # one that forks as fast as it is killed is beyond this mode
        left = _children()
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        _reap()


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _children() -> list[int]:
    """Processes that were left to this one by their parents' end; none where the kernel does not say."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:  # noqa: PTH123
            return [int(pid) for pid in file.read().split()]
    except OSError:
        return []


def _remove(entry: os.DirEntry[str]) -> None:
    if not entry.is_dir(follow_symlinks=False):
        os.unlink(entry.path)  # noqa: PTH108
        return
    _open_up(entry.path)
    shutil.rmtree(entry.path)


def _open_up(folder: str) -> None:
    """Give the owner back what a program took away, so that folders can be emptied."""
    os.chmod(folder, stat.S_IRWXU)  # noqa: PTH101
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _open_up(entry.path)
