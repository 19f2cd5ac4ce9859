"""The sandbox's settings in a recipe (``engines.sandbox``): read and checked before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from contrafact.errors import RecipeError, did_you_mean

__all__ = ["UNPROTECTED", "Isolation", "Limits", "SandboxSettings", "read_sandbox_settings"]

Isolation = Literal["bubblewrap", "unprotected"]

UNPROTECTED = (
    "Code ran unprotected (engines.sandbox.isolation): limits on time, memory and output held, but it could read and "
    "write whatever the user can, use the network, and leave files or processes behind."
)
"""What the weaker mode does not protect from; a note of every dataset that was made in it."""

_WHERE = "engines.sandbox"
_ISOLATIONS = ("bubblewrap", "unprotected")
_KEYS = ("isolation", "limits", "compiler", "workers")
_COMPILERS = ("gcc", "clang")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Limits:
    """What one case may use.

    CPU seconds decide, so that a busy machine does not turn an answer into a timeout; wall seconds catch what sleeps.

    Attributes
    ----------
    cpu_seconds, wall_seconds : float
    memory_mib : int
        Address space of a Python process; resident memory of a sanitised C program, looked at every 20 ms, because the
        address sanitizer reserves terabytes. All processes of a case together may hold as much.
    processes : int
        Processes and threads, the first included.
    file_mib : int
        Size of one file; the private ``/tmp`` holds four times as much.
    output_bytes : int
        Of standard output, standard error and the value's text, each.
    """

    cpu_seconds: float = 2.0
    wall_seconds: float = 10.0
    memory_mib: int = 256
    processes: int = 16
    file_mib: int = 16
    output_bytes: int = 65536

    def inside(self) -> dict[str, Any]:
        """The same in the words and units of the supervisor."""
        return {
            "cpu": self.cpu_seconds,
            "wall": self.wall_seconds,
            "memory": self.memory_mib << 20,
            "processes": self.processes,
            "file": self.file_mib << 20,
            "output": self.output_bytes,
        }


@dataclass(frozen=True)
class SandboxSettings:
    """A recipe's ``engines.sandbox``, whole. ``compiler`` is None for whichever is installed, gcc first."""

    isolation: Isolation = "bubblewrap"
    limits: Limits = field(default_factory=Limits)
    compiler: str | None = None
    workers: int = field(default_factory=cores)

    def identity(self) -> dict[str, Any]:
        """What decides outcomes: limits and isolation."""
        return {"isolation": self.isolation, "limits": asdict(self.limits), "compiler": self.compiler}


def read_sandbox_settings(given: Mapping[str, Any]) -> SandboxSettings:
    """Settings from a recipe's mapping. Raises ``RecipeError`` for an unknown key or a value of the wrong kind."""
    _known(given, _KEYS, _WHERE)
    isolation, compiler = given.get("isolation", "bubblewrap"), given.get("compiler")
    if isolation not in _ISOLATIONS:
        raise RecipeError(
            f"{_WHERE}.isolation {isolation!r} is none{did_you_mean(str(isolation), _ISOLATIONS)}",
            allowed="bubblewrap, or unprotected (which does not keep that code from your files and network)",
            fix="remove isolation: bubblewrap is the default",
        )
    if compiler is not None and compiler not in _COMPILERS:
        raise RecipeError(
            f"{_WHERE}.compiler {compiler!r} is not known{did_you_mean(str(compiler), _COMPILERS)}",
            allowed=", ".join(_COMPILERS),
            fix="remove compiler: whichever is installed is taken",
        )
    workers = given.get("workers")
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise RecipeError(f"{_WHERE}.workers: {workers!r} was given", allowed="a whole number from 1 up")
    limits = _limits(given.get("limits") or {})
    return SandboxSettings(isolation, limits, compiler, workers or cores())


def _limits(given: Any) -> Limits:
    where = f"{_WHERE}.limits"
    if not isinstance(given, Mapping):
        raise RecipeError(f"{where}: {given!r} was given", allowed="a mapping", fix="limits: {cpu_seconds: 2}")
    defaults = {each.name: each.default for each in fields(Limits)}
    _known(given, tuple(defaults), where)
    for name, value in given.items():
        kinds = (int, float) if name.endswith("_seconds") else (int,)
        if isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value < 1e9:
            wanted = "a number above 0" if name.endswith("_seconds") else "a whole number above 0"
            raise RecipeError(
                f"{where}.{name}: {value!r} was given", allowed=wanted, fix=f"write {name}: {defaults[name]}"
            )
    return Limits(**given)


def _known(given: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    for key in given:
        if key not in keys:
            raise RecipeError(f"{where} has no setting {key!r}{did_you_mean(str(key), keys)}", allowed=", ".join(keys))
