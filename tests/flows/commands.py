"""The command line as a user meets it, in this process or in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from flows.cli import main

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All that was printed, in one line, for messages that the terminal may have wrapped."""
        return " ".join((self.out + self.err).split())


def contrafact(capsys: pytest.CaptureFixture[str], *arguments: object) -> Outcome:
    """Run ``contrafact`` here, where it starts at once."""
    given = sys.argv
    capsys.readouterr()
    code: object = 0
    try:
        sys.argv = ["contrafact", *map(str, arguments)]
        main()
    except SystemExit as stop:
        code = stop.code
    finally:
        sys.argv = given
    printed = capsys.readouterr()
    return Outcome(code if isinstance(code, int) else int(code is not None), printed.out, printed.err)


def spawned(*arguments: object, timeout: float = 120, **environment: str) -> Outcome:
    """Run ``python -m flows.cli`` in a process of its own, from the repository's folder."""
    done = subprocess.run(
        [sys.executable, "-m", "flows.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        timeout=timeout,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
