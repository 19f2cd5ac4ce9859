"""Hooks: a web address gets a JSON POST, a command the same JSON; neither can break a run."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from contrafact.errors import UserError
from flows.scheduling import hooks
from flows.scheduling.hooks import COMPLETION, check_hooks, told

MESSAGE = {"event": "completed", "folder": "outputs/toy", "accepted": 3}


@dataclass
class Listener:
    """A web hook's other end, on loopback, that answers as it is told."""

    url: str
    answers: list[int] = field(default_factory=list)
    got: list[dict[str, object]] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            made.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(made.answers.pop(0) if made.answers else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_PAUSE_SECONDS", 0.0)


def hooked(monkeypatch: pytest.MonkeyPatch, *given: str) -> list[str]:
    monkeypatch.setenv(COMPLETION, json.dumps(given))
    return told(COMPLETION, MESSAGE)


def test_a_web_hook_gets_the_message(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hooked(monkeypatch, listener.url) == []
    assert listener.got == [MESSAGE]


def test_a_web_hook_is_tried_three_times(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    listener.answers = [503, 500, 200]
    assert hooked(monkeypatch, listener.url) == []
    assert len(listener.got) == 3
    listener.answers = [500] * 9
    assert hooked(monkeypatch, listener.url) == ["the web hook answered 500"]
    assert len(listener.got) == 6


def test_a_web_hook_that_is_not_there_is_told_without_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    [problem] = hooked(monkeypatch, "http://127.0.0.1:9/secret")
    assert problem == "the web hook could not be reached (ConnectError)"


def test_a_command_gets_the_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "told"
    assert hooked(monkeypatch, f"sh -c 'cat > {out}; echo $CONTRAFACT_EVENT $CONTRAFACT_FOLDER >> {out}'") == []
    text = out.read_text(encoding="utf-8")
    assert json.loads(text.partition("}")[0] + "}") == MESSAGE
    assert text.endswith("}completed outputs/toy\n")


def test_every_hook_is_told_whatever_the_others_do(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    problems = hooked(monkeypatch, "sh -c 'echo no >&2; exit 3'", "/not/there", listener.url)
    assert problems[0] == "the command sh … ended with 3: no"
    assert problems[1].startswith("the command /not/there failed: ")
    assert listener.got == [MESSAGE]


def test_what_is_said_of_a_command_that_fails_holds_none_of_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_COMMAND_SECONDS", 0.2)
    problems = hooked(monkeypatch, "sh -c 'exit 3' SECRET", "sh -c 'sleep 5' SECRET")
    assert problems == ["the command sh … ended with 3: ", "the command sh failed: it did not end in 0 s"]


def test_no_hooks_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(COMPLETION, raising=False)
    assert told(COMPLETION, MESSAGE) == []


@pytest.mark.parametrize("hook", ["", "not-a-command-of-this-machine --x", "ftp://example.org", "sh -c 'open"])
def test_what_can_be_no_hook_is_told_before_the_first_night(hook: str) -> None:
    with pytest.raises(UserError, match="the hook"):
        check_hooks([hook])


def test_what_can_be_one_is_let_through() -> None:
    check_hooks(["https://hooks.example.org/x", "sh -c 'exit 0'"])
