"""S3 on loopback: moto's server, which speaks the real protocol, with a list of every request that came."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.request import Request, urlopen

from tests.workers.asked import Asked

__all__ = ["S3", "ToAmazon", "environment", "loopback_s3"]

_DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


@dataclass(frozen=True)
class ToAmazon(Asked):
    """One request to S3."""

    @property
    def kind(self) -> str:
        """PUT, GET, HEAD, LIST, DELETE, or what a multipart upload consists of."""
        if self.method == "POST" and "uploads" in self.query:
            return "CREATE"
        if self.method == "POST" and "uploadId" in self.query:
            return "COMPLETE"
        if self.method == "PUT" and "partNumber" in self.query:
            return "PART"
        if self.method == "DELETE" and "uploadId" in self.query:
            return "ABORT"
        if self.method == "POST" and "delete" in self.query:
            return "DELETE"
        return "LIST" if "list-type" in self.query else self.method


@dataclass
class S3:
    """The server. ``denied`` is asked of every request; one for which it is true gets a 403, as without permission."""

    port: int = 0
    asked: list[ToAmazon] = field(default_factory=list)
    denied: Callable[[ToAmazon], bool] = lambda asked: False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kinds(self) -> Counter[str]:
        return Counter(each.kind for each in self.asked)

    def bucket(self, name: str) -> None:
        with urlopen(Request(f"{self.url}/{name}", method="PUT"), timeout=10):  # noqa: S310  # loopback
            pass

    def served(self, application: Any) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
        def call(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
            asked = ToAmazon(
                environ["REQUEST_METHOD"],
                environ["PATH_INFO"],
                environ.get("QUERY_STRING", ""),
                environ.get("HTTP_RANGE", ""),
                int(environ.get("CONTENT_LENGTH") or 0),
            )
            self.asked.append(asked)
            if self.denied(asked):
                environ["wsgi.input"].read(asked.bytes)
                start("403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(_DENIED)))])
                return [_DENIED]
            answer: Iterable[bytes] = application(environ, start)
            return answer

        return call


def environment(server: S3) -> dict[str, str]:
    """What points the usual clients at the server; they need no option then."""
    return {
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }


@contextmanager
def loopback_s3() -> Iterator[S3]:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, type: str, message: str, *args: Any) -> None:
            """Nothing."""

    s3 = S3()
    application = s3.served(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    s3.port = int(re.sub(r"\D", "", str(server.server_port)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield s3
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
