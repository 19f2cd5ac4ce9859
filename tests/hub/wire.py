"""HTTP as the loopback hub speaks it: bodies in, JSON and stretches of files out, faults on the way."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.hub.faults import Faults
from tests.hub.store import Refused

__all__ = ["Wire"]

_BLOCK = 1 << 20


class Wire(BaseHTTPRequestHandler):
    """One connection. A subclass has ``faults``, ``calls`` and :meth:`route`."""

    faults: Faults
    calls: list[str]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def route(self, method: str, path: str) -> None:
        """Answer a call. ``Refused`` is sent as what it says."""
        raise NotImplementedError

    def log_message(self, *_: object) -> None:
        """Silence: ``calls`` is the log."""

    def do_GET(self) -> None:  # named by http.server
        self._serve("GET")

    def do_HEAD(self) -> None:
        self._serve("HEAD")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        self.taken = False
        split = urlsplit(self.path)
        self.query = parse_qs(split.query)
        call = f"{method} {split.path}"
        self.calls.append(call)
        fault = self.faults.met(call)
        if fault is not None:
            time.sleep(fault.delay)
            if fault.status != 200:
                self._fail(fault.status, fault.body, fault.headers)
                return
        try:
            self.route(method, split.path)
        except Refused as refused:
            self._drain()
            words = {"X-Error-Code": refused.code, "X-Error-Message": refused.message}
            self.json({"error": refused.message}, refused.status, words)

    def _fail(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        if not status:
            self.close_connection = True
        else:
            self._drain()
            self.send(status, body.encode(), {"Content-Type": "text/plain", **headers})

    def _drain(self) -> None:
        """Read what the client still sends, so that it comes to read the answer."""
        if not self.taken:
            for _ in self.blocks():
                pass

    def blocks(self) -> Iterator[bytes]:
        """The body of the call, a stretch at a time."""
        self.taken = True
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            block = self.rfile.read(min(left, _BLOCK))
            if not block:
                raise ConnectionError("the client went away")
            left -= len(block)
            yield block

    def body(self) -> bytes:
        """The whole body of the call."""
        return b"".join(self.blocks())

    def given(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body() or b"{}")

    def json(self, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Answer in JSON."""
        self.send(status, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Answer, without the body where only the head was asked for."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def file(self, path: Path, headers: Mapping[str, str]) -> None:
        """Answer with a file, or the stretch of it that ``Range`` asks for."""
        size = path.stat().st_size
        start, stop, status, span = 0, size, 200, {}
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or "")
        if asked:
            first, last = asked.groups()
            start = int(first) if first else max(0, size - int(last))
            stop = min(size, int(last) + 1) if first and last else size
            if start >= size:
                raise Refused(416, "", "Range Not Satisfiable")
            status, span = 206, {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}
        self.send_response(status)
        for name, value in {**headers, **span, "Accept-Ranges": "bytes", "Content-Length": str(stop - start)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        with path.open("rb") as file:
            file.seek(start)
            while start < stop and (block := file.read(min(_BLOCK, stop - start))):
                self.wfile.write(block)
                start += len(block)
