"""A whole Prefect server in a process of its own, with its scheduler, on loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

PATIENCE = 400.0
_BUSY_SECONDS = 120.0
_QUICK = {
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2",
    "PREFECT_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "2",
    "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
    "PREFECT_UI_ENABLED": "false",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    "DO_NOT_TRACK": "1",
}


@dataclass
class Server:
    """``prefect server start``, which can be stopped and started again at the same place."""

    home: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def start(self) -> None:
        with (self.home.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.port)],
                env={**os.environ, **_QUICK, "PREFECT_HOME": str(self.home)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self.answers, "the server did not start")

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End the server with all that belongs to it."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            self.process.wait(timeout=PATIENCE)
            self.process = None

    def answers(self) -> bool:
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.api}/health", timeout=2).is_success
        return False

    def asked(self, path: str, body: Any) -> httpx.Response:
        return asked(f"{self.api}/{path}", body)

    def find(self, what: str, **filters: Any) -> list[dict[str, Any]]:
        return found(self.api, what, filters)


def asked(url: str, body: Any) -> httpx.Response:
    """What a Prefect server answers to a POST, asked again where it says 503, as Prefect's own client does.

    That is its answer while another connection holds the lock of its SQLite for long, as on a busy machine.
    """
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        answer = httpx.post(url, json=body, timeout=60)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            return answer
        time.sleep(1.0)


def found(api: str, what: str, filters: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a Prefect API that pass filters."""
    rows: list[dict[str, Any]] = asked(f"{api}/{what}/filter", filters).raise_for_status().json()
    return rows


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Server]:
    """One that runs."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        made = Server(folder / "home", one.getsockname()[1])
    made.home.mkdir(parents=True)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def until(holds: Any, otherwise: Any, seconds: float = PATIENCE) -> Any:
    """Wait for something to hold, and give what it gave; ``otherwise`` says, or is called to say, what went wrong."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.TimeoutException):  # a busy machine
            if found := holds():
                return found
        assert time.monotonic() < deadline, otherwise() if callable(otherwise) else otherwise
        time.sleep(0.3)
