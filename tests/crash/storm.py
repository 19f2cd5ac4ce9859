"""Disasters on demand: builds in forked children to which something happens. ``python -m tests.crash.storm``.

Everything is imported once and each child starts from there within milliseconds, so that hundreds of crashes fit into a
minute. Reads one case a line as JSON and answers each with one line: how the child ended, and a digest of every file
that it left. A case may give environment variables (``env``), and ask for

``kill, term, interrupt``  a signal after so many seconds
``memory``                 no more address space than it has now and so many bytes
``readonly``               a disk that takes nothing from the so-many-th opening or renaming on
``clock``                  a clock that is so many seconds off from the so-many-th file on
``power``                  a kill at the so-many-th file, and the loss of what was never flushed
``impatient``              one more try of a step, at once
``free``                   so many bytes left on the disk (with ``--disk``, which mounts a small one)
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import errno
import hashlib
import itertools
import json
import os
import random
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from contrafact import pipeline
from contrafact.errors import ContrafactError, StoppedError
from contrafact.pipeline import build, local_mapper
from contrafact.stopping import Stop
from contrafact.store.layout import RunDirectory
from flows.signals import armed
from tests.crash.warm import kept_plan, warm_up

_replace, _fsync = Path.replace, os.fsync
_WAIT_SECONDS = 60.0
_SIGNALS = {"kill": signal.SIGKILL, "term": signal.SIGTERM, "interrupt": signal.SIGINT}


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--disk", metavar="FOLDER")
    arguments.add_argument("--size", type=int, default=4_000_000)
    given = arguments.parse_args()
    if given.disk:
        _mount(given.disk, given.size)
    warm_up()
    for line in sys.stdin:
        print(json.dumps(_outcome(json.loads(line))), flush=True)  # noqa: T201


def _mount(folder: str, size: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, f"size={size}".encode()) != 0:
        raise OSError(ctypes.get_errno(), f"no small disk at {folder}")


def _outcome(case: dict[str, Any]) -> dict[str, Any]:
    out = Path(case["out"])
    log, said = Path(f"{out}.log"), Path(f"{out}.said")
    kept_plan(json.dumps(case["recipe"]))  # once, and not in every child
    log.unlink(missing_ok=True)
    began = time.monotonic()
    with _filled(case, out.parent):
        # No signal before the child can take it: it would unwind into its parent's code.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        child = os.fork()
        if child == 0:
            _child(case, out, log, said)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _strike(case, child, began)
        status = _ended(child)
    if "power" in case and os.WIFSIGNALED(status):
        _lose(log, random.Random(case["seed"]))
    return {
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        "exit": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        "said": said.read_text(encoding="utf-8", errors="replace")[-2000:] if said.exists() else "",
        "complete": (out / "manifest.json").is_file(),
        "seconds": time.monotonic() - began,
        "tree": dict(_digests(out)),
    }


def _filled(case: dict[str, Any], disk: Path) -> Any:
    """The disk with ``free`` bytes left, for as long as this lasts."""

    @contextlib.contextmanager
    def filled() -> Iterator[None]:
        ballast = disk / "ballast"
        room = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        ballast.write_bytes(b"\0" * max(room - case["free"], 0))
        try:
            yield
        finally:
            ballast.unlink()

    return filled() if "free" in case else contextlib.nullcontext()


def _strike(case: dict[str, Any], child: int, began: float) -> None:
    for kind, number in _SIGNALS.items():
        if kind in case:
            time.sleep(max(case[kind] - (time.monotonic() - began), 0))
            os.kill(child, number)


def _ended(child: int) -> int:
    """The child's wait status; one that hangs is killed, and shows as killed."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def _child(case: dict[str, Any], out: Path, log: Path, said: Path) -> None:
    """In the child: build, with something happening on the way. Never returns."""
    handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    code = 1
    try:
        _prepare(case, log)
        stop = Stop()
        with armed(stop):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
            try:
                plan = replace(kept_plan(json.dumps(case["recipe"])), directory=RunDirectory(out))
                build(plan, local_mapper(case.get("workers", 2)), stop=stop)
                code = 0
            except StoppedError:
                code = stop.exit_code
            except ContrafactError as error:
                print(error, file=sys.stderr)  # noqa: T201
                code = error.exit_code
    except BaseException:  # noqa: BLE001  # the child must not go on into its parent's code
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _prepare(case: dict[str, Any], log: Path) -> None:
    count, guard = itertools.count(1), threading.Lock()
    flushed: set[str] = set()
    os.environ.update(case.get("env", {}))
    if case.get("impatient"):
        pipeline.RETRY_SECONDS = (0,)  # type: ignore[assignment]

    def renamed(path: Path, target: Path) -> Path:
        with guard:
            number = next(count)
            if number == case.get("power"):
                os.kill(os.getpid(), signal.SIGKILL)
            if number == case.get("clock"):
                _shift(case["by"])
            if "power" in case:
                _note(log, target, whole=str(path) in flushed)
            return _replace(path, target)

    def fsync(handle: int) -> None:
        """Costs nothing here: only a loss of power loses what was written, and that is played."""
        path = str(Path(f"/proc/self/fd/{handle}").readlink())
        flushed.add(path)
        if "power" in case and Path(path).is_dir():
            with guard, log.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"flushed": path}) + "\n")

    Path.replace = renamed  # type: ignore[method-assign, assignment]
    os.fsync = fsync  # type: ignore[assignment]
    if "readonly" in case:
        sys.addaudithook(_refusing(case["out"], case["readonly"]))
    if "memory" in case:
        most = psutil.Process().memory_info().vms + case["memory"]
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _shift(seconds: float) -> None:
    real = time.time
    time.time = lambda: real() + seconds


def _refusing(folder: str, first: int) -> Any:
    """An audit hook under which the folder is on a disk that turned read-only."""
    count = itertools.count(1)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("open", "os.rename", "os.mkdir", "os.remove"):
            return
        if not str(arguments[0]).startswith(folder) or (event == "open" and not _writes(arguments)):
            return
        if next(count) >= first:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(arguments[0]))

    return hook


def _writes(arguments: tuple[Any, ...]) -> bool:
    return bool((arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _note(log: Path, target: Path, *, whole: bool) -> None:
    """Write down a renaming, with what stood there before: until its folder is flushed it may be undone."""
    before = target.read_bytes().hex() if target.is_file() else None
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"path": str(target), "whole": whole, "before": before}) + "\n")


def _lose(log: Path, chance: random.Random) -> None:
    """What a power cut may undo: names whose folder was not flushed, and bytes of files that were not."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    open_names: list[dict[str, Any]] = []
    for entry in map(json.loads, lines):
        if "flushed" in entry:
            open_names = [each for each in open_names if str(Path(each["path"]).parent) != entry["flushed"]]
        else:
            open_names.append(entry)
    for entry in open_names:
        path = Path(entry["path"])
        if not path.is_file():
            continue
        if not entry["whole"]:
            path.write_bytes(b"\0" * path.stat().st_size if chance.random() < 0.5 else b"")
        if chance.random() < 0.5:
            path.unlink() if entry["before"] is None else path.write_bytes(bytes.fromhex(entry["before"]))


def _digests(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != ".lock":
            yield path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
