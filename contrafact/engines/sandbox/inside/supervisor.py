"""Takes jobs, forks a child for each program, watches it, and reports how every case ended.

::

    job  {"kind": "python", "source", "cases": [[function, arguments, keywords, stdin]], "fresh", "limits"}
         {"kind": "command", "command": [...], "called", "environment", "cases": [[[argument, ...], stdin]],
          "limits", "bounded"}
    reply {"case", "how", "detail", "answer", "stdout", "stderr", "report", "seconds"} a case, then {"done": true}

The child never holds a descriptor, a secret or a process that leads here: those of the jobs and replies are closed
before any code under test runs, and this process cannot be traced.
"""

from __future__ import annotations

import gc
import json
import math
import os
import resource
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from contrafact.engines.sandbox.inside.cleaning import Place
from contrafact.engines.sandbox.inside.frames import SECRET_BYTES, Reader, send
from contrafact.engines.sandbox.inside.loading import CHANNEL, answer_cases, warm
from contrafact.engines.sandbox.inside.privileges import seen
from contrafact.engines.sandbox.inside.watching import Child, Ended, Limit

__all__ = ["Supervisor"]

_JOB_BYTES = 1 << 28
_OPEN_FILES = 64
_REPORT = 16384
_SPARE = 2  # this process, and the first of a sandbox whose user is the same


class Supervisor:
    """Serves one sandbox's jobs, one program after another.

    Parameters
    ----------
    jobs, replies : int
        Descriptors to read and to write.
    place : Place
    """

    def __init__(self, jobs: int, replies: int, place: Place) -> None:
        self.jobs, self.replies, self.place = jobs, replies, place
        self.secret = b""

    def serve(self) -> None:
        """Until there are no more jobs."""
        self.secret = _exactly(self.jobs, SECRET_BYTES)
        reader = Reader(self.secret, _JOB_BYTES)
        warm()
        gc.freeze()
        while True:
            payload = reader.take()
            if payload is not None:
                self._serve(json.loads(payload))
            elif piece := os.read(self.jobs, 1 << 16):
                reader.feed(piece)
            else:
                return

    def _serve(self, job: dict[str, Any]) -> None:
        limit = Limit(**job["limits"])
        run = self._python if job["kind"] == "python" else self._command
        for case, (ended, report) in enumerate(run(job, limit)):
            reply = {
                "case": case,
                "how": ended.how,
                "detail": ended.detail,
                "answer": ended.answer,
                "stdout": ended.stdout.decode("utf-8", "backslashreplace"),
                "stderr": ended.stderr.decode("utf-8", "backslashreplace"),
                "report": report,
                "seconds": ended.seconds,
            }
            self._reply(reply)
        self._reply({"done": True})

    def _reply(self, reply: dict[str, Any]) -> None:
        send(self.replies, self.secret, json.dumps(reply).encode())

    def _python(self, job: dict[str, Any], limit: Limit) -> Iterator[tuple[Ended, str]]:
        """Cases share one process until one of them ends it; ``fresh`` gives each a process of its own."""
        cases = job["cases"]
        at = 0
        while at < len(cases):
            secret = os.urandom(SECRET_BYTES)
            stop = at + 1 if job["fresh"] else len(cases)
            asked = cases[at:stop]

            def body(asked: Any = asked, secret: bytes = secret) -> NoReturn:
                answer_cases(job["source"], asked, secret, limit.output)

            child = self._fork(body, limit, secret, cpu=limit.cpu * (len(asked) + 1), memory=limit.memory)
            try:
                loaded = child.wait()
                if loaded.answer[:1] != "+":  # as it would for every other case
                    yield from [(loaded, "")] * (len(cases) - at)
                    return
                while at < stop:
                    ended = loaded if not cases[at][0] else self._next(child)
                    yield ended, ""
                    at += 1
                    if ended.how != "answer":
                        break
            finally:
                child.close()
                self.place.clear(child.pid)

    def _next(self, child: Child) -> Ended:
        child.go_on()
        return child.wait()

    def _command(self, job: dict[str, Any], limit: Limit) -> Iterator[tuple[Ended, str]]:
        """A process a case. ``bounded`` sets a limit on addresses, which sanitised programs cannot live with."""
        variables = job["environment"].items()
        environment = {name: value.replace("{scratch}", self.place.scratch) for name, value in variables}
        for arguments, stdin in job["cases"]:
            path, *given = job["command"]
            command = [job.get("called", path), *given, *arguments]
            with tempfile.TemporaryFile(dir=self.place.scratch) as text:
                text.write(stdin.encode("utf-8", "surrogateescape"))
                text.seek(0)

                def body(path: str = path, command: list[str] = command) -> NoReturn:
                    _execute(path, command, environment)

                memory = limit.memory if job["bounded"] else None
                child = self._fork(body, limit, None, cpu=limit.cpu, memory=memory, stdin=text.fileno())
            try:
                ended = child.wait()
                yield ended, self._report(child.pid)
            finally:
                child.close()
                self.place.clear(child.pid)

    def _fork(
        self,
        body: Callable[[], NoReturn],
        limit: Limit,
        secret: bytes | None,
        *,
        cpu: float,
        memory: int | None,
        stdin: int | None = None,
    ) -> Child:
        ours, theirs = socket.socketpair()
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                _settle((stdin, out_end, err_end, theirs.fileno()), self.place, limit, cpu, memory)
                body()
            except BaseException as error:  # noqa: BLE001  # nothing of a child may go on in here
                os.write(2, f"{type(error).__name__}: {error}\n".encode())
            finally:
                os._exit(127)
        theirs.close()
        os.close(out_end)
        os.close(err_end)
        os.set_blocking(out, False)
        os.set_blocking(err, False)
        if secret is None:
            ours.close()
        return Child(pid, None if secret is None else (ours, secret), out, err, limit, self.place)

    def _report(self, pid: int) -> str:
        """What a sanitizer wrote into a file of its own; the program may have put anything in its place."""
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            fd = os.open(f"{self.place.scratch}/report.{pid}", flags)
        except OSError:
            return ""
        try:
            return os.read(fd, _REPORT).decode("utf-8", "replace") if stat.S_ISREG(os.fstat(fd).st_mode) else ""
        finally:
            os.close(fd)


def _settle(
    descriptors: tuple[int | None, int, int, int], place: Place, limit: Limit, cpu: float, memory: int | None
) -> None:
    """In the child: its own session, descriptors, folder and limits."""
    os.setsid()
    seen()
    stdin, out, err, channel = descriptors
    os.dup2(os.open(os.devnull, os.O_RDONLY) if stdin is None else stdin, 0)
    for given, wanted in ((out, 1), (err, 2), (channel, CHANNEL)):
        os.dup2(given, wanted)
    os.closerange(CHANNEL + 1, 1 << 16)
    os.chdir(place.scratch)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    seconds = math.ceil(cpu) + 1
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: limit.file,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
    }
    if memory is not None:
        limits[resource.RLIMIT_AS] = memory
    if place.counted:
        limits[resource.RLIMIT_NPROC] = limit.processes + _SPARE
    for kind, value in limits.items():
        _, most = resource.getrlimit(kind)
        least = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(kind, (least, least))


def _execute(path: str, command: list[str], environment: dict[str, str]) -> NoReturn:
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and children would inherit that
        signal.signal(number, signal.SIG_DFL)
    os.close(CHANNEL)
    os.execve(path, command, environment)  # noqa: S606  # the point of this


def _exactly(fd: int, count: int) -> bytes:
    whole = b""
    while len(whole) < count:
        piece = os.read(fd, count - len(whole))
        if not piece:
            sys.exit(0)
        whole += piece
    return whole
