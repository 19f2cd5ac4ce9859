"""The report on loopback, where a person marks pairs: one page, and the marks behind it.

The server is for the person at this machine alone. It listens on 127.0.0.1; every call carries a token that only its
own page knows, so that another page of the same browser cannot mark or read; and it answers to no other host name, so
that a name that was pointed at loopback is of no use either.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from contrafact.errors import ContrafactError
from contrafact.report.making import report_pages
from contrafact.report.reading import MOST, Shown
from contrafact.review.marks import MARKS, Mark, append, latest, marks_file, read_marks
from contrafact.review.summary import digest_of
from contrafact.store.layout import RunDirectory

__all__ = ["ReviewServer"]

_LONGEST_BODY = 64 * 1024
_LONGEST_NAME = 80


class ReviewServer(ThreadingHTTPServer):
    """Serves one dataset's page until it is shut down.

    Parameters
    ----------
    dataset : Path
        A finished run directory.
    reviewer : str
        Name that the page begins with.
    port : int
        On loopback; 0 takes a free one.
    most : int
        Pairs that the page holds.

    Raises
    ------
    RunDirectoryError
        Where there is no finished dataset.
    """

    daemon_threads = True
    allow_reuse_address = False

    def __init__(self, dataset: Path, reviewer: str = "", port: int = 0, most: int = MOST) -> None:
        self.token = secrets.token_urlsafe(24)
        directory = RunDirectory(dataset)
        shown, pages = report_pages(directory, most, {"token": self.token, "reviewer": reviewer})
        self.review = _Review(shown, marks_file(dataset))
        self.page = "".join(pages).encode()
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def address(self) -> str:
        """What to open, token and all."""
        return f"http://127.0.0.1:{self.server_address[1]}/?token={self.token}"

    @property
    def hosts(self) -> frozenset[str]:
        """Host names that it answers to."""
        return frozenset(f"{name}:{self.server_address[1]}" for name in ("127.0.0.1", "localhost"))


@dataclass
class _Review:
    """The pairs of the page and the marks on them."""

    shown: Shown
    path: Path
    lock: Any = field(default_factory=Lock)

    @cached_property
    def rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.shown.column("pair_id").to_pylist())}

    def marks(self) -> list[list[str | None]]:
        found, _ = read_marks(self.path)
        return [[each.pair_id, each.reviewer, each.mark] for each in latest(found).values()]

    def put(self, told: Mapping[str, Any]) -> str | None:
        """Store a mark. Returns what is wrong with it, if anything is."""
        pair, name, mark = told.get("pair_id"), told.get("reviewer"), told.get("mark")
        if not isinstance(pair, str) or pair not in self.rows:
            return "there is no such pair in this page"
        if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
            return f"a reviewer's name has 1 to {_LONGEST_NAME} visible characters"
        if mark is not None and mark not in MARKS:
            return f"a mark is one of {', '.join(MARKS)}, or null"
        with self.lock:
            whole = self.shown.pairs.slice(self.rows[pair], 1).to_pylist()[0]
            append(self.path, Mark.now(pair, name.strip(), mark, digest_of(whole)))
        return None


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    server_version = "contrafact"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 60
    _headers: ClassVar[Mapping[str, str]] = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if not self._host_is_ours():
            return
        if place.path == "/":
            given = parse_qs(place.query).get("token", [""])[0]
            if not self._token_is_ours(given):
                return
            self._answer(HTTPStatus.OK, self.server.page, "text/html; charset=utf-8")
        elif place.path == "/marks":
            if self._token_is_ours(self.headers.get("X-Contrafact-Token", "")):
                self._say(HTTPStatus.OK, {"marks": self.server.review.marks()})
        else:
            self._say(HTTPStatus.NOT_FOUND, {"error": "there is nothing else here"})

    def do_POST(self) -> None:
        if not self._host_is_ours() or not self._token_is_ours(self.headers.get("X-Contrafact-Token", "")):
            return
        if urlsplit(self.path).path != "/marks":
            self._say(HTTPStatus.NOT_FOUND, {"error": "there is nothing else here"})
            return
        told = self._body()
        if told is None:
            self._say(HTTPStatus.BAD_REQUEST, {"error": "a mark is a JSON object"})
            return
        try:
            wrong = self.server.review.put(told)
        except ContrafactError as error:
            self._say(HTTPStatus.INSUFFICIENT_STORAGE, {"error": error.what})
            return
        self._say(HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK, {"error": wrong} if wrong else {"stored": True})

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the token is in the first address, and a log would keep it."""

    def _body(self) -> dict[str, Any] | None:
        try:
            length = int(self.headers.get("Content-Length", "0"))
        except ValueError:
            length = -1
        if not 0 < length <= _LONGEST_BODY:
            self.close_connection = True  # what was not read is not the next request
            return None
        try:
            told = json.loads(self.rfile.read(length))
        except ValueError:
            return None
        return told if isinstance(told, dict) else None

    def _host_is_ours(self) -> bool:
        if self.headers.get("Host", "") in self.server.hosts:
            return True
        self._refuse("this server answers to 127.0.0.1 alone")
        return False

    def _token_is_ours(self, given: str) -> bool:
        origin = self.headers.get("Origin")
        ours = origin is None or urlsplit(origin).netloc in self.server.hosts
        if ours and hmac.compare_digest(given.encode(), self.server.token.encode()):
            return True
        self._refuse("open the address that contrafact review printed: its token is missing or another one")
        return False

    def _refuse(self, why: str) -> None:
        self.close_connection = True
        self._say(HTTPStatus.FORBIDDEN, {"error": why})

    def _say(self, status: HTTPStatus, told: Any) -> None:
        self._answer(status, json.dumps(told, ensure_ascii=False).encode(), "application/json; charset=utf-8")

    def _answer(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        for name, value in {**self._headers, "Content-Type": kind, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
