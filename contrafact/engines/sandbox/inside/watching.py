"""One running program, watched from outside its process: what it prints and answers, how it ends, what it uses up."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from dataclasses import dataclass

from contrafact.engines.sandbox.inside.cleaning import Place
from contrafact.engines.sandbox.inside.frames import Broken, Reader

__all__ = ["Child", "Ended", "Limit"]

_LOOK = 0.02
"""Seconds between two looks at what a program uses. Most cases are over before the first."""

_PIECE = 65536


@dataclass(frozen=True)
class Limit:
    """What one case may use: seconds, bytes, processes."""

    cpu: float
    wall: float
    memory: int
    processes: int
    file: int
    output: int


@dataclass(frozen=True)
class Ended:
    """How a case ended, before anybody interprets it.

    ``how`` is answer, exit, signal, timeout, memory, output, processes or tampered; ``detail`` the exit code, the
    signal's number or which limit.
    """

    how: str
    detail: str
    answer: str
    stdout: bytes
    stderr: bytes
    seconds: float


class Child:
    """A forked process. ``channel`` is None for a program that answers by exit code and output alone."""

    def __init__(
        self,
        pid: int,
        channel: tuple[socket.socket, bytes] | None,
        out: int,
        err: int,
        limit: Limit,
        place: Place,
    ) -> None:
        self.pid, self.limit, self.place = pid, limit, place
        self.channel = channel[0] if channel else None
        # Every character of a value may take six in a text that is quoted twice.
        self.reader = Reader(channel[1], 16 * limit.output + _PIECE) if channel else None
        self.out, self.err = out, err
        self.status: int | None = None
        self.pidfd = _pidfd(pid)
        self.poller = select.poll()
        for fd in self._fds():
            self.poller.register(fd, select.POLLIN)

    def _fds(self) -> list[int]:
        ours = [self.out, self.err]
        return ours + [fd for fd in (self.pidfd, self.channel.fileno() if self.channel else None) if fd is not None]

    def go_on(self) -> None:
        """The sign for the next case."""
        if self.channel is not None:
            with contextlib.suppress(OSError):
                self.channel.send(b"+")

    def close(self) -> None:
        """Kill it and let go of its pipes."""
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
        for fd in (self.out, self.err, self.pidfd):
            if fd is not None:
                os.close(fd)
        if self.channel is not None:
            self.channel.close()

    def wait(self) -> Ended:
        """Until the case under way is answered, the process ends, or a limit is passed (then it is to be closed)."""
        begin, used = time.monotonic(), self._cpu()
        texts = {self.out: bytearray(), self.err: bytearray()}
        look = begin + _LOOK
        while True:
            for fd, _ in self.poller.poll(int(_LOOK * 1000) if self.pidfd is not None else 2):
                self._take(fd, texts)
            how = self._finished(texts)
            now = time.monotonic()
            if how is None and now >= look:
                how, look = self._over(now - begin, used), now + _LOOK
            if how is not None:
                most = self.limit.output
                return Ended(*how, bytes(texts[self.out][:most]), bytes(texts[self.err][:most]), now - begin)

    def _take(self, fd: int, texts: dict[int, bytearray]) -> None:
        if fd in texts:
            piece = _piece(fd)
            if piece:
                texts[fd] += piece
            elif piece is not None:
                self.poller.unregister(fd)
        elif self.channel is not None and self.reader is not None and fd == self.channel.fileno():
            piece = self.channel.recv(_PIECE)
            self.reader.feed(piece)
            if not piece:
                self.poller.unregister(fd)

    def _finished(self, texts: dict[int, bytearray]) -> tuple[str, str, str] | None:
        """Answered, ended or out of bounds: (how, detail, answer), or None while it goes on."""
        try:
            payload = self.reader.take() if self.reader else None
        except Broken:
            return "tampered", "", ""
        self._reap()
        if payload is None and self.status is None:
            return ("output", "", "") if self._flood(texts) else None
        for fd, text in texts.items():  # what was printed before is in the pipes by now
            while len(text) <= self.limit.output and (piece := _piece(fd)):
                text.extend(piece)
        if self._flood(texts):
            return "output", "", ""
        if payload is not None:
            return "answer", "", payload.decode("ascii", "replace")
        code = os.waitstatus_to_exitcode(self.status or 0)
        return ("exit", str(code), "") if code >= 0 else ("signal", str(-code), "")

    def _flood(self, texts: dict[int, bytearray]) -> bool:
        return any(len(text) > self.limit.output for text in texts.values())

    def _over(self, elapsed: float, used: float) -> tuple[str, str, str] | None:
        if self._cpu() - used > self.limit.cpu:
            return "timeout", "cpu", ""
        if elapsed > self.limit.wall:
            return "timeout", "wall", ""
        crowd = self.place.crowd(self.pid)
        if crowd.processes > self.limit.processes:
            return "processes", "", ""
        return ("memory", "", "") if crowd.memory > self.limit.memory else None

    def _cpu(self) -> float:
        """CPU seconds of the process, from the kernel's own clock of it."""
        try:
            return time.clock_gettime((~self.pid << 3) | 2)
        except OSError:
            return 0.0

    def _reap(self) -> None:
        """Take the status of this process, and of orphans, which else would count as processes for ever."""
        with contextlib.suppress(ChildProcessError):
            while self.status is None:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == self.pid:
                    self.status = status
                if pid == 0:
                    break


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _piece(fd: int) -> bytes | None:
    """What is there to read: empty at the end, None where there is nothing yet."""
    try:
        return os.read(fd, _PIECE)
    except BlockingIOError:
        return None
