"""C programs: compiled inside a sandbox that sees no other program's run, run inside one that cannot change them."""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from contrafact.engines.sandbox.batch import Lane, spread
from contrafact.engines.sandbox.isolation import Launcher
from contrafact.engines.sandbox.outcome import CProgram, Outcome
from contrafact.engines.sandbox.reading import SANITIZED, c_outcome, frame
from contrafact.engines.sandbox.settings import SandboxSettings
from contrafact.engines.sandbox.start import Start
from contrafact.errors import MissingDependencyError, TransientError

__all__ = ["FLAGS", "Compiler", "compiler_path"]

FLAGS = (
    "-fsanitize=address,undefined",
    "-fno-sanitize=object-size",
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
    "-g1",
    "-O0",
)
"""What every program is compiled with, before its own flags.

Not optimised: from ``-O1`` on, GCC drops a block that is freed twice, or written past its end, where nothing reads it.
Object sizes are left to the address sanitizer, which says what kind of object was overrun. Reports need lines of the
source and no variables: ``-g1``.
"""

_LINKERS = ("gold", "lld")
"""Linkers that take a third of the usual one's time, where they are installed."""

_PACKAGES = {"gcc": "gcc libc6-dev", "clang": "clang libclang-rt-14-dev libc6-dev"}
_KEPT = 2000
_LIMITS = {"cpu": 60.0, "wall": 120.0, "memory": 2 << 30, "file": 64 << 20, "processes": 64}
_ERROR = re.compile(r"^program\.c:(?P<line>\d+):(?:\d+:)? (?:fatal )?error: (?P<what>.*)$", re.MULTILINE)
_HEADER = re.compile(r"'?(?P<header>[\w./+-]+\.h)'?(?:: No such file or directory| file not found)")
_LINKING = re.compile(r"undefined (?:reference to|symbol:) [`']?(?P<name>\w+)")
_SAID = 500


class Compiler:
    """Compiles and runs; what was compiled is kept by hash until 2,000 programs are there."""

    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher
        self.built = launcher.folder / "built"
        self.built.mkdir()
        self.built.chmod(0o1777)  # whoever compiles is another user; the folder above is ours alone
        self._known: dict[str, _Built] = {}
        self._running = 0
        self._guard = threading.Lock()

    @cached_property
    def path(self) -> str:
        """The compiler's path. Raises ``MissingDependencyError``."""
        return compiler_path(self.launcher.settings)

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """The flags for all programs, with the fastest linker that this compiler can use."""
        for linker in _LINKERS:
            if shutil.which(f"ld.{linker}"):
                return (*FLAGS, f"-fuse-ld={linker}")
        return FLAGS

    def run(self, programs: Sequence[CProgram]) -> list[list[Outcome]]:
        """Outcomes of every run of every program, in order."""
        _ = self.path
        with self._guard:
            if len(self._known) > _KEPT and not self._running:
                self._forget()
            self._running += 1
        try:
            return spread(programs, self._one, self._lanes, self.launcher.settings.workers)
        finally:
            with self._guard:
                self._running -= 1

    def _lanes(self) -> _Lanes:
        return _Lanes(
            Lane(lambda: Start(self.launcher, [(self.built, True)])),
            Lane(lambda: Start(self.launcher, [(self.built, False)])),
        )

    def _one(self, program: CProgram, lanes: _Lanes) -> list[Outcome]:
        key = hashlib.blake2b(repr((program.source, tuple(program.flags))).encode(), digest_size=16).hexdigest()
        built = self._known.get(key) or self._compiled(program, lanes.compiling)
        with self._guard:
            self._known[key] = built
        if built.failure is not None:
            return [built.failure] * len(program.cases)
        job = {
            "kind": "command",
            "command": [self._seen(built.name)],
            "called": "program",
            "environment": self._environment(),
            "cases": [(list(case.arguments), case.stdin) for case in program.cases],
            "bounded": False,
            "limits": self.launcher.settings.limits.inside(),
        }
        replies = [{**reply, "python": False} for reply in lanes.running.run(job)]
        places = self._places(replies, built.name, lanes.running)
        return [c_outcome(reply, place) for reply, place in zip(replies, places, strict=True)]

    def _places(self, replies: Sequence[Mapping[str, Any]], name: str, lane: Lane) -> list[str]:
        """Function and line of each report. The sanitizer would look them up itself, in ten times the time."""
        offsets = [frame(reply["report"], name) for reply in replies]
        wanted = sorted({offset for offset in offsets if offset is not None})
        tool = shutil.which("addr2line")
        if not wanted or tool is None:
            return [""] * len(replies)
        limits = {**self.launcher.settings.limits.inside(), **_LIMITS}
        command = [tool, "-f", "-e", self._seen(name), *wanted]
        job = {"kind": "command", "command": command, "environment": {}, "cases": [([], "")], "bounded": True}
        lines = str(lane.run({**job, "limits": limits})[0]["stdout"]).splitlines()
        found = {offset: _place(*lines[2 * at : 2 * at + 2]) for at, offset in enumerate(wanted)}
        return ["" if offset is None else found[offset] for offset in offsets]

    def _compiled(self, program: CProgram, lane: Lane) -> _Built:
        name = secrets.token_hex(16)
        # To link a library takes a quarter of the whole time, so that mathematics come where they are asked for.
        words = ["-pipe", "-x", "c", "-", *(["-lm"] if "math.h" in program.source else []), "-o"]
        limits = self.launcher.settings.limits.inside()
        job = {
            "kind": "command",
            "command": [self.path, *self.flags, *program.flags, *words, self._seen(name)],
            "environment": {"PATH": "/usr/bin:/bin", "TMPDIR": "{scratch}", "LC_ALL": "C"},
            "cases": [([], f'# 1 "program.c"\n{program.source}')],
            "bounded": True,
            "limits": {**limits, **_LIMITS},
        }
        outcome = _finished(job, lane)
        return _Built(name, None if outcome.kind == "ok" else _compile_error(outcome))

    def _environment(self) -> dict[str, str]:
        """What the sanitizers are told: reports go to a file, so that no printed line can be taken for one."""
        both = f"exitcode={SANITIZED}:log_path={{scratch}}/report:print_summary=0"
        memory = self.launcher.settings.limits.memory_mib
        address = (
            f"{both}:detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb={memory}:quarantine_size_mb=16:"
            "detect_stack_use_after_return=1:malloc_context_size=1:symbolize=0"
        )
        return {
            "PATH": "/usr/bin:/bin",
            "HOME": "{scratch}",
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "ASAN_OPTIONS": address,
            "UBSAN_OPTIONS": both,
        }

    def _seen(self, name: str) -> str:
        """Path of a compiled program as the sandbox sees it."""
        return f"/{self.built.name}/{name}" if self.launcher.isolated else str(self.built / name)

    def _forget(self) -> None:
        """Nobody runs anything: all files go, those too that a compiler left when it was stopped."""
        self._known.clear()
        for path in self.built.iterdir():
            path.unlink()


@dataclass(frozen=True)
class _Built:
    """A compiled program's file, or why there is none."""

    name: str
    failure: Outcome | None


@dataclass(frozen=True)
class _Lanes:
    """Two sandboxes of one thread: the folder of compiled programs is writable in the first alone."""

    compiling: Lane
    running: Lane

    def close(self) -> None:
        self.compiling.close()
        self.running.close()


def compiler_path(settings: SandboxSettings) -> str:
    """The path of the compiler that the settings ask for, gcc first. Raises ``MissingDependencyError``."""
    names = (settings.compiler,) if settings.compiler else ("gcc", "clang")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None or not Path(found).resolve().is_relative_to("/usr"):
        raise MissingDependencyError(
            f"programs in C need a compiler, and there is no {' and no '.join(names)} in /usr",
            allowed="gcc or clang, with the address and undefined-behaviour sanitizers",
            fix=f"apt-get install {_PACKAGES[names[0]]}",
        )
    return found


def _finished(job: Mapping[str, Any], lane: Lane) -> Outcome:
    """How the compiler ended by itself, or at a limit that is the program's doing: CPU seconds, memory, files.

    One that was killed, or made to wait on a busy machine, says nothing of the program.

    Raises
    ------
    TransientError
        Where it was stopped so twice.
    """
    for _ in range(2):
        outcome = c_outcome({**lane.run(job)[0], "python": False})
        if outcome.kind != "killed" and (outcome.kind, outcome.message) != ("timeout", "wall"):
            return outcome
        lane.close()
    raise TransientError(
        f"the compiler was stopped twice ({outcome.kind} {outcome.detail or outcome.message}), which is no finding"
        " about the program",
        allowed=f"{_LIMITS['wall']:.0f} seconds and {int(_LIMITS['memory']) >> 20} MiB a program",
        fix="run the same command again when the machine is less busy",
    )


def _place(function: str = "??", line: str = "??") -> str:
    """From two lines of addr2line; nothing for code without lines of ours."""
    number = line.rpartition(":")[2].partition(" ")[0]
    return f" in {function}, line {number}" if number.isdigit() and number != "0" else ""


def _compile_error(outcome: Outcome) -> Outcome:
    """The first error with its line, or what else kept the compiler from its work."""
    found = _ERROR.search(outcome.stderr)
    if found is None:
        missing = _LINKING.search(outcome.stderr)
        if missing:
            detail = f"undefined reference to {missing['name']}"
            return Outcome("compile_error", detail=detail, message=detail)
        detail = "the compiler failed" if outcome.kind == "exit" else f"the compiler: {outcome.kind}"
        return Outcome("compile_error", detail=detail, message=outcome.stderr[:_SAID])
    missing = _HEADER.match(found["what"])
    if missing:
        return Outcome("missing_import", detail=missing["header"], message=found[0])
    return Outcome("compile_error", detail=found["what"], message=found[0])
