"""A separate Python environment that holds DoWhy, made on first use: ``python -m benchmarks.environment``.

DoWhy pins other versions than this project does, so it never shares an environment with it. Where
``CONTRAFACT_DOWHY_PYTHON`` names an interpreter, that one is used and nothing is made.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["DOWHY", "REPOSITORY", "VARIABLE", "dowhy_python", "dowhy_version"]

DOWHY = "dowhy==0.14"
VARIABLE = "CONTRAFACT_DOWHY_PYTHON"
REPOSITORY = Path(__file__).resolve().parent.parent
_INSTALL_SECONDS = 1800


def dowhy_python() -> Path:
    """Interpreter of an environment that imports DoWhy; made in the user's cache folder if there is none yet.

    Raises
    ------
    SystemExit
        Where the named interpreter does not exist or has no DoWhy, or where it cannot be installed.
    """
    given = os.environ.get(VARIABLE)
    python = Path(given) if given else _cache() / "bin" / "python"
    if not given and not _has_dowhy(python):
        _make(python)
    if not _has_dowhy(python):
        raise SystemExit(
            f"{python} cannot import dowhy.gcm\n  fix: {python} -m pip install {DOWHY}, or unset {VARIABLE}"
        )
    return python


def dowhy_version(python: Path) -> str:
    """Version of DoWhy that this interpreter holds."""
    code = "from importlib.metadata import version; print(version('dowhy'))"
    return subprocess.run(
        [str(python), "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def _make(python: Path) -> None:
    print(f"making an environment for {DOWHY} (some minutes, once)", file=sys.stderr)
    venv.create(python.parent.parent, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", DOWHY]
    code = subprocess.run(command, check=False, timeout=_INSTALL_SECONDS).returncode
    if code:
        raise SystemExit(
            f"{DOWHY} could not be installed (pip ended with {code})\n"
            f"  fix: set {VARIABLE} to the interpreter of an environment that holds it"
        )


def _has_dowhy(python: Path) -> bool:
    if not python.exists():
        return False
    probe = [str(python), "-c", "import dowhy.gcm"]
    return subprocess.run(probe, capture_output=True, check=False, timeout=300).returncode == 0


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "contrafact" / DOWHY.replace("==", "-")


if __name__ == "__main__":
    print(dowhy_python())
