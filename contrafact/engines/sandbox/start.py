"""One started sandbox, seen from outside: jobs go in, replies come out, and it never lives longer than asked."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from contrafact.engines.sandbox.inside.frames import SECRET_BYTES, Broken, Reader, send
from contrafact.engines.sandbox.isolation import Launcher
from contrafact.engines.sandbox.seccomp import program

__all__ = ["Gone", "Start"]

_PIECE = 1 << 16
_MARGIN = 20.0
"""Seconds beyond a job's own limit before a sandbox that says nothing is taken for dead."""


class Gone(Exception):  # noqa: N818  # a finding: the batch goes on in another start
    """The sandbox ended, or says nothing, or says what it should not."""


class Start:
    """One sandbox. To be used and closed by the thread that made it: the kernel ends it with that thread."""

    def __init__(self, launcher: Launcher, binds: Sequence[tuple[Path, bool]] = ()) -> None:
        self.secret = secrets.token_bytes(SECRET_BYTES)
        self._scratch = Path(tempfile.mkdtemp(prefix="start-", dir=launcher.folder))
        programs = self._scratch / "programs"
        programs.mkdir()
        self.replies, results = os.pipe()
        code = program() if launcher.isolated else None
        filters = _readable(code) if code is not None else None
        passed = [fd for fd in (results, filters) if fd is not None]
        with (self._scratch / "said").open("wb") as said:
            self.process = subprocess.Popen(  # noqa: S603  # the point of this package
                launcher.command(results, filters, programs, binds),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=said,
                pass_fds=passed,
                env=launcher.environment(),
                cwd="/",
                start_new_session=True,
            )
        for fd in passed:
            os.close(fd)
        self.reader = Reader(self.secret, 64 * launcher.settings.limits.output_bytes + (1 << 20))
        with contextlib.suppress(OSError):
            self._jobs.write(self.secret)
            self._jobs.flush()

    @property
    def _jobs(self) -> Any:
        return self.process.stdin

    def run(self, job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The replies of one job, one a case.

        Raises
        ------
        Gone
            Where the sandbox ended before the last of them.
        """
        try:
            send(self._jobs.fileno(), self.secret, json.dumps(job).encode())
        except OSError:
            raise Gone from None
        patience = _patience(job)
        while True:
            reply = self._next(patience)
            if reply.get("done"):
                return
            yield reply

    def said(self) -> str:
        """What bubblewrap or the harness wrote on standard error: its last line."""
        lines = (self._scratch / "said").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def finish(self, patience: float = 5.0) -> None:
        """No more jobs: let it end by itself, then kill it."""
        with contextlib.suppress(OSError):
            self._jobs.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)

    def close(self) -> None:
        """End it, and every process in it."""
        with contextlib.suppress(OSError):
            self._jobs.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.replies)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _next(self, patience: float) -> dict[str, Any]:
        until = time.monotonic() + patience
        while True:
            try:
                payload = self.reader.take()
            except Broken:
                raise Gone from None
            if payload is not None:
                reply: dict[str, Any] = json.loads(payload)
                return reply
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.replies], [], [], left)[0]:
                raise Gone
            piece = os.read(self.replies, _PIECE)
            if not piece:
                raise Gone
            self.reader.feed(piece)


def _patience(job: Mapping[str, Any]) -> float:
    """Seconds that a sandbox may say nothing: before a Python program's first reply come its loading and a case."""
    return float(job["limits"]["wall"]) * (2 if job["kind"] == "python" else 1) + _MARGIN


def _readable(content: bytes) -> int:
    """A descriptor that reads these few bytes."""
    fd, end = os.pipe()
    os.write(end, content)
    os.close(end)
    return fd
