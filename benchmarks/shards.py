"""Running :mod:`benchmarks.shards_worker` as a process and reading its answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from benchmarks.environment import REPOSITORY

__all__ = ["timed_build"]


def timed_build(
    recipe: str, *options: str, settings: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What one build took.

    Parameters
    ----------
    options : str
        Of the worker: ``--workers=2``, ``--engine=processes``, ``--prefect``.
    settings : mapping, optional
        Keys of the recipe to set.
    """
    changes = [text for key, value in (settings or {}).items() for text in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "benchmarks.shards_worker", "--recipe", recipe, *changes, *options]
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=3600,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command[1:])} ended with {done.returncode}:\n{done.stderr.strip()}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
