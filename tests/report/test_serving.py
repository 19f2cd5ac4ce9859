"""The review server: for this machine's own page, and for nobody else."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from contrafact.errors import RunDirectoryError
from contrafact.review import latest, marks_file, read_marks
from contrafact.review.serving import ReviewServer
from tests.core.builds import every_pair
from tests.report.datasets import HOSTILE, built


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("reviews", tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def server(reviews: Path) -> Iterator[ReviewServer]:
    with ReviewServer(reviews, "ada") as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield running
        running.shutdown()
        thread.join(10)


def call(server: ReviewServer, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    connection.request(method, path, content, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    told = answer.status, answer.read()
    connection.close()
    return told


def test_the_page_and_the_marks_are_there_for_who_has_the_token(server: ReviewServer, reviews: Path) -> None:
    status, page = call(server, "GET", f"/?token={server.token}")
    assert status == 200
    assert page.startswith(b"<!doctype html>")
    assert server.token.encode() in page
    assert HOSTILE.encode() not in page
    pair = every_pair(reviews)["pair_id"][0].as_py()
    status, _ = call(server, "POST", "/marks", {"pair_id": pair, "reviewer": "ada", "mark": "right"},
                     X_Contrafact_Token=server.token)  # fmt: skip
    assert status == 200
    status, told = call(server, "GET", "/marks", X_Contrafact_Token=server.token)
    assert [pair, "ada", "right"] in json.loads(told)["marks"]
    found, _ = read_marks(marks_file(reviews))
    assert latest(found)[pair, "ada"].digest


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:80", ""])
def test_another_host_name_is_refused(server: ReviewServer, host: str) -> None:
    for method, path in (("GET", f"/?token={server.token}"), ("GET", "/marks"), ("POST", "/marks")):
        status, told = call(
            server, method, path, {} if method == "POST" else None, Host=host, X_Contrafact_Token=server.token
        )
        assert status == 403
        assert b"127.0.0.1 alone" in told


@pytest.mark.parametrize("token", ["", "wrong", "é".encode().decode("latin-1")])
def test_without_the_token_nothing_is_told_or_stored(server: ReviewServer, token: str, reviews: Path) -> None:
    before = marks_file(reviews).read_bytes() if marks_file(reviews).exists() else b""
    assert call(server, "GET", "/")[0] == 403
    assert call(server, "GET", "/marks", X_Contrafact_Token=token)[0] == 403
    assert call(server, "POST", "/marks", {"pair_id": "x"}, X_Contrafact_Token=token)[0] == 403
    assert (marks_file(reviews).read_bytes() if marks_file(reviews).exists() else b"") == before


def test_a_page_of_another_origin_is_refused_even_with_the_token(server: ReviewServer) -> None:
    mark = {"pair_id": "x", "reviewer": "eve", "mark": "right"}
    status, _ = call(server, "POST", "/marks", mark, X_Contrafact_Token=server.token, Origin="https://evil.example")
    assert status == 403


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"pair_id": "no such pair", "reviewer": "ada", "mark": "right"}, "no such pair"),
        ({"pair_id": None, "reviewer": "ada", "mark": "right"}, "no such pair"),
        ({"reviewer": " ", "mark": "right"}, "a reviewer's name"),
        ({"reviewer": "x" * 200, "mark": "right"}, "a reviewer's name"),
        ({"reviewer": "a\nb", "mark": "right"}, "a reviewer's name"),
        ({"reviewer": "ada", "mark": "perfect"}, "a mark is one of"),
        (b"not json", "a JSON object"),
        (b"[]", "a JSON object"),
        (b"x" * 100_000, "a JSON object"),
    ],
)
def test_a_mark_that_is_none_is_not_stored_and_says_why(
    server: ReviewServer, body: Any, why: str, reviews: Path
) -> None:
    if isinstance(body, dict):
        body = {"pair_id": every_pair(reviews)["pair_id"][0].as_py(), **body}
    before = read_marks(marks_file(reviews))
    status, told = call(server, "POST", "/marks", body, X_Contrafact_Token=server.token)
    assert status == 400
    assert why in json.loads(told)["error"]
    assert read_marks(marks_file(reviews)) == before


def test_there_is_nothing_else_to_get(server: ReviewServer) -> None:
    for path in ("/data/train-00000.parquet", "/../manifest.json", "/marks/"):
        assert call(server, "GET", path, X_Contrafact_Token=server.token)[0] == 404


def test_what_is_no_dataset_is_not_served(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="no run directory"):
        ReviewServer(tmp_path)
