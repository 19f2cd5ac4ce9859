"""Google's object store on loopback: an emulator that speaks its JSON API, with a list of every request that came.

The emulator knows no preconditions. Google answers an upload under ``ifGenerationMatch=0`` with 412 where the object is
there already; this is added here, and so is the end of an upload that is given up (499). The server takes one request
at a time, so that of two creations one is first.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.workers.asked import Asked

__all__ = ["GCS", "ToGoogle", "environment", "loopback_gcs"]


@dataclass(frozen=True)
class ToGoogle(Asked):
    """One request to Google's store."""

    @property
    def kind(self) -> str:
        """UPLOAD in one request; START, PART and ABORT of one in parts; LIST, INFO, GET or DELETE."""
        if self.path.startswith("/upload/"):
            if self.method == "DELETE":
                return "ABORT"
            if "upload_id" in self.query:
                return "PART"
            return "START" if "uploadType=resumable" in self.query else "UPLOAD"
        if self.method == "GET" and not self.path.startswith("/download/") and "alt=media" not in self.query:
            return "LIST" if self.path.endswith("/o") else "INFO"
        return self.method


@dataclass
class GCS:
    """The server. ``refused`` is asked of every request; a status other than 0 is the answer, in Google's words."""

    storage: Any = None
    port: int = 0
    asked: list[ToGoogle] = field(default_factory=list)
    refused: Callable[[ToGoogle], int] = lambda asked: 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kinds(self) -> Counter[str]:
        return Counter(each.kind for each in self.asked)

    def bucket(self, name: str) -> None:
        from gcp_storage_emulator.handlers import buckets

        buckets.create_bucket(name, self.storage)


def environment(server: GCS, nowhere: Path) -> dict[str, str]:
    """What points gcsfs at the server, without the credentials of whoever runs the tests."""
    return {
        "STORAGE_EMULATOR_HOST": server.url,
        "CLOUDSDK_CONFIG": str(nowhere),
        "GOOGLE_CLOUD_PROJECT": "testing",
    }


class _ThereAlreadyError(Exception):
    """The precondition failed."""


_SAID = {
    401: "Anonymous caller does not have storage.objects.create access to the Google Cloud Storage object.",
    403: "somebody@example.org does not have storage.objects.create access to the Google Cloud Storage object.",
    412: "At least one of the pre-conditions you specified did not hold.",
    499: "Client closed request.",
    503: "Backend Error",
}


def _handler(gcs: GCS) -> type:
    from gcp_storage_emulator.server import RequestHandler

    class Handler(RequestHandler):  # type: ignore[misc]  # it ships no types
        def answer(self, route: Callable[[], None]) -> None:
            split = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            asked = ToGoogle(self.command, unquote(split.path), split.query, self.headers.get("Range", ""), length)
            gcs.asked.append(asked)
            status = 499 if asked.kind == "ABORT" else gcs.refused(asked)
            if status:
                self.rfile.read(length)
                self.say(status)
                return
            self.storage.only_new = parse_qs(split.query).get("ifGenerationMatch") == ["0"]
            try:
                route()
            except _ThereAlreadyError:
                self.say(412)

        def say(self, status: int) -> None:
            content = json.dumps({"error": {"code": status, "message": _SAID[status]}}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:  # noqa: N802  # as the base class has it
            self.answer(super().do_GET)

        def do_POST(self) -> None:  # noqa: N802  # as the base class has it
            self.answer(super().do_POST)

        def do_PUT(self) -> None:  # noqa: N802  # as the base class has it
            self.answer(super().do_PUT)

        def do_DELETE(self) -> None:  # noqa: N802  # as the base class has it
            self.answer(super().do_DELETE)

    return Handler


def _storage() -> Any:
    from gcp_storage_emulator.storage import Storage

    class Conditional(Storage):  # type: ignore[misc]  # it ships no types
        only_new = False

        def create_file(self, bucket_name: str, file_name: str, *args: Any) -> None:
            if self.only_new and file_name in self.objects.get(bucket_name, {}):
                raise _ThereAlreadyError
            super().create_file(bucket_name, file_name, *args)

    return Conditional(use_memory_fs=True)


class _Server(HTTPServer):
    request_queue_size = 128

    def handle_error(self, *args: Any) -> None:
        """Say nothing of a client that went away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*args)


@contextmanager
def loopback_gcs() -> Iterator[GCS]:
    logging.getLogger("gcp_storage_emulator").setLevel(logging.CRITICAL)  # it warns of every answer
    gcs = GCS(_storage())
    server = _Server(("127.0.0.1", 0), partial(_handler(gcs), gcs.storage))
    gcs.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gcs
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
