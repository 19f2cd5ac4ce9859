"""How a sandbox's process is started: under bubblewrap, or bare where the recipe asks for that by name.

::

    bwrap ─► namespaces (user or root's own, processes, network, IPC, hostname, cgroups), a read-only tree of /usr,
      │      the Python prefix and a few files of /etc, an empty /tmp of limited size, seccomp, no capabilities
      └─► python harness (process 1 in there) ─► programs
"""

from __future__ import annotations

import json
import os
import py_compile
import secrets
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contrafact.engines.sandbox.settings import SandboxSettings
from contrafact.errors import MissingDependencyError

__all__ = ["Launcher", "open_launcher"]

_INSIDE = Path(__file__).with_name("inside")
_USERS = "nobody:x:65534:65534:nobody:/tmp:/bin/false\n"
_NAMESPACES = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",  # noqa: S108  # the sandbox's own
    "TMPDIR": "/tmp",  # noqa: S108
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",
}
_FLAGS = ("-S", "-s", "-P", "-B", "-X", "utf8")
_PROBE_SECONDS = 60


@dataclass(frozen=True)
class Launcher:
    """Starts sandboxes of one kind.

    Attributes
    ----------
    settings : SandboxSettings
    folder : Path
        Of this process: the harness, files for ``/etc``, programs that were compiled.
    rooted : bool
        Whether bubblewrap starts with root's rights and the harness gives them up. Otherwise a user namespace has none
        to begin with.
    """

    settings: SandboxSettings
    folder: Path
    rooted: bool = False

    @property
    def isolated(self) -> bool:
        """Whether bubblewrap stands between the code and the machine."""
        return self.settings.isolation == "bubblewrap"

    def command(
        self, results: int, seccomp: int | None, scratch: Path, binds: Sequence[tuple[Path, bool]]
    ) -> list[str]:
        """The command of one start.

        Parameters
        ----------
        results : int
            Descriptor that the harness replies on.
        seccomp : int, optional
            Descriptor with the filter.
        scratch : Path
            Folder of the programs, where there is no bubblewrap.
        binds : sequence of (folder, writable)
            What else is seen inside, under the same path.
        """
        python, prefix = _python()
        if not self.isolated:
            harness = str(self.folder / "harness")
            return [str(python), *_FLAGS, harness, str(results), self._options(str(scratch))]
        inner, mounts = _mounted(python, prefix)
        size = str(self.settings.limits.file_mib << 22)
        words = [_bubblewrap(), *_NAMESPACES, *self._rights(), "--die-with-parent", "--new-session", "--as-pid-1"]
        words += ["--clearenv", *_each("--setenv", _environment(prefix).items())]
        words += [*_system(), *mounts, "--ro-bind", str(self.folder / "harness"), "/harness"]
        words += ["--ro-bind", str(self.folder / "etc"), "/etc"]
        words += ["--proc", "/proc", "--dev", "/dev", "--size", size, "--perms", "1777", "--tmpfs", "/tmp"]  # noqa: S108
        for folder, writable in binds:
            words += ["--bind" if writable else "--ro-bind", str(folder), f"/{folder.name}"]
        words += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]  # noqa: S108
        words += ["--seccomp", str(seccomp)] if seccomp is not None else []
        return [*words, "--", inner, *_FLAGS, "/harness", str(results), self._options("/tmp")]  # noqa: S108

    def environment(self) -> dict[str, str]:
        """Environment variables of a start without bubblewrap."""
        return {**_ENVIRONMENT, "HOME": "/nonexistent"}

    def _rights(self) -> list[str]:
        if self.rooted:  # the harness needs these two to become nobody, and loses them by that
            return ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
        return ["--unshare-user", "--disable-userns", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"]

    def _options(self, scratch: str) -> str:
        # A user for this start alone: limits on processes are counted by user.
        uid = 1_000_000_000 + secrets.randbelow(1_000_000_000) if self.rooted else None
        counted = self.isolated and (self.rooted or (os.geteuid() != 0 and _release() >= (5, 14)))
        options: dict[str, Any] = {"uid": uid, "isolated": self.isolated, "scratch": scratch, "counted": counted}
        return json.dumps(options)


def open_launcher(settings: SandboxSettings) -> Launcher:
    """A launcher that was tried once.

    Raises
    ------
    MissingDependencyError
        Where bubblewrap is not installed or does not work here, with the weaker mode and what it does not protect from.
    """
    folder = _furnished()
    if settings.isolation == "unprotected":
        return Launcher(settings, folder)
    if shutil.which("bwrap") is None:
        shutil.rmtree(folder)
        raise _missing("the sandbox needs bubblewrap, which is not installed", "apt-get install bubblewrap")
    why = ""
    for rooted in _rooted():
        launcher = Launcher(settings, folder, rooted)
        why = _tried(launcher)
        if not why:
            return launcher
    shutil.rmtree(folder)
    raise _missing(
        f"bubblewrap does not work on this machine: {why}",
        "allow user namespaces (sysctl kernel.unprivileged_userns_clone=1 on Debian, "
        "kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu; "
        "in a container --security-opt seccomp=unconfined --security-opt systempaths=unconfined)",
    )


def _rooted() -> tuple[bool, ...]:
    """Ways to start bubblewrap, the better one first."""
    return (True, False) if os.geteuid() == 0 else (False,)


def _missing(what: str, fix: str) -> MissingDependencyError:
    return MissingDependencyError(
        what,
        allowed="bubblewrap, or engines.sandbox.isolation: unprotected, with which the code can read and write "
        "whatever you can, use the network, and leave files or processes behind",
        fix=fix,
    )


def _tried(launcher: Launcher) -> str:
    """Start it without any job; what went wrong, or nothing."""
    from contrafact.engines.sandbox.start import Start

    start = Start(launcher)
    start.finish(_PROBE_SECONDS)
    return "" if start.process.returncode == 0 else start.said() or f"it ended with {start.process.returncode}"


def _furnished() -> Path:
    """A private folder with what a sandbox shows of ours: the harness by itself, and a minimal ``/etc``."""
    folder = Path(tempfile.mkdtemp(prefix="contrafact-sandbox-"))
    package = folder / "harness" / Path(*__package__.split("."), "inside")
    package.mkdir(parents=True)
    for file in _INSIDE.glob("*.py"):
        shutil.copyfile(file, package / file.name)
    shutil.move(package / "__main__.py", folder / "harness" / "__main__.py")
    for file in package.glob("*.py"):  # compiled once, not at every start
        py_compile.compile(str(file), doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    etc = folder / "etc"
    etc.mkdir()
    (etc / "passwd").write_text(_USERS, encoding="ascii")
    (etc / "group").write_text("nobody:x:65534:\n", encoding="ascii")
    if Path("/etc/ld.so.cache").is_file():
        shutil.copyfile("/etc/ld.so.cache", etc / "ld.so.cache")
    for path in (folder, *folder.rglob("*")):  # whoever starts us may have a umask that hides files from others
        path.chmod(0o755 if path.is_dir() else 0o644)
    folder.chmod(0o700)
    return folder


def _python() -> tuple[Path, Path]:
    """The interpreter behind a virtual environment, and its prefix."""
    prefix = Path(sys.base_prefix).resolve()
    given = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    return given, prefix


def _mounted(python: Path, prefix: Path) -> tuple[str, list[str]]:
    """The interpreter's path inside, and how its prefix gets there; ``/usr`` is there anyway."""
    if prefix.is_relative_to("/usr"):
        return str(python), []
    return str(Path("/python") / python.relative_to(prefix)), ["--ro-bind", str(prefix), "/python"]


def _environment(prefix: Path) -> dict[str, str]:
    return _ENVIRONMENT if prefix.is_relative_to("/usr") else {**_ENVIRONMENT, "LD_LIBRARY_PATH": "/python/lib"}


def _system() -> list[str]:
    """``/usr`` and the folders beside it: links into it on most systems, folders of their own on older ones."""
    words = ["--ro-bind", "/usr", "/usr"]
    for path in map(Path, ("/bin", "/lib", "/lib64", "/lib32")):
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    return words


def _each(option: str, pairs: Any) -> list[str]:
    return [word for name, value in pairs for word in (option, name, value)]


def _bubblewrap() -> str:
    return shutil.which("bwrap") or "bwrap"


def _release() -> tuple[int, ...]:
    """The kernel's version; from 5.14 on it counts processes by user namespace."""
    numbers = os.uname().release.split("-")[0].split(".")[:2]
    return tuple(int(number) for number in numbers if number.isdigit())
