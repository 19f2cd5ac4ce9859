"""Which Prefect server a build reports to: the one that is named, one of yours that runs already, or one of its own.

Nothing here imports Prefect, which takes longer than many a build: a build works while its server starts.
"""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from contrafact.errors import UserError

__all__ = ["RECORDING", "OwnServer", "check_server", "named_server", "own_running_server", "server_version", "why_not"]

_LISTENS = "0A"
_PROBE_SECONDS = 5.0
_START_SECONDS = 120.0

RECORDING = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
}
"""Of any server that records many shards: writing each state by itself, as it does by default, costs it 48 ms of a
processor a shard, and 20 ms in batches."""
_LIGHT = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "0",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    **RECORDING,
}
"""Of a server that serves one build. Its start is 7 to 8 s of work for a processor, nearly all of it imports: switching
off services, block types and triggers as well was tried and saved nothing."""


def named_server() -> str | None:
    """The API address that the environment, the current folder's settings or Prefect's profile names, if any does.

    In Prefect's own order: ``PREFECT_API_URL``, ``prefect.toml``, ``pyproject.toml``, the active profile.
    """
    given = os.environ.get("PREFECT_API_URL")
    if given is not None:
        return given or None
    inside = _toml(Path("prefect.toml")) or _toml(Path("pyproject.toml")).get("tool", {}).get("prefect", {})
    found = inside.get("api", {}).get("url")
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    profiles = _toml(Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml").expanduser())
    active = os.environ.get("PREFECT_PROFILE") or profiles.get("active")
    return found or profiles.get("profiles", {}).get(active, {}).get("PREFECT_API_URL") or None


def own_running_server() -> str | None:
    """The address of a server that this user has running at Prefect's usual port; None where there is none.

    Somebody else's is not taken: recipes and pairs are for the eyes of whoever builds.
    """
    port = int(os.environ.get("PREFECT_SERVER_API_PORT") or 4200)
    if not _mine(port):
        return None
    url = f"http://127.0.0.1:{port}/api"
    version = server_version(url)
    return url if version is not None and version.split(".")[0] == _client_version().split(".")[0] else None


def server_version(url: str) -> str | None:
    """The version of Prefect that answers at ``url``; None where nothing or something else does."""
    import httpx

    try:
        answer = httpx.get(f"{url.rstrip('/')}/admin/version", headers=_key(), timeout=_PROBE_SECONDS)
        said = answer.raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return None
    return said if isinstance(said, str) else None


def check_server(url: str) -> str | None:
    """Make sure that a named server answers; a sentence of warning where its version is older than the client's.

    Raises
    ------
    UserError
        Where it does not answer, or its major version is another.
    """
    if reason := why_not(url):
        raise UserError(
            f"no Prefect server answers at {url} ({reason})",
            fix="prefect server start, or unset PREFECT_API_URL, or build with --local",
        )
    theirs, ours = server_version(url), _client_version()
    if theirs is None or theirs == ours:
        return None
    if theirs.split(".")[0] != ours.split(".")[0]:
        raise UserError(
            f"the Prefect server at {url} is version {theirs}, and the client here is {ours}",
            allowed=f"a server of version {ours.split('.')[0]}",
            fix=f"pip install prefect=={ours} where the server runs, or build with --local",
        )
    if _order(theirs) < _order(ours):
        return f"the Prefect server at {url} is version {theirs}, older than the client's {ours}: upgrade the server"
    return None


def why_not(url: str) -> str | None:
    """Why the server at ``url`` does not answer, in a word; None where it does, if only to ask for a key."""
    import httpx

    try:
        answer = httpx.get(f"{url.rstrip('/')}/health", headers=_key(), timeout=_PROBE_SECONDS)
        if answer.status_code not in (401, 403):
            answer.raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return type(error).__name__
    return None


class OwnServer:
    """A Prefect server for one build, started at once and without waiting for it.

    Attributes
    ----------
    url : str
        Where its API will be.
    """

    def __init__(self) -> None:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}/api"
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the process
        self._began = time.monotonic()
        # In a session of its own: Ctrl-C in a terminal goes to every process of the group, and this one is still
        # needed to write down how the build ended.
        self._process = subprocess.Popen(  # noqa: S603  # this very Python
            [sys.executable, "-m", "flows.serverprocess", str(port), str(os.getpid())],
            env={**os.environ, **_LIGHT},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        # Before Prefect is imported, so that it runs after what Prefect still has to send.
        atexit.register(self.stop)

    @property
    def seconds(self) -> float:
        """How long ago it was started."""
        return time.monotonic() - self._began

    def ready(self) -> bool:
        """Whether it answers by now.

        Raises
        ------
        UserError
            Where it ended instead.
        """
        import httpx

        if self._process.poll() is not None:
            raise self._failed("it ended at once")
        try:
            return httpx.get(f"{self.url}/health", timeout=1).is_success
        except httpx.HTTPError:
            return False

    def wait(self) -> None:
        """Come back when it answers. Raises ``UserError`` where it does not within two minutes."""
        while not self.ready():
            if self.seconds > _START_SECONDS:
                raise self._failed(f"it did not answer within {_START_SECONDS:.0f} s")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it, and wait for that. May be called again."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._log.close()
        atexit.unregister(self.stop)

    def _failed(self, how: str) -> UserError:
        self._log.seek(0)
        last = self._log.read().decode(errors="replace").strip().splitlines()
        self.stop()
        return UserError(
            f"the Prefect server of this build did not start: {how}" + (f" ({last[-1][:300]})" if last else ""),
            fix="build with --local, or start one with prefect server start and see what it says",
        )


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _mine(port: int) -> bool:
    """Whether a process of this user listens at a port of this machine."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                return int(fields[7]) == os.getuid()
    return False


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _key() -> dict[str, str]:
    key = os.environ.get("PREFECT_API_KEY")
    return {"Authorization": f"Bearer {key}"} if key else {}


def _client_version() -> str:
    from importlib.metadata import version

    return version("prefect")


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("+", maxsplit=1)[0].split(".") if part.isdigit())
