"""Talking to the process that makes disasters (:mod:`tests.crash.storm`)."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
Outcome = dict[str, Any]


class Storm:
    """A driver process, and the cases that it was given."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.crashes = 0

    def run(self, **case: Any) -> Outcome:
        """One child's outcome."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({key: _plain(value) for key, value in case.items()}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the driver died"
        outcome: Outcome = json.loads(line)
        self.crashes += outcome["exit"] != 0
        return outcome


@contextlib.contextmanager
def storm(*arguments: object, before: Sequence[str] = ()) -> Iterator[Storm]:
    """A driver, started by ``before`` where it is to live in a namespace of its own."""
    process = subprocess.Popen(
        [*before, sys.executable, "-m", "tests.crash.storm", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with process:
        try:
            yield Storm(process)
        finally:
            process.kill()


def own_mounts() -> list[str] | None:
    """A command under which a process may mount disks of its own; None where the machine does not let it."""
    command = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None:
        return None
    for tried in (command, ["unshare", "--mount"]):
        if subprocess.run([*tried, "true"], capture_output=True, check=False).returncode == 0:
            return tried
    return None


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
