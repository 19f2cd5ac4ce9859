"""Builds datasets in forked children, some of which kill themselves at a chosen file: ``python -m tests.crash.driver``.

Everything is imported once, here, and each child starts from there in a few milliseconds. Reads a list of cases as JSON
from standard input and writes one outcome for each to standard output.

A file is completed by ``pathlib.Path.replace`` and by nothing else (see ``contrafact.store.atomic``), so the k-th call
of it is the k-th boundary: a child told to die ``before`` it leaves a temporary file behind, one told to die ``after``
it leaves the new file and nothing that was to follow.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import threading
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

from contrafact.pipeline import build, local_mapper
from contrafact.store.layout import RunDirectory
from tests.crash.toys import CALLS
from tests.crash.warm import kept_plan, warm_up

_replace = Path.replace


def main() -> None:
    warm_up()
    json.dump([_outcome(case) for case in json.load(sys.stdin)], sys.stdout)


def _outcome(case: dict[str, Any]) -> dict[str, Any]:
    """Run one case in a child. Gives its wait status, the files it completed, and its calls of the generator."""
    out, log = Path(case["out"]), Path(case["out"] + ".replaced")
    calls = Path(case["out"] + ".calls")
    log.unlink(missing_ok=True)
    calls.unlink(missing_ok=True)
    kept_plan(json.dumps(case["recipe"]))  # once, and not in every child
    child = os.fork()
    if child == 0:
        _build(case, out, log, calls)
    _, status = os.waitpid(child, 0)
    replaced = log.read_text(encoding="utf-8").split() if log.exists() else []
    if case.get("truncate") and replaced:
        path = out / replaced[-1]
        os.truncate(path, path.stat().st_size // 2)
    done = [
        int(path.stem) for stage in ("proposed", "finished") for path in (out / ".work" / stage).glob("[0-9]*.json")
    ]
    return {
        "killed": os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL,
        "exit": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        "replaced": replaced,
        "calls": sorted(map(int, calls.read_text(encoding="utf-8").split())) if calls.exists() else [],
        "done": sorted(set(done)),
    }


def _build(case: dict[str, Any], out: Path, log: Path, calls: Path) -> None:
    """In the child: build, or die on the way. Never returns."""
    os.environ[CALLS] = str(calls)
    count, lock = itertools.count(1), threading.Lock()

    def renamed(path: Path, target: Path) -> Path:
        with lock:
            fatal = next(count) == case.get("at")
            if fatal and case["when"] == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            moved = _replace(path, target)
            with log.open("a", encoding="utf-8") as file:
                file.write(target.relative_to(out).as_posix() + "\n")
            if fatal:
                os.kill(os.getpid(), signal.SIGKILL)
            return moved

    # A kill loses nothing that was written, flushed or not; only a loss of power does.
    os.fsync = lambda fd: None
    code = 1
    try:
        Path.replace = renamed  # type: ignore[method-assign, assignment]
        plan = replace(kept_plan(json.dumps(case["recipe"])), directory=RunDirectory(out))
        build(plan, local_mapper(case.get("workers", 2)))
        code = 0
    except BaseException:  # noqa: BLE001  # the child must not go on into its parent's code
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
