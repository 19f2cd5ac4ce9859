"""The sandbox as stages borrow it: Python and C in, outcomes out, in the order that was asked."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from threading import RLock
from typing import Any

from contrafact.engines.sandbox.batch import Lane, spread
from contrafact.engines.sandbox.compiling import Compiler
from contrafact.engines.sandbox.inside.values import encode
from contrafact.engines.sandbox.isolation import Launcher, open_launcher
from contrafact.engines.sandbox.outcome import Case, CCase, CProgram, Outcome, Program
from contrafact.engines.sandbox.reading import python_outcome
from contrafact.engines.sandbox.settings import UNPROTECTED, SandboxSettings, read_sandbox_settings
from contrafact.engines.sandbox.start import Start
from contrafact.errors import MissingDependencyError

__all__ = ["Sandbox", "open_sandbox"]


class Sandbox:
    """Runs code that nobody vouches for. May be called from several threads; holds no process between calls.

    Every call starts one sandbox a core, so that a call with many programs is worth far more than many calls.

    Parameters
    ----------
    settings : SandboxSettings
        Nothing is looked for or started before the first call, or :meth:`open`.
    protected : bool
        Run under bubblewrap whatever the settings say: they are somebody else's, as those of a dataset are.
    """

    def __init__(self, settings: SandboxSettings, *, protected: bool = False) -> None:
        self.settings, self.protected = settings, protected
        self._opened: Compiler | None = None
        self._guard = RLock()

    def open(self) -> None:
        """Make sure that code can be run; every call does so, too.

        Raises
        ------
        MissingDependencyError
            Where bubblewrap is missing or does not work, and the weaker mode was not asked for.
        """
        _ = self._compiler

    @property
    def _compiler(self) -> Compiler:
        with self._guard:
            if self._opened is None:
                launcher = _launcher(self.settings, protected=self.protected)
                self._end = weakref.finalize(self, shutil.rmtree, launcher.folder, ignore_errors=True)
                self._opened = Compiler(launcher)
            return self._opened

    @property
    def _launcher(self) -> Launcher:
        return self._compiler.launcher

    def python(self, source: str, cases: Sequence[Case], *, fresh: bool = False) -> list[Outcome]:
        """Outcomes of one Python module's cases, in order. See :meth:`python_many`."""
        return self.python_many([Program(source, cases, fresh)])[0]

    def python_many(self, programs: Iterable[Program]) -> list[list[Outcome]]:
        """Outcomes of each program's cases, in order.

        A program is loaded once in a process of its own and its cases are called one after another; a case that hangs,
        crashes or breaks a limit loses itself alone, and the others run after a new load. A program that cannot be
        loaded gives all its cases that outcome. Between two programs nothing is left: no process, no file.

        Raises
        ------
        Unstorable
            For an argument that is no plain value.
        """
        jobs = [self._job(each) for each in programs]
        launcher = self._launcher
        return spread(jobs, _python, lambda: Lane(lambda: Start(launcher)), self.settings.workers)

    def c(self, source: str, cases: Sequence[CCase], flags: Sequence[str] = ()) -> list[Outcome]:
        """Outcomes of one C program's runs, in order. See :meth:`c_many`."""
        return self.c_many([CProgram(source, cases, flags)])[0]

    def c_many(self, programs: Iterable[CProgram]) -> list[list[Outcome]]:
        """Outcomes of each C program's runs, in order, under the address and undefined-behaviour sanitizers.

        Each is compiled once, inside; a program that was compiled before in this process is not compiled again.

        Raises
        ------
        MissingDependencyError
            Where there is no compiler with sanitizers, with the package to install.
        """
        return self._compiler.run(list(programs))

    def need_compiler(self) -> str:
        """The compiler's path; raises ``MissingDependencyError`` before any work, as :meth:`c_many` would."""
        return self._compiler.path

    def notes(self) -> list[str]:
        """What a reader of a dataset that is built with these settings must know; empty under bubblewrap."""
        return [UNPROTECTED] if self.settings.isolation == "unprotected" else []

    def close(self) -> None:
        """Remove what was compiled. No process is left to end."""
        if self._opened is not None:
            self._end()

    def _job(self, program: Program) -> dict[str, Any]:
        cases = [
            (case.function, encode(list(case.arguments)), encode(dict(case.keywords)), case.stdin)
            for case in program.cases
        ]
        limits = self.settings.limits.inside()
        return {"kind": "python", "source": program.source, "cases": cases, "fresh": program.fresh, "limits": limits}


def open_sandbox(given: Mapping[str, Any]) -> Sandbox:
    """The sandbox that a recipe's ``engines.sandbox`` asks for, tried once.

    Raises
    ------
    RecipeError
        For settings that cannot be used.
    MissingDependencyError
        Where bubblewrap is missing or does not work, and the weaker mode was not asked for.
    """
    made = Sandbox(read_sandbox_settings(given))
    made.open()
    return made


def _launcher(settings: SandboxSettings, *, protected: bool) -> Launcher:
    if not protected:
        return open_launcher(settings)
    try:
        return open_launcher(replace(settings, isolation="bubblewrap"))
    except MissingDependencyError as error:
        raise MissingDependencyError(
            error.what,
            allowed="bubblewrap: what a dataset brings along is not run on the bare machine",
            fix=f"{error.fix}; or, for a dataset that you trust as your own code, contrafact validate --unprotected",
        ) from None


def _python(job: dict[str, Any], lane: Lane) -> list[Outcome]:
    return [python_outcome({**reply, "python": True}) for reply in lane.run(job)]
