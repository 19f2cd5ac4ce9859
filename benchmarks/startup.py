"""How long ``contrafact --help`` takes, in a fresh process each time: ``python -m benchmarks.startup``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from functools import partial

from benchmarks.environment import REPOSITORY
from benchmarks.harness import Measurement, Target, report, run_interleaved, spread

__all__ = ["main"]

ROW = "contrafact --help"
TARGET = Target(at_most=0.5)
COMMANDS = {ROW: ("-m", "flows.cli", "--help"), "python -c pass": ("-c", "pass")}


def main() -> None:
    """Time the command and, for comparison, an interpreter that does nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    repeats = parser.parse_args().repeats
    times = run_interleaved({name: partial(_run, *arguments) for name, arguments in COMMANDS.items()}, repeats)
    rows: list[Measurement] = [spread(name, seconds) for name, seconds in times.items()]
    report("startup", rows, {ROW: TARGET}, settings={"repeats": repeats})


def _run(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        raise SystemExit(f"python {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr.strip()}")


if __name__ == "__main__":
    main()
