"""A loopback server that speaks ``/v1/files`` and ``/v1/batches`` as OpenAI does. It holds no model.

A batch goes through ``validating``, ``in_progress`` and ``finalizing``, a step each time it is looked at, and ends as
it is told to. Every line of its input is answered by ``answer``; what that refuses is in the error file, as with the
provider.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

__all__ = ["BatchServer", "Line", "refusal", "reply"]

Line = Mapping[str, Any]
_STEPS = ("validating", "in_progress", "finalizing")


def reply(line: Line, text: str | None = None, finish: str = "stop") -> tuple[int, dict[str, Any]]:
    """A proper answer to one line: by default a text that depends on the whole question."""
    body = line["body"]
    said = text if text is not None else f"reply {hashlib.sha256(json.dumps(body).encode()).hexdigest()[:12]}"
    chat = line["url"] == "/v1/chat/completions"
    part = {"message": {"role": "assistant", "content": said}} if chat else {"text": said}
    choice = {"index": 0, "finish_reason": finish, **part}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    return 200, {"id": "one", "model": body["model"], "choices": [choice], "usage": usage}


def refusal(status: int, message: str = "told to refuse") -> tuple[int, dict[str, Any]]:
    """An answer with an error status."""
    return status, {"error": {"message": message, "type": "error", "code": None, "param": None}}


class BatchServer:
    """The server, on a free port of 127.0.0.1.

    Parameters
    ----------
    answer : callable
        ``(line, number of the batch) -> (status, body)``; None for a line that never comes back.
    end : callable
        ``number of the batch -> status`` in which it ends.
    looks : int
        How often a batch is looked at before it ends; a negative number for never.
    key : str
        The key that calls must carry.

    Attributes
    ----------
    paid : list of str
        ``custom_id`` of every line that was answered with status 200.
    batches : list of dict
        In the order in which they were made.
    """

    def __init__(
        self,
        answer: Callable[[Line, int], tuple[int, dict[str, Any]] | None] = lambda line, number: reply(line),
        end: Callable[[int], str] = lambda number: "completed",
        looks: int = 3,
        key: str = "sk-secret",
    ) -> None:
        self.answer, self.end, self.looks, self.key = answer, end, looks, key
        self.batches: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.paid: list[str] = []
        self.fail_next: list[tuple[str, int]] = []
        self.made = threading.Event()
        self._guard = threading.Lock()
        self._seen: dict[str, int] = {}
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    @property
    def sent(self) -> list[str]:
        """``custom_id`` of every line of every batch."""
        return [line["custom_id"] for batch in self.batches for line in self.lines(batch)]

    def lines(self, batch: Mapping[str, Any]) -> list[Line]:
        return [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.shutdown()
        self._thread.join(10)
        self._http.server_close()

    def handle(self, method: str, path: str, content: bytes, kind: str) -> tuple[int, Any] | None:
        """Status and body of a call; None to cut the connection after the work was done."""
        with self._guard:
            for entry in list(self.fail_next):
                if f"{method} {path}".startswith(entry[0]):
                    self.fail_next.remove(entry)
                    if entry[1]:
                        return refusal(entry[1])
                    self._route(method, path, content, kind)
                    return None
            return self._route(method, path, content, kind)

    def _route(self, method: str, path: str, content: bytes, kind: str) -> tuple[int, Any]:
        place = path.partition("?")[0].removeprefix("/v1/").split("/")
        match method, *place:
            case "GET", "models":
                return 200, {"object": "list", "data": [{"id": "loopback", "object": "model"}]}
            case "POST", "files":
                fields = _multipart(content, kind)
                assert fields["purpose"] == b"batch"
                return 200, self._stored(fields["file"])
            case "GET", "files", file, "content" if file in self.files:
                return 200, self.files[file]
            case "POST", "batches":
                return 200, self._make(json.loads(content))
            case "GET", "batches":
                return 200, {"object": "list", "data": self.batches[::-1], "has_more": False}
            case "GET", "batches", name:
                found = [batch for batch in self.batches if batch["id"] == name]
                return (200, self._look(found[0])) if found else refusal(404, "no such batch")
        return refusal(404, "no such route")

    def _stored(self, content: bytes) -> dict[str, Any]:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return {
            "id": name,
            "object": "file",
            "bytes": len(content),
            "created_at": 0,
            "filename": f"{name}.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def _make(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        batch = {
            "id": f"batch-{len(self.batches)}",
            "object": "batch",
            "created_at": 0,
            "status": "validating",
            "completion_window": asked["completion_window"],
            "endpoint": asked["endpoint"],
            "input_file_id": asked["input_file_id"],
            "metadata": asked.get("metadata"),
            "output_file_id": None,
            "error_file_id": None,
            "errors": None,
        }
        self.batches.append(batch)
        for line in self.lines(batch):
            assert line["method"] == "POST"
            assert line["url"] == asked["endpoint"]
        self.made.set()
        return batch

    def _look(self, batch: dict[str, Any]) -> dict[str, Any]:
        seen = self._seen[batch["id"]] = self._seen.get(batch["id"], -1) + 1
        if batch["status"] in _STEPS:
            batch["status"] = _STEPS[min(seen, len(_STEPS) - 1)]
            if 0 <= self.looks <= seen:
                self._finish(batch)
        return batch

    def _finish(self, batch: dict[str, Any]) -> None:
        number = self.batches.index(batch)
        batch["status"] = self.end(number)
        if batch["status"] == "failed":
            batch["errors"] = {"object": "list", "data": [{"code": "bad", "message": "told to fail", "line": 1}]}
            return
        good: list[dict[str, Any]] = []
        bad: list[dict[str, Any]] = []
        for line in self.lines(batch):
            answered = self.answer(line, number)
            if answered is None and batch["status"] == "expired":
                error = {"code": "batch_expired", "message": "This request could not be executed in time."}
                bad.append({"id": "x", "custom_id": line["custom_id"], "response": None, "error": error})
            elif answered is not None:
                status, body = answered
                response = {"status_code": status, "request_id": "r", "body": body}
                whole = {"id": "x", "custom_id": line["custom_id"], "response": response, "error": None}
                (good if status == 200 else bad).append(whole)
        self.paid += [line["custom_id"] for line in good]
        # In no order: the provider promises none.
        for name, rows in (("output_file_id", good[::-1]), ("error_file_id", bad)):
            if rows:
                batch[name] = self._stored("".join(json.dumps(row) + "\n" for row in rows).encode())["id"]


def _multipart(content: bytes, kind: str) -> dict[str, bytes]:
    boundary = b"--" + kind.partition("boundary=")[2].strip('"').encode()
    fields = {}
    for part in content.split(boundary)[1:-1]:
        head, _, value = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = head.partition(b'name="')[2].partition(b'"')[0].decode()
        fields[name] = value
    return fields


def _handler(server: BatchServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            content = self._content()
            if self.headers.get("Authorization") != f"Bearer {server.key}":
                answered: tuple[int, Any] | None = refusal(401, "Incorrect API key provided")
            else:
                answered = server.handle(self.command, self.path, content, self.headers.get("Content-Type", ""))
            if answered is None:
                self.close_connection = True
                return
            status, body = answered
            payload = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header(
                "Content-Type", "application/octet-stream" if isinstance(body, bytes) else "application/json"
            )
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = _do  # noqa: N815  # the names that http.server calls

        def _content(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                parts = []
                while size := int(self.rfile.readline().strip() or b"0", 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
